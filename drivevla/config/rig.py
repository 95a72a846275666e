"""The sensor rig of a vehicle: which sensors it carries, where they sit, how often they are read.

Positions and angles are in the ego frame: x forward, y left, z up, metres, origin on the ground under the rear axle.
Angles are degrees, applied as yaw, then pitch, then roll about the sensor's own axes: yaw counter-clockwise seen from
above (positive turns left), pitch about y (positive lowers the nose), roll about x (positive lowers the right side).
"""

import math
from dataclasses import dataclass, field

from drivevla.errors import ConfigError

__all__ = ["CameraConfig", "LidarConfig", "RigConfig"]

Position = tuple[float, float, float]

_FARTHEST_MOUNT_M = 20.0  # longer than any road vehicle: a number beyond it is in another unit


@dataclass(frozen=True, kw_only=True)
class CameraConfig:
    """A pinhole camera with square pixels and its centre in the middle of the image."""

    width_px: int
    height_px: int
    fov_deg: float
    """Horizontal field of view."""
    position_m: Position
    yaw_deg: float = 0.0
    """Where the camera looks: 0 ahead, 90 left, 180 back."""
    pitch_deg: float = 0.0
    """Positive looks down."""
    roll_deg: float = 0.0
    """Positive lowers the right side."""

    def __post_init__(self) -> None:
        _check_at_least_one(self, "width_px", "height_px")
        if not 0.0 < self.fov_deg < 180.0:
            raise ConfigError(f"fov_deg must lie between 0 and 180 (horizontal, degrees), got {self.fov_deg}")
        _check_mount(self.position_m)
        for name in ("yaw_deg", "pitch_deg", "roll_deg"):
            if not -360.0 <= getattr(self, name) <= 360.0:
                raise ConfigError(f"{name} must lie between -360 and 360 degrees, got {getattr(self, name)}")


@dataclass(frozen=True, kw_only=True)
class LidarConfig:
    """A spinning LiDAR whose sweep is one full turn; its points reach a policy in the ego frame."""

    channels: int
    """Lasers, evenly spread from the lower to the upper limit of the field of view."""
    azimuths: int
    """Firings of every laser in one turn: a sweep has at most channels x azimuths points."""
    range_m: float
    upper_fov_deg: float
    """Elevation of the highest laser, positive above the horizon."""
    lower_fov_deg: float
    """Elevation of the lowest laser, negative below the horizon."""
    position_m: Position

    def __post_init__(self) -> None:
        _check_at_least_one(self, "channels", "azimuths")
        if not 0.0 < self.range_m < math.inf:
            raise ConfigError(f"range_m must be positive metres, got {self.range_m}")
        if not -90.0 <= self.lower_fov_deg <= self.upper_fov_deg <= 90.0:
            raise ConfigError(
                "the LiDAR's field of view must run from lower_fov_deg to upper_fov_deg within -90 and 90 degrees, "
                f"got {self.lower_fov_deg} to {self.upper_fov_deg}"
            )
        _check_mount(self.position_m)


@dataclass(frozen=True, kw_only=True)
class RigConfig:
    """Every sensor of a vehicle, by name."""

    name: str
    """What results call it; the file name of a preset."""
    cameras: dict[str, CameraConfig] = field(default_factory=dict)
    """By name; any number of them."""
    lidar: LidarConfig | None = None
    gnss: bool = True
    imu: bool = True
    speedometer: bool = True
    capture_hz: float
    """How often the sensors are read and the policy is asked."""
    control_hz: float
    """How often the controller steers: the simulator's tick. A multiple of capture_hz."""

    def __post_init__(self) -> None:
        for name in ("capture_hz", "control_hz"):
            if not 0.0 < getattr(self, name) < math.inf:
                raise ConfigError(f"{name} must be positive, got {getattr(self, name)}")
        ticks = self.control_hz / self.capture_hz
        if ticks < 1 or abs(ticks - round(ticks)) > 1e-9:
            raise ConfigError(
                "control_hz must be a whole multiple of capture_hz, so that every capture falls on a tick; "
                f"got {self.control_hz} and {self.capture_hz}"
            )
        for name in self.cameras:
            if not name.isidentifier():
                raise ConfigError(f"a camera's name is letters, digits and underscores, got {name!r}")


def _check_at_least_one(config: CameraConfig | LidarConfig, *names: str) -> None:
    for name in names:
        if getattr(config, name) < 1:
            raise ConfigError(f"{name} must be at least 1, got {getattr(config, name)}")


def _check_mount(position_m: Position) -> None:
    if not all(abs(each) <= _FARTHEST_MOUNT_M for each in position_m):
        raise ConfigError(
            "position_m must be x, y, z in metres from the ground under the rear axle, "
            f"each within {_FARTHEST_MOUNT_M:g} m, got {list(position_m)}"
        )
