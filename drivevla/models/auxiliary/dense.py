"""What each place is: the grid around the car, and how far each patch of a picture is away.

B batch, D width, C classes, X and Y cells, H and W rows and columns of a camera's tokens, P points.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from drivevla.models.auxiliary.heads import AuxiliaryInput, Need
from drivevla.models.auxiliary.painting import GRID_CLASSES, GRID_LAYERS, SEMANTIC_GRID, WAY_CLASSES
from drivevla.models.auxiliary.targets import AuxiliaryBatch
from drivevla.perception.cameras.projection import project_points
from drivevla.perception.lidar.grid import BevGrid
from drivevla.types import CameraBatch, LidarBatch

__all__ = ["DepthHead", "GroundGridHead", "JunctionWaysHead", "SemanticGridHead", "token_depths"]

_FARTHEST_M = 80.0


class SemanticGridHead(nn.Module):
    """Lanes, vehicles and people on foot on a grid of one-metre cells, from the features around the car.

    Args:
        width: Of the features.
        grid: That the features live on.
        channels: That are brought to the finer grid; half the width where left out.
        around: Cells on each side that are looked at before.
    """

    needs: Need | None = "grid"

    def __init__(self, width: int, *, grid: BevGrid, channels: int | None = None, around: int = 1) -> None:
        super().__init__()
        middle = width // 2 if channels is None else channels
        self.look = nn.Sequential(nn.Conv2d(width, middle, 1 + 2 * around, padding=around), nn.GELU())
        self.tell = nn.Conv2d(middle, len(GRID_CLASSES), 3, padding=1)
        self._where_XY2 = grid.places(SEMANTIC_GRID.centres())

    def forward(self, given: AuxiliaryInput) -> Tensor:
        """(B, C, X, Y) logits on ``SEMANTIC_GRID``."""
        bev_BDXY = given.scene.bev_BDXY
        assert bev_BDXY is not None
        where = self._where_XY2.to(bev_BDXY.device).expand(len(bev_BDXY), -1, -1, -1)
        # Looking around before the grid is made finer costs a quarter of doing so afterwards.
        finer_BDXY = F.grid_sample(self.look(bev_BDXY).float(), where, align_corners=False)
        logits: Tensor = self.tell(finer_BDXY)
        return logits

    def loss(self, prediction: Tensor, given: AuxiliaryInput, target: AuxiliaryBatch) -> Mapping[str, Tensor]:
        """One term a class, as ``_grid_terms`` has it."""
        return _grid_terms(prediction, target, torch.ones_like(prediction[0, 0]), GRID_CLASSES)


class GroundGridHead(nn.Module):
    """The same classes from the finer cells of the ground near the car, so far as these reach.

    Args:
        width: Of the model; the ground has channels of its own.
        ground: The grid of these cells.
        ground_channels: Of their features.
    """

    needs: Need | None = "ground"
    classes: tuple[str, ...] = GRID_CLASSES

    def __init__(self, width: int, *, ground: BevGrid, ground_channels: int) -> None:
        super().__init__()
        self.tell = nn.Conv2d(ground_channels, len(self.classes), 1)
        self._where_XY2 = ground.places(SEMANTIC_GRID.centres())

    def forward(self, given: AuxiliaryInput) -> Tensor:
        """(B, C, X, Y) logits on ``SEMANTIC_GRID``, 0 beyond the ground's own grid."""
        ground_BCXY = given.scene.ground_BCXY
        assert ground_BCXY is not None
        where = self._where_XY2.to(ground_BCXY.device).expand(len(ground_BCXY), -1, -1, -1)
        return F.grid_sample(self.tell(ground_BCXY).float(), where, align_corners=False)

    def loss(self, prediction: Tensor, given: AuxiliaryInput, target: AuxiliaryBatch) -> Mapping[str, Tensor]:
        """One term a class, as ``_grid_terms`` has it, over the cells that the ground's own grid covers."""
        inside_XY = (self._where_XY2.abs() < 1).all(dim=-1).to(prediction)
        return _grid_terms(prediction, target, inside_XY, self.classes)


