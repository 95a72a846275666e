"""What is stored drives as what was trained."""

import json
from pathlib import Path

import pytest
import torch

from drivevla.errors import CheckpointError, UnknownName
from drivevla.models.checkpoint import ABOUT_FILE, WEIGHTS_FILE, CheckpointAbout, load_checkpoint, save_checkpoint
from drivevla.models.config import FusionConfig, ModelConfig
from drivevla.models.driving import DrivingModel
from drivevla.models.parts import PartConfig

CONFIG = ModelConfig(
    width=16,
    cameras=None,
    lidar=PartConfig(name="raster", options={"cell_m": 2.0}),
    readers=("characters",),
    fusion=FusionConfig(latents=4, layers=1, attention_heads=2),
    head=PartConfig(name="flow", options={"layers": 2}),
)


@pytest.fixture
def stored(tmp_path: Path) -> tuple[Path, DrivingModel]:
    torch.manual_seed(0)
    model = DrivingModel(CONFIG)
    about = CheckpointAbout(model=CONFIG, recipe={"name": "x"}, data_fingerprint="abc", cameras=("front",), step=7)
    save_checkpoint(tmp_path, model, about)
    return tmp_path, model


def test_weights_and_words_come_back(stored: tuple[Path, DrivingModel]) -> None:
    folder, model = stored
    again, about = load_checkpoint(folder)
    assert about == CheckpointAbout(
        model=CONFIG, recipe={"name": "x"}, data_fingerprint="abc", cameras=("front",), step=7
    )
    assert not again.training
    assert all(torch.equal(value, again.state_dict()[name]) for name, value in model.state_dict().items())


def test_half_the_size_in_bfloat16(stored: tuple[Path, DrivingModel], tmp_path: Path) -> None:
    folder, model = stored
    whole = (folder / WEIGHTS_FILE).stat().st_size
    save_checkpoint(tmp_path / "half", model, CheckpointAbout(model=CONFIG), dtype=torch.bfloat16)
    assert (tmp_path / "half" / WEIGHTS_FILE).stat().st_size < 0.65 * whole
    again, _ = load_checkpoint(tmp_path / "half")
    assert {value.dtype for value in again.parameters()} == {torch.float32}


def test_weights_that_do_not_fit_are_counted_and_named(stored: tuple[Path, DrivingModel]) -> None:
    folder, _ = stored
    about = json.loads((folder / ABOUT_FILE).read_text())
    about["model"]["width"] = 32
    (folder / ABOUT_FILE).write_text(json.dumps(about))
    with pytest.raises(CheckpointError, match=r"0 weights missing, 0 too many, \d+ of another shape, such as"):
        load_checkpoint(folder)


@pytest.mark.parametrize(
    ("content", "message"),
    [("{", "no readable checkpoint.json"), ('{"format": 9}', "of format 9"), ('{"format": 1, "modle": 3}', "modle")],
)
def test_a_folder_that_is_no_checkpoint_is_refused(
    stored: tuple[Path, DrivingModel], content: str, message: str
) -> None:
    folder, _ = stored
    (folder / ABOUT_FILE).write_text(content)
    with pytest.raises(CheckpointError, match=message):
        load_checkpoint(folder)


def test_damaged_weights_are_named(stored: tuple[Path, DrivingModel]) -> None:
    folder, _ = stored
    (folder / WEIGHTS_FILE).write_bytes(b"\x00" * 30)
    with pytest.raises(CheckpointError, match=r"model\.safetensors cannot be read"):
        load_checkpoint(folder)


def test_an_unknown_part_or_option_names_the_nearest() -> None:
    with pytest.raises(UnknownName, match="did you mean 'flow'"):
        DrivingModel(ModelConfig(cameras=None, readers=("characters",), head=PartConfig(name="flwo")))
    with pytest.raises(UnknownName, match="did you mean 'euler_steps'"):
        DrivingModel(
            ModelConfig(cameras=None, readers=("characters",), head=PartConfig(name="flow", options={"euler_step": 3}))
        )
