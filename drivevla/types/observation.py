"""What a policy may see, and nothing else."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from drivevla.errors import ContractError
from drivevla.types.checks import frozen_mapping, real_array, real_number, rigid_transform, set_field, whole_array

__all__ = ["CameraFrame", "Command", "EgoState", "LidarSweep", "Observation", "PastPoses"]


class Command(Enum):
    """A discrete navigation command: CARLA's road options by name; each model and data set encodes them itself."""

    LEFT = "left"
    RIGHT = "right"
    STRAIGHT = "straight"
    LANE_FOLLOW = "lane_follow"
    CHANGE_LANE_LEFT = "change_lane_left"
    CHANGE_LANE_RIGHT = "change_lane_right"


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraFrame:
    """One picture and where it was taken from.

    Attributes:
        image: (H, W, 3) uint8 RGB.
        intrinsics_px: (3, 3) pinhole intrinsics; pixel i covers [i, i + 1).
        ego_from_camera: (4, 4) from the optical frame (x right, y down, z forward) to the ego frame.
        timestamp_s: When it was taken, on the observation's clock.
    """

    image: NDArray[np.uint8]
    intrinsics_px: NDArray[np.float64]
    ego_from_camera: NDArray[np.float64]
    timestamp_s: float

    def __post_init__(self) -> None:
        """Check and freeze.

        Raises:
            ContractError: A shape, type or calibration is not as stated above.
        """
        set_field(self, "image", whole_array("image", self.image, ("height", "width", 3), np.uint8))
        intrinsics = real_array("intrinsics_px", self.intrinsics_px, (3, 3))
        if not (intrinsics[0, 0] > 0 and intrinsics[1, 1] > 0 and np.allclose(intrinsics[2], [0.0, 0.0, 1.0])):
            raise ContractError(
                "intrinsics_px must have positive focal lengths and a last row of 0 0 1, got "
                + str(intrinsics.tolist())
            )
        set_field(self, "intrinsics_px", intrinsics)
        set_field(self, "ego_from_camera", rigid_transform("ego_from_camera", self.ego_from_camera))
        set_field(self, "timestamp_s", real_number("timestamp_s", self.timestamp_s))


@dataclass(frozen=True, slots=True, kw_only=True)
class LidarSweep:
    """One sweep, brought to one instant.

    Attributes:
        points_m: (N, 3) in the ego frame at ``timestamp_s``.
        timestamp_s: The instant, on the observation's clock.
        intensity: (N,) 0 to 1, or None where the sensor gives none.
    """

    points_m: NDArray[np.float32]
    timestamp_s: float
    intensity: NDArray[np.float32] | None = None

    def __post_init__(self) -> None:
        """Check and freeze.

        Raises:
            ContractError: A shape or type is wrong, a point is not finite, or an intensity is outside 0 to 1.
        """
        points = whole_array("points_m", self.points_m, ("N", 3), np.float32)
        if not np.isfinite(points).all():
            raise ContractError("points_m must be finite: leave out returns that hit nothing")
        set_field(self, "points_m", points)
        set_field(self, "timestamp_s", real_number("timestamp_s", self.timestamp_s))
        if self.intensity is not None:
            intensity = whole_array("intensity", self.intensity, (len(points),), np.float32)
            if intensity.size and not (intensity.min() >= 0.0 and intensity.max() <= 1.0):
                raise ContractError(
                    f"intensity must lie between 0 and 1, got {intensity.min():g} to {intensity.max():g}; "
                    "divide by the sensor's full scale (nuScenes: 255)"
                )
            set_field(self, "intensity", intensity)


