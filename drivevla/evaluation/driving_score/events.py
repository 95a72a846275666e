"""What a criterion reports: one traffic event, and the words official files use for it."""

from dataclasses import dataclass
from enum import Enum

from drivevla.evaluation.driving_score.tick import Point
from drivevla.geometry.carla import points_to_carla

__all__ = ["EventKind", "TrafficEvent", "carla_place"]


class EventKind(Enum):
    """The events that a score knows, by the names of scenario_runner (``traffic_events.py``)."""

    COLLISION_STATIC = "COLLISION_STATIC"
    COLLISION_VEHICLE = "COLLISION_VEHICLE"
    COLLISION_PEDESTRIAN = "COLLISION_PEDESTRIAN"
    ROUTE_DEVIATION = "ROUTE_DEVIATION"
    ROUTE_COMPLETION = "ROUTE_COMPLETION"
    ROUTE_COMPLETED = "ROUTE_COMPLETED"
    TRAFFIC_LIGHT_INFRACTION = "TRAFFIC_LIGHT_INFRACTION"
    STOP_INFRACTION = "STOP_INFRACTION"
    OUTSIDE_ROUTE_LANES_INFRACTION = "OUTSIDE_ROUTE_LANES_INFRACTION"
    VEHICLE_BLOCKED = "VEHICLE_BLOCKED"
    MIN_SPEED_INFRACTION = "MIN_SPEED_INFRACTION"
    YIELD_TO_EMERGENCY_VEHICLE = "YIELD_TO_EMERGENCY_VEHICLE"
    SCENARIO_TIMEOUT = "SCENARIO_TIMEOUT"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrafficEvent:
    """One event of one route.

    Attributes:
        kind: What happened.
        message: The official sentence about it; result files hold these, and official tools read numbers out of them.
        tick: Index of the tick it was last updated in; 0 for the route completion, as in the official code.
        percentage: For a minimum-speed event the ego's mean speed in percent of the traffic's; for leaving the route's
            lanes the part of the driven route outside of them, in percent.
        distance_m: For leaving the route's lanes, the length of route driven outside.
        route_completed_percent: For the route completion, 0 to 100.
        position_m: Where it happened, our world frame, for kinds that have a place.
    """

    kind: EventKind
    message: str
    tick: int
    percentage: float | None = None
    distance_m: float | None = None
    route_completed_percent: float | None = None
    position_m: Point | None = None


def carla_place(position_m: Point) -> str:
    """A position of our world frame as official messages write it: ``(x=31.365, y=5.25, z=0.0)`` in CARLA's axes."""
    # Adding 0 makes a mirrored zero positive; small negative numbers stay "-0.0", as they are officially.
    x, y, z = (round(float(value) + 0.0, 3) for value in points_to_carla(position_m))
    return f"(x={x}, y={y}, z={z})"
