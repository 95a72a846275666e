import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from drivevla.cli import main
from drivevla.datasets.covla import CoVLAReader
from drivevla.datasets.covla.fixture import write_covla_fixture
from drivevla.datasets.nuscenes import NuScenesReader
from drivevla.datasets.opening import open_dataset
from drivevla.datasets.preview import preview_sheet
from drivevla.errors import DataError

GREEN, YELLOW = (60, 220, 90), (250, 220, 60)


def test_info_says_what_there_is(nuscenes_root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "info", str(nuscenes_root)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:3] == ["nuscenes v1.0-mini: 2 scenes, 18 samples", "  mini_train: 9 samples", "  mini_val: 9 samples"]
    assert "singapore-onenorth" in lines[3]


def test_folders_are_recognised_and_strange_ones_refused(nuscenes_root: Path, tmp_path: Path) -> None:
    assert isinstance(open_dataset(nuscenes_root), NuScenesReader)
    write_covla_fixture(tmp_path / "covla", mini=True, frames=3, pictures="png")
    assert isinstance(open_dataset(tmp_path / "covla"), CoVLAReader)
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"no data set.*--dataset"):
        open_dataset(tmp_path / "empty")
    with pytest.raises(DataError, match="is no folder"):
        open_dataset(tmp_path / "elsewhere")


def test_sheets_show_plan_and_boxes_on_pictures_and_from_above(nuscenes_root: Path) -> None:
    reader = NuScenesReader(nuscenes_root)
    sheet = preview_sheet(reader.sample(reader.scenes[0].tokens[2]))
    height = round(480 * 90 / 160)
    front, above = sheet[:height, 480:960], sheet[2 * height : 2 * height + 480, :480]
    for colour in (GREEN, YELLOW):
        assert (front == colour).all(axis=-1).any(), f"{colour} in the front picture"
        assert (above == colour).all(axis=-1).any(), f"{colour} from above"
    rows, columns = np.nonzero((above == GREEN).all(axis=-1))
    assert rows.max() <= 241, "the way to go leads ahead, which is up"
    assert columns.min() < 235, "and to the left in this scene"


def test_preview_writes_the_sheets_it_can_and_names_the_others(
    nuscenes_copy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(nuscenes_copy / "samples" / "CAM_BACK")
    assert main(["data", "preview", str(nuscenes_copy), "--out", str(tmp_path / "none"), "--count", "2"]) == 1
    assert capsys.readouterr().out.count("is missing") == 2


def test_preview_of_covla_has_its_texts_and_lights(tmp_path: Path) -> None:
    write_covla_fixture(tmp_path, mini=True, frames=62, pictures="png")
    out = tmp_path / "sheets"
    assert main(["data", "preview", str(tmp_path), "--out", str(out), "--count", "1"]) == 0
    (path,) = out.iterdir()
    with Image.open(path) as sheet:
        assert sheet.size[0] == 960


def test_what_preview_needs_is_asked_for(nuscenes_root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "preview", str(nuscenes_root)]) == 2
    assert "--out DIR" in capsys.readouterr().err
