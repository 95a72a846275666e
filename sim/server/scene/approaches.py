"""Which lanes a signal governs: where its traffic must stop, and which ways through the junction it opens."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from drivevla.sim.server.scene.lane_grid import DRIVABLE_KINDS, LaneGrid
from drivevla.sim.server.scene.opendrive import RoadNetwork
from drivevla.sim.server.scene.scene import LaneKey

__all__ = ["Approach", "LaneGraph", "Reference"]

_MOST_HOPS = 6
_STOP_BEFORE_JUNCTION_M = 0.3
_TRIGGER_BEFORE_LINE_M = 3.0


@dataclass(frozen=True, slots=True)
class Reference:
    """One place where the OpenDRIVE text attaches a signal to lanes."""

    road_id: int
    s_m: float
    lane_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Approach:
    """Lanes of one road and one direction that wait at one line.

    Attributes:
        road_id: The road.
        lane_ids: Its governed lanes.
        left_m, right_m: Ends of the stop line, left and right of the traffic.
        trigger_m: Middle of the lanes 3 m before the line, less where the road is shorter.
        yaw_deg: Direction of the traffic at the line.
        paths: Centre lines (n, 3), along the traffic, of the ways through the junction behind the line.
        junction_id: That junction, -1 without one.
    """

    road_id: int
    lane_ids: tuple[int, ...]
    left_m: NDArray[np.float64]
    right_m: NDArray[np.float64]
    trigger_m: NDArray[np.float64]
    yaw_deg: float
    paths: tuple[NDArray[np.float64], ...]
    junction_id: int

    @property
    def lanes(self) -> tuple[LaneKey, ...]:
        """The governed lanes as keys."""
        return tuple((self.road_id, lane_id) for lane_id in self.lane_ids)

    @property
    def center_m(self) -> NDArray[np.float64]:
        """Middle of the stop line."""
        return np.asarray(0.5 * (self.left_m + self.right_m))

    @property
    def forward(self) -> NDArray[np.float64]:
        """Unit vector (3,) along the traffic."""
        yaw = np.radians(self.yaw_deg)
        return np.array([np.cos(yaw), np.sin(yaw), 0.0])

    @property
    def rightward(self) -> NDArray[np.float64]:
        """Unit vector (3,) to the right of the traffic."""
        yaw = np.radians(self.yaw_deg)
        return np.array([-np.sin(yaw), np.cos(yaw), 0.0])


class LaneGraph:
    """Lane links of a network, and the sampled lanes they join."""

    def __init__(self, network: RoadNetwork, grids: Iterable[LaneGrid]) -> None:
        """Index the sampled lanes by road."""
        self._network = network
        self._grids: dict[int, list[LaneGrid]] = {}
        for grid in grids:
            self._grids.setdefault(grid.road.road_id, []).append(grid)

    def grid_at(self, road_id: int, s_m: float) -> LaneGrid | None:
        """The sampled section of a road at ``s_m``, clamped to the road."""
        sections = self._grids.get(road_id, [])
        inside = [grid for grid in sections if grid.section.start_s_m <= s_m]
        return inside[-1] if inside else next(iter(sections), None)

    def approach(self, references: Sequence[Reference]) -> Approach | None:
        """The stop line in front of everything that a signal is attached to; None when it governs no driving lane.

        Attachments inside a junction are followed back to the road that leads into it. When a signal governs several
        roads, the one with most of the lanes is taken.
        """
        stops = [stop for reference in references for stop in self._stops_of(reference)]
        if not stops:
            return None
        count = Counter((road_id, lane_id > 0) for road_id, lane_id, _ in stops)
        (road_id, leftward), _ = max(count.items(), key=lambda item: (item[1], -item[0][0]))
        chosen = [stop for stop in stops if (stop[0], stop[1] > 0) == (road_id, leftward)]
        lane_ids = tuple(sorted({lane_id for _, lane_id, _ in chosen}))
        # The earliest line wins: the largest s for traffic against s, the smallest for traffic along it.
        s_m = (max if leftward else min)(s for _, _, s in chosen)
        return self._approach(road_id, lane_ids, s_m)

    def _stops_of(self, reference: Reference) -> list[tuple[int, int, float]]:
        """(road, lane, s of the line) for each driving lane of a reference."""
        grid = self.grid_at(reference.road_id, reference.s_m)
        if grid is None:
            return []
        kinds = {lane.lane_id: lane.kind for lane in grid.lanes}
        found = []
        for lane_id in reference.lane_ids:
            if kinds.get(lane_id) in DRIVABLE_KINDS:
                stop = self._before_junction(reference.road_id, lane_id, reference.s_m)
                if stop is not None:
                    found.append(stop)
        return found

    def _before_junction(self, road_id: int, lane_id: int, s_m: float) -> tuple[int, int, float] | None:
        for _ in range(_MOST_HOPS):
            road = self._network.roads[road_id]
            if road.junction_id == -1:
                return (
                    road_id,
                    lane_id,
                    float(np.clip(s_m, _STOP_BEFORE_JUNCTION_M, road.length_m - _STOP_BEFORE_JUNCTION_M)),
                )
            link = road.predecessor if lane_id < 0 else road.successor
            section = road.sections[0] if lane_id < 0 else road.sections[-1]
            lane = next((lane for lane in section.lanes if lane.lane_id == lane_id), None)
            next_lane = None if lane is None else (lane.predecessor if lane_id < 0 else lane.successor)
            if link is None or link[0] != "road" or next_lane is None or link[1] not in self._network.roads:
                return None
            road_id, lane_id = link[1], next_lane
            s_m = self._network.roads[road_id].length_m if lane_id < 0 else 0.0
        return None

    def _approach(self, road_id: int, lane_ids: tuple[int, ...], s_m: float) -> Approach | None:
        grid = self.grid_at(road_id, s_m)
        indices = [] if grid is None else [k for lane in lane_ids if (k := grid.lane_index(lane)) is not None]
        if grid is None or not indices:
            return None
        along = lane_ids[0] < 0
        before = s_m - _TRIGGER_BEFORE_LINE_M if along else s_m + _TRIGGER_BEFORE_LINE_M
        stations = np.array([s_m, np.clip(before, grid.s_m[0] + 0.2, grid.s_m[-1] - 0.2)])
        (west, west_before), (east, east_before) = grid.at(stations, min(indices)), grid.at(stations, max(indices) + 1)
        heading = float(np.degrees(np.interp(s_m, grid.s_m, grid.heading_rad)))
        junction_id, paths = self._paths_behind(road_id, lane_ids)
        return Approach(
            road_id=road_id,
            lane_ids=lane_ids,
            left_m=west if along else east,
            right_m=east if along else west,
            trigger_m=0.5 * (west_before + east_before),
            yaw_deg=float((heading + (0.0 if along else 180.0) + 180.0) % 360.0 - 180.0),
            paths=paths,
            junction_id=junction_id,
        )

    def _paths_behind(self, road_id: int, lane_ids: tuple[int, ...]) -> tuple[int, tuple[NDArray[np.float64], ...]]:
        road = self._network.roads[road_id]
        link = road.successor if lane_ids[0] < 0 else road.predecessor
        junction = self._network.junctions.get(link[1]) if link is not None and link[0] == "junction" else None
        if junction is None:
            return -1, ()
        paths = [
            self.path(connection.connecting_road, connecting)
            for connection in junction.connections
            if connection.incoming_road == road_id
            for incoming, connecting in connection.lane_links
            if incoming in lane_ids
        ]
        return junction.junction_id, tuple(path for path in paths if len(path))

    def path(self, road_id: int, lane_id: int) -> NDArray[np.float64]:
        """Centre line (n, 3) of a lane over the whole road, along its traffic; empty where the road lacks it."""
        pieces = [np.empty((0, 3))]
        for grid in self._grids.get(road_id, []):
            k = grid.lane_index(lane_id)
            if k is not None:
                pieces.append(0.5 * (grid.borders_m[grid.keep, k] + grid.borders_m[grid.keep, k + 1]))
        path = np.concatenate(pieces)
        return path if lane_id < 0 else path[::-1]
