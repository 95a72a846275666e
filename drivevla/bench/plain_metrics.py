"""The planning protocols once more, sample by sample in plain loops: what the vectorised ones are measured against.

Everything is a Python float, a list or a set of cells. Objects lie within the grid and all futures are complete, as in
the bench's scenes, so that nothing is clipped or left out.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise

from drivevla.evaluation.open_loop import Samples

__all__ = ["LIDAR_AHEAD_M", "PLAIN", "PlainSample", "plain_sample"]

LIDAR_AHEAD_M = 0.94
"""The bench's LiDAR: x right, y forward, this far ahead of the rear axle."""

Place = tuple[float, float]
Cell = tuple[int, int]
Box = tuple[float, float, float, float, float]
"""x, y, length, width, yaw."""


@dataclass(frozen=True)
class PlainSample:
    """One sample as lists: poses of the ego frame, and a list of (category, box) for each of seven keyframes."""

    planned: list[list[float]]
    driven: list[list[float]]
    objects: list[list[tuple[str, Box]]]
    boundary: list[list[Place]]
    times_s: list[float]


def plain_sample(samples: Samples, index: int) -> PlainSample:
    """One of the samples."""
    truth, details = samples.truth, samples.truth.details
    objects: list[list[tuple[str, Box]]] = []
    if "boxes" in details:
        category = details["boxes_category"][index].tolist()
        for frame, present in zip(
            details["boxes"][index].tolist(), details["boxes_present"][index].tolist(), strict=True
        ):
            objects.append(
                [
                    (name, (box[0], box[1], box[3], box[4], box[6]))
                    for name, box, there in zip(category, frame, present, strict=True)
                    if there
                ]
            )
    return PlainSample(
        planned=samples.predictions.poses[index, 0].tolist(),
        driven=truth.poses[index].tolist(),
        objects=objects,
        boundary=[[(x, y) for x, y in line] for line in details["boundary"][index].tolist()] if objects else [],
        times_s=truth.times_s.tolist(),
    )


def uniad(sample: PlainSample) -> dict[str, float]:
    """``nuscenes-uniad``: L2 and collision at 3 s."""
    hits = _coarse_hits(sample, _vehicles, mirrored=False)
    return {"L2_3s_m": _errors(sample)[-1], "collision_3s": hits[-1]}


def vad(sample: PlainSample) -> dict[str, float]:
    """``nuscenes-vad``: L2 and collision up to 3 s."""

    def near(frame: Iterable[tuple[str, Box]]) -> Iterator[Box]:
        return (box for _, box in frame if abs(_right(box)[0]) <= 15 and abs(_right(box)[1]) <= 30)

    hits = _coarse_hits(sample, near, mirrored=False, far_to_near=True)
    return {"L2_3s_m": _mean(_errors(sample)), "collision_3s": _mean(hits)}


def opendrivevla(sample: PlainSample) -> dict[str, float]:
    """``opendrivevla``: its second table up to 3 s."""
    hits = _coarse_hits(sample, _vehicles, mirrored=True)
    return {"stp3_L2_3s_m": _mean(_errors(sample)), "stp3_collision_3s": _mean(hits)}


def bevplanner(sample: PlainSample) -> dict[str, float]:
    """``bevplanner``: L2 up to 3 s, collision and crossing by 3 s."""
    objects = [
        set().union(*(_filled([_fine(x, y) for x, y in _corners(box)]) for box in _vehicles(frame)))
        for frame in sample.objects[1:]
    ]
    line = set()
    for points in sample.boundary:
        for start, end in pairwise(points):
            line |= set(_line(_fine(*start), _fine(*end)))
    planned, driven = _displacements(sample.planned), _displacements(sample.driven)
    collision = crossing = 0.0
    for step, occupied in enumerate(objects):
        mine, theirs = _turned_box(planned, step), _turned_box(driven, step)
        if not mine.isdisjoint(occupied) and theirs.isdisjoint(occupied):
            collision = 1.0
        if not mine.isdisjoint(line) and theirs.isdisjoint(line):
            crossing = 1.0
    errors = [math.dist(a, b) for a, b in zip(planned, driven, strict=True)]
    return {"L2_3s_m": _mean(errors), "collision_3s": collision, "intersection_3s": crossing}


def stp3(sample: PlainSample) -> dict[str, float]:
    """``nuscenes-stp3``: L2 and collision up to 3 s, with every object of the bench, all of which were seen."""
    hits = _seen_hits(sample, sample.planned, mirrored=True)
    return {"L2_3s_m": _mean(_errors(sample)), "collision_3s": _mean(hits)}


