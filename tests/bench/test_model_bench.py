"""What a plan costs: all parts are timed, counts are right, and the clocks are taken away again."""

from pathlib import Path

import numpy as np
import pytest
import torch

pytest.importorskip("pyarrow", reason="the extra 'data' is not installed")

from drivevla.bench.model import PARTS, driving_cost, policy_of, words
from drivevla.bench.training import learning_speed
from drivevla.config.resolve import load_config
from drivevla.config.sensor_rig import load_rig
from drivevla.datasets.drivelog.fixture import write_fixture
from drivevla.errors import ConfigError
from drivevla.testing import sample_observation
from drivevla.training.material import read_material
from drivevla.training.recipe import RecipeConfig


def test_a_recipe_is_measured_part_by_part(tmp_path: Path) -> None:
    torch.set_num_threads(1)
    policy = policy_of("recipes/tiny", tmp_path)
    seen = [sample_observation(load_rig("nano"), rng=np.random.default_rng(0))]
    cost = driving_cost(policy, seen, plans=6)
    assert set(cost.parts) == set(PARTS)
    parts_ms = sum(spread.best_ms for name, spread in cost.parts.items() if name not in ("text", "control"))
    assert parts_ms <= cost.plan.p99_ms
    assert cost.plan.best_ms <= cost.plan.p50_ms <= cost.plan.p99_ms
    weights = sum(weight.numel() for weight in policy.model.parameters())
    assert (cost.trainable, cost.frozen) == (weights, 0)
    assert cost.weights_bytes >= 4 * weights
    assert cost.flops > 2 * 160 * 320  # more than a multiplication for each pixel
    assert "forward" not in vars(policy.model.scene)
    assert "prepared" not in vars(policy)
    assert words("tiny", cost).count("p99") == 1 + len(PARTS)


def test_learning_and_reading_are_measured_for_a_recipe(tmp_path: Path) -> None:
    torch.set_num_threads(1)
    write_fixture(tmp_path / "log", episodes=1, frames=6)
    recipe = load_config(RecipeConfig, "tiny")
    speed = learning_speed(recipe, read_material([tmp_path / "log"], recipe.data), batch=2)
    assert 0 < speed.median_learned <= speed.learned
    assert 0 < speed.median_read <= speed.read


def test_what_has_no_model_cannot_be_measured(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="recipe rt2 is planned"):
        policy_of("recipes/rt2", tmp_path)
    with pytest.raises(ConfigError, match="stand_still is no trained policy"):
        policy_of("stand_still", tmp_path)
