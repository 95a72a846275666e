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
    # Where the middles of pixels look, from -1 to 1: what affine_grid gives, which multiplies matrices for it.
    shift_B2 = 2.0 * hidden_B2 + 1.0 / scale_B[:, None] - 1.0
    columns_BW, rows_BH = (
        ((2.0 * torch.arange(size, device=images_B3HW.device) + 1.0) / size - 1.0) / scale_B[:, None]
        + shift_B2[:, axis, None]
        for axis, size in ((0, width), (1, height))
    )
    grid = torch.stack(torch.broadcast_tensors(columns_BW[:, None, :], rows_BH[:, :, None]), dim=-1)
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
        return 1.0 + share * (2.0 * torch.rand(count, columns, device=device) - 1.0)

    light_B1, contrast_B1, saturation_B1 = (
        around(share, 1) for share in (config.brightness, config.contrast, config.saturation)
    )
    gain_B3 = light_B1 * around(config.warmth, 3)
    # All of it is linear in a pixel, so that each picture is gone through once: other light, then away from the mean of
    # the picture, then away from grey.
    mean_B1 = (images_B3HW.mean(dim=(2, 3)) * gain_B3).mean(dim=1, keepdim=True)
    grey_33 = torch.tensor(_GREY, device=device).expand(3, 3)
    saturate_B33 = grey_33 + saturation_B1[..., None] * (torch.eye(3, device=device) - grey_33)
    mix_B33 = saturate_B33 * (contrast_B1 * gain_B3)[:, None, :]
    shift_B31 = (mean_B1 * (1.0 - contrast_B1))[..., None].expand(-1, 3, -1)
    mixed = torch.baddbmm(shift_B31, mix_B33.to(images_B3HW.dtype), images_B3HW.flatten(2)).view_as(images_B3HW)
    if config.noise:
        strength = 255.0 * config.noise * torch.rand(count, 1, 1, 1, device=device)
        mixed = mixed + strength * torch.randn(mixed.shape, device=device)
    return mixed
