"""What happened on a demonstration drive: kept while driving, written as JSON, read by the report."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from drivevla.demo.hearing import Hearing, Outcome
from drivevla.runs.atomic import write_text_atomically

__all__ = ["Diary", "Glimpse", "Moment", "Told"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """The drive at one question to the policy.

    Attributes:
        time_s: Simulated.
        x_m: Of the car's rear axle, CARLA's world made right-handed.
        y_m: Likewise.
        speed_mps: Along the car.
        limit_mps: The speed limit, where it is known.
        throttle: 0 to 1, as in the tick before.
        brake: Likewise.
        steering: -1 to 1, left positive.
        heard: The sentence in the policy's ears; None in silence.
        said: What the policy says with its plan.
        refused: Whether it refuses.
    """

    time_s: float
    x_m: float
    y_m: float
    speed_mps: float
    limit_mps: float | None
    throttle: float
    brake: float
    steering: float
    heard: str | None
    said: str | None
    refused: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One sentence, and what came of it.

    Attributes:
        number: From 1, in the order in which they were said.
        sentence: As it was said.
        issued_s: When.
        ended_s: When its verdict was found.
        x_m: Where the car was when it was said.
        y_m: Likewise.
        outcome: What came of it.
        must_refuse: Whether only a refusal was right; None where it was not judged.
        refused_share: Of the plans while it was in force, those that refused it.
        understood: Its slots, as the judge reads them; None where it cannot.
        reason: Why it had to be refused, or why it was not judged.
    """

    number: int
    sentence: str
    issued_s: float
    ended_s: float
    x_m: float
    y_m: float
    outcome: Outcome
    must_refuse: bool | None
    refused_share: float
    understood: dict[str, Any] | None
    reason: str

    @classmethod
    def of(
        cls, hearing: Hearing, outcome: Outcome, *, number: int, place_m: tuple[float, float], reason: str = ""
    ) -> Told:
        """A hearing that is over."""
        meaning = hearing.meaning
        return cls(
            number=number,
            sentence=meaning.sentence,
            issued_s=hearing.issued_s,
            ended_s=hearing.issued_s if hearing.ended_s is None else hearing.ended_s,
            x_m=place_m[0],
            y_m=place_m[1],
            outcome=outcome,
            must_refuse=None if meaning.goal is None else meaning.must_refuse,
            refused_share=hearing.refused_share,
            understood=None if meaning.instruction is None else meaning.instruction.to_dict(),
            reason=reason or meaning.reason,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Glimpse:
    """A picture that was kept.

    Attributes:
        path: The file.
        time_s: When.
        number: Of the sentence that was in force; 0 for none.
    """

    path: Path
    time_s: float
    number: int


@dataclass
class Diary:
    """All that a drive leaves in words and numbers.

    Attributes:
        moments: In the order of time.
        told: Sentences with a verdict.
        unsaid: Sentences that there was no time for.
        glimpses: Pictures.
        collisions: How many others the car touched.
        driven_m: How far it came.
        privileged: Whether the policy was told the truth.
        policy: Who drove.
        backend: Which simulator.
        map_name: On which map.
    """

    policy: str
    privileged: bool
    backend: str
    map_name: str
    moments: list[Moment] = field(default_factory=list)
    told: list[Told] = field(default_factory=list)
    unsaid: Sequence[str] = ()
    glimpses: list[Glimpse] = field(default_factory=list)
    collisions: int = 0
    driven_m: float = 0.0

    @property
    def end_s(self) -> float:
        """When the drive was over."""
        return self.moments[-1].time_s if self.moments else 0.0

    def write(self, path: Path) -> None:
        """Write it as JSON, without the pictures."""
        content = {
            "policy": self.policy,
            "privileged": self.privileged,
            "backend": self.backend,
            "map": self.map_name,
            "end_s": self.end_s,
            "driven_m": round(self.driven_m, 1),
            "collisions": self.collisions,
            "sentences": [dataclasses.asdict(each) for each in self.told],
            "unsaid": list(self.unsaid),
        }
        write_text_atomically(path, json.dumps(content, indent=2, ensure_ascii=False) + "\n")