def admlp(sample: PlainSample) -> dict[str, float]:
    """``admlp``: the same with columns to the right, and standing still where the plan stays within 0.1 m."""
    still = max(abs(each) for place in _lidar_places(sample.planned) for each in place) < 0.1
    planned = [[0.0, 0.0, 0.0] for _ in sample.planned] if still else sample.planned
    hits = _seen_hits(sample, planned, mirrored=False)
    return {"L2_3s_m": _mean(_errors(replace(sample, planned=planned))), "collision_3s": _mean(hits)}


def displacement(sample: PlainSample) -> dict[str, float]:
    """``displacement``: distances at and up to 1, 2, 3 s, and how far the heading is off at 3 s."""
    errors = [math.dist(a[:2], b[:2]) for a, b in zip(sample.planned, sample.driven, strict=True)]
    values = {"yaw_at_3s_rad": abs(math.remainder(sample.planned[-1][2] - sample.driven[-1][2], math.tau))}
    for second in (1, 2, 3):
        values[f"L2_at_{second}s_m"] = errors[2 * second - 1]
        values[f"L2_upto_{second}s_m"] = _mean(errors[: 2 * second])
    return values


def covla(sample: PlainSample) -> dict[str, float]:
    """``covla``: the 59 points ahead, in the plane, at the device 1.5 m ahead."""
    errors = []
    for point in range(1, 60):
        at_s = point * 0.05
        errors.append(
            math.dist(_device(sample.planned, sample.times_s, at_s), _device(sample.driven, sample.times_s, at_s))
        )
    return {"ADE_2d_59points_m": _mean(errors), "FDE_2d_59points_m": errors[-1]}


PLAIN: Mapping[str, Callable[[PlainSample], dict[str, float]]] = {
    "nuscenes-uniad": uniad,
    "nuscenes-vad": vad,
    "nuscenes-stp3": stp3,
    "admlp": admlp,
    "opendrivevla": opendrivevla,
    "bevplanner": bevplanner,
    "displacement": displacement,
    "covla": covla,
}
"""The protocols that have a plain definition here."""


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)


def _vehicles(frame: Iterable[tuple[str, Box]]) -> Iterator[Box]:
    return (box for name, box in frame if name.startswith("vehicle."))


def _right(box: Box) -> Place:
    return -box[1], box[0] - LIDAR_AHEAD_M


def _lidar_places(poses: list[list[float]]) -> list[Place]:
    return [(-y - LIDAR_AHEAD_M * math.sin(yaw), x + LIDAR_AHEAD_M * (math.cos(yaw) - 1)) for x, y, yaw in poses]


def _displacements(poses: list[list[float]]) -> list[Place]:
    return [(forward, -right) for right, forward in _lidar_places(poses)]


def _errors(sample: PlainSample) -> list[float]:
    places = zip(_lidar_places(sample.planned), _lidar_places(sample.driven), strict=True)
    return [math.dist(planned, driven) for planned, driven in places]


def _corners(box: Box) -> list[Place]:
    x, y, length, width, yaw = box
    cos, sin = math.cos(yaw), math.sin(yaw)
    signs = ((0.5, 0.5), (0.5, -0.5), (-0.5, -0.5), (-0.5, 0.5))
    return [(x + cos * a * length - sin * b * width, y + sin * a * length + cos * b * width) for a, b in signs]


def _coarse_hits(
    sample: PlainSample,
    chosen: Callable[[Iterable[tuple[str, Box]]], Iterator[Box]],
    *,
    mirrored: bool,
    far_to_near: bool = False,
) -> list[float]:
    hits = []
    places = zip(_lidar_places(sample.planned), _lidar_places(sample.driven), sample.objects[1:], strict=True)
    for planned, driven, frame in places:
        occupied: set[Cell] = set()
        for box in chosen(frame):
            corners = [(-y, x - LIDAR_AHEAD_M) for x, y in _corners(box)]
            rows = [50 - y if far_to_near else y + 50 for _, y in corners]
            occupied |= _filled(
                [(round((x + 50) * 2), round(row * 2)) for (x, _), row in zip(corners, rows, strict=True)]
            )
        if mirrored:
            occupied = {(199 - column, row) for column, row in occupied}
        mine, theirs = (_coarse_box(place, mirrored, far_to_near) for place in (planned, driven))
        hits.append(float(not mine.isdisjoint(occupied) and theirs.isdisjoint(occupied)))
    return hits


