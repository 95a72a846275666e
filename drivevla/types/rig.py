"""Sensor rigs: which sensors a car carries, where, and how often they are read."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from drivevla.errors import ContractError
from drivevla.geometry import intrinsics_from_fov
from drivevla.types.checks import frozen_mapping, real_number, rigid_transform, set_field

__all__ = ["CameraSpec", "LidarSpec", "SensorRig"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraSpec:
    """One pinhole camera.

    Attributes:
        width_px: Image width.
        height_px: Image height.
        fov_deg: Horizontal field of view.
        ego_from_camera: (4, 4) from the optical frame (x right, y down, z forward) to the ego frame.
    """

    width_px: int
    height_px: int
    fov_deg: float
    ego_from_camera: NDArray[np.float64]

    def __post_init__(self) -> None:
        """Check and freeze.

        Raises:
            ContractError: A size or the field of view is impossible, or the pose is not rigid.
        """
        intrinsics_from_fov(width_px=self.width_px, height_px=self.height_px, fov_deg=self.fov_deg)
        set_field(self, "ego_from_camera", rigid_transform("ego_from_camera", self.ego_from_camera))

    @property
    def intrinsics_px(self) -> NDArray[np.float64]:
        """(3, 3) intrinsics."""
        return intrinsics_from_fov(width_px=self.width_px, height_px=self.height_px, fov_deg=self.fov_deg)


@dataclass(frozen=True, slots=True, kw_only=True)
class LidarSpec:
    """One spinning LiDAR.

    Attributes:
        channels: Beams, evenly spaced between the two elevations.
        azimuths: Firings of each beam in one sweep.
        range_m: Farthest return.
        upper_fov_deg: Elevation of the highest beam.
        lower_fov_deg: Elevation of the lowest beam.
        ego_from_lidar: (4, 4), both x forward, y left, z up when mounted straight.
    """

    channels: int
    azimuths: int
    range_m: float
    upper_fov_deg: float
    lower_fov_deg: float
    ego_from_lidar: NDArray[np.float64]

    def __post_init__(self) -> None:
        """Check and freeze.

        Raises:
            ContractError: A count, range or elevation is impossible, or the pose is not rigid.
        """
        if self.channels < 1 or self.azimuths < 1:
            raise ContractError(
                f"a LiDAR has at least 1 channel and 1 azimuth, got {self.channels} and {self.azimuths}"
            )
        set_field(self, "range_m", real_number("range_m", self.range_m, above=0.0))
        upper = real_number("upper_fov_deg", self.upper_fov_deg, at_least=-90.0, at_most=90.0)
        lower = real_number("lower_fov_deg", self.lower_fov_deg, at_least=-90.0, at_most=90.0)
        if lower > upper:
            raise ContractError(f"lower_fov_deg must not be above upper_fov_deg, got {lower:g} and {upper:g}")
        set_field(self, "ego_from_lidar", rigid_transform("ego_from_lidar", self.ego_from_lidar))


@dataclass(frozen=True, slots=True, kw_only=True)
class SensorRig:
    """All sensors of a car.

    Attributes:
        name: What results call it.
        cameras: By name; any number.
        lidar: The LiDAR, or None.
        gnss: Whether there is a satellite receiver.
        imu: Whether there is an inertial unit.
        speedometer: Whether the car tells its speed.
        capture_hz: How often cameras and LiDAR are read and the policy is asked.
        control_hz: How often the controller acts; a whole multiple of the capture rate.
    """

    name: str
    cameras: Mapping[str, CameraSpec] = field(default_factory=dict)
    lidar: LidarSpec | None = None
    gnss: bool = True
    imu: bool = True
    speedometer: bool = True
    capture_hz: float = 5.0
    control_hz: float = 20.0

    def __post_init__(self) -> None:
        """Check and freeze.

        Raises:
            ContractError: A rate is not positive, or one control step is not a whole part of a capture period.
        """
        set_field(self, "cameras", frozen_mapping("cameras", self.cameras, CameraSpec))
        capture = real_number("capture_hz", self.capture_hz, above=0.0)
        control = real_number("control_hz", self.control_hz, above=0.0)
        ratio = control / capture
        if ratio < 1.0 or abs(ratio - round(ratio)) > 1e-9:
            raise ContractError(f"control_hz must be a whole multiple of capture_hz, got {control:g} and {capture:g}")
