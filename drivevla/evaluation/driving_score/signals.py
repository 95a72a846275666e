"""Traffic lights and stop signs as the criteria need them."""

from dataclasses import dataclass

from drivevla.evaluation.driving_score.tick import Point

__all__ = ["StopSign", "TrafficLight"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrafficLight:
    """A traffic light and the box in front of its stop line, world frame.

    Attributes:
        light_id: CARLA's actor id; never 0.
        position_m: The actor itself, for the message.
        yaw_rad: The actor's yaw. Its x axis, and with it the box's, runs **across** the lanes.
        trigger_center_m: Middle of the trigger box.
        trigger_half_width_m: Half of the box's size along the actor's x axis.
    """

    light_id: int
    position_m: Point
    yaw_rad: float
    trigger_center_m: Point
    trigger_half_width_m: float


@dataclass(frozen=True, slots=True, kw_only=True)
class StopSign:
    """A stop sign and its trigger box, world frame.

    Attributes:
        sign_id: CARLA's actor id; never 0.
        position_m: The actor itself.
        trigger_center_m: Middle of the trigger box.
        trigger_half_size_m: Half of the box's sizes along the **actor's** x and y axes. The official criterion lays
            them along the world's axes whatever the sign's yaw, and so do we.
    """

    sign_id: int
    position_m: Point
    trigger_center_m: Point
    trigger_half_size_m: tuple[float, float]
