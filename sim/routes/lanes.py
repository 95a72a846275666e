"""A map's driving lanes as a graph of points about one metre apart.

A *lane* here is one lane of one lane section in its driving direction: the smallest piece between two places where
something changes. Its points start at its entry; its successors' entries are its end. CARLA's frame throughout.

The client's ``next_until_lane_end`` crashes on some maps and is not used: lanes are sampled with ``get_waypoint_xodr``,
their ends come from the OpenDRIVE text.
"""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.parsers import expat

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from drivevla.errors import DataError
from drivevla.sim.routes.once import once

if TYPE_CHECKING:
    import carla

__all__ = ["Lane", "LaneGraph", "LaneKey", "lane_graph"]

LaneKey = tuple[int, int, int]
"""Road, lane section and lane id, as in ``carla.Waypoint``."""

_LONGEST_STEP_M = 1.25
"""Steps along a lane are equal and lie between 0.5 m and this, so that the last one is never a sliver."""
_COARSE_M = 5.0
_RIGHT, _LEFT = 1, 2  # bits of carla.LaneChange


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """One lane of one lane section.

    Attributes:
        key: Road, section, lane id.
        first: Its first point; its points are ``first`` up to, but without, ``end``.
        end: One past its last point.
        junction: The junction's id, or -1 outside junctions.
        successors: Lanes that go on from its end, as indices into ``LaneGraph.lanes``.
        left: The lane beside it in the same direction, or None; whether one may change there is ``may_change_left``.
        right: Likewise.
        entry_yaw_deg: Heading at its entry.
        exit_yaw_deg: Heading at its end.
        chord_m: (x, y) from its entry to its end.
    """

    key: LaneKey
    first: int
    end: int
    junction: int
    successors: tuple[int, ...]
    left: int | None
    right: int | None
    entry_yaw_deg: float
    exit_yaw_deg: float
    chord_m: tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, weakref_slot=True)
class LaneGraph:
    """Every driving lane of a map.

    Attributes:
        lanes: All that vehicles drive on.
        key_of: (L, 3) road, section and lane id of every lane.
        junction_of: (L,) junction of every lane, or -1.
        lane_of: (N,) index into ``lanes`` of every point.
        location_m: (N, 3) x, y, z.
        yaw_deg: (N,) heading, clockwise, -180 to 180.
        s_m: (N,) place along the road's reference line.
        may_change_left: (N,) whether the marking on the left may be crossed by law.
        may_change_right: (N,) likewise.
        tree: Over ``location_m[:, :2]``.
    """

    lanes: tuple[Lane, ...]
    key_of: NDArray[np.int32]
    junction_of: NDArray[np.int32]
    lane_of: NDArray[np.int32]
    location_m: NDArray[np.float64]
    yaw_deg: NDArray[np.float64]
    s_m: NDArray[np.float64]
    may_change_left: NDArray[np.bool_]
    may_change_right: NDArray[np.bool_]
    tree: cKDTree


@dataclass(slots=True)
class _Samples:
    """One lane's points before they have a number."""

    location_m: NDArray[np.float64]
    yaw_deg: NDArray[np.float64]
    s_m: NDArray[np.float64]
    lane_change: NDArray[np.int8]
    end_m: NDArray[np.float64]
    end_yaw_deg: float
    junction: int


@once
def lane_graph(carla_map: "carla.Map") -> LaneGraph:
    """The lanes of a map; built once for a map object and forgotten with it.

    Raises:
        DataError: The map has no driving lane.
    """
    successors: dict[LaneKey, list[LaneKey]] = {}
    for start, following in carla_map.get_topology():
        successors.setdefault(_key(start), []).append(_key(following))
        successors.setdefault(_key(following), [])
    # The topology leaves out lanes that nothing leads into or out of.
    for waypoint in carla_map.generate_waypoints(_COARSE_M):
        successors.setdefault(_key(waypoint), [])
    if not successors:
        raise DataError(f"the map {carla_map.name} has no driving lane to plan on")
    spans = _section_spans(carla_map.to_opendrive())
    samples = {key: _sample(carla_map, key, spans) for key in successors}
    index = {key: number for number, key in enumerate(samples)}
    lanes: list[Lane] = []
    first = 0
    for key, piece in samples.items():
        onward = tuple(index[each] for each in successors[key])
        if not onward:
            piece = samples[key] = _with_end(piece)
        left, right = _beside(key)
        chord = piece.end_m - piece.location_m[0]
        lanes.append(
            Lane(
                key=key,
                first=first,
                end=first + len(piece.s_m),
                junction=piece.junction,
                successors=onward,
                left=index.get(left),
                right=index.get(right),
                entry_yaw_deg=float(piece.yaw_deg[0]),
                exit_yaw_deg=piece.end_yaw_deg,
                chord_m=(float(chord[0]), float(chord[1])),
            )
        )
        first += len(piece.s_m)
    return _assemble(lanes, list(samples.values()))