class JunctionWaysHead(GroundGridHead):
    """Where the ways through the next junction lie, to the left, straight on and to the right.

    Whoever is told to turn must know where the turn begins, and the plan alone teaches that on one way of several.
    """

    classes = WAY_CLASSES


class DepthHead(nn.Module):
    """How far away the nearest thing in each patch of each picture is; the LiDAR tells while learning.

    Depth from sparse returns as in BEVDepth's supervision (arXiv 2206.10092, section 3.2), as a number, not bins.

    Args:
        width: Of the features.
    """

    needs: Need | None = "cameras"

    def __init__(self, width: int) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.Conv2d(width, width, 1), nn.GELU(), nn.Conv2d(width, 1, 1))
        nn.init.constant_(self.net[-1].bias, math.log(15.0))  # type: ignore[arg-type]

    def forward(self, given: AuxiliaryInput) -> dict[str, Tensor]:
        """(B, H, W) natural logarithm of metres by camera."""
        return {name: self.net(feature)[:, 0] for name, feature in given.scene.camera_features.items()}

    def loss(
        self, prediction: dict[str, Tensor], given: AuxiliaryInput, target: AuxiliaryBatch
    ) -> Mapping[str, Tensor]:
        """``error``: mean absolute difference of logarithms over the patches of a sample that a return falls in."""
        sensors = given.sensors
        wrong_B = known_B = sensors.ego_BE.new_zeros(len(sensors.ego_BE))
        if sensors.lidar is not None:
            for name, log_depth_BHW in prediction.items():
                depth_BHW = token_depths(sensors.cameras[name], sensors.lidar, *log_depth_BHW.shape[1:])
                known_BHW = depth_BHW.isfinite()
                true_BHW = torch.where(known_BHW, depth_BHW, 1.0).clamp(1.0, _FARTHEST_M).log()
                wrong_B = wrong_B + ((log_depth_BHW - true_BHW).abs() * known_BHW).sum(dim=(1, 2))
                known_B = known_B + known_BHW.sum(dim=(1, 2))
        else:  # the term keeps its gradient, so that all processes exchange the same ones
            wrong_B = wrong_B + sum(each.sum(dim=(1, 2)) * 0.0 for each in prediction.values())
        return {"error": (wrong_B / known_B.clamp_min(1.0)).mean()}


def token_depths(camera: CameraBatch, lidar: LidarBatch, rows: int, columns: int) -> Tensor:
    """(B, H, W) depth in metres of the nearest return in each cell of a grid over the picture; infinite without one."""
    where, depth, visible = project_points(camera, lidar.points_BP4[..., :3])
    visible = visible & lidar.keep_BP
    column = ((where[..., 0] + 1) / 2 * columns).long().clamp(0, columns - 1)
    row = ((where[..., 1] + 1) / 2 * rows).long().clamp(0, rows - 1)
    nearest = depth.new_full((len(depth), rows * columns), math.inf)
    nearest = nearest.scatter_reduce(1, row * columns + column, depth.masked_fill(~visible, math.inf), "amin")
    return nearest.unflatten(1, (rows, columns))


def _grid_terms(
    prediction_BCXY: Tensor, target: AuxiliaryBatch, counted_XY: Tensor, classes: tuple[str, ...]
) -> dict[str, Tensor]:
    """For each class half the mean surprise of the cells that are it, half that of all others, in nats."""
    layers = [GRID_LAYERS.index(name) for name in classes]
    is_it = target.grid_BCXY[:, layers].to(prediction_BCXY)
    surprise = F.binary_cross_entropy_with_logits(prediction_BCXY, is_it, reduction="none")
    known_BC = target.grid_known_BC[:, layers].to(surprise)
    # A walker is four cells of four thousand: unbalanced, "nowhere" would be a fine answer.
    halves_BC = sum(
        (surprise * part).sum(dim=(2, 3)) / part.sum(dim=(2, 3)).clamp_min(1.0)
        for part in (is_it * counted_XY, (1.0 - is_it) * counted_XY)
    )
    return dict(zip(classes, (0.5 * halves_BC * known_BC).mean(dim=0).unbind(), strict=True))
