"""One tick retold: for the goal monitors, and in a line below a picture."""

import math

from drivevla.evaluation.closed_loop.driver import Moment
from drivevla.evaluation.closed_loop.record import TickRow
from drivevla.evaluation.closed_loop.setting import DriveSetting
from drivevla.evaluation.driving_score import Tick
from drivevla.sim.navigator import EgoShape, Sample

__all__ = ["caption", "ego_shape", "sample_of"]


def sample_of(row: TickRow, *, rear_axle_x_m: float, infraction: bool) -> Sample:
    """A tick as goals are judged: the true pose of our ego frame, at the rear axle."""
    ego, velocity = row.tick.ego, row.tick.velocity_mps
    cos, sin = math.cos(ego.yaw_rad), math.sin(ego.yaw_rad)
    x_m, y_m, _ = ego.position_m
    return Sample(
        time_s=row.tick.time_s,
        pose=(x_m + rear_axle_x_m * cos, y_m + rear_axle_x_m * sin, ego.yaw_rad),
        speed_mps=velocity[0] * cos + velocity[1] * sin,
        refused=row.plan is not None and row.plan.refused,
        infraction=infraction,
        speed_limit_mps=row.tick.speed_limit_mps,
    )


def ego_shape(setting: DriveSetting) -> EgoShape:
    """The car, as seen from its rear axle."""
    return EgoShape(
        front_m=setting.ego_half_length_m - setting.rear_axle_x_m,
        rear_m=setting.ego_half_length_m + setting.rear_axle_x_m,
    )


def caption(moment: Moment, tick: Tick) -> tuple[str, ...]:
    """What was heard, and what the car says and does."""
    heard = moment.guidance.text or (moment.guidance.command.value if moment.guidance.command else "")
    said = (moment.plan.text or "") if moment.plan else ""
    refused = "refused: " if moment.plan and moment.plan.refused else ""
    first = f"{tick.time_s:6.1f} s  {3.6 * tick.speed_mps:3.0f} km/h" + (f"   asked: {heard}" if heard else "")
    return first, f"says: {refused}{said}" if refused or said else ""
