"""What would happen if: the car and everybody else moved on as they do now."""

import numpy as np
import shapely
from numpy.typing import NDArray

from drivevla.geometry import cumulative_length_m, yaw_along, yaw_from_matrix
from drivevla.language import Outcome, Side
from drivevla.types import LaneTruth, LightState, ObjectTruth, SignKind, Truth

__all__ = ["if_we_change_lane", "if_we_keep_going", "own_lane", "road_user"]

EGO_SIZE_M = (4.8, 2.0)
"""Length and width of a passenger car."""
EGO_MIDDLE_M = 1.4
"""From the rear axle to its middle."""
HORIZON_S, STEP_S = 4.0, 0.2
_CHANGE_S = 3.0  # that a quick lane change takes
_HITS = {"vehicle": Outcome.HIT_VEHICLE, "pedestrian": Outcome.HIT_PEDESTRIAN, "cyclist": Outcome.HIT_CYCLIST}


def road_user(category: str) -> str | None:
    """What a class name of CARLA or nuScenes is: vehicle, pedestrian, cyclist, or None for anything else."""
    words = category.lower()
    if "bicycle" in words or "cyclist" in words:
        return None if "rack" in words else "cyclist"
    if words.startswith(("walker", "human.pedestrian", "pedestrian")):
        return "pedestrian"
    return "vehicle" if words.startswith("vehicle") else None


def own_lane(truth: Truth) -> LaneTruth | None:
    """The lane that the car is on: the nearest centre line in its own direction, at most half a width away."""
    best: tuple[float, LaneTruth] | None = None
    for lane in truth.lanes or ():
        line = lane.centerline_m
        if len(line) < 2:
            continue
        away_m = float(shapely.LineString(line).distance(shapely.Point(0.0, 0.0)))
        nearest = int(np.argmin(np.hypot(line[:, 0], line[:, 1])))
        if away_m <= lane.width_m / 2 and abs(yaw_along(line)[nearest]) < np.pi / 3 and (not best or away_m < best[0]):
            best = (away_m, lane)
    return None if best is None else best[1]


def if_we_keep_going(truth: Truth, speed_mps: float) -> Outcome | None:
    """What comes first in the next seconds along the route at this speed.

    Args:
        truth: Needs the objects, and a route where the road bends.
        speed_mps: Of the car.

    Returns:
        None where the truth holds no objects.
    """
    if truth.objects is None:
        return None
    times_s = np.arange(0.0, HORIZON_S + 1e-9, STEP_S)
    poses = _along(truth.route_m, speed_mps * times_s)
    hit = _first_hit(truth.objects, times_s, poses)
    ran = _first_ran(truth, speed_mps)
    events = [event for event in (hit, ran) if event is not None and event[0] <= HORIZON_S]
    return min(events, key=lambda event: event[0])[1] if events else Outcome.NOTHING


def if_we_change_lane(truth: Truth, speed_mps: float, side: Side) -> Outcome | None:
    """What would come of moving over by one lane now.

    Returns:
        None where the truth holds no objects or not the lane that the car is on.
    """
    lane = own_lane(truth)
    if truth.objects is None or lane is None:
        return None
    beside, same, may = (
        (lane.left_id, lane.left_same_direction, lane.may_change_left)
        if side is Side.LEFT
        else (lane.right_id, None, lane.may_change_right)
    )
    if beside is None or may is None:
        return None
    if beside == "":
        return Outcome.LEAVE_ROAD
    if same is False:
        return Outcome.WRONG_WAY
    times_s = np.arange(0.0, HORIZON_S + 1e-9, STEP_S)
    over = np.clip(times_s / _CHANGE_S, 0.0, 1.0)
    aside_m = lane.width_m * (3 * over**2 - 2 * over**3) * (1.0 if side is Side.LEFT else -1.0)
    hit = _first_hit(truth.objects, times_s, np.column_stack([speed_mps * times_s, aside_m, np.zeros_like(times_s)]))
    if hit is not None:
        return hit[1]
    return Outcome.NOTHING if may else Outcome.CROSS_SOLID_LINE


def _along(route_m: NDArray[np.float64] | None, length_m: NDArray[np.float64]) -> NDArray[np.float64]:
    """(T, 3) poses after these lengths along the route; straight ahead without one, and beyond its end."""
    line = np.array([[0.0, 0.0], [1.0, 0.0]])
    if route_m is not None:
        ahead = route_m[route_m[:, 0] > 0.5] if len(route_m) else route_m
        line = np.vstack([[0.0, 0.0], ahead]) if len(ahead) else line
    at_m, yaw = cumulative_length_m(line), yaw_along(line)
    beyond_m = np.maximum(length_m - at_m[-1], 0.0)
    x = np.interp(length_m, at_m, line[:, 0]) + beyond_m * np.cos(yaw[-1])
    y = np.interp(length_m, at_m, line[:, 1]) + beyond_m * np.sin(yaw[-1])
    return np.column_stack([x, y, np.interp(length_m, at_m, np.unwrap(yaw))])


def _first_hit(
    objects: tuple[ObjectTruth, ...], times_s: NDArray[np.float64], poses: NDArray[np.float64]
) -> tuple[float, Outcome] | None:
    """When the car first touches somebody, and whom."""
    middles = poses[:, :2] + EGO_MIDDLE_M * np.column_stack([np.cos(poses[:, 2]), np.sin(poses[:, 2])])
    ego = _boxes(middles, poses[:, 2], EGO_SIZE_M)
    first: tuple[float, Outcome] | None = None
    for thing in objects:
        kind = road_user(thing.category)
        if kind is None:
            continue
        velocity = np.zeros(2) if thing.velocity_mps is None else thing.velocity_mps
        places = thing.ego_from_object[:2, 3] + times_s[:, None] * velocity
        yaw = np.full(len(times_s), float(yaw_from_matrix(thing.ego_from_object[:3, :3])))
        touch = shapely.intersects(ego, _boxes(places, yaw, (thing.size_m[0], thing.size_m[1])))
        if touch.any() and (first is None or times_s[touch.argmax()] < first[0]):
            first = (float(times_s[touch.argmax()]), _HITS[kind])
    return first


def _boxes(middles: NDArray[np.float64], yaw: NDArray[np.float64], size_m: tuple[float, float]) -> NDArray[np.object_]:
    """(T,) rectangles."""
    corners = np.array([[1, 1], [1, -1], [-1, -1], [-1, 1]]) * np.asarray(size_m) / 2
    c, s = np.cos(yaw)[:, None], np.sin(yaw)[:, None]
    x = c * corners[:, 0] - s * corners[:, 1] + middles[:, :1]
    y = s * corners[:, 0] + c * corners[:, 1] + middles[:, 1:]
    return np.asarray(shapely.polygons(np.stack([x, y], axis=-1)), dtype=np.object_)


def _first_ran(truth: Truth, speed_mps: float) -> tuple[float, Outcome] | None:
    """When the car first passes a red light or a stop sign that is for it."""
    lines = [
        (light.stop_distance_m, Outcome.RUN_RED_LIGHT)
        for light in truth.lights or ()
        if light.affects_ego and light.state is LightState.RED and light.stop_distance_m is not None
    ]
    lines += [
        (sign.stop_distance_m, Outcome.RUN_STOP_SIGN)
        for sign in truth.signs or ()
        if sign.affects_ego and sign.kind is SignKind.STOP and sign.stop_distance_m is not None
    ]
    ahead = [(metres / speed_mps, outcome) for metres, outcome in lines if metres > 0 and speed_mps > 0.1]
    return min(ahead, key=lambda event: event[0], default=None)
