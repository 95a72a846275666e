"""The sensors of a rig, as the leaderboard's evaluators are asked for them."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drivevla.errors import ConfigError
from drivevla.geometry import carla as carla_frame
from drivevla.sim.session.sensors import actor_from_ego
from drivevla.types import SensorRig

__all__ = ["ACTOR_FROM_EGO", "CONTROL_HZ", "SensorLimits", "camera_id", "sensor_list"]

CONTROL_HZ = 20.0
"""``LeaderboardEvaluator.frame_rate``, in all of them."""

REAR_AXLE_X_M = -1.4313
"""Of the evaluators' ego, ``vehicle.lincoln.mkz_2020``, from its actor's origin."""

ACTOR_FROM_EGO: NDArray[np.float64] = actor_from_ego(REAR_AXLE_X_M)
"""(4, 4) from our ego frame to the actor's, made right-handed."""

_EVERY_TICK_HZ = 1000.0
"""The pseudo sensors send once more than this period has passed; asked for 20 Hz they would miss ticks by rounding."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SensorLimits:
    """What an evaluator accepts.

    Attributes:
        counts: How many sensors of each type; other types are refused.
        radius_m: How far from the actor's origin one may be mounted.
    """

    counts: Mapping[str, int] = field(
        default_factory=lambda: {
            "sensor.camera.rgb": 8,
            "sensor.lidar.ray_cast": 2,
            "sensor.other.radar": 4,
            "sensor.other.gnss": 1,
            "sensor.other.imu": 1,
            "sensor.opendrive_map": 1,
            "sensor.speedometer": 1,
        }
    )
    radius_m: float = 3.0


def camera_id(name: str) -> str:
    """The tag of a rig's camera."""
    return f"camera_{name}"


def sensor_list(rig: SensorRig, *, with_map: bool, limits: SensorLimits) -> list[dict[str, Any]]:
    """What ``AutonomousAgent.sensors`` returns: the rig's sensors and what the ego filter needs.

    The leaderboard decides a LiDAR's beams itself (64 channels, 10 turns a second, 85 m); of the rig's it takes the
    place only.

    Args:
        rig: What the policy looks with.
        with_map: Whether the OpenDRIVE map is asked for.
        limits: What the evaluator accepts.

    Raises:
        ConfigError: The rig does not fit the evaluator; the message says in what.
    """
    if rig.control_hz != CONTROL_HZ:
        raise ConfigError(
            f"official evaluators run at {CONTROL_HZ:g} Hz; rig {rig.name!r} has control_hz {rig.control_hz:g}"
        )
    if not (rig.gnss and rig.imu and rig.speedometer):
        raise ConfigError(f"rig {rig.name!r} lacks a GNSS, IMU or speedometer; the ego filter needs all three")
    sensors = [
        {"type": "sensor.camera.rgb", "id": camera_id(name), **_mounted(ACTOR_FROM_EGO @ _body(spec.ego_from_camera))}
        | {"width": spec.width_px, "height": spec.height_px, "fov": spec.fov_deg}
        for name, spec in rig.cameras.items()
    ]
    if rig.lidar is not None:
        place = _mounted(ACTOR_FROM_EGO @ rig.lidar.ego_from_lidar)
        sensors.append({"type": "sensor.lidar.ray_cast", "id": "lidar", **place})
    at_ego = _mounted(ACTOR_FROM_EGO)
    sensors.append({"type": "sensor.other.gnss", "id": "gnss", **at_ego})
    sensors.append({"type": "sensor.other.imu", "id": "imu", **at_ego})
    sensors.append({"type": "sensor.speedometer", "id": "speed", "reading_frequency": _EVERY_TICK_HZ})
    if with_map:
        sensors.append({"type": "sensor.opendrive_map", "id": "map", "reading_frequency": _EVERY_TICK_HZ})
    _check(rig, sensors, limits)
    return sensors


def _body(ego_from_optical: NDArray[np.float64]) -> NDArray[np.float64]:
    return ego_from_optical @ carla_frame.optical_from_sensor()


def _mounted(actor_from_sensor: NDArray[np.float64]) -> dict[str, float]:
    location, rotation = carla_frame.pose_to_carla(actor_from_sensor)
    return dict(zip(("x", "y", "z", "pitch", "yaw", "roll"), (*location.tolist(), *rotation.tolist()), strict=True))


def _check(rig: SensorRig, sensors: list[dict[str, Any]], limits: SensorLimits) -> None:
    for kind, count in Counter(sensor["type"] for sensor in sensors).items():
        if count > limits.counts.get(kind, 0):
            raise ConfigError(
                f"rig {rig.name!r} has {count} of {kind}; this evaluator and track accept {limits.counts.get(kind, 0)}"
            )
    for sensor in sensors:
        reach_m = float(np.linalg.norm([sensor.get(axis, 0.0) for axis in "xyz"]))
        if reach_m > limits.radius_m:
            raise ConfigError(
                f"{sensor['id']!r} of rig {rig.name!r} is mounted {reach_m:.2f} m from the ego actor's origin (the "
                f"middle of the car, {-REAR_AXLE_X_M:g} m ahead of our ego frame's); this evaluator accepts "
                f"{limits.radius_m:g} m"
            )
