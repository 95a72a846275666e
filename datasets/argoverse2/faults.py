"""What is wrong with logs of Argoverse 2."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from drivevla.datasets.argoverse2.layout import (
    ANNOTATION_COLUMNS,
    POSE_COLUMNS,
    SWEEP_COLUMNS,
    Columns,
    Log,
    find_logs,
    poses_of,
    read_columns,
)
from drivevla.datasets.examining import fault, pose_faults
from drivevla.errors import ContractError, DataError
from drivevla.types import Fault, FaultKind

__all__ = ["find_faults"]

_STEP_NS = 1_000_000  # the data set has poses a nanosecond apart: nothing can be said about a speed between them


def find_faults(root: Path) -> Iterator[Fault]:
    """Every fault, log after log."""
    for log in find_logs(root):
        yield from _log_faults(root, log)


def _log_faults(root: Path, log: Log) -> Iterator[Fault]:
    times_ns: NDArray[np.int64] | None = None
    try:
        poses = read_columns(log.poses_file, POSE_COLUMNS)
        times_ns = poses["timestamp_ns"].astype(np.int64)
        yield from _pose_faults(str(log.poses_file.relative_to(root)), poses, times_ns)
    except DataError as error:
        yield fault(FaultKind.CORRUPT, log.poses_file.relative_to(root), str(error))
    try:
        if log.annotations_file.exists():
            boxes = read_columns(log.annotations_file, ANNOTATION_COLUMNS)
            yield from _box_faults(str(log.annotations_file.relative_to(root)), boxes, times_ns)
        instants_ns = log.instants_ns()
    except DataError as error:
        yield fault(FaultKind.CORRUPT, log.annotations_file.relative_to(root), str(error))
        return
    for instant_ns in instants_ns:
        yield from _sweep_faults(root, log.sweep_file(int(instant_ns)))


def _pose_faults(file: str, columns: Columns, times_ns: NDArray[np.int64]) -> Iterator[Fault]:
    try:
        poses = poses_of(columns)
    except ContractError as error:
        yield fault(FaultKind.CORRUPT, file, str(error))
        return
    if not np.isfinite(poses).all():
        yield fault(FaultKind.CORRUPT, file, "there are numbers that are not finite")
        return
    if not (np.diff(times_ns) > 0).all():
        yield fault(FaultKind.INCONSISTENT, file, "the times do not increase")
        return
    kept = np.flatnonzero(np.diff(times_ns, prepend=times_ns[:1] - 2 * _STEP_NS) > _STEP_NS)
    if len(kept) > 1:
        records = [str(each) for each in times_ns[kept]]
        places, forward = poses[kept, :2, 3], poses[kept, :2, 0]
        yield from pose_faults(file, records, (times_ns[kept] - times_ns[0]) * 1e-9, places, forward)


def _box_faults(file: str, columns: Columns, times_ns: NDArray[np.int64] | None) -> Iterator[Fault]:
    instants_ns = columns["timestamp_ns"].astype(np.int64)
    if times_ns is not None:
        for instant_ns in np.setdiff1d(instants_ns, times_ns):
            yield fault(FaultKind.INCONSISTENT, file, "the poses have no such time", str(instant_ns))
    seen: set[tuple[int, str]] = set()
    for who in zip(instants_ns.tolist(), columns["track_uuid"].tolist(), strict=True):
        if who in seen:
            yield fault(FaultKind.DUPLICATE, file, f"track {who[1]} is there twice", str(who[0]))
        seen.add(who)
    sizes = np.column_stack([columns[name] for name in ("length_m", "width_m", "height_m")])
    places = np.column_stack([columns[name] for name in ("tx_m", "ty_m", "tz_m")])
    turned = np.column_stack([columns[name] for name in ("qw", "qx", "qy", "qz")])
    whole = (sizes > 0).all(axis=1) & np.isfinite(sizes).all(axis=1) & np.isfinite(places).all(axis=1)
    whole &= np.abs(np.linalg.norm(turned, axis=1) - 1.0) < 1e-3
    for row in np.flatnonzero(~whole):
        message = f"row {row} is no box: sides in metres above 0, a finite place and a unit quaternion"
        yield fault(FaultKind.CORRUPT, file, message, str(instants_ns[row]))


def _sweep_faults(root: Path, path: Path) -> Iterator[Fault]:
    file = path.relative_to(root)
    if not path.exists():
        yield fault(FaultKind.MISSING, file, "the sweep is not there")
        return
    try:
        columns = read_columns(path, SWEEP_COLUMNS)
    except DataError as error:
        yield fault(FaultKind.CORRUPT, file, str(error))
        return
    if not all(np.isfinite(columns[axis]).all() for axis in "xyz"):
        yield fault(FaultKind.CORRUPT, file, "there are points that are not finite")
