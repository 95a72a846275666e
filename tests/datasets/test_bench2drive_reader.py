import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from drivevla.datasets.bench2drive import Bench2DriveReader
from drivevla.datasets.bench2drive.fixture import CLIP_NAME, write_bench2drive_fixture
from drivevla.datasets.opening import open_dataset
from drivevla.errors import DataError
from drivevla.geometry import invert_rigid, project_points, yaw_from_matrix
from drivevla.testing import check_reader
from drivevla.types import Command, FaultKind, LightState, Sample, SignKind


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return write_bench2drive_fixture(tmp_path)


def sample_of(clip: Path, frame: int) -> Sample:
    return Bench2DriveReader(clip.parent).sample(f"{CLIP_NAME}/{frame:05d}")


def change(clip: Path, frame: int, edit: Callable[[dict[str, Any]], None]) -> None:
    path = clip / "anno" / f"{frame:05d}.json.gz"
    said = json.loads(gzip.decompress(path.read_bytes()))
    edit(said)
    path.write_bytes(gzip.compress(json.dumps(said).encode()))


def test_it_keeps_the_contract_and_is_recognised(clip: Path) -> None:
    reader = open_dataset(clip.parent)
    assert isinstance(reader, Bench2DriveReader)
    assert check_reader(reader, tolerance_m=0.05) == 4
    assert reader.scenes[0].map_name == "Town03"
    assert reader.scenes[0].description == "ParkedObstacle"
    assert list(Bench2DriveReader.find_faults(clip.parent)) == []


def test_left_handed_becomes_right_handed(clip: Path) -> None:
    sample = sample_of(clip, 5)
    assert sample.observation.ego.yaw_rate_radps == pytest.approx(0.1)
    assert sample.truth.future is not None
    assert sample.truth.future.poses[5, 1] > 0, "the bend is to the left"
    assert sample.observation.command is Command.LANE_FOLLOW
    assert sample.observation.target_points_m is not None
    assert sample.observation.target_points_m[0] == pytest.approx([21.43, 3.0], abs=1e-6)
    left = sample.observation.cameras["CAM_FRONT_LEFT"].ego_from_camera
    assert left[:3, 3] == pytest.approx([1.70, 0.55, 1.60])
    assert np.degrees(np.arctan2(left[1, 2], left[0, 2])) == pytest.approx(55.0)


def test_boxes_pictures_and_sweep_fit_together(clip: Path) -> None:
    sample = sample_of(clip, 5)
    car = next(each for each in sample.truth.objects or () if each.track_id == "2")
    camera = sample.observation.cameras["CAM_FRONT"]
    camera_from_ego = invert_rigid(camera.ego_from_camera)
    pixels, _ = project_points(camera_from_ego, camera.intrinsics_px, car.ego_from_object[None, :3, 3])
    u, v = pixels[0]
    assert camera.image[round(v), round(u), 0] > 170
    assert camera.image[round(v), round(u), 1] < 80
    assert sample.observation.lidar is not None
    roof = car.ego_from_object[:3, 3] + [0.0, 0.0, 0.8]
    assert np.linalg.norm(sample.observation.lidar.points_m - roof, axis=1).min() < 2e-3


def test_the_recorders_faults_are_seen_to(clip: Path) -> None:
    sample = sample_of(clip, 5)
    objects = {each.track_id: each for each in sample.truth.objects or ()}
    world = sample.truth.world_from_ego
    walker = objects["4"]
    assert walker.velocity_mps is not None
    assert np.linalg.norm(walker.velocity_mps) == pytest.approx(1.2), "the recorded speed is 0"
    parked = world @ objects["3"].ego_from_object
    assert parked[:2, 3] == pytest.approx([20.0, -5.0]), "its recorded location is the world's origin"
    assert float(yaw_from_matrix(parked[:3, :3])) == pytest.approx(0.3)
    first = sample_of(clip, 0)
    assert float(yaw_from_matrix(first.truth.world_from_ego[:3, :3])) == pytest.approx(0.0, abs=1e-9), "NaN compass"
    assert next(each for each in first.truth.objects or () if each.track_id == "4").velocity_mps is None


