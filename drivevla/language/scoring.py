"""How well generated sentences say what they should: slots parsed from them, compared with the true slots.

The template slot score of commentary and instructions: per-slot precision, recall and F1 and exact match. It reads
sentences with the grammar (``drivevla.language.parsing``), which is allowed for scoring only. A sentence that cannot
be read is counted apart and listed; the slot figures are over the sentences that were read, so they are to be quoted
together with ``parse_rate``.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from drivevla.errors import ContractError
from drivevla.language.commentary import Commentary
from drivevla.language.instruction import Instruction
from drivevla.language.parsing import ParseFailure, parse_commentary, parse_instruction
from drivevla.language.vocabulary import Language

__all__ = ["SentenceScore", "SlotScore", "flat_slots", "score_sentences"]


@dataclass(frozen=True, kw_only=True, slots=True)
class SlotScore:
    """How often one slot was said, was true, and was both.

    Attributes:
        correct: Said and true.
        said: Times the sentences said it.
        true: Times the truth has it.
    """

    correct: int
    said: int
    true: int

    @property
    def precision(self) -> float | None:
        """Share of what was said that is true; None when it was never said."""
        return self.correct / self.said if self.said else None

    @property
    def recall(self) -> float | None:
        """Share of what is true that was said; None when the truth never has it."""
        return self.correct / self.true if self.true else None

    @property
    def f1(self) -> float | None:
        """Harmonic mean of precision and recall, 2 correct / (said + true); None when it was neither said nor true."""
        return 2 * self.correct / (self.said + self.true) if self.said + self.true else None


@dataclass(frozen=True, kw_only=True, slots=True)
class SentenceScore:
    """The result over many sentences.

    Attributes:
        sentences: How many were scored.
        exact: How many said exactly the truth.
        failures: Those that could not be read, in order, with the reason.
        slots: Over the sentences that were read, by slot name; ``all`` sums every slot (micro average).
    """

    sentences: int
    exact: int
    failures: tuple[ParseFailure, ...]
    slots: Mapping[str, SlotScore]

    @property
    def parsed(self) -> int:
        """How many sentences could be read."""
        return self.sentences - len(self.failures)

    @property
    def parse_rate(self) -> float:
        """Share of the sentences that could be read."""
        return self.parsed / self.sentences

    @property
    def exact_match(self) -> float:
        """Share of all sentences that said exactly the truth; one that could not be read did not."""
        return self.exact / self.sentences

    @property
    def exact_match_of_parsed(self) -> float | None:
        """Share of the sentences that were read that said exactly the truth; None when none was read."""
        return self.exact / self.parsed if self.parsed else None


def score_sentences(
    sentences: Sequence[str], truths: Sequence[Instruction | Commentary], *, language: Language | str
) -> SentenceScore:
    """Compare what generated sentences say with what they should have said.

    Args:
        sentences: The generated sentences.
        truths: What each should say; all instructions or all commentary.
        language: The language they are in.

    Raises:
        ContractError: The two differ in length, are empty, or mix instructions with commentary.
        UnknownName: No such language.
    """
    if not sentences or len(sentences) != len(truths):
        raise ContractError(
            f"one truth a sentence and at least one sentence are needed, got {len(sentences)} and {len(truths)}"
        )
    if len({type(truth) for truth in truths}) != 1:
        raise ContractError("instructions and commentary are scored apart; got both")
    parse = parse_instruction if isinstance(truths[0], Instruction) else parse_commentary
    correct, said, true = Counter[str](), Counter[str](), Counter[str]()
    exact, failures = 0, []
    for sentence, truth in zip(sentences, truths, strict=True):
        reading = parse(sentence, language=language)
        if isinstance(reading, ParseFailure):
            failures.append(reading)
            continue
        read_slots, true_slots = flat_slots(reading), flat_slots(truth)
        exact += read_slots == true_slots
        said.update([*read_slots, *["all"] * len(read_slots)])
        true.update([*true_slots, *["all"] * len(true_slots)])
        agreed = [name for name, value in read_slots.items() if true_slots.get(name) == value]
        correct.update([*agreed, *["all"] * len(agreed)])
    slots = {name: SlotScore(correct=correct[name], said=said[name], true=true[name]) for name in sorted(said | true)}
    return SentenceScore(sentences=len(sentences), exact=exact, failures=tuple(failures), slots=slots)


def flat_slots(subject: Instruction | Commentary) -> dict[str, str | int]:
    """Kind (or action and cause) and slots in one level; of two steps as ``first.kind``, ``second.side`` and so on."""
    flat: dict[str, str | int] = {}
    for name, value in subject.to_dict().items():
        if isinstance(value, Mapping):
            flat |= {f"{name}.{inner}": inner_value for inner, inner_value in value.items()}
        else:
            flat[name] = value
    return flat
