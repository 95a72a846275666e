"""Frames as another car would have recorded them: a little beside the real one, and turned.

What was driven shows the lane from its middle, and a model that was only ever there plans straight on from wherever it
has come to. Nothing has to be drawn anew to see the lane from elsewhere: every sensor says where on the car it is
mounted, so that moving the car's frame and leaving world and sensors where they are is exact, and only the labels need
a way back. Perturbed places with a smooth way back are ChauffeurNet's (Bansal et al., arXiv 1812.03079, section 4.2.1);
carla_garage renders shifted cameras for the same end.

B batch, T future steps, P path points, L heads of lights, M boxes, X and Y cells.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from drivevla.errors import ConfigError
from drivevla.models.auxiliary.painting import SEMANTIC_GRID
from drivevla.models.auxiliary.targets import AuxiliaryBatch
from drivevla.training.batches import TrainingBatch
from drivevla.types import PlanTarget, SensorBatch

__all__ = ["Placement", "ShiftConfig", "drawn_placement", "shifted"]

_MOST = 2.5
"""Deviations; farther out would be in the next lane, or in a house."""
_JOIN_S, _JOIN_LEAST_M = 0.9, 5.0
"""Over this way the line is reached again: as the expert does it (``sim.expert.policy``), whose labels stand beside."""
_STILL_M = 0.1


@dataclass(frozen=True, kw_only=True)
class ShiftConfig:
    """How far the frames of a batch are moved."""

    share: float = 0.0
    """Of the frames that are moved at all."""
    aside_m: float = 0.5
    """Standard deviation of the way to either side."""
    turned_deg: float = 4.0
    """Standard deviation of the turn."""

    def __post_init__(self) -> None:
        if not (0.0 <= self.share <= 1.0 and 0.0 <= self.aside_m <= 1.0 and 0.0 <= self.turned_deg <= 20.0):
            raise ConfigError(
                "a shift has a share from 0 to 1, aside_m from 0 to 1 and turned_deg from 0 to 20, got "
                f"{self.share:g}, {self.aside_m:g} and {self.turned_deg:g}"
            )


@dataclass(frozen=True, slots=True)
class Placement:
    """Where each other car is, in the frame of the real one."""

    left_B: Tensor
    turned_B: Tensor

    def __getitem__(self, rows: Tensor) -> Placement:
        return Placement(self.left_B[rows], self.turned_B[rows])

    @property
    def rotation(self) -> Tensor:
        """(B, 2, 2) from the real car's axes to the other's."""
        cos, sin = self.turned_B.cos(), self.turned_B.sin()
        return torch.stack([torch.stack([cos, sin], dim=-1), torch.stack([-sin, cos], dim=-1)], dim=-2)

    @property
    def real_car(self) -> Tensor:
        """(B, 2) where the real car is, seen from the other."""
        return self.points(torch.zeros_like(self.left_B)[:, None, None].expand(-1, 1, 2))[:, 0]

    def points(self, xy_BN2: Tensor) -> Tensor:
        """(B, N, 2) points of the real car's frame in the other's."""
        beside = F.pad(self.left_B[:, None, None], (1, 0))
        return torch.einsum("bij,bnj->bni", self.rotation, xy_BN2 - beside)


def drawn_placement(frames: int, config: ShiftConfig) -> Placement:
    """Places for some frames; all chance comes from torch's own generator."""
    drawn = torch.randn(frames, 2).clamp(-_MOST, _MOST) * (torch.rand(frames, 1) < config.share)
    turned_rad = torch.deg2rad(torch.tensor(config.turned_deg))
    return Placement(drawn[:, 0] * config.aside_m, drawn[:, 1] * turned_rad)


def shifted(batch: TrainingBatch, placement: Placement) -> TrainingBatch:
    """The batch as other cars would have recorded it, and the way back to the line as what they should do.

    Args:
        batch: Whose pictures and sweeps have a row for each frame.
        placement: Of each frame's other car.
    """
    sensors = batch.sensors
    placement = Placement(placement.left_B.to(sensors.ego_BE), placement.turned_B.to(sensors.ego_BE))
    own = placement if sensors.frame_B is None else placement[sensors.frame_B]
    return replace(
        batch,
        sensors=_sensors(sensors, placement, own),
        target=_target(batch.target, own, sensors.ego_BE[:, 0]),
        auxiliary=None if batch.auxiliary is None else _auxiliary(batch.auxiliary, own),
    )


