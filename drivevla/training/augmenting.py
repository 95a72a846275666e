"""Pictures and sweeps changed at random while a model learns; what moves in a picture moves its calibration.

All chance comes from torch's own generator of the device, so that a step that sets its seed can be done again.

B batch, H height, W width.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from drivevla.errors import ConfigError
from drivevla.types import CameraBatch, SensorBatch

__all__ = ["AugmentationConfig", "augmented"]

_GREY = (0.299, 0.587, 0.114)  # ITU-R BT.601, as JPEG's luma


@dataclass(frozen=True, kw_only=True)
class AugmentationConfig:
    """How much is changed; 0 changes nothing of the kind."""

    brightness: float = 0.0
    """By which share the light varies, both ways."""
    warmth: float = 0.0
    """By which share each colour's light varies for itself."""
    contrast: float = 0.0
    """By which share distances from the mean colour vary."""
    saturation: float = 0.0
    """By which share distances from grey vary."""
    noise: float = 0.0
    """Standard deviation that a pixel's noise has at most, as a share of full white."""
    zoom: float = 0.0
    """By which share a picture is enlarged at most; a window of it is seen, and the intrinsics follow."""
    lidar_dropout: float = 0.0
    """Which share of a sweep's returns is lost at most."""

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if not 0.0 <= value < 1.0:
                raise ConfigError(f"{name} lies from 0 to below 1, got {value}")


def augmented(sensors: SensorBatch, config: AugmentationConfig) -> SensorBatch:
    """The batch as it might as well have been seen."""
    cameras = {name: _camera(camera, config) for name, camera in sorted(sensors.cameras.items())}
    lidar = sensors.lidar
    if lidar is not None and config.lidar_dropout:
        device = lidar.keep_BP.device
        lost_B1 = config.lidar_dropout * torch.rand(len(lidar.keep_BP), 1, device=device)
        stays_BP = torch.rand(lidar.keep_BP.shape, device=device) >= lost_B1
        lidar = replace(lidar, keep_BP=lidar.keep_BP & stays_BP)
    return replace(sensors, cameras=cameras, lidar=lidar)


def _camera(camera: CameraBatch, config: AugmentationConfig) -> CameraBatch:
    images, intrinsics = camera.images_B3HW, camera.intrinsics_B33
    if not any((config.brightness, config.warmth, config.contrast, config.saturation, config.noise, config.zoom)):
        return camera
    images = images.float()
    if config.zoom:
        images, intrinsics = _window(images, intrinsics, config.zoom)
    images = _coloured(images, config)
    return replace(camera, images_B3HW=images.clamp(0.0, 255.0).to(torch.uint8), intrinsics_B33=intrinsics)


def _window(images_B3HW: Tensor, intrinsics_B33: Tensor, most: float) -> tuple[Tensor, Tensor]:
    """A window of each picture at the picture's own size, and the intrinsics of that."""
    height, width = images_B3HW.shape[-2:]
    drawn = torch.rand(len(images_B3HW), 3, device=images_B3HW.device)
    scale_B = 1.0 + most * drawn[:, 0]
    hidden_B2 = drawn[:, 1:] * (1.0 - 1.0 / scale_B)[:, None]  # share of width and height left and above the window
    theta = torch.zeros(len(scale_B), 2, 3, device=images_B3HW.device)
    theta[:, 0, 0] = theta[:, 1, 1] = 1.0 / scale_B
    theta[:, :, 2] = 2.0 * hidden_B2 + 1.0 / scale_B[:, None] - 1.0
    grid = F.affine_grid(theta, list(images_B3HW.shape), align_corners=False)
    seen = F.grid_sample(images_B3HW, grid, mode="bilinear", padding_mode="border", align_corners=False)
    # Written out, since autocast would make a product of matrices too coarse to be inverted.
    moved = torch.cat([scale_B[:, None, None] * intrinsics_B33[:, :2], intrinsics_B33[:, 2:]], dim=1)
    hidden_px_B2 = hidden_B2 * hidden_B2.new_tensor([width, height])
    moved[:, :2, 2] -= scale_B[:, None] * hidden_px_B2
    return seen, moved


def _coloured(images_B3HW: Tensor, config: AugmentationConfig) -> Tensor:
    """The pictures in other light, of another camera."""
    count, device = len(images_B3HW), images_B3HW.device

    def around(share: float, columns: int) -> Tensor:
        return (1.0 + share * (2.0 * torch.rand(count, columns, device=device) - 1.0))[..., None, None]

    grey = torch.tensor(_GREY, device=device)[:, None, None]
    light, contrast, saturation = around(config.brightness, 1), around(config.contrast, 1), around(config.saturation, 1)
    images = images_B3HW * light * around(config.warmth, 3)
    mean = images.mean(dim=(1, 2, 3), keepdim=True)
    images = mean + (images - mean) * contrast
    plain = (images * grey).sum(dim=1, keepdim=True)
    images = plain + (images - plain) * saturation
    if config.noise:
        strength = 255.0 * config.noise * torch.rand(count, 1, 1, 1, device=device)
        images = images + strength * torch.randn(images.shape, device=device)
    return images
