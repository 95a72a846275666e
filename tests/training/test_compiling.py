"""Compiled parts learn what plain ones do."""

import shutil
from pathlib import Path

import pytest

pytest.importorskip("pyarrow", reason="the extra 'data' is not installed")

from drivevla.config.resolve import load_config
from drivevla.datasets.drivelog.fixture import write_fixture
from drivevla.runs import read_metrics
from drivevla.training.config import DataConfig
from drivevla.training.material import read_material
from drivevla.training.recipe import RecipeConfig
from drivevla.training.run import train_recipe

BRIEFLY = ("training.stages.see.steps=2", "training.stages.drive.steps=1", "training.save_every=100")


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.filterwarnings("ignore")  # torch's compiler trips over warnings about its own insides
@pytest.mark.skipif(shutil.which("g++") is None, reason="torch compiles with g++, which is not installed")
def test_compiled_encoders_and_fusion_learn_what_plain_ones_do(tmp_path: Path) -> None:
    write_fixture(tmp_path / "log", episodes=1, frames=12)
    material = read_material([tmp_path / "log"], DataConfig())
    losses = {}
    for compiled in ("false", "true"):
        recipe = load_config(RecipeConfig, "tiny", [*BRIEFLY, f"training.compile={compiled}"])
        train_recipe(recipe, material, tmp_path / compiled)
        lines = read_metrics(tmp_path / compiled / "metrics.jsonl")
        losses[compiled] = [line["loss"] for line in lines if "loss" in line]
    assert len(losses["true"]) == 3
    assert losses["true"] == pytest.approx(losses["false"], rel=1e-3)
