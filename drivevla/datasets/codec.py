"""The lossy coding of sensors: one for what is stored and for what is seen while driving.

A policy that learned from JPEG pictures and rounded LiDAR sweeps must drive with the same: ``as_stored`` gives an
observation exactly as it would be read back. Pictures are baseline JPEG at a stated quality; sweeps are
described in ``drivevla.datasets.sweep_coding``. All other numbers of an observation are kept as they are.
"""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drivevla.datasets.sweep_coding import decode_sweep, encode_sweep
from drivevla.errors import ContractError, DataError, require
from drivevla.types import LidarSpec, LidarSweep, Observation, SensorRig

__all__ = ["StorageConfig", "as_stored", "decode_image", "encode_image", "load_sweep", "store_sweep"]

_SUBSAMPLING = {"4:4:4": 0, "4:2:0": 2}  # Pillow's numbers
_LIDAR_KEYS = ("channels", "azimuths", "range_m", "upper_fov_deg", "lower_fov_deg", "ego_from_lidar")


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageConfig:
    """How sensors are stored.

    Attributes:
        jpeg_quality: 1 to 95, libjpeg's scale.
        chroma: "4:4:4" keeps the colour of every pixel, "4:2:0" one for four: a lamp of three pixels turns grey.
        lidar_step_m: To which distances along a ray are rounded (coordinates, for sweeps on no grid of rays).
        lidar: The sensor whose sweeps are stored as ranges along its rays; None stores them as points.
    """

    jpeg_quality: int = 75
    chroma: str = "4:4:4"
    lidar_step_m: float = 0.01
    lidar: LidarSpec | None = None

    def __post_init__(self) -> None:
        """Check.

        Raises:
            ContractError: A number is out of its range.
        """
        if not 1 <= self.jpeg_quality <= 95:
            raise ContractError(f"jpeg_quality lies between 1 and 95, got {self.jpeg_quality}")
        if self.chroma not in _SUBSAMPLING:
            raise ContractError(f"chroma is one of {', '.join(_SUBSAMPLING)}, got {self.chroma!r}")
        if not 0.001 <= self.lidar_step_m <= 0.1:
            raise ContractError(f"lidar_step_m lies between 0.001 and 0.1 m, got {self.lidar_step_m}")

    @classmethod
    def for_rig(cls, rig: SensorRig, *, jpeg_quality: int = 75, lidar_step_m: float = 0.01) -> StorageConfig:
        """The storage of a rig's sensors."""
        return cls(jpeg_quality=jpeg_quality, lidar_step_m=lidar_step_m, lidar=rig.lidar)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        lidar = None
        if self.lidar is not None:
            lidar = {name: getattr(self.lidar, name) for name in _LIDAR_KEYS}
            lidar["ego_from_lidar"] = self.lidar.ego_from_lidar.tolist()
        return {
            "jpeg_quality": self.jpeg_quality,
            "chroma": self.chroma,
            "lidar_step_m": self.lidar_step_m,
            "lidar": lidar,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> StorageConfig:
        """What ``to_dict`` wrote; logs that say nothing of chroma are of when it was 4:2:0.

        Raises:
            DataError: A key is missing, unknown or of another type.
        """
        try:
            lidar = values["lidar"]
            return cls(**{"chroma": "4:2:0", **values, "lidar": None if lidar is None else LidarSpec(**lidar)})
        except (KeyError, TypeError) as error:
            raise DataError(f"this is no description of how sensors are stored: {error}") from error


def as_stored(observation: Observation, storage: StorageConfig) -> Observation:
    """The observation as it would be read back after being stored, bit for bit."""
    cameras = {
        name: dataclasses.replace(frame, image=decode_image(encode_image(frame.image, storage)))
        for name, frame in observation.cameras.items()
    }
    lidar = observation.lidar
    if lidar is not None:
        lidar = load_sweep(store_sweep(lidar, storage), storage, timestamp_s=lidar.timestamp_s)
    return dataclasses.replace(observation, cameras=cameras, lidar=lidar)


def encode_image(image: NDArray[np.uint8], storage: StorageConfig) -> bytes:
    """A picture (H, W, 3) as JPEG."""
    pillow: Any = require("PIL.Image", "data")
    file = io.BytesIO()
    picture = pillow.fromarray(np.ascontiguousarray(image))
    picture.save(file, "JPEG", quality=storage.jpeg_quality, subsampling=_SUBSAMPLING[storage.chroma], optimize=True)
    return file.getvalue()


def decode_image(data: bytes, *, size_px: tuple[int, int] | None = None) -> NDArray[np.uint8]:
    """The picture (H, W, 3) of a JPEG.

    Args:
        data: The file.
        size_px: Width and height that it must have; another is refused before it is unpacked.

    Raises:
        DataError: The bytes are no whole JPEG, or of another size.
    """
    pillow: Any = require("PIL.Image", "data")
    try:
        with pillow.open(io.BytesIO(data), formats=("JPEG",)) as picture:
            if size_px is not None and picture.size != size_px:
                raise DataError(f"a picture is {picture.size} pixels wide and high, expected {size_px}")
            return np.array(picture.convert("RGB"), dtype=np.uint8)
    except (OSError, SyntaxError, ValueError) as error:  # Pillow's words for a cut or foreign file
        raise DataError(f"a picture of {len(data)} bytes cannot be read: {error}") from error


def store_sweep(sweep: LidarSweep, storage: StorageConfig) -> bytes:
    """A sweep as bytes."""
    return encode_sweep(sweep, step_m=storage.lidar_step_m, grid=storage.lidar)


def load_sweep(data: bytes, storage: StorageConfig, *, timestamp_s: float) -> LidarSweep:
    """The sweep of those bytes.

    Raises:
        DataError: The bytes are damaged.
    """
    return decode_sweep(data, timestamp_s=timestamp_s, grid=storage.lidar)
