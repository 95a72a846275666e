"""What is read from a drive log is what was written, within what is stated."""

import dataclasses
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from drivevla.datasets.codec import as_stored
from drivevla.datasets.drivelog import DriveLogReader, DriveLogWriter
from drivevla.datasets.drivelog.fixture import turning_drive
from drivevla.datasets.opening import open_dataset
from drivevla.errors import ContractError, DataError, UnknownName
from drivevla.geometry import transform_points
from drivevla.testing import check_reader
from drivevla.types import Sample, SensorRig


@pytest.fixture(scope="module")
def written(rig: SensorRig) -> list[Sample]:
    return turning_drive(rig, frames=12, seed=0, name="drive_00")


@pytest.fixture(scope="module")
def reader(log_root: Path) -> DriveLogReader:
    return DriveLogReader(log_root)


@pytest.fixture(scope="module")
def read(reader: DriveLogReader) -> list[Sample]:
    return [reader.sample(token) for token in reader.scenes[0].tokens]


def same(one: Any, other: Any) -> bool:
    """Whether two contracts hold the same, to the last bit."""
    if dataclasses.is_dataclass(one):
        names = [field.name for field in dataclasses.fields(one)]
        return type(one) is type(other) and all(same(getattr(one, n), getattr(other, n)) for n in names)
    if isinstance(one, np.ndarray):
        return one.dtype == other.dtype and np.array_equal(one, other)
    if hasattr(one, "items"):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    return bool(one == other)


def test_what_a_policy_sees_when_driving_is_what_is_read_back_to_the_last_bit(
    reader: DriveLogReader, written: list[Sample], read: list[Sample]
) -> None:
    for before, after in zip(written, read, strict=True):
        # Where the car was told is not stored: it follows from where it was and what it heard.
        seen = dataclasses.replace(after.observation, told_pose=before.observation.told_pose)
        assert same(as_stored(before.observation, reader.storage), seen)


def test_where_the_car_was_told_follows_from_the_drive(written: list[Sample], read: list[Sample]) -> None:
    heard = [sample.observation.instruction for sample in written]
    assert None not in heard
    for number, sample in enumerate(read):
        first = number
        while first and heard[first - 1] == heard[number]:
            first -= 1
        x, y = np.linalg.solve(written[number].truth.world_from_ego, written[first].truth.world_from_ego)[:2, 3]
        assert sample.observation.told_pose is not None
        assert sample.observation.told_pose[:2] == pytest.approx([x, y], abs=0.001)


def test_the_storage_is_lossy_at_all(written: list[Sample], read: list[Sample]) -> None:
    assert not same(written[0].observation, read[0].observation)


def test_futures_are_where_the_car_went_within_a_centimetre(written: list[Sample], read: list[Sample]) -> None:
    now, future = read[0], read[0].truth.future
    assert future is not None
    # 12 frames at 5 Hz: known up to 2.2 s of the 4 s that are asked for.
    assert future.valid.tolist() == [time_s <= 2.2 + 1e-6 for time_s in future.times_s]
    for later in written[1:]:
        if later.truth.future is not None:
            continue
        in_s = later.observation.timestamp_s - now.observation.timestamp_s
        index = int(np.argmin(np.abs(future.times_s - in_s)))
        assert future.times_s[index] == pytest.approx(in_s)
        ego_from_later = np.linalg.inv(written[0].truth.world_from_ego) @ later.truth.world_from_ego
        assert np.abs(future.poses[index, :2] - ego_from_later[:2, 3]).max() < 0.01


def test_a_recovery_keeps_its_own_future_and_is_no_part_of_the_drive(written: list[Sample], read: list[Sample]) -> None:
    recovery, at_its_instant = read[4], read[3]
    assert recovery.observation.timestamp_s == at_its_instant.observation.timestamp_s
    before, after = written[4].truth.future, recovery.truth.future
    assert before is not None
    assert after is not None
    assert np.abs(before.poses - after.poses).max() < 0.001
    assert np.array_equal(before.times_s, after.times_s)
    driven = at_its_instant.truth.future
    assert driven is not None
    assert np.abs(driven.poses[driven.valid, 1]).max() < 2.0  # never jumps to the displaced pose


def test_boxes_are_kept_within_a_millimetre(written: list[Sample], read: list[Sample]) -> None:
    corner = np.array([[2.1605, 0.906, 0.7485]])
    for before, after in zip(written, read, strict=True):
        for one, other in zip(before.truth.objects or (), after.truth.objects or (), strict=True):
            assert np.abs(one.size_m - other.size_m).max() <= 0.0005 + 1e-6
            moved = transform_points(one.ego_from_object, corner) - transform_points(other.ego_from_object, corner)
            assert np.abs(moved).max() < 0.001
            exact = ("track_id", "category", "lidar_points", "visibility", "lights", "parked", "lane_id", "door_open")
            assert all(getattr(one, name) == getattr(other, name) for name in exact)


