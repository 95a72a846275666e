"""Points that DriveLM's answers name: pairs of decimal numbers, matched one to one with those of the reference.

Source: OpenDriveLab/DriveLM 1de72a7, ``challenge/evaluation.py`` (match_result, eval_graph).
"""

import re
from collections.abc import Collection
from dataclasses import dataclass

__all__ = ["Match", "match_points", "points_in"]

_DECIMAL = re.compile(r"\d+\.\d+")
_NEAR_PX = 16.0
_SMALL = 1e-8  # part of the number: a perfect match scores a little less than 1

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Match:
    """How an answer's points meet the reference's.

    Attributes:
        found: The reference's points that were met.
        f1: 0 to 1.
    """

    found: Collection[Point]
    f1: float


def points_in(text: str) -> list[Point]:
    """Pairs of the decimal numbers in a text (whole numbers do not count); an odd last one is left out."""
    numbers = [float(number) for number in _DECIMAL.findall(text)]
    return list(zip(numbers[0::2], numbers[1::2], strict=False))


def match_points(answer: str, reference: str) -> Match:
    """Give every point of the answer, in order, the nearest point left, where |dx| + |dy| is below 16 pixels."""
    said, left = points_in(answer), points_in(reference)
    true_count, found = len(left), []
    for x, y in said:
        distances = [abs(x - other[0]) + abs(y - other[1]) for other in left]
        if distances and min(distances) < _NEAR_PX:
            found.append(left.pop(distances.index(min(distances))))
    precision = len(found) / (len(said) + _SMALL)
    recall = len(found) / (true_count + _SMALL)
    return Match(found=found, f1=2 * precision * recall / (precision + recall + _SMALL))
