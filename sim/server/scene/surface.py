"""Road surface, sidewalks, kerbs and median strips.

Roads are lane strips that share their border points, so that they have no cracks; at road ends they reach a few
centimetres into their neighbours. Inside junctions strips overlap in one plane with one world-fixed texture, which
looks like one surface. Sidewalks give way wherever a driving lane crosses them.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from drivevla.sim.server.scene.footprints import LaneFootprints
from drivevla.sim.server.scene.lane_grid import DRIVABLE_KINDS, PAVED_KINDS, RAISED_KINDS, LaneGrid
from drivevla.sim.server.scene.materials import ASPHALT, BIKE_LANE, KERB, MEDIAN, PARKING, SIDEWALK, VERGE
from drivevla.sim.server.scene.mesh import Label, Material
from drivevla.sim.server.scene.mesh_builder import MeshBuilder, grid_triangles

__all__ = ["KERB_HEIGHT_M", "add_strip", "add_surfaces", "built_span", "lane_role"]

KERB_HEIGHT_M = 0.15
"""CARLA's own towns have kerbs of about this height."""

_NARROWEST_RAISED_M = 0.25
_SKIRT_OUT_M, _SKIRT_DOWN_M = 0.9, 0.45
_SKIRT_STEP_M = 0.03  # deeper than junction floors lie, so that no bank shows through one

_PAVEMENT = {"parking": PARKING, "biking": BIKE_LANE}


def lane_role(grid: LaneGrid, lane_index: int) -> str:
    """What a lane becomes: "road", "sidewalk", "median" or "open" (left to the terrain)."""
    lane = grid.lanes[lane_index]
    if lane.kind in PAVED_KINDS:
        return "road"
    if lane.kind in ("sidewalk", "walking"):
        return "sidewalk"
    if lane.kind in RAISED_KINDS:
        return "median"
    if grid.in_junction:
        return "open"
    side = np.sign(lane.lane_id)
    outside = {other.kind for other in grid.lanes if side * other.lane_id > side * lane.lane_id}
    if outside & DRIVABLE_KINDS:
        return "median"
    # Town03 has streets that nobody may drive on, between shoulders and with all their paint.
    return "road" if outside & PAVED_KINDS else "open"


def built_span(grid: LaneGrid) -> tuple[int, int] | None:
    """Indices of the leftmost and rightmost borders of what is built, None when nothing is."""
    built = [k for k in range(len(grid.lanes)) if lane_role(grid, k) != "open"]
    return (built[0], built[-1] + 1) if built else None


def add_surfaces(
    builder: MeshBuilder, grids: Sequence[LaneGrid], *, driving: LaneFootprints, paved: LaneFootprints
) -> None:
    """Add everything horizontal that lanes are made of, their kerbs, and the skirts that close gaps to the terrain.

    Args:
        builder: Takes the triangles.
        grids: All lanes.
        driving: Where sidewalks end.
        paved: Where skirts end.
    """
    for grid in grids:
        for k, lane in enumerate(grid.lanes):
            if lane_role(grid, k) == "road":
                left, right = grid.borders_m[grid.keep, k], grid.borders_m[grid.keep, k + 1]
                pavement = ASPHALT if grid.in_junction else _PAVEMENT.get(lane.kind, ASPHALT)
                add_strip(builder, left, right, material=pavement, label=Label.ROADS, is_ground=True)
    _add_skirts(builder, grids, paved)
    raised = [
        (grid, k) for grid in grids for k in range(len(grid.lanes)) if lane_role(grid, k) in ("sidewalk", "median")
    ]
    for (grid, k), free in zip(raised, _free_of_driving(raised, driving), strict=True):
        _add_raised_lane(builder, grid, k, free)


def add_strip(
    builder: MeshBuilder,
    left_m: NDArray[np.float64],
    right_m: NDArray[np.float64],
    *,
    material: Material,
    label: Label,
    is_ground: bool = False,
    uv_m: NDArray[np.float64] | None = None,
    object_id: int = 0,
) -> None:
    """Add the band between two polylines (n, 3) of equally many points; ``uv_m`` is (n, 2, 2) when given."""
    vertices = np.empty((2 * len(left_m), 3))
    vertices[0::2], vertices[1::2] = left_m, right_m
    builder.add(
        vertices,
        grid_triangles(len(left_m), 2),
        material=material,
        label=label,
        is_ground=is_ground,
        uv_m=None if uv_m is None else uv_m.reshape(-1, 2),
        object_id=object_id,
    )


