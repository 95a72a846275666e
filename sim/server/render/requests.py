"""What a sensor asks of the renderer: optics and scan patterns, parsed from CARLA's blueprint attributes, and shots.

A *spec* is what stays the same over a sensor's life; a *shot* is one measurement of it: the spec, where the sensor
stands now, and the random numbers it may use.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

import numpy as np

from drivevla.errors import SimulatorError
from drivevla.sim.server.pose import Pose
from drivevla.sim.server.render.frame import DynamicFrame

__all__ = [
    "CameraKind",
    "CameraShot",
    "CameraSpec",
    "LidarShot",
    "LidarSpec",
    "ObstacleShot",
    "ObstacleSpec",
    "RadarShot",
    "RadarSpec",
    "Shot",
]

CameraKind = Literal["rgb", "depth", "semantic_segmentation", "instance_segmentation", "normals", "optical_flow"]
"""The last part of a camera's blueprint id, for those that can be rendered."""

MAX_IMAGE_SIDE_PX = 4096
MAX_LIDAR_RAYS = 4_000_000


@dataclass(frozen=True, slots=True)
class CameraSpec:
    """A pinhole camera: square pixels, principal point in the middle, pixel (i, j) has its centre at (i+0.5, j+0.5).

    Attributes:
        width_px: Columns.
        height_px: Rows.
        fov_deg: Horizontal field of view; fx = fy = width / (2 tan(fov / 2)).
    """

    width_px: int
    height_px: int
    fov_deg: float = 90.0

    def __post_init__(self) -> None:
        """Check the ranges.

        Raises:
            SimulatorError: An image side or the field of view is out of range.
        """
        if not (1 <= self.width_px <= MAX_IMAGE_SIDE_PX and 1 <= self.height_px <= MAX_IMAGE_SIDE_PX):
            raise SimulatorError(
                f"image must be 1 to {MAX_IMAGE_SIDE_PX} pixels a side, got {self.width_px} x {self.height_px}"
            )
        if not 0.0 < self.fov_deg < 180.0:
            raise SimulatorError(f"fov must lie between 0 and 180 degrees, got {self.fov_deg}")

    @property
    def focal_px(self) -> float:
        """Focal length in pixels."""
        return self.width_px / (2.0 * math.tan(math.radians(self.fov_deg) / 2.0))

    @classmethod
    def from_attributes(cls, attributes: Mapping[str, str]) -> "CameraSpec":
        """From a camera blueprint's attributes; lens distortion and exposure are not rendered (``docs/sensors.md``).

        Raises:
            SimulatorError: An attribute is missing or is no number in range.
        """
        return cls(
            width_px=int(_number(attributes, "image_size_x")),
            height_px=int(_number(attributes, "image_size_y")),
            fov_deg=_number(attributes, "fov"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class LidarSpec:
    """A rotating LiDAR; names, units and defaults of ``sensor.lidar.ray_cast`` (carla.org, "Sensors reference").

    Attributes:
        channels: Lasers, spread evenly from ``upper_fov_deg`` down to ``lower_fov_deg``.
        range_m: Longest return.
        points_per_second: Over all channels.
        rotation_frequency_hz: Turns of the head a second.
        upper_fov_deg: Elevation of channel 0.
        lower_fov_deg: Elevation of the last channel.
        horizontal_fov_deg: Sector that is swept, centred on the x axis.
        attenuation_per_m: Intensity is exp(-attenuation * distance).
        dropoff_general_rate: Share of the rays that is dropped before casting.
        dropoff_intensity_limit: Returns above this intensity are always kept.
        dropoff_zero_intensity: Probability that a return of zero intensity is dropped.
        noise_stddev_m: Noise along the ray.
    """

    channels: int = 32
    range_m: float = 10.0
    points_per_second: int = 56_000
    rotation_frequency_hz: float = 10.0
    upper_fov_deg: float = 10.0
    lower_fov_deg: float = -30.0
    horizontal_fov_deg: float = 360.0
    attenuation_per_m: float = 0.004
    dropoff_general_rate: float = 0.45
    dropoff_intensity_limit: float = 0.8
    dropoff_zero_intensity: float = 0.4
    noise_stddev_m: float = 0.0

    def __post_init__(self) -> None:
        """Check the ranges.

        Raises:
            SimulatorError: An attribute is out of range.
        """
        limits = {
            "channels": (self.channels, 1, 1024),
            "range": (self.range_m, 0.01, 100_000.0),
            "points_per_second": (self.points_per_second, 0, 100_000_000),
            "rotation_frequency": (self.rotation_frequency_hz, 0.0, 10_000.0),
            "upper_fov": (self.upper_fov_deg, -90.0, 90.0),
            "lower_fov": (self.lower_fov_deg, -90.0, 90.0),
            "horizontal_fov": (self.horizontal_fov_deg, 1e-3, 360.0),
            "atmosphere_attenuation_rate": (self.attenuation_per_m, 0.0, 1e6),
            "dropoff_general_rate": (self.dropoff_general_rate, 0.0, 1.0),
            "dropoff_intensity_limit": (self.dropoff_intensity_limit, 0.0, 1e6),
            "dropoff_zero_intensity": (self.dropoff_zero_intensity, 0.0, 1.0),
            "noise_stddev": (self.noise_stddev_m, 0.0, 1e6),
        }
        _check_limits(limits)

    @classmethod
    def from_attributes(cls, attributes: Mapping[str, str]) -> "LidarSpec":
        """From a LiDAR blueprint's attributes; the semantic LiDAR has neither drop-off nor noise.

        Raises:
            SimulatorError: An attribute is missing or is no number in range.
        """
        has_losses = "dropoff_general_rate" in attributes
        return cls(
            channels=int(_number(attributes, "channels")),
            range_m=_number(attributes, "range"),
            points_per_second=int(_number(attributes, "points_per_second")),
            rotation_frequency_hz=_number(attributes, "rotation_frequency"),
            upper_fov_deg=_number(attributes, "upper_fov"),
            lower_fov_deg=_number(attributes, "lower_fov"),
            horizontal_fov_deg=_number(attributes, "horizontal_fov"),
            attenuation_per_m=_number(attributes, "atmosphere_attenuation_rate") if has_losses else 0.0,
            dropoff_general_rate=_number(attributes, "dropoff_general_rate") if has_losses else 0.0,
            dropoff_intensity_limit=_number(attributes, "dropoff_intensity_limit") if has_losses else 0.0,
            dropoff_zero_intensity=_number(attributes, "dropoff_zero_intensity") if has_losses else 0.0,
            noise_stddev_m=_number(attributes, "noise_stddev") if has_losses else 0.0,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RadarSpec:
    """A radar; names, units and defaults of ``sensor.other.radar``."""

    horizontal_fov_deg: float = 30.0
    vertical_fov_deg: float = 30.0
    range_m: float = 100.0
    points_per_second: int = 1500

    def __post_init__(self) -> None:
        """Check the ranges.

        Raises:
            SimulatorError: An attribute is out of range.
        """
        limits = {
            "horizontal_fov": (self.horizontal_fov_deg, 0.0, 179.9),
            "vertical_fov": (self.vertical_fov_deg, 0.0, 179.9),
            "range": (self.range_m, 0.01, 100_000.0),
            "points_per_second": (self.points_per_second, 0, 10_000_000),
        }
        _check_limits(limits)

    @classmethod
    def from_attributes(cls, attributes: Mapping[str, str]) -> "RadarSpec":
        """From a radar blueprint's attributes.

        Raises:
            SimulatorError: An attribute is missing or is no number in range.
        """
        return cls(
            horizontal_fov_deg=_number(attributes, "horizontal_fov"),
            vertical_fov_deg=_number(attributes, "vertical_fov"),
            range_m=_number(attributes, "range"),
            points_per_second=int(_number(attributes, "points_per_second")),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ObstacleSpec:
    """An obstacle detector: a sphere swept along the sensor's x axis (``sensor.other.obstacle``)."""

    distance_m: float = 5.0
    hit_radius_m: float = 0.5
    only_dynamics: bool = False

    def __post_init__(self) -> None:
        """Check the ranges.

        Raises:
            SimulatorError: An attribute is out of range.
        """
        limits = {"distance": (self.distance_m, 0.0, 100_000.0), "hit_radius": (self.hit_radius_m, 0.0, 100.0)}
        _check_limits(limits)

    @classmethod
    def from_attributes(cls, attributes: Mapping[str, str]) -> "ObstacleSpec":
        """From an obstacle detector's attributes.

        Raises:
            SimulatorError: An attribute is missing or is no number in range.
        """
        return cls(
            distance_m=_number(attributes, "distance"),
            hit_radius_m=_number(attributes, "hit_radius"),
            only_dynamics=attributes.get("only_dynamics", "false").lower() == "true",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraShot:
    """One picture.

    Attributes:
        kind: What the pixels hold.
        spec: Optics.
        pose: The camera in the world: x is the optical axis, y right, z up.
        parent_id: The actor that carries the camera. From inside its bounding box it is not seen.
        previous_pose: For optical flow: where the camera stood at its last picture; None at the first.
        previous_frame: For optical flow: where the actors stood then.
    """

    kind: CameraKind
    spec: CameraSpec
    pose: Pose
    parent_id: int = 0
    previous_pose: Pose | None = None
    previous_frame: DynamicFrame | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be rendered.

        Raises:
            SimulatorError: There is no such kind of camera here, e.g. ``dvs``.
        """
        if self.kind not in get_args(CameraKind):
            raise SimulatorError(
                f"sensor.camera.{self.kind} is not rendered by this simulator; "
                f"it renders {', '.join(get_args(CameraKind))}"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class LidarShot:
    """The part of a LiDAR's turn that falls into one tick.

    Attributes:
        spec: Scan pattern.
        pose: The sensor in the world.
        start_angle_rad: Where the head stood: the last scan's ``horizontal_angle_rad``, 0 at first.
        interval_s: Simulated time since the last scan.
        rng: Source of drop-off and noise; None for the semantic LiDAR, which has neither.
        semantic: Whether this is ``sensor.lidar.ray_cast_semantic``.
        parent_id: The actor that carries the sensor. From inside its bounding box it is not seen.
    """

    spec: LidarSpec
    pose: Pose
    start_angle_rad: float
    interval_s: float
    rng: np.random.Generator | None
    semantic: bool = False
    parent_id: int = 0

    @property
    def points_per_channel(self) -> int:
        """Rays of one laser in this interval, rounded half away from zero as CARLA does."""
        return math.floor(self.spec.points_per_second * self.interval_s / self.spec.channels + 0.5)

    def __post_init__(self) -> None:
        """Check that the scan is finite and a laser's noise has a source.

        Raises:
            SimulatorError: More rays than memory allows, or a plain LiDAR without ``rng``.
        """
        if self.points_per_channel * self.spec.channels > MAX_LIDAR_RAYS:
            raise SimulatorError(
                f"{self.points_per_channel * self.spec.channels} LiDAR rays in one tick; at most {MAX_LIDAR_RAYS}: "
                "lower points_per_second or the time step"
            )
        if self.rng is None and not self.semantic:
            raise SimulatorError("a LiDAR shot needs a random generator for its drop-off and noise")


@dataclass(frozen=True, slots=True, kw_only=True)
class RadarShot:
    """One tick of a radar.

    Attributes:
        spec: Cone and density.
        pose: The sensor in the world.
        velocity_mps: (3,) the sensor's own velocity in the world.
        interval_s: Simulated time since the last measurement.
        rng: Where in the cone the rays go.
        parent_id: The actor that carries the sensor. From inside its bounding box it is not seen.
    """

    spec: RadarSpec
    pose: Pose
    velocity_mps: tuple[float, float, float]
    interval_s: float
    rng: np.random.Generator
    parent_id: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ObstacleShot:
    """One sweep of an obstacle detector; ``parent_id``, the carrier, is never an obstacle."""

    spec: ObstacleSpec
    pose: Pose
    parent_id: int = 0


Shot: TypeAlias = CameraShot | LidarShot | RadarShot | ObstacleShot


def _number(attributes: Mapping[str, str], name: str) -> float:
    try:
        value = float(attributes[name])
    except KeyError:
        raise SimulatorError(f"the sensor's blueprint lacks the attribute {name!r}") from None
    except ValueError:
        raise SimulatorError(f"attribute {name!r} must be a number, got {attributes[name]!r}") from None
    if not math.isfinite(value):
        raise SimulatorError(f"attribute {name!r} must be finite, got {attributes[name]!r}")
    return value


def _check_limits(limits: Mapping[str, tuple[float, float, float]]) -> None:
    for name, (value, lowest, highest) in limits.items():
        if not lowest <= value <= highest:
            raise SimulatorError(f"attribute {name!r} must lie in [{lowest:g}, {highest:g}], got {value:g}")
