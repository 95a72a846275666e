from pathlib import Path

import numpy as np
import pytest

from drivevla.datasets.argoverse2 import Argoverse2Reader
from drivevla.datasets.argoverse2.fixture import LOG_NAME, write_argoverse2_fixture
from drivevla.datasets.argoverse2.layout import find_logs
from drivevla.datasets.opening import open_dataset
from drivevla.errors import DataError, UnknownName
from drivevla.geometry import transform_points
from drivevla.testing import check_reader
from drivevla.types import FaultKind


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return write_argoverse2_fixture(tmp_path / "data")


def test_a_log_keeps_the_contract(log: Path) -> None:
    reader = open_dataset(log.parents[2])
    assert isinstance(reader, Argoverse2Reader)
    assert check_reader(reader, samples_per_scene=30, tolerance_m=0.01) == 30
    (scene,) = reader.scenes
    assert (scene.name, scene.split, scene.map_name, len(scene.tokens)) == (LOG_NAME, "val", "PIT", 61)


def test_a_bend_to_the_left_at_six_metres_a_second(log: Path) -> None:
    reader = Argoverse2Reader(log)
    sample = reader.sample(reader.scenes[0].tokens[10])
    assert sample.observation.timestamp_s == pytest.approx(1.0)
    assert sample.observation.ego.speed_mps == pytest.approx(6.0, abs=1e-3)
    assert sample.observation.ego.yaw_rate_radps == pytest.approx(0.1, abs=1e-4)
    future = sample.truth.future
    assert future is not None
    assert future.valid.all()
    # after 4 s: 0.4 rad along a circle of 60 m
    assert future.poses[-1] == pytest.approx([60 * np.sin(0.4), 60 * (1 - np.cos(0.4)), 0.4], abs=1e-3)
    last = reader.sample(reader.scenes[0].tokens[-1]).truth.future
    assert last is not None
    assert not last.valid.any()


def test_the_parked_car_stays_where_it_is_and_is_hit(log: Path) -> None:
    reader = Argoverse2Reader(log)
    for token in reader.scenes[0].tokens[::20]:
        sample = reader.sample(token)
        assert sample.truth.objects is not None
        (car,) = sample.truth.objects
        assert (car.track_id, car.category, car.lidar_points) == ("parked", "REGULAR_VEHICLE", 3)
        place = transform_points(sample.truth.world_from_ego, car.ego_from_object[None, :3, 3])[0]
        assert place == pytest.approx([20.0, 4.0, 0.8], abs=1e-9)
        sweep = sample.observation.lidar
        assert sweep is not None
        assert sweep.points_m[0] == pytest.approx(car.ego_from_object[:3, 3], abs=0.02)  # half floats
        assert sweep.intensity is not None
        assert sweep.intensity[0] == pytest.approx(0.2)


def test_what_is_not_annotated_has_no_objects(log: Path) -> None:
    (log / "annotations.feather").unlink()
    reader = Argoverse2Reader(log)
    assert len(reader.scenes[0].tokens) == 61
    assert reader.sample(reader.scenes[0].tokens[0]).truth.objects is None


def test_what_is_missing_is_said(log: Path, tmp_path: Path) -> None:
    token = Argoverse2Reader(log).scenes[0].tokens[3]
    find_logs(log)[0].sweep_file(int(token.rpartition("/")[2])).unlink()
    with pytest.raises(DataError, match="missing"):
        Argoverse2Reader(log).sample(token)
    assert Argoverse2Reader(log, lidar=False).sample(token).observation.lidar is None
    with pytest.raises(UnknownName):
        Argoverse2Reader(log).sample(f"{LOG_NAME}/1")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="no log"):
        Argoverse2Reader(tmp_path / "empty")


def test_faults_are_named(log: Path) -> None:
    assert list(Argoverse2Reader.find_faults(log)) == []
    sweeps = sorted((log / "sensors" / "lidar").glob("*.feather"))
    sweeps[0].unlink()
    sweeps[1].write_bytes(sweeps[1].read_bytes()[:200])
    assert [fault.kind for fault in Argoverse2Reader.find_faults(log)] == [FaultKind.MISSING, FaultKind.CORRUPT]
    poses = log / "city_SE3_egovehicle.feather"
    poses.write_bytes(poses.read_bytes()[:-100])
    assert next(fault.file for fault in Argoverse2Reader.find_faults(log)) == poses.name


def test_annotations_at_odds_with_the_poses_are_named(log: Path, tmp_path: Path) -> None:
    longer = write_argoverse2_fixture(tmp_path / "longer", lasts_s=6.2)
    (log / "annotations.feather").write_bytes((longer / "annotations.feather").read_bytes())
    found = [fault for fault in Argoverse2Reader.find_faults(log) if fault.kind is FaultKind.INCONSISTENT]
    assert [fault.record for fault in found] == ["315960006100000000", "315960006200000000"]


@pytest.mark.real_data
def test_the_real_log_drives_forward_among_its_boxes(shared_real: Path) -> None:
    root = shared_real / "argoverse2"
    reader = Argoverse2Reader(root, lidar=False)
    (scene,) = reader.scenes
    assert (scene.split, scene.map_name, len(scene.tokens)) == ("val", "PIT", 156)
    assert check_reader(reader, samples_per_scene=156) == 156
    samples = [reader.sample(token) for token in scene.tokens]
    assert sum(len(sample.truth.objects or ()) for sample in samples) == 11_364
    places = np.array([sample.truth.world_from_ego[:2, 3] for sample in samples])
    assert 60.0 < np.linalg.norm(np.diff(places, axis=0), axis=1).sum() < 90.0
    assert all(-0.5 < sample.observation.ego.speed_mps < 20.0 for sample in samples)
    assert {fault.kind for fault in Argoverse2Reader.find_faults(root)} == {FaultKind.MISSING}


@pytest.mark.real_data
def test_points_of_a_real_sweep_lie_in_the_boxes_that_count_them(shared_real: Path) -> None:
    reader = Argoverse2Reader(shared_real / "argoverse2")
    token = f"{reader.scenes[0].name}/315966265259836000"
    sample = reader.sample(token)
    sweep, objects = sample.observation.lidar, sample.truth.objects
    assert sweep is not None
    assert objects is not None
    assert len(sweep.points_m) == 99_229
    well_hit = max(objects, key=lambda each: each.lidar_points or 0)
    local = transform_points(np.linalg.inv(well_hit.ego_from_object), sweep.points_m)
    inside = int((np.abs(local) <= well_hit.size_m / 2).all(axis=1).sum())
    assert inside == pytest.approx(well_hit.lidar_points, rel=0.02)
