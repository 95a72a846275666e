"""All sensors together: the tokens of a scene.

B batch, S scene tokens, D width, C channels, X and Y cells, H and W rows and columns.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from drivevla.errors import ContractError, unknown_name
from drivevla.perception.cameras.halving import halved
from drivevla.perception.cameras.rays import RayEmbedding
from drivevla.perception.collating import EGO_FEATURES, PAST_S
from drivevla.perception.ground import GroundEncoder
from drivevla.perception.history import PastEncoder
from drivevla.perception.lidar.grid import BevGrid
from drivevla.perception.lifting import lift_cameras
from drivevla.perception.objects import ObjectSet
from drivevla.types import CameraBatch, LidarBatch, SensorBatch

__all__ = ["Scene", "SceneEncoder"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What is known of a batch of scenes.

    Attributes:
        tokens_BSD: One token for each patch of each camera, each square of the LiDAR grid, the ego state, past poses.
        keep_BS: False for what is absent.
        bev_BDXY: The grid around the car, camera and LiDAR fused; None where the recipe has neither LiDAR nor lifting.
        camera_features: (B, D, H, W) by camera, for auxiliary heads.
        ground_BCXY: The ground near the car in finer cells; None where the recipe does not look at it.
        objects: What object queries found; None where the recipe has none.
    """

    tokens_BSD: Tensor
    keep_BS: Tensor
    bev_BDXY: Tensor | None
    camera_features: Mapping[str, Tensor]
    ground_BCXY: Tensor | None = None
    objects: ObjectSet | None = None


