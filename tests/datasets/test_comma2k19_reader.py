from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from drivevla.datasets.comma2k19 import Comma2k19Reader
from drivevla.errors import DataError, UnknownName
from drivevla.geometry.covla import enu_from_ecef
from drivevla.testing import check_reader
from drivevla.types import FaultKind

ORIGIN_M = np.array([-2_712_470.0, -4_257_690.0, 3_885_650.0])
SPEED_MPS = 20.0


@pytest.fixture
def segment(tmp_path: Path) -> Path:
    """Five seconds due east; the device looks along."""
    enu = enu_from_ecef(ORIGIN_M)
    times_s = np.arange(100) / 20.0
    places = ORIGIN_M + np.stack([SPEED_MPS * times_s, 0 * times_s, 0 * times_s], axis=1) @ enu
    forward_right_down = np.stack([enu[0], -enu[1], -enu[2]], axis=1)
    x, y, z, w = Rotation.from_matrix(forward_right_down).as_quat()
    folder = tmp_path / "route" / "40" / "global_pose"
    folder.mkdir(parents=True)
    arrays = {
        "frame_times": times_s + 7.0,
        "frame_positions": places,
        "frame_orientations": np.tile([w, x, y, z], (100, 1)),
    }
    for name, array in arrays.items():
        with (folder / name).open("wb") as file:
            np.save(file, array)
    return tmp_path


def test_windows_lead_straight_ahead(segment: Path) -> None:
    reader = Comma2k19Reader(segment)
    assert check_reader(reader, tolerance_m=0.01) == 4
    assert len(reader.scenes[0].tokens) == 41
    sample = reader.sample("route/40/0010")
    assert sample.truth.future is not None
    assert sample.truth.future.valid.all()
    assert sample.truth.future.poses[-1] == pytest.approx([2.95 * SPEED_MPS, 0.0, 0.0], abs=1e-3)
    assert sample.observation.ego.speed_mps == pytest.approx(SPEED_MPS)
    assert sample.observation.cameras == {}


def test_faults_are_named(segment: Path) -> None:
    assert list(Comma2k19Reader.find_faults(segment)) == []
    folder = segment / "route" / "40" / "global_pose"
    with (folder / "frame_positions").open("rb") as file:
        places = np.load(file)
    places[50] += 1000.0
    with (folder / "frame_positions").open("wb") as file:
        np.save(file, places)
    assert {fault.kind for fault in Comma2k19Reader.find_faults(segment)} == {FaultKind.INCONSISTENT}
    (folder / "frame_times").write_bytes((folder / "frame_times").read_bytes()[:200])
    (folder / "frame_orientations").unlink()
    assert [fault.kind for fault in Comma2k19Reader.find_faults(segment)] == [FaultKind.TRUNCATED, FaultKind.MISSING]


def test_what_is_not_there_is_refused(segment: Path, tmp_path: Path) -> None:
    with pytest.raises(UnknownName):
        Comma2k19Reader(segment).sample("route/40/0041")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="no segment"):
        Comma2k19Reader(tmp_path / "empty")


@pytest.mark.real_data
def test_the_real_minute_gives_its_windows(shared_real: Path) -> None:
    reader = Comma2k19Reader(shared_real / "comma2k19")
    assert [len(scene.tokens) for scene in reader.scenes] == [1_141]
    assert check_reader(reader, samples_per_scene=60) == 60
    tokens = reader.scenes[0].tokens
    futures = [reader.sample(token).truth.future for token in tokens[::60]]
    assert all(future is not None and future.valid.all() for future in futures)
    driven_m = [np.linalg.norm(reader.sample(tokens[index]).truth.world_from_ego[:3, 3]) for index in (0, 1140)]
    assert driven_m[1] > 900.0
    assert list(Comma2k19Reader.find_faults(shared_real / "comma2k19")) == []
