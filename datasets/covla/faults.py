"""What is wrong with a CoVLA folder."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from drivevla.datasets.covla.layout import KINDS, Layout
from drivevla.datasets.covla.records import read_records
from drivevla.datasets.examining import FASTEST_MPS, examine_picture, fault, is_finite
from drivevla.errors import DataError
from drivevla.geometry import is_rigid
from drivevla.types import Fault, FaultKind

__all__ = ["find_faults"]

_STEP_MS = (30, 80)  # 50 ms, give or take
_SIDEWAYS_M = 0.5


def find_faults(root: Path) -> Iterator[Fault]:
    """Every fault of the index, the records and the pictures."""
    try:
        layout = Layout.find(root)
        scenes = layout.scenes()
    except DataError as error:
        yield fault(FaultKind.CORRUPT, "index.csv or metadata.jsonl", str(error))
        return
    for scene, listed in scenes.items():
        counts: dict[str, int] = {}
        for kind in KINDS:
            path = layout.records(kind, scene)
            file = str(path.relative_to(root))
            if not path.exists():
                if kind == "states" or path.parent.is_dir():
                    yield fault(FaultKind.MISSING, file, "the scene has no such file")
                continue
            try:
                records = read_records(path)
            except DataError as error:
                kind_of_fault = FaultKind.TRUNCATED if "ends within" in str(error) else FaultKind.CORRUPT
                kind_of_fault = FaultKind.INCONSISTENT if "is of frame" in str(error) else kind_of_fault
                yield fault(kind_of_fault, file, str(error))
                continue
            counts[kind] = len(records)
            if kind == "states":
                yield from _states(file, records)
        expected = listed or counts.get("states", 0)
        for kind, count in counts.items():
            if count != expected:
                message = f"{count} records where {expected} frames are expected"
                yield fault(FaultKind.INCONSISTENT, str(layout.records(kind, scene).relative_to(root)), message)
        yield from _pictures(layout, scene, expected)


def _states(file: str, records: list[Any]) -> Iterator[Fault]:
    before_ms: int | None = None
    for index, record in enumerate(records):
        if not isinstance(record, dict):
            yield fault(FaultKind.CORRUPT, file, f"the record is a {type(record).__name__}", f"record {index}")
            continue
        state = {**record, **record.get("ego_state", {})}
        for kind, message in _state_faults(state):
            yield fault(kind, file, message, f"record {index}")
        now_ms = state.get("timestamp")
        if before_ms is not None and isinstance(now_ms, int):
            step_ms = now_ms - before_ms
            if not _STEP_MS[0] <= step_ms <= _STEP_MS[1]:
                kind = FaultKind.DUPLICATE if step_ms == 0 else FaultKind.INCONSISTENT
                yield fault(kind, file, f"{step_ms} ms after the record before, not 50", f"record {index}")
        before_ms = now_ms if isinstance(now_ms, int) else None


def _state_faults(state: Mapping[str, Any]) -> Iterator[tuple[FaultKind, str]]:
    missing = [
        name
        for name in ("vEgo", "aEgo", "timestamp", "trajectory", "trajectory_count", "positions_ecef", "velocities_ecef")
        if name not in state
    ]
    if missing:
        yield FaultKind.MISSING, f"no field {', '.join(missing)}"
        return
    points, count, speed = state["trajectory"], state["trajectory_count"], state["vEgo"]
    if not isinstance(points, list) or not all(is_finite(point, 3) for point in points):
        yield FaultKind.CORRUPT, "a point of the trajectory is not three finite numbers"
        return
    if len(points) != count:
        yield FaultKind.INCONSISTENT, f"trajectory_count is {count}, the trajectory has {len(points)} points"
    if points and np.linalg.norm(points[0]) > 1e-3:
        yield FaultKind.INCONSISTENT, f"the trajectory begins at {points[0]}, not where the device is"
    if not isinstance(speed, int | float) or not abs(speed) <= FASTEST_MPS:
        yield FaultKind.CORRUPT, f"vEgo {speed!r} is no speed in m/s"
    elif len(points) > 10:
        yield from _first_half_second(np.asarray(points[:11], dtype=np.float64), speed)
    for name in ("positions_ecef", "velocities_ecef"):
        if not is_finite(state[name], 3):
            yield FaultKind.CORRUPT, f"{name} is not three finite numbers"
    yield from _calibration(state.get("extrinsic_matrix"), state.get("intrinsic_matrix"))


def _first_half_second(points: Any, speed_mps: float) -> Iterator[tuple[FaultKind, str]]:
    ahead_m, aside_m = points[10, 0], points[10, 1]
    if abs(aside_m) > max(_SIDEWAYS_M, abs(ahead_m)):
        yield FaultKind.INCONSISTENT, f"the trajectory leads {aside_m:.1f} m aside in half a second: axes swapped"
    elif abs(ahead_m / 0.5 - speed_mps) > max(3.0, 0.3 * abs(speed_mps)):
        message = f"the trajectory begins with {ahead_m / 0.5:.1f} m/s, vEgo is {speed_mps:.1f}: another unit or rate"
        yield FaultKind.INCONSISTENT, message


def _calibration(extrinsic: Any, intrinsic: Any) -> Iterator[tuple[FaultKind, str]]:
    if extrinsic is not None:
        matrix = np.asarray(extrinsic, dtype=np.float64)
        whole = np.vstack([matrix[:3], [0, 0, 0, 1]]) if matrix.shape in {(3, 4), (4, 4)} else None
        if whole is None or not is_rigid(whole):
            yield FaultKind.CORRUPT, "extrinsic_matrix is not orthonormal"
        elif whole[0, 1] > 0:
            yield FaultKind.INCONSISTENT, "extrinsic_matrix turns left into right: sides swapped"
    if intrinsic is not None:
        matrix = np.asarray(intrinsic, dtype=np.float64)
        if matrix.shape != (3, 3) or not (matrix[0, 0] > 0 and matrix[1, 1] > 0):
            yield FaultKind.CORRUPT, "intrinsic_matrix is no pinhole camera's"


def _pictures(layout: Layout, scene: str, frames: int) -> Iterator[Fault]:
    folder = layout.picture(scene, 0).parent
    if folder.is_dir():
        for frame in range(frames):
            path = layout.picture(scene, frame)
            yield from examine_picture(layout.root, str(path.relative_to(layout.root)), layout.image_size_px())
    elif not layout.archive(scene).exists() and not layout.video(scene).exists():
        file = str(layout.video(scene).relative_to(layout.root))
        yield fault(FaultKind.MISSING, file, "neither a film nor pictures")
    elif layout.video(scene).exists() and layout.video(scene).stat().st_size < 1000:
        yield fault(FaultKind.TRUNCATED, str(layout.video(scene).relative_to(layout.root)), "the film is empty")