class SceneEncoder(nn.Module):
    """Sensors to tokens that know where they look; absent sensors are padding.

    Args:
        width: Of the tokens.
        cameras: Encodes pictures: ``(B, 3, H, W) uint8 -> (B, D, h, w)``; shared by all cameras. None for a blind car.
        lidar: Encodes sweeps: ``LidarBatch -> (B, D, X, Y)``, with its ``grid``. None for a recipe without.
        ground: Looks at the ground near the car in fine cells: ``(cameras, lidar) -> (B, C, X, Y)``. None for without.
        lift: Whether camera features are brought to the grid and fused there too.
        objects: Finds objects in all tokens: ``(tokens, keep) -> ObjectSet``; its tokens join the others.
        grid: Of the lifted features where there is no LiDAR encoder.
        token_cells: Side of the square of grid cells that makes a token.
        ego: Which of ``EGO_FEATURES`` are seen; none leaves the token out.
        halved: Cameras whose pictures are brought to half their size first; their calibration stays right, since a
            token's rays follow from its place in the whole picture.
        history: Whether past poses are seen. A model that sees its past learns to go on as it did, instead of looking
            (the copycat problem, arXiv 2010.14876).

    Raises:
        UnknownName: There is no such ego feature.
    """

    def __init__(
        self,
        width: int,
        *,
        cameras: nn.Module | None,
        lidar: nn.Module | None,
        ground: GroundEncoder | None = None,
        lift: bool = False,
        objects: nn.Module | None = None,
        grid: BevGrid | None = None,
        token_cells: int = 2,
        ego: tuple[str, ...] = EGO_FEATURES,
        halved: tuple[str, ...] = (),
        history: bool = True,
    ) -> None:
        super().__init__()
        if cameras is None and (lidar is None or lift):
            raise ContractError("a scene needs cameras or LiDAR, and lifting needs cameras")
        self.width, self.cameras, self.lidar, self.lift, self.token_cells = width, cameras, lidar, lift, token_cells
        self.halved, self.ground = halved, ground
        self.grid: BevGrid = lidar.grid if lidar is not None else grid or BevGrid(cell_m=2.0)  # type: ignore[assignment]
        self.rays = RayEmbedding(width) if cameras is not None else None
        self.fuse = nn.Conv2d(2 * width, width, 3, padding=1) if lift and lidar is not None else None
        if lidar is not None or lift:
            self.place = nn.Sequential(nn.Linear(2, width), nn.GELU(), nn.Linear(width, width))
        for name in ego:
            if name not in EGO_FEATURES:
                raise unknown_name("ego feature", name, EGO_FEATURES)
        self._ego_columns = [EGO_FEATURES.index(name) for name in ego]
        self.ego = nn.Sequential(nn.Linear(len(ego), width), nn.GELU(), nn.Linear(width, width)) if ego else None
        self.past = PastEncoder(width, count=len(PAST_S)) if history else None
        self.norm = nn.LayerNorm(width)
        self.objects = objects

    def forward(self, batch: SensorBatch) -> Scene:
        """Encode every sensor.

        Raises:
            ContractError: The recipe's pictures cannot be encoded since the batch has no camera at all.
        """
        features = self._seen(batch.cameras)
        groups = [self._camera_tokens(feature, batch.cameras[name]) for name, feature in sorted(features.items())]
        bev_BDXY = self._from_above(features, batch)
        if bev_BDXY is not None:
            groups.append(self._grid_tokens(bev_BDXY, batch.lidar))
        ground_BCXY = None
        if self.ground is not None:
            ground_BCXY = self.ground(batch.cameras, batch.lidar if batch.lidar is not None else _no_sweep(batch))
        if batch.frame_B is not None:  # all that is dear to compute is done: from here on every sample has its own
            groups = [(tokens[batch.frame_B], keep[batch.frame_B]) for tokens, keep in groups]
            features = {name: feature[batch.frame_B] for name, feature in features.items()}
            bev_BDXY = None if bev_BDXY is None else bev_BDXY[batch.frame_B]
            ground_BCXY = None if ground_BCXY is None else ground_BCXY[batch.frame_B]
        groups += self._moved(batch)
        tokens_BSD = self.norm(torch.cat([tokens for tokens, _ in groups], dim=1))
        keep_BS = torch.cat([keep for _, keep in groups], dim=1)
        found: ObjectSet | None = self.objects(tokens_BSD, keep_BS) if self.objects is not None else None
        if found is not None:
            tokens_BSD = torch.cat([tokens_BSD, found.tokens_BKD], dim=1)
            keep_BS = torch.cat([keep_BS, keep_BS.new_ones(found.tokens_BKD.shape[:2])], dim=1)
        return Scene(
            tokens_BSD=tokens_BSD,
            keep_BS=keep_BS,
            bev_BDXY=bev_BDXY,
            camera_features=features,
            ground_BCXY=ground_BCXY,
            objects=found,
        )

    def _moved(self, batch: SensorBatch) -> list[tuple[Tensor, Tensor]]:
        """How the car moves, and how it did."""
        groups: list[tuple[Tensor, Tensor]] = []
        if self.ego is not None:
            known_B = torch.ones_like(batch.past_keep_BS[:, 0]) if batch.ego_keep_B is None else batch.ego_keep_B
            groups.append((self.ego(batch.ego_BE[:, self._ego_columns])[:, None], known_B[:, None]))
        if self.past is not None:
            groups.append((self.past(batch.past_BS3), batch.past_keep_BS))
        return groups

    def _seen(self, cameras: Mapping[str, CameraBatch]) -> dict[str, Tensor]:
        """Features of every camera; pictures of one size go through the encoder together."""
        if self.cameras is None:
            return {}
        if not cameras and self.lidar is None:
            raise ContractError("this model sees through cameras alone, and the observation has none")
        sizes: dict[torch.Size, list[str]] = {}
        pictures = {name: self._picture(name, cameras[name]) for name in sorted(cameras)}
        for name, images_B3HW in pictures.items():
            sizes.setdefault(images_B3HW.shape[2:], []).append(name)
        features: dict[str, Tensor] = {}
        for names in sizes.values():
            encoded = self.cameras(torch.cat([pictures[name] for name in names]))
            features |= dict(zip(names, encoded.chunk(len(names)), strict=True))
        return features

    def _picture(self, name: str, camera: CameraBatch) -> Tensor:
        return halved(camera.images_B3HW) if name in self.halved else camera.images_B3HW

    def _camera_tokens(self, feature_BDHW: Tensor, camera: CameraBatch) -> tuple[Tensor, Tensor]:
        assert self.rays is not None
        rows, columns = feature_BDHW.shape[2:]
        tokens = feature_BDHW.flatten(2).transpose(1, 2) + self.rays(camera, rows, columns)
        return tokens, camera.present_B[:, None].expand(-1, rows * columns)

    def _from_above(self, features: Mapping[str, Tensor], batch: SensorBatch) -> Tensor | None:
        layers = []
        if self.lidar is not None:
            layers.append(self.lidar(batch.lidar if batch.lidar is not None else _no_sweep(batch)))
        if self.lift:
            size = (batch.frames, self.width, *self.grid.shape)
            seen = {name: [feature] for name, feature in features.items()}
            layers.append(lift_cameras(seen, batch.cameras, self.grid) if seen else batch.ego_BE.new_zeros(size))
        if self.fuse is not None:
            fused: Tensor = self.fuse(torch.cat(layers, dim=1))
            return fused
        return layers[0] if layers else None

    def _grid_tokens(self, bev_BDXY: Tensor, lidar: LidarBatch | None) -> tuple[Tensor, Tensor]:
        pooled_BDXY = F.avg_pool2d(bev_BDXY, self.token_cells)
        centres = self.grid.coarser(self.token_cells).centres(bev_BDXY.device).flatten(0, 1)
        tokens = pooled_BDXY.flatten(2).transpose(1, 2) + self.place(centres / 32.0)
        if self.lift:
            there = torch.ones(len(tokens), dtype=torch.bool, device=tokens.device)
        elif lidar is None:
            there = torch.zeros(len(tokens), dtype=torch.bool, device=tokens.device)
        else:
            there = lidar.keep_BP.any(dim=1)
        return tokens, there[:, None].expand(-1, tokens.shape[1])


def _no_sweep(batch: SensorBatch) -> LidarBatch:
    return LidarBatch(
        points_BP4=batch.ego_BE.new_zeros(batch.frames, 1, 4),
        keep_BP=torch.zeros(batch.frames, 1, dtype=torch.bool, device=batch.ego_BE.device),
    )
