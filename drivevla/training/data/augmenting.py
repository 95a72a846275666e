"""Pictures and sweeps changed at random while training; what is changed in a picture's geometry moves its calibration.

The draw is an argument: the same sample and the same draw give the same result, in whatever process.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drivevla.errors import ConfigError, require
from drivevla.types import CameraFrame, LidarSweep, Observation

__all__ = ["Augmentation", "AugmentationConfig"]

_GREY = np.array([0.299, 0.587, 0.114])  # ITU-R BT.601, as JPEG's luma


@dataclass(frozen=True, kw_only=True)
class AugmentationConfig:
    """How much is changed; 0 changes nothing of the kind."""

    brightness: float = 0.0
    """By which share the light varies, both ways."""
    contrast: float = 0.0
    """By which share distances from the mean colour vary."""
    saturation: float = 0.0
    """By which share distances from grey vary."""
    zoom: float = 0.0
    """By which share a picture is enlarged at most; a window of it is seen, and the intrinsics follow."""
    lidar_dropout: float = 0.0
    """Which share of a sweep's returns is lost at most."""

    def __post_init__(self) -> None:
        for name, value in dataclasses.asdict(self).items():
            if not 0.0 <= value < 1.0:
                raise ConfigError(f"{name} lies from 0 to below 1, got {value}")


class Augmentation:
    """Changes observations.

    Args:
        config: How much.
    """

    def __init__(self, config: AugmentationConfig) -> None:
        self._config = config

    def __call__(self, observation: Observation, rng: np.random.Generator) -> Observation:
        """The observation as it might as well have been seen."""
        cameras = {name: self._camera(frame, rng) for name, frame in observation.cameras.items()}
        lidar = None if observation.lidar is None else self._sweep(observation.lidar, rng)
        return dataclasses.replace(observation, cameras=cameras, lidar=lidar)

    def _camera(self, frame: CameraFrame, rng: np.random.Generator) -> CameraFrame:
        config = self._config
        light, contrast, saturation = (
            1.0 + rng.uniform(-share, share) for share in (config.brightness, config.contrast, config.saturation)
        )
        scale, right, down = 1.0 + rng.uniform(0.0, config.zoom), rng.random(), rng.random()
        image, intrinsics = frame.image, frame.intrinsics_px
        if config.zoom:
            image, intrinsics = _window(image, intrinsics, scale=scale, right=right, down=down)
        if config.brightness or config.contrast or config.saturation:
            image = _coloured(image, light=light, contrast=contrast, saturation=saturation)
        return dataclasses.replace(frame, image=image, intrinsics_px=intrinsics)

    def _sweep(self, sweep: LidarSweep, rng: np.random.Generator) -> LidarSweep:
        if not self._config.lidar_dropout:
            return sweep
        kept = rng.random(len(sweep.points_m)) >= rng.uniform(0.0, self._config.lidar_dropout)
        intensity = None if sweep.intensity is None else sweep.intensity[kept]
        return dataclasses.replace(sweep, points_m=sweep.points_m[kept], intensity=intensity)


def _window(
    image: NDArray[np.uint8], intrinsics_px: NDArray[np.float64], *, scale: float, right: float, down: float
) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """A window of the picture at the picture's own size, and the intrinsics of that.

    Args:
        image: (H, W, 3).
        intrinsics_px: (3, 3).
        scale: By how much it is enlarged.
        right: Where the window lies: 0 at the left edge, 1 at the right one.
        down: Likewise from the upper edge to the lower one.
    """
    pillow: Any = require("PIL.Image", "data")
    height, width = image.shape[:2]
    left_px, top_px = right * (width - width / scale), down * (height - height / scale)
    box = (left_px, top_px, left_px + width / scale, top_px + height / scale)
    seen = pillow.fromarray(image).resize((width, height), pillow.Resampling.BILINEAR, box=box)
    moved = np.array([[scale, 0.0, -scale * left_px], [0.0, scale, -scale * top_px], [0.0, 0.0, 1.0]])
    return np.asarray(seen, dtype=np.uint8), moved @ intrinsics_px


def _coloured(image: NDArray[np.uint8], *, light: float, contrast: float, saturation: float) -> NDArray[np.uint8]:
    values = image.astype(np.float32) * light
    mean = values.mean(axis=(0, 1), keepdims=True)
    values = mean + (values - mean) * contrast
    grey = (values @ _GREY.astype(np.float32))[..., None]
    return np.clip(np.round(grey + (values - grey) * saturation), 0, 255).astype(np.uint8)
