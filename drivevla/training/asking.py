"""What could be asked for at an instant, in which words, and what would follow: the same pictures, other sentences."""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from drivevla.language import Commentary, Instruction, InstructionKind, Language, Split, realise
from drivevla.training.batches import TrainingSample
from drivevla.training.config import DrawConfig
from drivevla.training.order import Pick
from drivevla.types import Future

__all__ = ["Asked", "Wordings", "asked_of", "chosen", "with_choice"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One thing that is or could be asked for, and what follows.

    Attributes:
        sentences: Ways to say it that mean the same; one empty sentence for silence.
        future: What the teacher does then.
        refused: Whether it refuses; None where nobody knows.
        target_speed_mps: The speed that it aims for; None where it is not known.
        explanation: What it does and why; None where it is not known.
        told_pose: (3,) where the car was when it was asked for, x, y, yaw in the ego frame; None for here and now.
        kind: Of the instruction; None where that is not known or there is none.
    """

    sentences: tuple[str, ...]
    future: Future
    refused: bool | None
    target_speed_mps: float | None
    explanation: Commentary | None = None
    told_pose: NDArray[np.float64] | None = None
    kind: InstructionKind | None = None


class Wordings:
    """Other words for an instruction, the same each time; made once for all frames that ask for the same.

    Args:
        each: How many in each language; 0 leaves every sentence as it was recorded.
        languages: Codes of languages.
        seed: Of the draw.
    """

    def __init__(self, each: int, *, languages: Sequence[str] = ("en", "zh"), seed: int = 0) -> None:
        self._each, self._languages, self._seed = each, tuple(Language(code) for code in languages), seed
        self._made: dict[Instruction, tuple[str, ...]] = {}

    def of(self, instruction: Instruction | None) -> tuple[str, ...]:
        """Sentences of the training split; none where the slots are not known."""
        if instruction is None or not self._each:
            return ()
        if instruction not in self._made:
            text = json.dumps(instruction.to_dict(), sort_keys=True, default=str)
            rng = np.random.default_rng([self._seed, zlib.crc32(text.encode())])
            said = [
                realise(instruction, language=language, split=Split.TRAIN, rng=rng)
                for language in self._languages
                for _ in range(self._each)
            ]
            self._made[instruction] = tuple(dict.fromkeys(said))
        return self._made[instruction]


def asked_of(sample: TrainingSample, wordings: Wordings) -> tuple[Asked, ...]:
    """All that could be asked for at a sample's instant; what was asked for comes first."""
    own = Asked(
        sentences=_ways(sample.observation.instruction or "", wordings.of(sample.instruction)),
        future=sample.future,
        refused=sample.refused,
        target_speed_mps=sample.target_speed_mps,
        explanation=sample.explanation,
        told_pose=sample.observation.told_pose,
        kind=_kind(sample.instruction),
    )
    others = (
        Asked(
            sentences=_ways(other.sentence, wordings.of(other.instruction)),
            future=other.future,
            refused=other.refused,
            target_speed_mps=other.target_speed_mps,
            explanation=other.explanation,
            told_pose=other.told_pose,
            kind=_kind(other.instruction),
        )
        for other in sample.alternatives
    )
    return (own, *others)


def chosen(
    sentences: Sequence[Sequence[str]], kinds: Sequence[InstructionKind | None], pick: Pick, draw: DrawConfig
) -> tuple[int, str]:
    """Which of the things that could be asked for a draw asks for, and in which words.

    Args:
        sentences: The ways to say each; the first is what was asked for.
        kinds: Of each.
        pick: The draw.
        draw: How many draws ask for something else, where there is something else, and how often for which kind.
    """
    index = 0
    if len(sentences) > 1 and pick.asked < draw.alternative_share:
        reached = np.cumsum([draw.weight_of(kind) for kind in kinds[1:]])
        index = 1 + int(np.searchsorted(reached, pick.asked / draw.alternative_share * reached[-1], side="right"))
        index = min(index, len(sentences) - 1)
    ways = sentences[index]
    return index, ways[int(pick.worded * len(ways))]


def with_choice(sample: TrainingSample, wordings: Wordings, pick: Pick, draw: DrawConfig) -> TrainingSample:
    """The sample as if the draw's sentence had been asked for."""
    asked = asked_of(sample, wordings)
    index, sentence = chosen([each.sentences for each in asked], [each.kind for each in asked], pick, draw)
    return replace(
        sample,
        observation=replace(sample.observation, instruction=sentence or None, told_pose=asked[index].told_pose),
        future=asked[index].future,
        refused=asked[index].refused,
        target_speed_mps=asked[index].target_speed_mps,
        explanation=asked[index].explanation,
    )


def _kind(instruction: Instruction | None) -> InstructionKind | None:
    return None if instruction is None else instruction.kind


def _ways(recorded: str, others: tuple[str, ...]) -> tuple[str, ...]:
    return (recorded, *others) if recorded else ("",)
