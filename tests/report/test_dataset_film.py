from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from drivevla.cli import main
from drivevla.datasets.drivelog import DriveLogReader
from drivevla.datasets.drivelog.fixture import RATE_HZ, write_fixture
from drivevla.errors import DataError, UserError
from drivevla.report.dataset_film import film_scene
from drivevla.types import Observation, Reader, Sample

av = pytest.importorskip("av", reason="the extra report is not installed")


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("log")
    write_fixture(root, episodes=3, frames=6)
    return root


class Changed:
    """A data set whose later samples were seen otherwise."""

    def __init__(self, inner: Reader, change: Callable[[Observation], Observation], *, since: int) -> None:
        self.inner, self.change, self.since = inner, change, since
        self.dataset, self.scenes = inner.dataset, inner.scenes

    def sample(self, token: str) -> Sample:
        sample = self.inner.sample(token)
        if self.scenes[0].tokens.index(token) < self.since:
            return sample
        return replace(sample, observation=self.change(sample.observation))


def without_cameras(seen: Observation) -> Observation:
    return replace(seen, cameras={})


def test_a_log_becomes_films_as_fast_and_long_as_it_was(
    log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["data", "film", str(log), str(tmp_path / "films"), "--count", "2"]) == 0
    assert sorted(path.name for path in (tmp_path / "films").iterdir()) == ["drive_00.mp4", "drive_02.mp4"]
    assert [len(scene.tokens) for scene in DriveLogReader(log).scenes] == [7, 7, 7], "one is a displaced view"
    assert capsys.readouterr().out.count(": 6 frames") == 2
    with av.open(str(tmp_path / "films" / "drive_00.mp4")) as film:
        pictures = [frame.to_ndarray(format="rgb24") for frame in film.decode(video=0)]
        assert film.streams.video[0].average_rate == RATE_HZ == 5.0
    assert len(pictures) == 6
    assert pictures[0].shape == (256 + 3 * 22, 384 + 384 + 256 + 2 * 2, 3), "48 x 32 pixels twice, the view from above"


def test_the_cameras_stand_from_left_to_right(log: Path, tmp_path: Path) -> None:
    reader = DriveLogReader(log)
    film_scene(reader, reader.scenes[0], tmp_path / "film.mp4", height_px=64)
    with av.open(str(tmp_path / "film.mp4")) as film:
        picture = next(film.decode(video=0)).to_ndarray(format="rgb24")
    cameras = reader.sample(reader.scenes[0].tokens[0]).observation.cameras
    for name, left_px in (("left", 0), ("front", 96 + 2)):
        panel = picture[:64, left_px : left_px + 96].astype(float)
        assert np.abs(panel.mean(axis=(0, 1)) - cameras[name].image.mean(axis=(0, 1))).max() < 12.0, name


def test_what_cannot_be_filmed_is_refused(log: Path, tmp_path: Path) -> None:
    reader = DriveLogReader(log)
    scene = reader.scenes[0]
    with pytest.raises(UserError, match="no camera"):
        film_scene(Changed(reader, without_cameras, since=0), scene, tmp_path / "a.mp4")
    with pytest.raises(DataError, match=r"has the cameras \[\].*front"):
        film_scene(Changed(reader, without_cameras, since=3), scene, tmp_path / "b.mp4")
    with pytest.raises(UserError, match="no sample"):
        film_scene(reader, replace(scene, tokens=()), tmp_path / "c.mp4")


def test_a_single_sample_stands_for_a_second(log: Path, tmp_path: Path) -> None:
    reader = DriveLogReader(log)
    scene = replace(reader.scenes[0], tokens=reader.scenes[0].tokens[:1])
    assert film_scene(reader, scene, tmp_path / "film.mp4", height_px=32) == 1
    with av.open(str(tmp_path / "film.mp4")) as film:
        assert film.streams.video[0].average_rate == 1


def test_a_film_needs_a_place(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "film", str(log)]) == 2
    assert "needs OUT" in capsys.readouterr().err
