"""Running a red light."""

import math
from collections.abc import Sequence

import numpy as np
from shapely import LineString

from drivevla.errors import ContractError, DataError
from drivevla.evaluation.driving_score.criteria.criterion import Criterion
from drivevla.evaluation.driving_score.events import EventKind, TrafficEvent, carla_place
from drivevla.evaluation.driving_score.lane_map import LaneMap, LanePoint
from drivevla.evaluation.driving_score.signals import TrafficLight
from drivevla.evaluation.driving_score.tick import Point, Tick, along

__all__ = ["RedLights", "stop_points"]

_WITHIN_M = 15.0
_TAIL_BEGINS_AT = 0.8  # half-lengths behind the actor's origin
_TAIL_BEYOND_M = 1.0
_BOX_STEP_M = 1.0
_BOX_SHARE = 0.9  # of the trigger box, so that its ends do not reach into the lanes beside
_LANE_STEP_M = 0.5
_LONGEST_APPROACH_M = 10_000.0


def stop_points(light: TrafficLight, lane_map: LaneMap) -> tuple[LanePoint, ...]:
    """Where the lanes that a light governs meet its stop line: the last lane points before the junction.

    The trigger box is sampled every metre along the actor's x axis, which runs across the lanes; each lane found there
    is followed in steps of 0.5 m to the junction, or to its end.

    Source: scenario_runner d7bcaf0 and b9c342e, ``RunningRedLightTest.get_traffic_light_waypoints``.

    Raises:
        DataError: A lane goes on for 10 km without a junction, as a ring road does.
    """
    reach_m = _BOX_SHARE * light.trigger_half_width_m
    lanes: list[LanePoint] = []
    for offset_m in np.arange(-reach_m, reach_m, _BOX_STEP_M):
        lane = lane_map.nearest_driving(_moved(light.trigger_center_m, float(offset_m), light.yaw_rad))
        if not lanes or (lanes[-1].road_id, lanes[-1].lane_id) != (lane.road_id, lane.lane_id):
            lanes.append(lane)
    return tuple(_before_junction(light, lane) for lane in lanes)


class RedLights(Criterion):
    """One event for every red light whose stop line the ego's tail crosses; the same light not twice in a row.

    Source: scenario_runner d7bcaf0 and b9c342e, ``RunningRedLightTest``.
    """

    def __init__(
        self,
        lights: Sequence[TrafficLight],
        lane_map: LaneMap,
        *,
        ego_half_length_m: float,
        line_half_width: float,
        tail_height_counts_twice: bool,
    ) -> None:
        """Find every light's stop line.

        Args:
            lights: All traffic lights of the map.
            lane_map: Where the lanes are.
            ego_half_length_m: Half the length of the ego's box.
            line_half_width: Half the stop line, in lane widths: 0.4 in leaderboard 1.0, 0.6 since.
            tail_height_counts_twice: Leaderboard 1.0 adds the ego's z to itself where it looks for the tail's lane, and
                so may find another road where one runs above the other.

        Raises:
            ContractError: The ego has no length.
            DataError: A light has no stop line (``stop_points``).
        """
        super().__init__()
        if not 0.0 < ego_half_length_m < math.inf:
            raise ContractError(f"ego_half_length_m must be positive, got {ego_half_length_m}")
        self._lights = [(light, stop_points(light, lane_map)) for light in lights]
        self._map = lane_map
        self._ego_half_length_m = ego_half_length_m
        self._line_half_width = line_half_width
        self._tail_height_counts_twice = tail_height_counts_twice
        self._last_light_id: int | None = None

    def observe(self, tick: Tick) -> None:
        """See whether the tail lies across the stop line of a light that is red."""
        seen_from = tick.ego.position_m
        for light, points in self._lights:
            if light.light_id == self._last_light_id or light.light_id not in tick.red_lights:
                continue
            if math.dist(light.trigger_center_m, seen_from) > _WITHIN_M:
                continue
            if self._crosses(tick, points):
                self._events.append(
                    TrafficEvent(
                        kind=EventKind.TRAFFIC_LIGHT_INFRACTION,
                        message=f"Agent ran a red light {light.light_id} at {carla_place(light.position_m)}",
                        tick=tick.index,
                        position_m=light.position_m,
                    )
                )
                self._last_light_id = light.light_id
                # Official code reuses one name: for the rest of this tick, lights are near or far from this light.
                seen_from = light.position_m

    def _crosses(self, tick: Tick, points: Sequence[LanePoint]) -> bool:
        near = _moved(tick.ego.position_m, -_TAIL_BEGINS_AT * self._ego_half_length_m, tick.ego.yaw_rad)
        far = _moved(tick.ego.position_m, -self._ego_half_length_m - _TAIL_BEYOND_M, tick.ego.yaw_rad)
        asked = (far[0], far[1], 2 * far[2]) if self._tail_height_counts_twice else far
        lane = self._map.nearest_driving(asked)
        tail = LineString([near[:2], far[:2]])
        return any(
            (lane.road_id, lane.lane_id) == (point.road_id, point.lane_id)
            and along(tick.ego.forward, point.forward) > 0.0
            and tail.intersects(self._line(point))
            for point in points
        )

    def _line(self, point: LanePoint) -> LineString:
        half_m, across = self._line_half_width * point.width_m, point.yaw_rad + math.pi / 2
        ends = (_moved(point.position_m, half_m, across), _moved(point.position_m, -half_m, across))
        return LineString([end[:2] for end in ends])


def _before_junction(light: TrafficLight, lane: LanePoint) -> LanePoint:
    for _ in range(round(_LONGEST_APPROACH_M / _LANE_STEP_M)):
        if lane.is_junction:
            return lane
        following = lane.ahead(_LANE_STEP_M)
        if following is None or following.is_junction:
            return lane
        lane = following
    raise DataError(
        f"traffic light {light.light_id} at {carla_place(light.position_m)} governs a lane that meets no junction "
        f"within {_LONGEST_APPROACH_M:g} m, so it has no stop line; official code never returns from looking for it"
    )


def _moved(position_m: Point, distance_m: float, yaw_rad: float) -> Point:
    x, y, z = position_m
    return x + distance_m * math.cos(yaw_rad), y + distance_m * math.sin(yaw_rad), z