def _seen_hits(sample: PlainSample, planned: list[list[float]], *, mirrored: bool) -> list[float]:
    """Boxes are drawn around the ego frame, plans stand in the LiDAR's: the metre between is ignored."""
    hits = []
    places = zip(_lidar_places(planned), _lidar_places(sample.driven), sample.objects[1:], strict=True)
    for mine, theirs, frame in places:
        occupied: set[Cell] = set()
        for _, box in frame:
            occupied |= _filled([(round((y + 50) * 2), round((x + 50) * 2)) for x, y in _corners(box)])
        if not mirrored:
            occupied = {(199 - column, row) for column, row in occupied}
        boxes = [_coarse_box(place, mirrored, far_to_near=False) for place in (mine, theirs)]
        hits.append(float(not boxes[0].isdisjoint(occupied) and boxes[1].isdisjoint(occupied)))
    return hits


def _coarse_box(place: Place, mirrored: bool, far_to_near: bool) -> set[Cell]:
    cells = set()
    right = -place[0] if mirrored else place[0]
    for i in range(97, 105):
        row = 200 - (i + place[1] * 2) if far_to_near else i + place[1] * 2
        for j in range(98, 102):
            cells.add((_kept(int(j + right * 2), 200), _kept(int(row), 200)))
    return cells


def _turned_box(places: list[Place], step: int) -> set[Cell]:
    before = places[step - 1] if step else (0.0, 0.0)
    x, y = places[step]
    moved = math.dist(before, (x, y))
    yaw = math.atan2(y - before[1], x - before[0]) if moved >= 1.0 else 0.0
    cos, sin = math.cos(yaw), math.sin(yaw)
    cells = set()
    for i in range(494, 535):
        for j in range(491, 509):
            a, b = i - 499.5, j - 499.5
            column, row = round(cos * a - sin * b + 499.5) + x / 0.1, round(sin * a + cos * b + 499.5) + y / 0.1
            cells.add((_kept(int(column), 1000), _kept(int(row), 1000)))
    return cells


def _kept(cell: int, size: int) -> int:
    return min(max(cell, 0), size - 1)


def _fine(x: float, y: float) -> Cell:
    return int((x + 49.95) / 0.1), int((y + 49.95) / 0.1)


def _filled(corners: list[Cell]) -> set[Cell]:
    cells: set[Cell] = set()
    edges = list(zip(corners, corners[1:] + corners[:1], strict=True))
    for start, end in edges:
        cells.update(_line(start, end))
    for row in range(min(y for _, y in corners), max(y for _, y in corners)):
        crossings = sorted(
            a[0] + (row - a[1]) * (b[0] - a[0]) / (b[1] - a[1])
            for a, b in ((min(edge, key=_row), max(edge, key=_row)) for edge in edges)
            if a[1] <= row < b[1]
        )
        for left, right in zip(crossings[0::2], crossings[1::2], strict=True):
            cells.update((column, row) for column in range(math.ceil(left - 1e-9), math.floor(right + 1e-9) + 1))
    return cells


def _row(cell: Cell) -> int:
    return cell[1]


def _line(start: Cell, end: Cell) -> Iterator[Cell]:
    (x0, y0), (x1, y1) = (start, end) if start[0] <= end[0] else (end, start)
    wide, high, down = x1 - x0, abs(y1 - y0), 1 if y1 >= y0 else -1
    longest, shortest = max(wide, high), min(wide, high)
    for step in range(longest + 1):
        across = -((longest - 2 * shortest * step) // (2 * longest)) if longest else 0
        yield (x0 + across, y0 + down * step) if high > wide else (x0 + step, y0 + down * across)


def _device(poses: list[list[float]], times_s: list[float], at_s: float) -> Place:
    known = [(0.0, [0.0, 0.0, 0.0]), *zip(times_s, poses, strict=True)]
    for (before_s, before), (after_s, after) in pairwise(known):
        if at_s <= after_s + 1e-9:
            share = min((at_s - before_s) / (after_s - before_s), 1.0)
            turn = math.remainder(after[2] - before[2], math.tau)
            yaw = before[2] + share * turn
            x, y = (a + share * (b - a) for a, b in zip(before[:2], after[:2], strict=True))
            return x + 1.5 * (math.cos(yaw) - 1), y + 1.5 * math.sin(yaw)
    raise AssertionError("the bench's plans reach 3 s")
