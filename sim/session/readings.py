"""What the numbers of CARLA's sensors mean to us: shared by the session and the agent in official evaluators.

Both see the same sensors through different programs; that a policy meets the same observation in both is decided here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from drivevla.geometry import carla as carla_frame
from drivevla.geometry import transform_points
from drivevla.planner.control import VehicleControl
from drivevla.sim.session.ego_filter import EgoFilter
from drivevla.types import CameraFrame, CameraSpec, LidarSpec, LidarSweep

if TYPE_CHECKING:
    import carla

__all__ = ["camera_frame", "carla_control", "feed_ego_filter", "lidar_sweep"]


def feed_ego_filter(
    ego_filter: EgoFilter,
    geodesy: carla.Map,
    *,
    time_s: float,
    fix: tuple[float, float, float],
    accelerometer_x_mps2: float,
    gyroscope_z_radps: float,
    compass_rad: float,
    speed_mps: float,
) -> None:
    """Give the filter one tick's readings, in CARLA's own frames and signs.

    Args:
        ego_filter: Whose.
        geodesy: A map with the simulator's geographic reference: it alone knows its projection.
        time_s: When.
        fix: Latitude and longitude in degrees, altitude in metres, of a receiver at the ego frame's origin.
        accelerometer_x_mps2: IMU, along the car.
        gyroscope_z_radps: IMU, about the vertical, clockwise.
        compass_rad: IMU.
        speed_mps: Speedometer.
    """
    import carla

    here = geodesy.geolocation_to_transform(carla.GeoLocation(*fix))
    ego_filter.update(
        time_s=time_s,
        fix_m=carla_frame.points_from_carla([here.x, here.y, here.z])[:2],
        yaw_rad=float(carla_frame.yaw_from_compass(compass_rad)),
        yaw_rate_radps=-gyroscope_z_radps,
        speed_mps=speed_mps,
        acceleration_mps2=accelerometer_x_mps2,
    )


def camera_frame(spec: CameraSpec, bgra: NDArray[np.uint8], time_s: float) -> CameraFrame:
    """A picture (H, W, 4), blue first, as a policy sees it."""
    return CameraFrame(
        image=np.ascontiguousarray(bgra[..., 2::-1]),
        intrinsics_px=spec.intrinsics_px,
        ego_from_camera=spec.ego_from_camera,
        timestamp_s=time_s,
    )


def lidar_sweep(spec: LidarSpec, points: NDArray[np.float32], time_s: float) -> LidarSweep:
    """Returns (N, 4), x, y, z, intensity in the sensor's own left-handed frame, as a policy sees them."""
    in_ego = transform_points(spec.ego_from_lidar, carla_frame.points_from_carla(points[:, :3]))
    return LidarSweep(points_m=in_ego.astype(np.float32), intensity=np.clip(points[:, 3], 0.0, 1.0), timestamp_s=time_s)


def carla_control(control: VehicleControl) -> Any:
    """The ``carla.VehicleControl`` of ours: CARLA steers positive to the right."""
    import carla

    return carla.VehicleControl(
        throttle=control.throttle, brake=control.brake, steer=-control.steering, reverse=control.reverse
    )