def test_a_parked_car_that_faces_nobody_knows_where_is_left_out_and_counted(clip: Path) -> None:
    change(clip, 5, lambda said: said["bounding_boxes"][2].pop("world_cord"))
    sample = sample_of(clip, 5)
    assert sample.labels is not None
    assert sample.labels["parked_vehicles_left_out"] == "1"
    assert "3" not in {each.track_id for each in sample.truth.objects or ()}


def test_lights_and_signs(clip: Path) -> None:
    truth = sample_of(clip, 0).truth
    assert truth.lights is not None
    assert truth.signs is not None
    assert (truth.lights[0].state, truth.lights[0].affects_ego) == (LightState.GREEN, True)
    assert truth.lights[0].position_m == pytest.approx([41.43, -4.0, 4.0])
    assert (truth.signs[0].kind, truth.signs[0].affects_ego) == (SignKind.STOP, False)


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:40])


def _unrigid(said: dict[str, Any]) -> None:
    said["sensors"]["CAM_FRONT"]["cam2ego"] = (2 * np.eye(4)).tolist()


def _swap(said: dict[str, Any]) -> None:
    said["sensors"]["CAM_FRONT_LEFT"]["location"][1] *= -1


def _millimetres(said: dict[str, Any]) -> None:
    said["sensors"]["CAM_BACK"]["location"][0] *= 1000


def _jump(said: dict[str, Any]) -> None:
    said["x"] += 50.0


def _nan(said: dict[str, Any]) -> None:
    said["acceleration"][0] = float("nan")


def _double(said: dict[str, Any]) -> None:
    said["bounding_boxes"].append(said["bounding_boxes"][1])


PLANTED: dict[str, tuple[Callable[[Path], None], FaultKind, str]] = {
    "a frame is gone": (lambda clip: (clip / "anno/00004.json.gz").unlink(), FaultKind.MISSING, "anno/00004"),
    "an annotation is cut": (lambda clip: _cut(clip / "anno/00004.json.gz"), FaultKind.TRUNCATED, "anno/00004"),
    "a picture is gone": (
        lambda clip: (clip / "camera/rgb_back/00002.jpg").unlink(),
        FaultKind.MISSING,
        "rgb_back/00002",
    ),
    "a picture is cut": (lambda clip: _cut(clip / "camera/rgb_back/00002.jpg"), FaultKind.TRUNCATED, "rgb_back/00002"),
    "a sweep is gone": (lambda clip: (clip / "lidar/00003.laz").unlink(), FaultKind.MISSING, "lidar/00003"),
    "a sweep is cut": (lambda clip: _cut(clip / "lidar/00003.laz"), FaultKind.TRUNCATED, "lidar/00003"),
    "no rotation": (lambda clip: change(clip, 1, _unrigid), FaultKind.CORRUPT, "cam2ego is not orthonormal"),
    "sides swapped": (lambda clip: change(clip, 1, _swap), FaultKind.INCONSISTENT, "on the right of the car"),
    "millimetres": (lambda clip: change(clip, 1, _millimetres), FaultKind.INCONSISTENT, "location"),
    "a jump": (lambda clip: change(clip, 6, _jump), FaultKind.INCONSISTENT, "jumps"),
    "a NaN": (lambda clip: change(clip, 1, _nan), FaultKind.CORRUPT, "acceleration"),
    "a double box": (lambda clip: change(clip, 1, _double), FaultKind.DUPLICATE, "vehicle 2 is there twice"),
}


@pytest.mark.parametrize("planted", PLANTED)
def test_a_planted_fault_is_named(clip: Path, planted: str) -> None:
    plant, kind, words = PLANTED[planted]
    plant(clip)
    found = list(Bench2DriveReader.find_faults(clip.parent))
    assert any(each.kind is kind and words in str(each) for each in found), [str(each) for each in found]


def test_a_broken_file_is_an_error_that_names_it(clip: Path) -> None:
    _cut(clip / "lidar/00003.laz")
    with pytest.raises(DataError, match=r"00003\.laz cannot be read"):
        sample_of(clip, 3)
    _cut(clip / "anno/00004.json.gz")
    with pytest.raises(DataError, match=r"00004\.json\.gz is cut short"):
        sample_of(clip, 3)


def test_a_folder_without_clips_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no clip"):
        Bench2DriveReader(tmp_path)
