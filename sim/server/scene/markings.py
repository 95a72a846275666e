"""Lane markings as thin triangles just above the road: kind, colour and width as the OpenDRIVE text says.

OpenDRIVE texts rarely carry dash lengths; broken lines have 3 m of line and 6 m of gap, as European inner-city streets.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from drivevla.sim.server.scene.footprints import LaneFootprints
from drivevla.sim.server.scene.lane_grid import LaneGrid
from drivevla.sim.server.scene.materials import PAINTS
from drivevla.sim.server.scene.mesh import Label, Material
from drivevla.sim.server.scene.mesh_builder import MeshBuilder, grid_triangles
from drivevla.sim.server.scene.opendrive import Lane, RoadMark
from drivevla.sim.server.scene.surface import add_strip, built_span

__all__ = ["PAINT_LIFT_M", "add_markings"]

PAINT_LIFT_M = 0.01
"""Height of paint above the road: enough to win every ray, too little to see."""

_DASH_M, _GAP_M = 3.0, 6.0
_DOUBLE_SPACING_M = 0.22
_COLORS = {"standard": "white"}

# Each line of a mark, left to right: whether it is broken.
_LINES = {
    "solid": (False,),
    "broken": (True,),
    "solid solid": (False, False),
    "solid broken": (False, True),
    "broken solid": (True, False),
    "broken broken": (True, True),
}


def add_markings(builder: MeshBuilder, grids: Sequence[LaneGrid], paved: LaneFootprints) -> None:
    """Paint the marks of all lanes outside junctions; kerbs and unknown kinds of marks are not paint.

    Args:
        builder: Where to.
        grids: All lanes.
        paved: Footprints of everything that can carry paint.
    """
    for grid in grids:
        span = built_span(grid)
        if grid.in_junction or span is None:
            continue
        for lane in grid.section.lanes:
            border = _outer_border(grid, lane)
            if span[0] <= border <= span[1]:
                for mark, start, end in _stretches(grid, lane):
                    _add_mark(builder, grid, border, _inset_m(grid, border, span, mark, paved), mark, (start, end))


def _outer_border(grid: LaneGrid, lane: Lane) -> int:
    if lane.lane_id == 0:
        return grid.center_border
    index = grid.lane_index(lane.lane_id)
    assert index is not None
    return index if lane.lane_id > 0 else index + 1


def _inset_m(grid: LaneGrid, border: int, span: tuple[int, int], mark: RoadMark, paved: LaneFootprints) -> float:
    """Marks on the outermost border are painted just inside of it, to the right of a left edge."""
    inwards = {span[0]: 1.0, span[1]: -1.0}.get(border, 0.0)
    if grid.center_border not in span:
        return 0.15 * inwards
    # A road of one side is mostly half of a street, its middle line shared with the other half's; some stand alone.
    if len(_LINES[mark.kind]) > 1 and inwards:
        middle = grid.s_m[len(grid.s_m) // 2 : len(grid.s_m) // 2 + 1]
        if not paved.covers(grid.at(middle, border, -0.5 * inwards)).any():
            return _DOUBLE_SPACING_M * inwards
    return 0.0


def _stretches(grid: LaneGrid, lane: Lane) -> Iterator[tuple[RoadMark, float, float]]:
    start, end = max(grid.s_m[0], 0.0), min(grid.s_m[-1], grid.road.length_m)
    marks = [mark for mark in lane.marks if mark.start_m + grid.section.start_s_m < end]
    starts = [max(mark.start_m + grid.section.start_s_m, start) for mark in marks]
    for mark, first, last in zip(marks, starts, [*starts, end][1:], strict=True):
        if mark.kind in _LINES and last - first > 0.05:
            yield mark, first, last


def _add_mark(
    builder: MeshBuilder, grid: LaneGrid, border: int, inset_m: float, mark: RoadMark, stretch: tuple[float, float]
) -> None:
    lines = _LINES[mark.kind]
    material = PAINTS.get(_COLORS.get(mark.color, mark.color), PAINTS["white"])
    width = mark.width_m if mark.width_m > 0 else 0.12
    for rank, broken in enumerate(lines):
        offset = inset_m + (rank - 0.5 * (len(lines) - 1)) * max(_DOUBLE_SPACING_M, 1.6 * width)
        if broken:
            _add_dashes(builder, grid, border, (offset - width / 2, offset + width / 2), stretch, material=material)
        else:
            inner = grid.s_m[grid.keep]
            s_m = np.concatenate([[stretch[0]], inner[(inner > stretch[0]) & (inner < stretch[1])], [stretch[1]]])
            left, right = (_painted(grid, s_m, border, offset + side * width / 2) for side in (-1, 1))
            add_strip(builder, left, right, material=material, label=Label.ROAD_LINES)


def _painted(grid: LaneGrid, s_m: NDArray[np.float64], border: int, offset_m: float) -> NDArray[np.float64]:
    points = grid.at(s_m, border, offset_m)
    points[:, 2] += PAINT_LIFT_M
    return points


def _add_dashes(
    builder: MeshBuilder,
    grid: LaneGrid,
    border: int,
    offsets_m: tuple[float, float],
    stretch: tuple[float, float],
    *,
    material: Material,
) -> None:
    period = _DASH_M + _GAP_M
    # Counted along the road, not the section, so that the rhythm does not stumble where lanes change.
    index = np.arange(np.floor(stretch[0] / period), np.ceil(stretch[1] / period))
    start = np.clip(index * period, *stretch)
    end = np.clip(index * period + _DASH_M, *stretch)
    start, end = start[end - start > 0.3], end[end - start > 0.3]
    stations = np.stack([start, 0.5 * (start + end), end], axis=1).reshape(-1)
    left, right = (_painted(grid, stations, border, offset) for offset in offsets_m)
    vertices = np.stack([left, right], axis=1).reshape(-1, 3)
    first = 6 * np.arange(len(start))[:, None, None]
    triangles = (first + grid_triangles(3, 2)[None]).reshape(-1, 3)
    builder.add(vertices, triangles, material=material, label=Label.ROAD_LINES)
