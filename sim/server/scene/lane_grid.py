"""Sampled lane borders: the one place where OpenDRIVE's polynomials become points in CARLA's world frame."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from drivevla.sim.server.scene.opendrive import Lane, LaneSection, Road, RoadNetwork

__all__ = ["DRIVABLE_KINDS", "PAVED_KINDS", "RAISED_KINDS", "LaneGrid", "sample_lanes"]

DRIVABLE_KINDS = frozenset(
    {"driving", "bidirectional", "entry", "exit", "onRamp", "offRamp", "connectingRamp", "stop", "mwyEntry", "mwyExit"}
)
PAVED_KINDS = DRIVABLE_KINDS | {"shoulder", "parking", "biking", "border", "restricted", "special1", "special2"}
RAISED_KINDS = frozenset({"sidewalk", "walking", "median", "curb"})

_FINE_STEP_M, _LARGE_STEP_M = 0.5, 1.0
_LARGE_NETWORK_M = 60_000.0
_LONGEST_STEP_M = 12.0
_OVERLAP_M = 0.03  # road surfaces reach this far into their neighbours, so that no ray slips between them


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneGrid:
    """The lanes of one section, sampled.

    Attributes:
        road: The road.
        section: The section of it.
        lanes: (L,) lanes from left to right, without lane 0.
        s_m: (n,) stations, ascending.
        heading_rad: (n,) heading of the reference line, CARLA's sense.
        borders_m: (n, L + 1, 3) lane borders from left to right; lane k lies between border k and k + 1.
        center_border: Index of the border that is the lane reference line.
        keep: (m,) indices of the stations that suffice for a mesh.
    """

    road: Road
    section: LaneSection
    lanes: tuple[Lane, ...]
    s_m: NDArray[np.float64]
    heading_rad: NDArray[np.float64]
    borders_m: NDArray[np.float64]
    center_border: int
    keep: NDArray[np.intp]

    @property
    def in_junction(self) -> bool:
        """Whether the road is inside a junction."""
        return self.road.junction_id != -1

    def at(self, s_m: NDArray[np.float64], border: int, offset_m: float = 0.0) -> NDArray[np.float64]:
        """Points (N, 3) on a border at stations ``s_m``, moved ``offset_m`` to the right (seen along growing s)."""
        points = np.empty((len(s_m), 3))
        for axis in range(3):
            points[:, axis] = np.interp(s_m, self.s_m, self.borders_m[:, border, axis])
        if offset_m:
            heading = np.interp(s_m, self.s_m, self.heading_rad)
            points[:, 0] -= offset_m * np.sin(heading)
            points[:, 1] += offset_m * np.cos(heading)
        return points

    def lane_index(self, lane_id: int) -> int | None:
        """Position of a lane in ``lanes``, None when the section lacks it."""
        return next((k for k, lane in enumerate(self.lanes) if lane.lane_id == lane_id), None)

    def widths_m(self, lane_index: int) -> NDArray[np.float64]:
        """(n,) width of one lane."""
        across = self.borders_m[:, lane_index + 1, :2] - self.borders_m[:, lane_index, :2]
        return np.asarray(np.hypot(across[:, 0], across[:, 1]))


def sample_lanes(network: RoadNetwork, *, chord_error_m: float = 0.01) -> list[LaneGrid]:
    """Sample every lane section of a network, every half metre; networks longer than 60 km every metre.

    Args:
        network: Roads.
        chord_error_m: How far the kept stations' polygons may stray from the true borders.
    """
    length_m = sum(road.length_m for road in network.roads.values())
    step_m = _FINE_STEP_M if length_m < _LARGE_NETWORK_M else _LARGE_STEP_M
    return [grid for road in network.roads.values() for grid in _sample_road(road, step_m, chord_error_m)]


def _sample_road(road: Road, step_m: float, chord_error_m: float) -> Iterator[LaneGrid]:
    for section in road.sections:
        lanes = tuple(lane for lane in section.lanes if lane.lane_id != 0)
        if not lanes:
            continue
        first, last = section is road.sections[0], section is road.sections[-1]
        start = section.start_s_m - (_OVERLAP_M if first else 0.0)
        end = min(section.end_s_m, road.length_m) + (_OVERLAP_M if last else 0.0)
        s_m = np.linspace(start, end, max(2, int(np.ceil((end - start) / step_m)) + 1))
        left_of_center = sum(lane.lane_id > 0 for lane in lanes)
        offset_m = _border_offsets_m(road, section, lanes, s_m, left_of_center)
        xy, heading = road.plan_view(s_m)
        borders = np.empty((*offset_m.shape, 3))
        borders[..., 0] = xy[:, None, 0] + offset_m * np.sin(heading)[:, None]
        borders[..., 1] = xy[:, None, 1] - offset_m * np.cos(heading)[:, None]
        borders[..., 2] = road.elevation(s_m)[:, None]
        yield LaneGrid(
            road=road,
            section=section,
            lanes=lanes,
            s_m=s_m,
            heading_rad=np.unwrap(heading),
            borders_m=borders,
            center_border=left_of_center,
            keep=_stations_to_keep(borders, s_m, chord_error_m),
        )


def _border_offsets_m(
    road: Road, section: LaneSection, lanes: tuple[Lane, ...], s_m: NDArray[np.float64], left_of_center: int
) -> NDArray[np.float64]:
    """(n, L + 1) lateral positions t of the borders, positive to the left."""
    inside = s_m - section.start_s_m
    widths = np.stack([np.maximum(lane.width(inside), 0.0) for lane in lanes], axis=-1)
    offset = np.zeros((len(s_m), len(lanes) + 1))
    offset[:, :left_of_center] = np.cumsum(widths[:, :left_of_center][:, ::-1], axis=1)[:, ::-1]
    offset[:, left_of_center + 1 :] = -np.cumsum(widths[:, left_of_center:], axis=1)
    return offset + road.lane_offset(s_m)[:, None]


def _stations_to_keep(
    borders_m: NDArray[np.float64], s_m: NDArray[np.float64], chord_error_m: float
) -> NDArray[np.intp]:
    """Stations dense where any border bends: a chord of length h strays by h^2 times curvature / 8."""
    if len(s_m) <= 3:
        return np.arange(len(s_m))
    step = s_m[1] - s_m[0]
    bend = np.zeros(len(s_m))
    second = np.linalg.norm(np.diff(borders_m, n=2, axis=0), axis=-1).max(axis=1)
    bend[1:-1] = second / step**2
    bend[0], bend[-1] = bend[1], bend[-2]
    density = np.clip(np.sqrt(bend / (8 * chord_error_m)), 1 / _LONGEST_STEP_M, 1 / step)
    count = np.concatenate([[0.0], np.cumsum(0.5 * (density[1:] + density[:-1]) * step)])
    wanted = np.linspace(0.0, count[-1], int(np.ceil(count[-1] - 1e-6)) + 1)
    nearest = np.searchsorted(count, wanted - 1e-9)
    return np.unique(np.clip(nearest, 0, len(s_m) - 1))