def _free_of_driving(raised: Sequence[tuple[LaneGrid, int]], driving: LaneFootprints) -> list[NDArray[np.bool_]]:
    """For each raised lane, which of its fine cells (n - 1,) no driving lane crosses."""
    points, counts = [np.empty((0, 3))], []
    for grid, k in raised:
        left, right = grid.borders_m[:, k], grid.borders_m[:, k + 1]
        inset = np.minimum(0.08 / np.maximum(grid.widths_m(k), 1e-6), 0.5)[:, None]
        across = [left + share * (right - left) for share in (inset, 0.5, 1 - inset)]
        cells = np.stack([0.5 * (line[1:] + line[:-1]) for line in across], axis=1)
        points.append(cells.reshape(-1, 3))
        counts.append(len(cells))
    covered = driving.covers(np.concatenate(points)).reshape(-1, 3).any(axis=1)
    free = [~part for part in np.split(covered, np.cumsum(counts)[:-1])] if counts else []
    return [
        cells & (0.5 * (widths[1:] + widths[:-1]) > _NARROWEST_RAISED_M)
        for cells, widths in zip(free, (grid.widths_m(k) for grid, k in raised), strict=True)
    ]


def _add_raised_lane(builder: MeshBuilder, grid: LaneGrid, lane_index: int, free: NDArray[np.bool_]) -> None:
    lane, is_median = grid.lanes[lane_index], lane_role(grid, lane_index) == "median"
    inner, outer = lane.height_m if any(lane.height_m) else (KERB_HEIGHT_M, KERB_HEIGHT_M)
    left_up, right_up = (outer, inner) if lane.lane_id > 0 else (inner, outer)
    top, label = (MEDIAN, Label.GROUND) if is_median else (SIDEWALK, Label.SIDEWALKS)
    raised_left, raised_right = (
        0 <= k < len(grid.lanes) and lane_role(grid, k) in ("sidewalk", "median")
        for k in (lane_index - 1, lane_index + 1)
    )
    for first, last in _runs(free):
        stations = np.unique(np.concatenate([[first], grid.keep[(grid.keep > first) & (grid.keep < last)], [last]]))
        left_foot, right_foot = grid.borders_m[stations, lane_index], grid.borders_m[stations, lane_index + 1]
        left, right = _lifted(left_foot, left_up), _lifted(right_foot, right_up)
        add_strip(builder, left, right, material=top, label=label, is_ground=True)
        if not raised_left:
            _add_face(builder, left_foot, left)
        if not raised_right:
            _add_face(builder, right, right_foot)
        for end in (0, -1):
            ends = np.stack([left[end], right[end]]), np.stack([left_foot[end], right_foot[end]])
            _add_face(builder, *ends)


def _lifted(points_m: NDArray[np.float64], up_m: float) -> NDArray[np.float64]:
    return np.asarray(points_m + np.array([0.0, 0.0, up_m]))


def _add_face(builder: MeshBuilder, upper_m: NDArray[np.float64], lower_m: NDArray[np.float64]) -> None:
    along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(upper_m[:, :2], axis=0).T))])
    uv = np.empty((len(along), 2, 2))
    uv[..., 0], uv[:, 0, 1], uv[:, 1, 1] = along[:, None], upper_m[:, 2], lower_m[:, 2]
    add_strip(builder, upper_m, lower_m, material=KERB, label=Label.SIDEWALKS, uv_m=uv)


def _runs(flags: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """First station and last station of each run of true cells."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]])))
    return [(int(first), int(last)) for first, last in edges.reshape(-1, 2)]


def _add_skirts(builder: MeshBuilder, grids: Sequence[LaneGrid], paved: LaneFootprints) -> None:
    """Banks that fall away from the outermost borders, so that no gap opens towards the lower terrain."""
    spans = [(grid, built_span(grid)) for grid in grids]
    edges = [
        (grid, border, outwards)
        for grid, span in spans
        if span is not None
        for border, outwards in zip(span, (-1.0, 1.0), strict=True)
    ]
    for (grid, border, outwards), free in zip(edges, _free_of_roads(edges, paved), strict=True):
        for first, last in _runs(free):
            inner = grid.keep[(grid.keep > first) & (grid.keep < last)]
            s_m = grid.s_m[np.concatenate([[first], inner, [last]])]
            edge = _lifted(grid.at(s_m, border), -_SKIRT_STEP_M)
            foot = _lifted(grid.at(s_m, border, outwards * _SKIRT_OUT_M), -_SKIRT_DOWN_M)
            add_strip(builder, edge, foot, material=VERGE, label=Label.TERRAIN)


def _free_of_roads(edges: Sequence[tuple[LaneGrid, int, float]], paved: LaneFootprints) -> Iterator[NDArray[np.bool_]]:
    """For each edge of a road, beside which of its fine cells (n - 1,) no other road lies: a bank would pierce it."""
    banks = [
        grid.at(0.5 * (grid.s_m[1:] + grid.s_m[:-1]), border, 0.5 * outwards * _SKIRT_OUT_M)
        for grid, border, outwards in edges
    ]
    covered = paved.covers(np.concatenate([np.empty((0, 3)), *banks]))
    ends = np.cumsum([len(bank) for bank in banks])
    return (~covered[end - len(bank) : end] for bank, end in zip(banks, ends, strict=True))
