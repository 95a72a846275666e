"""What comes back from the renderer, in CARLA's layouts (little-endian, as on the wire)."""

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from drivevla.sim.server.scene.mesh import Label

__all__ = ["SEMANTIC_POINT", "Image", "LidarScan", "Measurement", "RadarScan", "RayHit"]

SEMANTIC_POINT = np.dtype(
    [("x", "<f4"), ("y", "<f4"), ("z", "<f4"), ("cos_incidence", "<f4"), ("object_id", "<u4"), ("tag", "<u4")]
)
"""One point of the semantic LiDAR: 24 bytes."""

Image: TypeAlias = NDArray[Any]
"""(H, W, 4) uint8 B, G, R, A; for optical flow (H, W, 2) float32."""


@dataclass(frozen=True, slots=True)
class RadarScan:
    """One tick's detections.

    Attributes:
        detections: (N, 4) float32 velocity along the ray (m/s, positive when the distance grows), azimuth (rad,
            positive to the right), altitude (rad, positive up), depth (m).
    """

    detections: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class LidarScan:
    """One tick's points, grouped by channel.

    Attributes:
        horizontal_angle_rad: Where the head stands after the scan; the next shot's ``start_angle_rad``.
        points_in_channel: (channels,) uint32.
        points: (N, 4) float32 x, y, z, intensity in the sensor's frame, or (N,) of ``SEMANTIC_POINT``.
    """

    horizontal_angle_rad: float
    points_in_channel: NDArray[np.uint32]
    points: NDArray[np.float32] | NDArray[np.void]


@dataclass(frozen=True, slots=True)
class RayHit:
    """What a ray or sweep met.

    Attributes:
        location_m: World frame.
        distance_m: From the start.
        label: CARLA's semantic label.
        actor_id: The actor that was hit; 0 for the static scene.
        object_id: The static object that was hit; 0 for an actor or for what is no object of its own.
    """

    location_m: tuple[float, float, float]
    distance_m: float
    label: Label
    actor_id: int
    object_id: int


Measurement: TypeAlias = Image | LidarScan | RadarScan | RayHit | None
"""By kind of shot: image, LidarScan, RadarScan; an obstacle sweep gives a hit or None."""