def test_everything_else_that_is_true_or_said_is_kept(written: list[Sample], read: list[Sample]) -> None:
    one, other = written[0], read[0]
    for name in ("commentary", "refused", "target_speed_mps", "explanation"):
        assert getattr(one, name) == getattr(other, name)
    assert dict(one.labels or {}) == dict(other.labels or {}) == {"frame": "0"}
    for name in ("instruction", "goal", "speed_limit_mps", "route_commands", "route_lane_ids", "map_name"):
        assert getattr(one.truth, name) == getattr(other.truth, name)
    assert one.truth.route_m is not None
    assert other.truth.route_m is not None
    assert np.abs(one.truth.route_m - other.truth.route_m).max() <= 0.005 + 1e-6
    for lane, again in zip(one.truth.lanes or (), other.truth.lanes or (), strict=True):
        assert np.abs(lane.centerline_m - again.centerline_m).max() <= 0.005 + 1e-6
        assert (lane.lane_id, lane.left_id, lane.successors) == (again.lane_id, again.left_id, again.successors)
    light, again_light = (one.truth.lights or ())[0], (other.truth.lights or ())[0]
    assert (light.state, light.stop_distance_m) == (again_light.state, again_light.stop_distance_m)
    assert other.truth.signs is not None
    assert other.truth.signs[0].kind is (one.truth.signs or ())[0].kind


def test_alternatives_are_kept(written: list[Sample], read: list[Sample]) -> None:
    for one, other in zip(written[0].alternatives or (), read[0].alternatives or (), strict=True):
        assert (one.sentence, one.refused, one.target_speed_mps) == (
            other.sentence,
            other.refused,
            other.target_speed_mps,
        )
        assert np.abs(one.future.poses - other.future.poses).max() < 0.001
    there, here = (read[0].alternatives or ())[:2]
    assert there.told_pose is not None
    assert there.told_pose.tolist() == [-9.0, 0.5, 0.1]
    assert here.told_pose is None


def test_what_was_not_given_stays_absent(read: list[Sample]) -> None:
    recovery = read[4]
    assert recovery.truth.objects is None
    assert recovery.truth.route_m is None
    assert recovery.alternatives is None
    assert recovery.refused is None
    assert recovery.labels is None


def test_the_reader_keeps_the_contract_of_readers(log_root: Path, reader: DriveLogReader) -> None:
    assert isinstance(open_dataset(log_root), DriveLogReader)  # found from the files alone
    assert check_reader(reader) == 12
    scene = reader.scenes[0]
    assert (scene.name, scene.split, scene.map_name, scene.description) == ("drive_00", "train", "Gen_grid_1", "a bend")
    assert reader.labels("drive_00") == {"weather": "ClearNoon", "log": "log_0"}
    with pytest.raises(UnknownName, match="drive_99"):
        reader.labels("drive_99")


def test_a_reader_travels_to_another_process(reader: DriveLogReader) -> None:
    token = reader.scenes[1].tokens[2]
    assert same(pickle.loads(pickle.dumps(reader)).sample(token).observation, reader.sample(token).observation)


def test_poses_between_frames_make_futures_finer(rig: SensorRig, tmp_path: Path) -> None:
    samples = [sample for sample in turning_drive(rig, frames=4) if sample.truth.future is None]
    writer = DriveLogWriter(tmp_path / "log", rig=rig)
    with writer.episode("fine") as episode:
        for sample in samples:
            episode.add(sample)
        for step in range(40):  # goes on for 2 s, beyond the last frame
            pose = np.eye(4)
            pose[0, 3] = 0.4 * step
            if step % 4:
                episode.add_motion(0.05 * step, pose)
    future = DriveLogReader(tmp_path / "log").sample("fine/000000").truth.future
    assert future is not None
    assert future.valid.sum() == 19
    assert future.poses[18, 0] == pytest.approx(0.4 * 38, abs=1e-6)


def test_samples_out_of_order_or_of_another_rig_are_refused(rig: SensorRig, tmp_path: Path) -> None:
    samples = turning_drive(rig, frames=3)
    writer = DriveLogWriter(tmp_path / "log", rig=rig)
    with writer.episode("backwards") as episode:
        episode.add(samples[1])
        with pytest.raises(ContractError, match="order of time"):
            episode.add(samples[0])
    other = dataclasses.replace(rig, cameras={"front": rig.cameras["front"]})
    foreign = DriveLogWriter(tmp_path / "other", rig=other)
    with foreign.episode("foreign") as episode, pytest.raises(ContractError, match="no camera left"):
        episode.add(samples[0])


def test_a_damaged_sweep_is_an_error_with_file_and_offset(log_copy: Path) -> None:
    path = log_copy / "lidar" / "chunk-000" / "file-000.bin"
    content = bytearray(path.read_bytes())
    content[500] ^= 0xFF
    path.write_bytes(bytes(content))
    with pytest.raises(DataError, match=r"file-000\.bin: the sweep of \d+ bytes at 0 is cut short or damaged"):
        DriveLogReader(log_copy).sample("drive_00/000000")
