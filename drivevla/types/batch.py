"""Observations as tensors: what perception reads, in training and in driving alike. torch is not imported here.

B batch, H height, W width, P points, E ego features, S past poses.

Samples of one frame that hear different things share its pictures and its sweep (``frame_B``): these then have fewer
rows than everything else, and are looked at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from drivevla.errors import ContractError

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["CameraBatch", "LidarBatch", "SensorBatch"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraBatch:
    """One camera's pictures.

    Attributes:
        images_B3HW: uint8 RGB; anything where the camera is absent.
        intrinsics_B33: Pixels.
        ego_from_camera_B44: From the optical frame to the ego frame.
        present_B: False for samples that lack the camera.
    """

    images_B3HW: Tensor
    intrinsics_B33: Tensor
    ego_from_camera_B44: Tensor
    present_B: Tensor

    def __post_init__(self) -> None:
        """Check shapes.

        Raises:
            ContractError: A shape is another, or two disagree.
        """
        batch = len(self.images_B3HW)
        shapes = {
            "images_B3HW": (self.images_B3HW.shape[:2], (batch, 3)),
            "intrinsics_B33": (self.intrinsics_B33.shape, (batch, 3, 3)),
            "ego_from_camera_B44": (self.ego_from_camera_B44.shape, (batch, 4, 4)),
            "present_B": (self.present_B.shape, (batch,)),
        }
        for name, (came, wanted) in shapes.items():
            if tuple(came) != wanted:
                raise ContractError(f"{name} must begin with shape {wanted}, got {tuple(came)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class LidarBatch:
    """Sweeps, padded to one length.

    Attributes:
        points_BP4: x, y, z in the ego frame in metres, and intensity (0 where the sensor gives none).
        keep_BP: False for padding; all False for samples without LiDAR.
    """

    points_BP4: Tensor
    keep_BP: Tensor

    def __post_init__(self) -> None:
        """Check shapes.

        Raises:
            ContractError: A shape is another, or the two disagree.
        """
        if self.points_BP4.ndim != 3 or self.points_BP4.shape[-1] != 4:
            raise ContractError(f"points_BP4 must have shape (B, P, 4), got {tuple(self.points_BP4.shape)}")
        if self.keep_BP.shape != self.points_BP4.shape[:2]:
            raise ContractError(
                f"keep_BP must have shape {tuple(self.points_BP4.shape[:2])}, got {tuple(self.keep_BP.shape)}"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class SensorBatch:
    """Everything a model may see of a batch of observations.

    Attributes:
        cameras: By name; their order means nothing.
        lidar: None where the whole batch has none.
        ego_BE: Ego features; the first is the speed in m/s.
        past_BS3: Past poses in the present ego frame, newest first.
        past_keep_BS: False where the past is not known.
        ego_keep_B: False where the ego features are hidden from the scene's tokens; None where none are.
        sentences: The instruction of each sample; empty where nothing was said.
        told_B3: Where the car was when it first heard the instruction, as x, y, yaw in the present ego frame; 0 where
            that is here, or not known. None where nobody knows.
        frame_B: Which row of the pictures and the sweep each sample sees; None where each has its own.
    """

    cameras: Mapping[str, CameraBatch]
    lidar: LidarBatch | None
    ego_BE: Tensor
    past_BS3: Tensor
    past_keep_BS: Tensor
    sentences: tuple[str, ...]
    ego_keep_B: Tensor | None = None
    frame_B: Tensor | None = None
    told_B3: Tensor | None = None

    def __post_init__(self) -> None:
        """Check that all parts have one batch size.

        Raises:
            ContractError: Two disagree.
        """
        seen = {f"camera {name!r}": len(camera.images_B3HW) for name, camera in self.cameras.items()}
        if self.lidar is not None:
            seen["lidar"] = len(self.lidar.points_BP4)
        sizes = {"past_BS3": len(self.past_BS3), "sentences": len(self.sentences)}
        if self.ego_keep_B is not None:
            sizes["ego_keep_B"] = len(self.ego_keep_B)
        if self.told_B3 is not None:
            sizes["told_B3"] = len(self.told_B3)
        if self.frame_B is None:
            sizes = seen | sizes
        elif len(set(seen.values())) > 1:
            raise ContractError(f"shared pictures and sweeps must have one number of rows, got {seen}")
        else:
            sizes["frame_B"] = len(self.frame_B)
        for name, size in sizes.items():
            if size != len(self.ego_BE):
                raise ContractError(f"the batch has {len(self.ego_BE)} samples, but {name} has {size}")

    @property
    def frames(self) -> int:
        """How many rows pictures and sweeps have."""
        if self.frame_B is None:
            return len(self.ego_BE)
        if self.lidar is not None:
            return len(self.lidar.points_BP4)
        return len(next(iter(self.cameras.values())).images_B3HW)

    def unshared(self) -> SensorBatch:
        """The same batch in which every sample has pictures and a sweep of its own."""
        if self.frame_B is None:
            return self
        row = self.frame_B
        cameras = {
            name: CameraBatch(
                images_B3HW=camera.images_B3HW[row],
                intrinsics_B33=camera.intrinsics_B33[row],
                ego_from_camera_B44=camera.ego_from_camera_B44[row],
                present_B=camera.present_B[row],
            )
            for name, camera in self.cameras.items()
        }
        lidar = self.lidar
        if lidar is not None:
            lidar = LidarBatch(points_BP4=lidar.points_BP4[row], keep_BP=lidar.keep_BP[row])
        return replace(self, cameras=cameras, lidar=lidar, frame_B=None)
