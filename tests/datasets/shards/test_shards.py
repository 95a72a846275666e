"""Shards hold what the drive log holds, in fewer bytes, and say where they are damaged."""

import json
import pickle
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("pyarrow", reason="the extra 'data' is not installed")

from drivevla.datasets.drivelog import DriveLogReader
from drivevla.datasets.drivelog.fixture import write_fixture
from drivevla.datasets.shards import ShardReader
from drivevla.datasets.shards.packing import Packed, pack_drive_log
from drivevla.datasets.shards.shard_file import ShardFile, shard_bytes
from drivevla.errors import DataError, RunError, UnknownName
from drivevla.testing import check_reader

# What a machine for training may lack.
WITHOUT = """
import sys
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"pyarrow", "carla", "open3d", "pandas", "torch", "transformers", "av"}:
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Missing())
from pathlib import Path
from drivevla.datasets.opening import open_dataset
reader = open_dataset(Path(sys.argv[1]), "shards")
print(reader.sample(reader.scenes[0].tokens[0]).observation.lidar.points_m.shape[1])
"""


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> DriveLogReader:
    root = tmp_path_factory.mktemp("packed") / "log"
    write_fixture(root)
    return DriveLogReader(root)


@pytest.fixture(scope="module")
def root(log: DriveLogReader, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("packed") / "shards"
    packed = pack_drive_log(log, out)
    assert packed == Packed(frames=39, bytes=sum(path.stat().st_size for path in out.glob("*.bin")), shards=1)
    return out


def test_shards_hold_what_the_log_holds(log: DriveLogReader, root: Path) -> None:
    reader = ShardReader(root)
    assert reader.scenes == log.scenes
    assert reader.fingerprint == log.fingerprint
    assert reader.labels("drive_01") == log.labels("drive_01")
    for token in log.scenes[1].tokens:
        one, other = log.sample(token), reader.sample(token)
        assert one.observation.instruction == other.observation.instruction
        for name, camera in one.observation.cameras.items():
            assert np.array_equal(camera.image, other.observation.cameras[name].image)
            assert np.array_equal(camera.ego_from_camera, other.observation.cameras[name].ego_from_camera)
        assert one.observation.lidar is not None
        assert other.observation.lidar is not None
        assert np.array_equal(one.observation.lidar.points_m, other.observation.lidar.points_m)
        assert one.truth.future is not None
        assert other.truth.future is not None
        assert np.array_equal(one.truth.future.valid, other.truth.future.valid)
        assert np.abs(one.truth.future.poses - other.truth.future.poses).max() <= 0.0005 + 1e-9
        for lane, again in zip(one.truth.lanes or (), other.truth.lanes or (), strict=True):
            assert np.abs(lane.centerline_m - again.centerline_m).max() < 1e-5
        for choice, same in zip(one.alternatives or (), other.alternatives or (), strict=True):
            assert choice.sentence == same.sentence
            assert (choice.told_pose is None) == (same.told_pose is None)
            assert np.abs(choice.future.poses - same.future.poses).max() < 1e-5


def test_the_reader_keeps_the_contract_of_readers_and_travels(root: Path) -> None:
    reader = pickle.loads(pickle.dumps(ShardReader(root)))
    assert check_reader(reader) == 12
    with pytest.raises(UnknownName):
        reader.sample("elsewhere")
    assert not list(ShardReader.find_faults(root))


def test_shards_are_read_without_pyarrow_carla_open3d_or_torch(root: Path) -> None:
    done = subprocess.run([sys.executable, "-c", WITHOUT, str(root)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "3"


def test_a_damaged_record_is_an_error_with_file_and_offset(root: Path, tmp_path: Path) -> None:
    for path in root.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    path = tmp_path / "shard-00000.bin"
    place = ShardFile(path).place(2)
    content = bytearray(path.read_bytes())
    content[place + 100] ^= 0xFF
    path.write_bytes(bytes(content))
    reader = ShardReader(tmp_path)
    with pytest.raises(DataError, match=rf"shard-00000\.bin: record 2 of \d+ bytes at {place} is damaged"):
        reader.sample(reader.scenes[0].tokens[2])
    assert [fault.record for fault in ShardReader.find_faults(tmp_path)] == [reader.scenes[0].tokens[2]]
    path.write_bytes(bytes(content[:-10]))
    with pytest.raises(DataError, match="cut short"):
        ShardReader(tmp_path)


def test_sizes_are_checked_before_anything_is_read(tmp_path: Path) -> None:
    path = tmp_path / "shard.bin"
    path.write_bytes(b"DVLASHD1" + struct.pack("<I", 0xFFFFFFF0))
    with pytest.raises(DataError, match="cut short: it says 4294967280 records"):
        ShardFile(path)
    path.write_bytes(b"DVLASHD1" + struct.pack("<I", 1) + struct.pack("<QII", 28, 0xFFFFFFF0, 0))
    with pytest.raises(DataError, match="record 0 at 28 has 4294967280 bytes"):
        ShardFile(path)
    path.write_bytes(b"GIF89a      ")
    with pytest.raises(DataError, match="no shard"):
        ShardFile(path)


def test_records_come_back_from_a_shard(tmp_path: Path) -> None:
    records = [b"one", b"", b"three" * 1000]
    (tmp_path / "shard.bin").write_bytes(shard_bytes(records))
    shard = ShardFile(tmp_path / "shard.bin")
    assert [shard.record(index) for index in range(len(shard))] == records


def test_shards_never_go_into_a_folder_that_holds_something(log: DriveLogReader, root: Path) -> None:
    with pytest.raises(RunError, match="not empty"):
        pack_drive_log(log, root)


def test_a_scene_that_lacks_something_is_named(root: Path, tmp_path: Path) -> None:
    copy = tmp_path / "shards"
    shutil.copytree(root, copy)
    index = json.loads((copy / "shards.json").read_text(encoding="utf-8"))
    del index["scenes"][1]["told_poses"]
    (copy / "shards.json").write_text(json.dumps(index), encoding="utf-8")
    with pytest.raises(DataError, match="scene 1 lacks told_poses"):
        ShardReader(copy)
