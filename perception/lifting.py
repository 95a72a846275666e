"""Pictures seen from above: each cell of a grid looks up what the cameras see there.

B batch, D width, H and W rows and columns of features, X and Y cells, Z heights.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from drivevla.perception.cameras.projection import project_points
from drivevla.perception.lidar.grid import BevGrid
from drivevla.types import CameraBatch

__all__ = ["lift_cameras"]

HEIGHTS_M = (0.0, 1.0, 2.0)


def lift_cameras(
    features: Mapping[str, Sequence[Tensor]],
    cameras: Mapping[str, CameraBatch],
    grid: BevGrid,
    *,
    heights_m: tuple[float, ...] = HEIGHTS_M,
) -> Tensor:
    """(B, D, X, Y) the mean of what all cameras see at a few heights above each cell; 0 where none looks.

    Simple-BEV's unprojection, without parameters and without a depth (arXiv 2206.07959, section 3).

    Args:
        features: By camera (B, D, H, W), at several sizes where more than one shall be looked up; they lie one after
            the other in D of what comes out.
        cameras: The same cameras' calibrations.
        grid: Cells around the car.
        heights_m: Above the ego frame's ground.
    """
    sizes = next(iter(features.values()))
    first, width = sizes[0], sum(size.shape[1] for size in sizes)
    centres_XY2 = grid.centres(first.device)
    points = torch.stack(
        [torch.cat([centres_XY2, torch.full_like(centres_XY2[..., :1], height)], dim=-1) for height in heights_m]
    )
    total = first.new_zeros(len(first), width, len(heights_m), *grid.shape)
    seen = first.new_zeros(len(first), 1, len(heights_m), *grid.shape)
    for name, sizes in features.items():
        where_B_2, _, visible_B_ = project_points(cameras[name], points.flatten(0, 2))
        sampled = torch.cat([_looked_up(feature, where_B_2) for feature in sizes], dim=1)
        visible = visible_B_[:, None].to(sampled.dtype)
        total = total + (sampled * visible).reshape_as(total)
        seen = seen + visible.reshape_as(seen)
    return total.sum(dim=2) / seen.sum(dim=2).clamp_min(1.0)


def _looked_up(feature_BDHW: Tensor, where_BN2: Tensor) -> Tensor:
    sampled: Tensor = F.grid_sample(feature_BDHW, where_BN2[:, None], align_corners=False)[:, :, 0]
    return sampled
