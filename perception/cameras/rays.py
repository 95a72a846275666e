"""Calibration as position: each token is told the ray it looks along, in the car's frame.

B batch, H and W rows and columns of tokens, D width.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from drivevla.types import CameraBatch

__all__ = ["RayEmbedding", "token_rays"]

_OCTAVES = 6


class RayEmbedding(nn.Module):
    """Where a camera stands and which way each of its tokens looks, as features.

    Any number of cameras with any calibration needs no name and no order: what tells them apart is where they look.
    Rays as positions follow PETR's camera rays (arXiv 2203.05625) without its depths.

    Args:
        width: Of the tokens.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        inputs = 3 + 3 * (1 + 2 * _OCTAVES)
        self.net = nn.Sequential(nn.Linear(inputs, width), nn.GELU(), nn.Linear(width, width))

    def forward(self, camera: CameraBatch, rows: int, columns: int) -> Tensor:
        """(B, H * W, D) features of a grid of tokens that covers the picture evenly."""
        origin_B3, direction_BHW3 = token_rays(camera, rows, columns)
        octaves = 2.0 ** torch.arange(_OCTAVES, device=origin_B3.device) * (math.pi / 2)
        angles = (direction_BHW3[..., None] * octaves).flatten(-2)
        where = origin_B3[:, None, None].expand_as(direction_BHW3)
        features = torch.cat([where, direction_BHW3, angles.sin(), angles.cos()], dim=-1)
        embedded: Tensor = self.net(features.flatten(1, 2))
        return embedded


def token_rays(camera: CameraBatch, rows: int, columns: int) -> tuple[Tensor, Tensor]:
    """Where a camera stands, and the directions through the middles of the cells of a grid over its picture.

    Returns:
        (B, 3) metres in the ego frame, and (B, H, W, 3) unit vectors in the ego frame.
    """
    height, width = camera.images_B3HW.shape[2:]
    device = camera.intrinsics_B33.device
    v = (torch.arange(rows, device=device) + 0.5) * (height / rows)
    u = (torch.arange(columns, device=device) + 0.5) * (width / columns)
    grid_v, grid_u = torch.meshgrid(v, u, indexing="ij")
    pixels_HW3 = torch.stack([grid_u, grid_v, torch.ones_like(grid_u)], dim=-1)
    optical = torch.einsum("bij,hwj->bhwi", torch.linalg.inv(camera.intrinsics_B33), pixels_HW3)
    direction = torch.einsum("bij,bhwj->bhwi", camera.ego_from_camera_B44[:, :3, :3], optical)
    return camera.ego_from_camera_B44[:, :3, 3], direction / direction.norm(dim=-1, keepdim=True)
