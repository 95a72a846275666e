"""What every data set's examination needs: pictures that are whole, calibrations that can be."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from drivevla.datasets.pictures import read_picture
from drivevla.errors import DataError
from drivevla.types import Fault, FaultKind

__all__ = ["examine_picture", "fault", "is_finite", "is_unit_quaternion", "pose_faults"]

_BEGINNINGS = (b"\xff\xd8", b"\x89PNG")
FASTEST_MPS = 70.0
"""No car of these data sets drives faster: a step beyond it is a jump, or another unit."""


def fault(kind: FaultKind, file: Path | str, message: str, record: str | None = None) -> Fault:
    """One fault."""
    return Fault(kind=kind, file=str(file), message=message, record=record)


def examine_picture(root: Path, relative: str, size_px: tuple[int, int] | None = None) -> Iterator[Fault]:
    """What is wrong with one picture.

    Args:
        root: The data set's folder.
        relative: The file within it.
        size_px: Width and height that it should have.
    """
    path = root / relative
    if not path.exists():
        yield fault(FaultKind.MISSING, relative, "the picture is not there")
        return
    if path.stat().st_size == 0:
        yield fault(FaultKind.TRUNCATED, relative, "the file is empty")
        return
    try:
        image = read_picture(path)
    except DataError as error:
        begun = path.read_bytes()[:8].startswith(_BEGINNINGS)
        kind = FaultKind.TRUNCATED if begun else FaultKind.CORRUPT
        yield fault(kind, relative, str(error.__cause__))
        return
    found = (image.shape[1], image.shape[0])
    if size_px is not None and found != size_px:
        yield fault(
            FaultKind.INCONSISTENT,
            relative,
            f"{found[0]} x {found[1]} pixels where {size_px[0]} x {size_px[1]} are recorded",
        )


def is_finite(value: Any, size: int) -> bool:
    """Whether a JSON value is a list of that many finite numbers."""
    if not isinstance(value, list) or len(value) != size:
        return False
    return all(isinstance(each, int | float) and np.isfinite(each) for each in value)


def is_unit_quaternion(value: Any) -> bool:
    """Whether a JSON value is a rotation."""
    return is_finite(value, 4) and abs(float(np.linalg.norm(value)) - 1.0) < 1e-3


def pose_faults(file: str, records: list[str], times_s: Any, positions_m: Any, forward: Any) -> Iterator[Fault]:
    """Jumps and mirrored axes along one drive.

    Args:
        file: Where the poses stand.
        records: (N,) what each is called.
        times_s: (N,) increasing.
        positions_m: (N, 2) in the world.
        forward: (N, 2) where the car's x axis points.
    """
    times, xy, ahead = (np.asarray(each, dtype=np.float64) for each in (times_s, positions_m, forward))
    steps_m, lasts_s = np.diff(xy, axis=0), np.diff(times)
    speeds_mps = np.linalg.norm(steps_m, axis=1) / lasts_s
    for index in np.flatnonzero(speeds_mps > FASTEST_MPS):
        yield fault(
            FaultKind.INCONSISTENT,
            file,
            f"the car jumps {np.linalg.norm(steps_m[index]):.1f} m in {lasts_s[index]:.3f} s",
            records[index + 1],
        )
    moving = (speeds_mps > 2.0) & (speeds_mps <= FASTEST_MPS)
    if not moving.any():
        return
    along = np.abs(np.einsum("ij,ij->i", steps_m, ahead[:-1]))[moving] / (speeds_mps * lasts_s)[moving]
    if np.median(along) < 0.9:
        yield fault(
            FaultKind.INCONSISTENT,
            file,
            f"the car moves sideways: half of its steps from {records[0]} on are more than "
            f"{np.degrees(np.arccos(np.median(along))):.0f} degrees off its heading; mirrored axes or another unit of "
            "angles",
        )