@dataclass(frozen=True, slots=True, kw_only=True)
class EgoState:
    """How the car moves now, as its own sensors tell (GNSS, IMU, speedometer through the one filter).

    Attributes:
        speed_mps: Along the car's x axis; negative in reverse.
        acceleration_mps2: Along the car's x axis, without gravity.
        yaw_rate_radps: Counter-clockwise.
        steering_rad: Road-wheel angle of the front axle, positive to the left, where the car reports one.
    """

    speed_mps: float
    acceleration_mps2: float = 0.0
    yaw_rate_radps: float = 0.0
    steering_rad: float | None = None

    def __post_init__(self) -> None:
        """Check that every number is finite.

        Raises:
            ContractError: One is not, or a speed is beyond 150 m/s (a unit mistake).
        """
        set_field(self, "speed_mps", real_number("speed_mps", self.speed_mps, at_least=-150.0, at_most=150.0))
        for name in ("acceleration_mps2", "yaw_rate_radps"):
            set_field(self, name, real_number(name, getattr(self, name)))
        if self.steering_rad is not None:
            steering = real_number("steering_rad", self.steering_rad, at_least=-np.pi / 2, at_most=np.pi / 2)
            set_field(self, "steering_rad", steering)


@dataclass(frozen=True, slots=True, kw_only=True)
class PastPoses:
    """Where the car was, in the current ego frame, estimated from its own sensors.

    Attributes:
        times_s: (T,) seconds relative to now, increasing, at most 0.
        poses: (T, 3) x, y, yaw.
    """

    times_s: NDArray[np.float64]
    poses: NDArray[np.float64]

    def __post_init__(self) -> None:
        """Check and freeze.

        Raises:
            ContractError: The shapes disagree, or the times do not increase up to at most 0.
        """
        times = real_array("times_s", self.times_s, ("T",))
        if not (np.all(np.diff(times) > 0) and (times <= 0).all()):
            raise ContractError("times_s of past poses must increase strictly and end at 0 (now) or before")
        set_field(self, "times_s", times)
        set_field(self, "poses", real_array("poses", self.poses, (len(times), 3)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """Everything a policy may see at one instant. A route, map or world never reaches it except as these fields.

    Attributes:
        timestamp_s: Now, seconds since the episode began.
        ego: How the car moves.
        cameras: Pictures by camera name; any number, none included.
        lidar: The newest sweep, or None.
        past: Where the car was, or None.
        instruction: What was asked for in plain words; None when nothing was said.
        told_pose: (3,) x, y, yaw in the current ego frame: where the car was when it first heard the instruction, by
            its own odometry. None where that is not known, or nothing was said.
        command: A discrete navigation command, where the protocol gives one.
        target_points_m: (K, 2) points ahead to reach, ego frame, nearest first, where the protocol gives them.
    """

    timestamp_s: float
    ego: EgoState
    cameras: Mapping[str, CameraFrame] = field(default_factory=dict)
    lidar: LidarSweep | None = None
    past: PastPoses | None = None
    instruction: str | None = None
    told_pose: NDArray[np.float64] | None = None
    command: Command | None = None
    target_points_m: NDArray[np.float64] | None = None

    def __post_init__(self) -> None:
        """Check and freeze.

        Raises:
            ContractError: A field is not of its type, or a sensor's time lies after the observation's.
        """
        set_field(self, "timestamp_s", real_number("timestamp_s", self.timestamp_s))
        set_field(self, "cameras", frozen_mapping("cameras", self.cameras, CameraFrame))
        optional = {"lidar": LidarSweep, "past": PastPoses, "instruction": str, "command": Command}
        for name, kind in {"ego": EgoState, **optional}.items():
            value = getattr(self, name)
            if not isinstance(value, kind) and not (value is None and name in optional):
                raise ContractError(f"{name} must be {kind.__name__}, got {type(value).__name__}")
        if self.told_pose is not None:
            set_field(self, "told_pose", real_array("told_pose", self.told_pose, (3,)))
        if self.target_points_m is not None:
            set_field(self, "target_points_m", real_array("target_points_m", self.target_points_m, ("K", 2)))
        self._check_times()

    def _check_times(self) -> None:
        stamps = {f"camera {name!r}": frame.timestamp_s for name, frame in self.cameras.items()}
        if self.lidar is not None:
            stamps["lidar"] = self.lidar.timestamp_s
        for name, stamp in stamps.items():
            if stamp > self.timestamp_s + 1e-6:
                raise ContractError(
                    f"{name} is stamped {stamp:g} s, later than the observation ({self.timestamp_s:g} s): "
                    "no sensor sees ahead"
                )
