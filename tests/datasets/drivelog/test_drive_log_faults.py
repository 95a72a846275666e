"""Each fault that is planted in a drive log is named, with its file."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from drivevla.datasets.drivelog import DriveLogReader
from drivevla.datasets.drivelog.layout import EpisodeFiles
from drivevla.errors import DataError
from drivevla.types import FaultKind

FIRST = "chunk-000/file-000"


def remove(path: str) -> Callable[[Path], None]:
    return lambda root: (root / path).unlink()


def cut(path: str) -> Callable[[Path], None]:
    def plant(root: Path) -> None:
        content = (root / path).read_bytes()
        (root / path).write_bytes(content[: len(content) // 2])

    return plant


def flip(path: str) -> Callable[[Path], None]:
    def plant(root: Path) -> None:
        content = bytearray((root / path).read_bytes())
        content[len(content) // 3] ^= 0xFF
        (root / path).write_bytes(bytes(content))

    return plant


def count_wrongly(root: Path) -> None:
    info = json.loads((root / "meta/info.json").read_text())
    info["total_frames"] += 1
    (root / "meta/info.json").write_text(json.dumps(info))


def name_twice(root: Path) -> None:
    shutil.copy(root / f"meta/episodes/{FIRST}.parquet", root / "meta/episodes/chunk-000/file-001.parquet")


def leave_something(root: Path) -> None:
    (root / "staging" / "gone").mkdir(parents=True)


@pytest.mark.parametrize(
    ("plant", "kind", "file"),
    [
        (remove("meta/drivelog.json"), FaultKind.MISSING, "meta/drivelog.json"),
        (remove("meta/tasks.parquet"), FaultKind.MISSING, "meta/tasks.parquet"),
        (remove("meta/stats.json"), FaultKind.MISSING, "meta/stats.json"),
        (remove(f"meta/episodes/{FIRST}.parquet"), FaultKind.MISSING, f"meta/episodes/{FIRST}.parquet"),
        (remove(f"data/{FIRST}.parquet"), FaultKind.MISSING, f"data/{FIRST}.parquet"),
        (remove(f"lidar/{FIRST}.bin"), FaultKind.MISSING, f"lidar/{FIRST}.bin"),
        (cut(f"truth/{FIRST}.parquet"), FaultKind.TRUNCATED, f"truth/{FIRST}.parquet"),
        (cut(f"data/{FIRST}.parquet"), FaultKind.TRUNCATED, f"data/{FIRST}.parquet"),
        (flip(f"data/{FIRST}.parquet"), FaultKind.CORRUPT, f"data/{FIRST}.parquet"),
        (flip(f"lidar/{FIRST}.bin"), FaultKind.CORRUPT, f"lidar/{FIRST}.bin"),
        (count_wrongly, FaultKind.INCONSISTENT, "meta/info.json"),
        (name_twice, FaultKind.DUPLICATE, "meta/episodes/chunk-000/file-001.parquet"),
        (leave_something, FaultKind.TRUNCATED, "staging/gone"),
    ],
)
def test_planted_damage_is_named(log_copy: Path, plant: Callable[[Path], None], kind: FaultKind, file: str) -> None:
    plant(log_copy)
    assert (kind, file) in {(fault.kind, fault.file) for fault in DriveLogReader.find_faults(log_copy)}


def test_a_whole_log_has_no_fault(log_root: Path) -> None:
    assert list(DriveLogReader.find_faults(log_root)) == []


def rewrite_poses(root: Path, change: Callable[[np.ndarray], None]) -> None:  # type: ignore[type-arg]
    """The poses of the first drive changed, and the digest with them: only the poses themselves can tell."""
    import hashlib

    path = root / f"truth/{FIRST}.parquet"
    table = pq.read_table(path)
    poses = np.array(table.column("world_from_ego").to_pylist()).reshape(-1, 3, 4)
    change(poses)
    rows = pa.array(poses.reshape(-1, 12).tolist(), table.schema.field("world_from_ego").type)
    pq.write_table(table.set_column(table.column_names.index("world_from_ego"), "world_from_ego", rows), path)
    episode = root / f"meta/episodes/{FIRST}.parquet"
    row = pq.read_table(episode).to_pylist()[0]
    digests = json.loads(row["drivevla/sha256"])
    digests["truth.parquet"] = hashlib.sha256(path.read_bytes()).hexdigest()
    row["drivevla/sha256"] = json.dumps(digests)
    pq.write_table(pa.Table.from_pylist([row]), episode)


def jump(poses: np.ndarray) -> None:  # type: ignore[type-arg]
    poses[6:, 0, 3] += 30.0


def centimetres(poses: np.ndarray) -> None:  # type: ignore[type-arg]
    poses[:, :, 3] *= 100.0


def swap_sides(poses: np.ndarray) -> None:  # type: ignore[type-arg]
    """The y axis where x should be: the car drives sideways."""
    poses[:, :, :2] = np.stack([poses[:, :, 1], -poses[:, :, 0]], axis=-1)


def skew(poses: np.ndarray) -> None:  # type: ignore[type-arg]
    poses[2, 0, 0] += 0.1


@pytest.mark.parametrize(
    ("change", "message"),
    [(jump, "jumps 31"), (centimetres, "jumps 160"), (swap_sides, "sideways"), (skew, "not rigid")],
)
def test_poses_that_cannot_be_are_named(
    log_copy: Path,
    change: Callable[[np.ndarray], None],  # type: ignore[type-arg]
    message: str,
) -> None:
    rewrite_poses(log_copy, change)
    found = [fault for fault in DriveLogReader.find_faults(log_copy) if fault.file == f"truth/{FIRST}.parquet"]
    assert any(message in fault.message for fault in found), [str(fault) for fault in found]


def test_a_sample_of_an_episode_with_a_cut_pose_says_in_which_file(log_copy: Path) -> None:
    path = log_copy / EpisodeFiles(0).truth
    table = pq.read_table(path)
    rows = table.to_pylist()
    rows[3]["world_from_ego"] = rows[3]["world_from_ego"][:5]
    pq.write_table(pa.Table.from_pylist(rows, schema=table.schema), path)
    reader = DriveLogReader(log_copy)
    with pytest.raises(DataError, match=f"{path.name} holds a damaged pose"):
        reader.sample(reader.scenes[0].tokens[0])
