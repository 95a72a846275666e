"""What one check says."""

from dataclasses import dataclass

__all__ = ["Finding", "Result", "found", "lacking"]


@dataclass(frozen=True, kw_only=True)
class Result:
    """The answer of a check.

    Attributes:
        ok: Whether what was looked for is there and works.
        detail: What there is: versions, sizes, or the reason why it does not work.
        remedy: What to do; empty when it is ok.
    """

    ok: bool
    detail: str
    remedy: str = ""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """A check's answer with its place in the table.

    Attributes:
        name: What was looked for.
        essential: Whether the main job needs it.
        result: The answer.
        seconds: How long the check took.
    """

    name: str
    essential: bool
    result: Result
    seconds: float


def found(detail: str) -> Result:
    """It is there and works."""
    return Result(ok=True, detail=detail)


def lacking(detail: str, *, remedy: str) -> Result:
    """It is not there, or does not work."""
    return Result(ok=False, detail=detail, remedy=remedy)
