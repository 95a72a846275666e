"""A data set of ours, written as nuScenes and read back through the real devkit."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from drivevla.cli import main
from drivevla.datasets.bench2drive import Bench2DriveReader
from drivevla.datasets.bench2drive.fixture import write_bench2drive_fixture
from drivevla.datasets.nuscenes import NuScenesReader
from drivevla.datasets.nuscenes.export import EXPORT_VERSION, export_nuscenes
from drivevla.errors import DataError, UserError
from drivevla.testing import check_reader
from drivevla.types import ObjectTruth, Reader, Sample

pytest.importorskip("nuscenes")


class Told:
    """A data set in which somebody says something, with the frames that are named."""

    def __init__(self, inner: Reader, frames: Sequence[int] | None = None) -> None:
        self.inner = inner
        self.dataset = inner.dataset
        scene = inner.scenes[0]
        kept = scene.tokens if frames is None else tuple(scene.tokens[frame] for frame in frames)
        self.scenes = (replace(scene, tokens=kept),)

    def sample(self, token: str) -> Sample:
        sample = self.inner.sample(token)
        return replace(sample, observation=replace(sample.observation, instruction="Turn left."))


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Bench2DriveReader:
    root = tmp_path_factory.mktemp("bench2drive")
    write_bench2drive_fixture(root, frames=21)  # 10 Hz: every fifth is a keyframe, five of them
    return Bench2DriveReader(root)


@pytest.fixture(scope="module")
def exported(clips: Bench2DriveReader, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("export")
    assert export_nuscenes(Told(clips), root) == 5
    return root


def middles(objects: Sequence[ObjectTruth]) -> NDArray[np.float64]:
    return np.array(sorted(tuple(each.ego_from_object[:3, 3].round(6)) for each in objects))


def test_the_devkit_reads_back_what_was_written(clips: Bench2DriveReader, exported: Path) -> None:
    reader = NuScenesReader(exported)
    assert check_reader(reader, tolerance_m=0.05) == 4
    assert [len(scene.tokens) for scene in reader.scenes] == [5]
    assert reader.scenes[0].map_name == "Town03"
    for index, token in enumerate(reader.scenes[0].tokens):
        ours, theirs = clips.sample(clips.scenes[0].tokens[5 * index]), reader.sample(token)
        assert theirs.truth.world_from_ego == pytest.approx(ours.truth.world_from_ego, abs=1e-9)
        assert ours.truth.objects is not None
        assert theirs.truth.objects is not None
        assert middles(theirs.truth.objects) == pytest.approx(middles(ours.truth.objects), abs=1e-6)
        sizes = [sorted(each.size_m.tolist() for each in sample.truth.objects or ()) for sample in (ours, theirs)]
        assert np.array(sizes[0]) == pytest.approx(np.array(sizes[1]))
        assert set(theirs.observation.cameras) == set(ours.observation.cameras)
        for name, frame in theirs.observation.cameras.items():
            assert frame.ego_from_camera == pytest.approx(ours.observation.cameras[name].ego_from_camera, abs=1e-6)
        assert ours.observation.lidar is not None
        assert theirs.observation.lidar is not None
        assert theirs.observation.lidar.points_m == pytest.approx(ours.observation.lidar.points_m, abs=1e-4)
        assert theirs.observation.instruction == "Turn left."


def test_nothing_is_wrong_with_an_export(exported: Path) -> None:
    assert [str(fault) for fault in NuScenesReader.find_faults(exported)] == []


def test_the_devkit_renders_it(exported: Path, tmp_path: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    devkit = NuScenesReader(exported).devkit
    first = devkit.sample[0]
    devkit.render_sample_data(first["data"]["CAM_FRONT"], out_path=str(tmp_path / "front.png"), verbose=False)
    assert (tmp_path / "front.png").stat().st_size > 1000


def test_the_command_line_converts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_bench2drive_fixture(tmp_path / "clips", frames=6)
    assert main(["data", "convert", str(tmp_path / "clips"), str(tmp_path / "out")]) == 0
    assert "2 keyframes" in capsys.readouterr().out
    assert main(["data", "convert", str(tmp_path / "clips")]) == 2


def test_a_gap_begins_another_scene(clips: Bench2DriveReader, tmp_path: Path) -> None:
    assert export_nuscenes(Told(clips, [0, 5, 11, 16]), tmp_path) == 4
    assert [len(scene.tokens) for scene in NuScenesReader(tmp_path).scenes] == [2, 2]


def test_a_drive_off_the_half_seconds_is_refused(clips: Bench2DriveReader, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="multiple of 2 Hz"):
        export_nuscenes(Told(clips, [0, 4, 8, 12]), tmp_path)


def test_an_export_is_not_written_over(clips: Bench2DriveReader, exported: Path) -> None:
    with pytest.raises(UserError, match="already holds"):
        export_nuscenes(clips, exported)


def test_a_broken_table_of_sentences_is_named(clips: Bench2DriveReader, tmp_path: Path) -> None:
    export_nuscenes(Told(clips, [0, 5]), tmp_path)
    (tmp_path / EXPORT_VERSION / "instruction.json").write_text(json.dumps([{"sample_token": "x"}]))
    with pytest.raises(DataError, match=r"instruction\.json must be a list"):
        NuScenesReader(tmp_path)
