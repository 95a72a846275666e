"""What a collection holds, counted while it is made."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from drivevla.runs.atomic import write_text_atomically
from drivevla.types import Sample

if TYPE_CHECKING:
    from drivevla.collection.routes import RouteDraw

__all__ = ["Tallies", "add_up", "count_frame", "write_coverage"]

Tallies = dict[str, dict[str, int]]
"""By subject, how many frames (or alternatives) of each sort."""

_SPEED_STEP_KMH = 10
_KMH_PER_MPS = 3.6
_PICTURED = ("instruction", "manoeuvre", "speed", "cause", "alternative", "weather", "town", "near a turn")


def count_frame(tallies: Tallies, sample: Sample, draw: RouteDraw, *, near_turn: bool) -> None:
    """Count one frame.

    Args:
        tallies: Where.
        sample: The frame.
        draw: The route that it is of.
        near_turn: Whether the route turns off within 25 m.
    """
    instruction, explanation = sample.truth.instruction, sample.explanation
    speed_kmh = max(sample.observation.ego.speed_mps, 0.0) * _KMH_PER_MPS
    low = int(speed_kmh // _SPEED_STEP_KMH) * _SPEED_STEP_KMH
    found = {
        "split": draw.split,
        "town": draw.route.town.rpartition("_")[0].removeprefix("Gen_"),
        "weather": draw.weather,
        "language": draw.language,
        "guidance": draw.guidance,
        "scenario": draw.route.scenarios[0].type if draw.route.scenarios else "none",
        "speed": "stands" if speed_kmh < 1.0 else f"{low:02d} to {low + _SPEED_STEP_KMH} km/h",
        "instruction": "none" if instruction is None else instruction.kind.value,
        "refused": "yes" if sample.refused else "no",
        "near a turn": "yes" if near_turn else "no",
    }
    if explanation is not None:
        found["manoeuvre"] = explanation.action.lateral.value
        found["pedals"] = explanation.action.longitudinal.value
        found["cause"] = explanation.cause.value
    for subject, sort in found.items():
        _count(tallies, subject, sort)
    for each in sample.alternatives or ():
        if each.instruction is not None:
            _count(tallies, "alternative", each.instruction.kind.value)
        _count(tallies, "alternative refused", "yes" if each.refused else "no")
    _count(tallies, "alternatives of a frame", str(len(sample.alternatives or ())))


def add_up(tallies: Iterable[Mapping[str, Mapping[str, int]]]) -> Tallies:
    """All of them together."""
    total: Tallies = {}
    for each in tallies:
        for subject, sorts in each.items():
            for sort, count in sorts.items():
                _count(total, subject, sort, count)
    return total


def write_coverage(tallies: Tallies, summary: Mapping[str, object], folder: Path) -> None:
    """Leave ``coverage.json``, ``coverage.md`` and ``coverage.png``.

    Args:
        tallies: Of all frames.
        summary: Facts about the whole: frames, episodes, hours.
        folder: Where.
    """
    ordered = {subject: dict(sorted(sorts.items(), key=_by_number)) for subject, sorts in sorted(tallies.items())}
    content = {**summary, "tallies": ordered}
    write_text_atomically(folder / "coverage.json", json.dumps(content, indent=2))
    write_text_atomically(folder / "coverage.md", _markdown(ordered, summary))
    _picture(ordered, folder / "coverage.png")


def _count(tallies: Tallies, subject: str, sort: str, count: int = 1) -> None:
    sorts = tallies.setdefault(subject, {})
    sorts[sort] = sorts.get(sort, 0) + count


def _by_number(item: tuple[str, int]) -> tuple[int, str]:
    return -item[1], item[0]


def _markdown(tallies: Tallies, summary: Mapping[str, object]) -> str:
    lines = ["# Coverage", "", *(f"- {name}: {value}" for name, value in summary.items())]
    for subject, sorts in tallies.items():
        whole = max(sum(sorts.values()), 1)
        lines += ["", f"## {subject.capitalize()}", "", "| | number | share |", "| --- | ---: | ---: |"]
        lines += [f"| {sort} | {count} | {100.0 * count / whole:.1f} % |" for sort, count in sorts.items()]
    return "\n".join(lines) + "\n"


def _picture(tallies: Tallies, path: Path) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(16.0, 9.0), layout="constrained")
    FigureCanvasAgg(figure)
    for number, subject in enumerate(_PICTURED):
        axes = figure.add_subplot(2, len(_PICTURED) // 2, number + 1)
        sorts = dict(list(tallies.get(subject, {}).items())[:16])
        axes.barh(list(sorts), list(sorts.values()))
        axes.invert_yaxis()
        axes.set_title(subject)
    figure.savefig(path, dpi=80)
