"""The recipe base at reduced size: from a local vision-language model to a checkpoint that drives and talks."""

from pathlib import Path
from typing import Any

import numpy as np
import torch

from drivevla.config.resolve import load_config
from drivevla.models.checkpoint import load_checkpoint
from drivevla.models.driving import DrivingModel
from drivevla.models.frozen import always_frozen
from drivevla.policies.learned import LearnedPolicy
from drivevla.training.material import TrainingMaterial
from drivevla.training.recipe import RecipeConfig
from drivevla.training.run import train_recipe


def small_base(folder: Path, *overrides: str) -> RecipeConfig:
    return load_config(
        RecipeConfig,
        "base",
        [
            f"model.cameras.options.name={folder}", "model.cameras.options.shuffle=2",
            f"model.backbone.options.name={folder}", "model.backbone.options.rank=2",
            "model.backbone.options.plan_tokens=4", "model.width=32", "model.steps=4", "model.dt_s=0.5",
            "model.fusion.attention_heads=4", "model.head.options.attention_heads=2", "model.head.options.layers=2",
            "model.lidar.options.cell_m=2.0", "model.lidar.options.channels=8", "data.wordings=1",
            "training.precision=float32", "training.stored_as=float32", "training.ema_decay=0.0",
            *(f"training.stages.{stage}.{change}" for stage in ("align", "drive")
              for change in ("steps=1", "batch_size=2", "accumulate=1", "warmup_steps=0",
                             "objectives.joint_text.options.comment_share=1.0")),
            *overrides,
        ],
    )  # fmt: skip


def moved(before: dict[str, torch.Tensor], after: dict[str, torch.Tensor]) -> set[str]:
    return {name for name, value in after.items() if not torch.equal(value, before[name])}


def test_each_stage_moves_what_it_may_and_the_checkpoint_drives(
    seeing_language_model: Path, material: TrainingMaterial, tmp_path: Path
) -> None:
    from safetensors.torch import load_file

    recipe = small_base(seeing_language_model)
    assert recipe.model is not None
    torch.manual_seed(0)
    begun = DrivingModel(recipe.model).state_dict()
    checkpoint = train_recipe(recipe, material, tmp_path / "run")
    (aligned,) = (tmp_path / "run" / "artefacts" / "states" / "00_align").iterdir()
    state = load_file(aligned / "state.safetensors")
    model, about = load_checkpoint(checkpoint)
    after_align = moved(begun, {name: state[f"model.{name}"] for name in begun})
    after_drive = moved(begun, model.state_dict())
    assert not any(name.startswith("backbone.decoder") for name in after_align)
    for part in ("backbone.into", "backbone.plan_QH", "backbone.out", "scene.cameras.project", "scene.lidar", "head"):
        assert any(name.startswith(part) for name in after_align), part
    assert any("lora_" in name for name in after_drive)
    language_model = {name for name in after_drive if name.startswith("backbone.decoder") and "lora_" not in name}
    assert not language_model
    assert not any("tower" in name for name in after_drive)
    sample = material.train[0]
    plan = LearnedPolicy(checkpoint).act(sample.observation)
    assert plan.waypoints.shape == (4, 3)
    assert np.isfinite(plan.waypoints).all()
    assert plan.text
    assert about.cameras == ("front", "left")


def test_a_frozen_tower_is_not_set_free_by_a_stage_that_does_not_name_it(seeing_language_model: Path) -> None:
    recipe = small_base(seeing_language_model)
    assert recipe.model is not None
    model: Any = DrivingModel(recipe.model)
    assert all(always_frozen(weight) for weight in model.scene.cameras.tower.parameters())
    assert not any(always_frozen(weight) for weight in model.scene.cameras.project.parameters())