def _sensors(sensors: SensorBatch, frames: Placement, own: Placement) -> SensorBatch:
    pose_F44 = torch.eye(4).to(frames.left_B).repeat(len(frames.left_B), 1, 1)
    pose_F44[:, :2, :2], pose_F44[:, :2, 3] = frames.rotation, frames.real_car
    cameras = {
        name: replace(camera, ego_from_camera_B44=pose_F44 @ camera.ego_from_camera_B44)
        for name, camera in sensors.cameras.items()
    }
    lidar = sensors.lidar
    if lidar is not None:
        points = lidar.points_BP4
        lidar = replace(lidar, points_BP4=torch.cat([frames.points(points[..., :2]), points[..., 2:]], dim=-1))
    return replace(sensors, cameras=cameras, lidar=lidar, past_BS3=_poses(sensors.past_BS3, own))


def _poses(poses_BN3: Tensor, placement: Placement) -> Tensor:
    yaw_BN1 = poses_BN3[..., 2:] - placement.turned_B[:, None, None]
    return torch.cat([placement.points(poses_BN3[..., :2]), yaw_BN1], dim=-1)


def _target(target: PlanTarget, placement: Placement, speed_B: Tensor) -> PlanTarget:
    join_B = (_JOIN_S * speed_B).clamp_min(_JOIN_LEAST_M)
    steps_BT2 = F.pad(target.waypoints_BT3[..., :2], (0, 0, 1, 0)).diff(dim=1)
    along_BT = steps_BT2.norm(dim=-1).cumsum(dim=1)
    poses_BT3 = _poses(target.waypoints_BT3, placement)
    left_B = -placement.real_car[:, 1]
    share_BT = (along_BT / join_B[:, None]).clamp(0.0, 1.0)
    slope_BT = left_B[:, None] * 6.0 * share_BT * (1.0 - share_BT) / join_B[:, None]
    # A car that stands keeps its heading; one that moves takes that of its way back.
    yaw_BT = torch.where(along_BT > _STILL_M, poses_BT3[..., 2] - slope_BT.atan(), target.waypoints_BT3[..., 2])
    xy_BT2 = _joined(poses_BT3[..., :2], along_BT, join_B, placement)
    path_BP2 = target.path_BP2
    if path_BP2 is not None:
        metres_BP = torch.arange(path_BP2.shape[1]).to(path_BP2).expand(path_BP2.shape[:2])
        path_BP2 = _joined(placement.points(path_BP2), metres_BP, join_B, placement)
    return replace(target, waypoints_BT3=torch.cat([xy_BT2, yaw_BT[..., None]], dim=-1), path_BP2=path_BP2)


def _joined(xy_BN2: Tensor, along_BN: Tensor, join_B: Tensor, placement: Placement) -> Tensor:
    """The real car's line, left for that of the other car's place where that begins."""
    share_BN = (along_BN / join_B[:, None]).clamp(0.0, 1.0)
    away_BN = 1.0 - share_BN * share_BN * (3.0 - 2.0 * share_BN)
    return xy_BN2 - away_BN[..., None] * placement.real_car[:, None]


def _auxiliary(auxiliary: AuxiliaryBatch, placement: Placement) -> AuxiliaryBatch:
    boxes, lamps = auxiliary.boxes_BM8, auxiliary.lamps_BL3
    rotation_B22 = placement.rotation
    facing, velocity = (
        torch.einsum("bij,bmj->bmi", rotation_B22, boxes[..., part]) for part in (slice(4, 6), slice(6, 8))
    )
    moved = torch.cat([placement.points(boxes[..., :2]), boxes[..., 2:4], facing, velocity], dim=-1)
    return replace(
        auxiliary,
        boxes_BM8=moved.masked_fill(auxiliary.box_class_BM[..., None] < 0, 0.0),
        lamps_BL3=torch.cat([placement.points(lamps[..., :2]), lamps[..., 2:]], dim=-1),
        grid_BCXY=_grid(auxiliary.grid_BCXY, placement),
    )


def _grid(grid_BCXY: Tensor, placement: Placement) -> Tensor:
    """What the cells around the other car hold; at the border what the nearest known cell does."""
    centres_XY2 = SEMANTIC_GRID.centres(grid_BCXY.device)
    turned = torch.einsum("bji,xyj->bxyi", placement.rotation, centres_XY2)  # back to the real car's axes
    beside = F.pad(placement.left_B[:, None, None, None], (1, 0))
    where = SEMANTIC_GRID.places(turned + beside)
    found = F.grid_sample(grid_BCXY.to(where.dtype), where, mode="nearest", padding_mode="border", align_corners=False)
    return found > 0.5