def _assemble(lanes: list[Lane], pieces: list[_Samples]) -> LaneGraph:
    location = np.concatenate([piece.location_m for piece in pieces])
    change = np.concatenate([piece.lane_change for piece in pieces])
    return LaneGraph(
        lanes=tuple(lanes),
        key_of=np.array([lane.key for lane in lanes], dtype=np.int32),
        junction_of=np.array([lane.junction for lane in lanes], dtype=np.int32),
        lane_of=np.repeat(np.arange(len(lanes), dtype=np.int32), [lane.end - lane.first for lane in lanes]),
        location_m=location,
        yaw_deg=np.concatenate([piece.yaw_deg for piece in pieces]),
        s_m=np.concatenate([piece.s_m for piece in pieces]),
        may_change_left=(change & _LEFT) != 0,
        may_change_right=(change & _RIGHT) != 0,
        tree=cKDTree(location[:, :2]),
    )


def _key(waypoint: "carla.Waypoint") -> LaneKey:
    return waypoint.road_id, waypoint.section_id, waypoint.lane_id


def _beside(key: LaneKey) -> tuple[LaneKey, LaneKey]:
    """Left and right of a lane, in the same direction: lanes to the right of the reference line have negative ids."""
    road, section, lane = key
    inner, outer = (lane + 1, lane - 1) if lane < 0 else (lane - 1, lane + 1)
    return (road, section, inner), (road, section, outer)  # inner 0 is the reference line and no lane


def _section_spans(opendrive: str) -> dict[tuple[int, int], tuple[float, float]]:
    """Where every lane section of every road begins and ends, by road id and number of the section."""
    starts: dict[int, list[float]] = {}
    lengths: dict[int, float] = {}
    road = -1

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal road
        if tag == "road":
            road = int(attributes["id"])
            lengths[road] = float(attributes["length"])
            starts[road] = []
        elif tag == "laneSection":
            starts[road].append(float(attributes["s"]))

    parser = expat.ParserCreate()
    parser.StartElementHandler = start
    parser.Parse(opendrive.encode(), True)
    spans = {}
    for road_id, sections in starts.items():
        ends = [*sections[1:], lengths[road_id]]
        for number, span in enumerate(zip(sections, ends, strict=True)):
            spans[road_id, number] = span
    return spans


def _sample(carla_map: "carla.Map", key: LaneKey, spans: dict[tuple[int, int], tuple[float, float]]) -> _Samples:
    road, section, lane = key
    begin, end = spans[road, section]
    margin = min(1e-3, (end - begin) / 4)  # exactly on the border the client may answer with the neighbouring section
    places = np.linspace(begin + margin, end - margin, max(math.ceil(end - begin), 1) + 1)
    if lane > 0:
        places = places[::-1]
    waypoints = [carla_map.get_waypoint_xodr(road, lane, float(s)) for s in places]
    found = [each is not None for each in waypoints]
    if sum(found) < 2:
        raise DataError(f"the map {carla_map.name} has no waypoints on road {road}, section {section}, lane {lane}")
    waypoints, places = [each for each in waypoints if each is not None], places[found]
    transforms = [each.transform for each in waypoints]
    location = np.array([(each.location.x, each.location.y, each.location.z) for each in transforms])
    yaw = np.unwrap(np.array([each.rotation.yaw for each in transforms]), period=360.0)
    in_junction = waypoints[0].is_junction
    change = np.array([0 if in_junction else int(each.lane_change) for each in waypoints], dtype=np.int8)
    junction = waypoints[0].junction_id if in_junction else -1
    return _evenly(location, yaw, places, change, junction)


def _evenly(
    location: NDArray[np.float64],
    yaw: NDArray[np.float64],
    places: NDArray[np.float64],
    change: NDArray[np.int8],
    junction: int,
) -> _Samples:
    """Equal steps along the lane itself: on a bend it is longer or shorter than the road's reference line."""
    along = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(location, axis=0), axis=1))])
    length = along[-1]
    steps = max(math.ceil(length - (_LONGEST_STEP_M - 1.0)), 1)
    wanted = np.arange(steps) * (length / steps)
    nearest = np.clip(np.searchsorted(along, wanted), 0, len(along) - 1)
    return _Samples(
        location_m=np.stack([np.interp(wanted, along, column) for column in location.T], axis=-1),
        yaw_deg=_wrapped(np.interp(wanted, along, yaw)),
        s_m=np.interp(wanted, along, places),
        lane_change=change[nearest],
        end_m=location[-1],
        end_yaw_deg=float(_wrapped(yaw[-1])),
        junction=junction,
    )


def _with_end(piece: _Samples) -> _Samples:
    """A lane without successor keeps its last point, since no entry takes its place."""
    return _Samples(
        location_m=np.concatenate([piece.location_m, piece.end_m[None]]),
        yaw_deg=np.append(piece.yaw_deg, piece.end_yaw_deg),
        s_m=np.append(piece.s_m, piece.s_m[-1]),
        lane_change=np.append(piece.lane_change, np.int8(0)),
        end_m=piece.end_m,
        end_yaw_deg=piece.end_yaw_deg,
        junction=piece.junction,
    )


def _wrapped(yaw_deg: NDArray[np.float64]) -> NDArray[np.float64]:
    return (yaw_deg + 180.0) % 360.0 - 180.0
