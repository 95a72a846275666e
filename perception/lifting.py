"""Pictures seen from above: each cell of a grid looks up what the cameras see there.

B batch, D width, H and W rows and columns of features, X and Y cells, N points: all cells' at all heights.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache

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
    seen = _Calibrations([cameras[name] for name in features])
    lookups = _remembered(seen, grid, heights_m) if seen.recurs else _lookups(seen.cameras, grid, heights_m)
    parts_BDN = [
        torch.cat([_looked_up(feature, where_B1N2) for feature in sizes], dim=1) * share_B1N
        for sizes, (where_B1N2, share_B1N) in zip(features.values(), lookups, strict=True)
    ]
    total_BDN = sum(parts_BDN[1:], start=parts_BDN[0])
    if len(heights_m) > 1:
        total_BDN = total_BDN.unflatten(2, (len(heights_m), -1)).sum(dim=2)
    return total_BDN.unflatten(2, grid.shape)


def _looked_up(feature_BDHW: Tensor, where_B1N2: Tensor) -> Tensor:
    sampled: Tensor = F.grid_sample(feature_BDHW, where_B1N2, align_corners=False)[:, :, 0]
    return sampled


class _Calibrations:
    """Those of several cameras, as a key that a cache can be asked with: equal where they say the same."""

    def __init__(self, cameras: Sequence[CameraBatch]) -> None:
        # Of a picture its size alone: what is remembered holds on to no picture.
        self.cameras = [
            replace(each, images_B3HW=torch.empty_like(each.images_B3HW, device="meta")) for each in cameras
        ]
        self.recurs = len(cameras[0].present_B) == 1 and cameras[0].present_B.device.type == "cpu"
        self._said = tuple(map(_said, cameras)) if self.recurs else ()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Calibrations) and self._said == other._said

    def __hash__(self) -> int:
        return hash(self._said)


def _said(camera: CameraBatch) -> tuple[object, ...]:
    calibration = (camera.intrinsics_B33, camera.ego_from_camera_B44, camera.present_B)
    return camera.images_B3HW.shape, *((each.dtype, each.numpy().tobytes()) for each in calibration)


@lru_cache(maxsize=8)
def _remembered(seen: _Calibrations, grid: BevGrid, heights_m: tuple[float, ...]) -> list[tuple[Tensor, Tensor]]:
    """The same for plan after plan: a rig's calibration hardly ever changes while it drives."""
    with torch.inference_mode(False), torch.no_grad():  # they may be needed for a gradient next time
        return _lookups(seen.cameras, grid, heights_m)


def _lookups(
    cameras: Sequence[CameraBatch], grid: BevGrid, heights_m: tuple[float, ...]
) -> list[tuple[Tensor, Tensor]]:
    """By camera (B, 1, N, 2) where points lie in its picture, and (B, 1, N) its share in their mean, 0 where unseen."""
    centres_XY2 = grid.centres(cameras[0].present_B.device)
    points = torch.stack(
        [torch.cat([centres_XY2, torch.full_like(centres_XY2[..., :1], height)], dim=-1) for height in heights_m]
    )
    looks = [project_points(camera, points.flatten(0, 2)) for camera in cameras]
    visible = [visible_BN.to(where_BN2.dtype) for where_BN2, _, visible_BN in looks]
    by_cell = torch.stack(visible).sum(dim=0).unflatten(1, (len(heights_m), -1)).sum(dim=1).clamp_min(1.0)
    times_BN = by_cell.repeat(1, len(heights_m))
    return [
        (where_BN2[:, None], (visible_BN / times_BN)[:, None])
        for (where_BN2, _, _), visible_BN in zip(looks, visible, strict=True)
    ]
