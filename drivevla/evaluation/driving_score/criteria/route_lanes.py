"""Driving outside the route's lanes: off the lanes, or on one for the other direction."""

import math

from drivevla.evaluation.driving_score.criteria.criterion import Criterion
from drivevla.evaluation.driving_score.events import EventKind, TrafficEvent
from drivevla.evaluation.driving_score.lane_map import LaneMap, LanePoint
from drivevla.evaluation.driving_score.scored_route import ScoredRoute
from drivevla.evaluation.driving_score.tick import Tick

__all__ = ["OutsideRouteLanes"]

_LOOK_AHEAD = 3  # route points
_AGAINST_LANE_DEG = 120.0
_OPPOSITE_LANE_DEG = 150.0


class OutsideRouteLanes(Criterion):
    """The length of route driven off the lanes or on a lane of the wrong direction, as one event that grows.

    Source: scenario_runner d7bcaf0 and b9c342e, ``OutsideRouteLanesTest``.
    """

    def __init__(self, route: ScoredRoute, lane_map: LaneMap, *, margin_m: float, lane_change_clears: bool) -> None:
        """Start at the beginning of the route.

        Args:
            route: The dense route.
            lane_map: Where the lanes are.
            margin_m: How far beyond the lane's edge the ego's origin may be.
            lane_change_clears: Whether a change to a lane of the same direction ends driving on a wrong lane
                (leaderboard 1.0); otherwise only a second opposite change or a junction does.
        """
        super().__init__()
        self._route = route
        self._map = lane_map
        self._margin_m = margin_m
        self._lane_change_clears = lane_change_clears
        self._index = 0
        self._lane: LanePoint | None = None
        self._off_lanes = False
        self._wrong_lane = False
        self._excused = False
        self._driven_m = 0.0
        self._outside_m = 0.0
        self._updated_tick = 0

    @property
    def outside(self) -> bool:
        """Whether the tick observed last counts as outside."""
        return self._off_lanes or (self._wrong_lane and not self._excused)

    @property
    def driven_m(self) -> float:
        """Length of route passed so far."""
        return self._driven_m

    @property
    def outside_m(self) -> float:
        """Length of route passed while outside."""
        return self._outside_m

    @property
    def events(self) -> tuple[TrafficEvent, ...]:
        """One event, once there was anything to note."""
        if not self._outside_m:
            return ()
        percentage = self._outside_m / self._driven_m * 100
        return (
            TrafficEvent(
                kind=EventKind.OUTSIDE_ROUTE_LANES_INFRACTION,
                message=(
                    f"Agent went outside its route lanes for about {round(self._outside_m, 3)} meters "
                    f"({round(percentage, 2)}% of the completed route)"
                ),
                tick=self._updated_tick,
                percentage=percentage,
                distance_m=self._outside_m,
            ),
        )

    def observe(self, tick: Tick) -> None:
        """Look where the ego is, then count the route points it has passed."""
        self._excused = tick.wrong_lane_excused
        lane = self._map.nearest_driving(tick.ego.position_m)
        self._off_lanes = self._is_off_lanes(tick, lane)
        self._wrong_lane = self._is_on_wrong_lane(tick, lane, self._lane)
        self._lane = lane
        for index in range(self._index + 1, min(self._index + _LOOK_AHEAD + 1, len(self._route))):
            if self._route.passed(index, tick.ego.position_m):
                self._count(math.dist(self._route.points_m[self._index], self._route.points_m[index]), tick)
                self._index = index

    def _count(self, length_m: float, tick: Tick) -> None:
        self._driven_m += length_m
        if self.outside:
            self._outside_m += length_m
        if self._outside_m:
            self._updated_tick = tick.index

    def _is_off_lanes(self, tick: Tick, driving: LanePoint) -> bool:
        nearest, distance_m = driving, math.dist(tick.ego.position_m, driving.position_m)
        parking = self._map.nearest_parking(tick.ego.position_m)
        if parking is not None and distance_m >= (parking_m := math.dist(tick.ego.position_m, parking.position_m)):
            nearest, distance_m = parking, parking_m
        return distance_m > nearest.width_m / 2 + self._margin_m

    def _is_on_wrong_lane(self, tick: Tick, lane: LanePoint, before: LanePoint | None) -> bool:
        if lane.is_junction:
            return False
        if before is None:
            # The drive begins outside a junction: official code compares the lane with itself and sees no change.
            return False
        if (lane.road_id, lane.lane_id) == (before.road_id, before.lane_id):
            return self._wrong_lane
        if before.is_junction:
            return _AGAINST_LANE_DEG <= _turn_deg(lane.yaw_rad, tick.ego.yaw_rad) <= 360.0 - _AGAINST_LANE_DEG
        turn_deg = _turn_deg(before.yaw_rad, lane.yaw_rad)
        if self._lane_change_clears:
            opposite = _OPPOSITE_LANE_DEG <= turn_deg <= 360.0 - _OPPOSITE_LANE_DEG
            return opposite and not self._wrong_lane
        opposite = _OPPOSITE_LANE_DEG < turn_deg < 360.0 - _OPPOSITE_LANE_DEG
        return self._wrong_lane != opposite


def _turn_deg(from_rad: float, to_rad: float) -> float:
    return math.degrees(from_rad - to_rad) % 360.0
