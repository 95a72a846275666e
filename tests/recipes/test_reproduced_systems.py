"""Recipes of other systems at reduced size: built, trained for a step, at the wheel, and true to their mechanism."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from drivevla.config.resolve import load_config
from drivevla.models.checkpoint import load_checkpoint
from drivevla.models.driving import DrivingModel
from drivevla.models.frozen import always_frozen
from drivevla.planner.heads.affordance import AffordanceHead
from drivevla.planner.heads.diffusion import DiffusionHead
from drivevla.policies.learned import LearnedPolicy
from drivevla.training.batches import TrainingBatch, collate_samples
from drivevla.training.imitation import Imitation
from drivevla.training.material import TrainingMaterial
from drivevla.training.recipe import RecipeConfig
from drivevla.training.run import train_recipe

SMALL = (
    "model.width=32", "model.steps=4", "model.dt_s=0.5", "model.fusion.attention_heads=4", "data.wordings=0",
    "training.stages.drive.steps=1", "training.stages.drive.batch_size=4", "training.stages.drive.warmup_steps=0",
    "training.precision=float32", "training.stored_as=float32", "training.ema_decay=0.0",
)  # fmt: skip
EYES = ("model.cameras.options.name={eyes}", "model.cameras.options.shuffle=2")
BACKBONE = ("model.backbone.options.name={vlm}", "model.backbone.options.plan_tokens=4")
CHANGES: dict[str, tuple[str, ...]] = {
    "cliport": (
        "model.cameras.options.name={eyes}", "model.readers=[characters]", "model.lidar.options.cell_m=1.0",
        "model.head.options.goal_s=1.5", "model.head.options.channels=8",
    ),
    "diffusiondrive": (
        "model.cameras.options.stem=4", "model.cameras.options.channels=[4,8,8]",
        "model.cameras.options.blocks=[1,1,1]",
        "model.readers=[characters]", "model.lidar.options.cell_m=2.0", "model.fusion.latents=4",
        "model.fusion.layers=1", "model.head.options.attention_heads=4",
    ),
    "edgevla": (*EYES, *BACKBONE, "model.lidar.options.cell_m=2.0", "model.head.options.attention_heads=4"),
    "simlingo": (
        *EYES, *BACKBONE, "model.cameras.options.name={vlm}", "model.backbone.options.rank=2",
        "model.head.options.attention_heads=4", "training.stages.drive.objectives.joint_text.options.comment_share=1.0",
    ),
}  # fmt: skip


def small_recipe(name: str, eyes: Path, seeing_language_model: Path) -> RecipeConfig:
    changes = [each.format(eyes=eyes, vlm=seeing_language_model) for each in (*SMALL, *CHANGES[name])]
    return load_config(RecipeConfig, name, changes)


@pytest.fixture(params=sorted(CHANGES), scope="module")
def trained(
    request: pytest.FixtureRequest,
    material: TrainingMaterial,
    eyes: Path,
    seeing_language_model: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[str, Path]:
    torch.set_num_threads(1)
    name = str(request.param)
    return name, train_recipe(small_recipe(name, eyes, seeing_language_model), material, tmp_path_factory.mktemp(name))


def batch_of(material: TrainingMaterial, model: DrivingModel) -> TrainingBatch:
    """One frame, and what it would be after two sentences."""
    sample = material.train[0]
    other = replace(
        sample,
        observation=replace(sample.observation, instruction="Turn right."),
        future=sample.alternatives[0].future,
    )
    return collate_samples([sample, other], steps=model.config.steps, dt_s=model.config.dt_s)


def test_a_recipe_that_was_trained_for_a_step_drives_and_hears(
    trained: tuple[str, Path], material: TrainingMaterial
) -> None:
    name, checkpoint = trained
    policy = LearnedPolicy(checkpoint)
    seen = material.train[0].observation
    plan = policy.act(seen)
    assert plan.waypoints.shape == (4, 3)
    assert np.isfinite(plan.waypoints).all()
    model = policy.model
    with torch.no_grad():
        batch = batch_of(material, model)
        prediction: Any = model.head.forward(model(batch.sensors).context)
    heard = {
        "cliport": lambda: prediction.goal_BXY,
        "diffusiondrive": lambda: prediction.memory.tokens_BMD,
        "edgevla": lambda: prediction.logits_BNV,
        "simlingo": lambda: prediction.waypoints_BT3,
    }[name]()
    assert not torch.allclose(heard[0], heard[1])


def loaded(trained: tuple[str, Path], name: str) -> DrivingModel:
    assert trained[0] == name
    return load_checkpoint(trained[1])[0]


@pytest.mark.parametrize("trained", ["diffusiondrive"], indirect=True)
def test_diffusiondrive_s_anchors_are_drives_of_the_data(trained: tuple[str, Path], material: TrainingMaterial) -> None:
    model = loaded(trained, "diffusiondrive")
    head = model.head
    assert isinstance(head, DiffusionHead)
    samples = [material.train[index] for index in range(len(material.train))]
    driven = collate_samples(samples, steps=4, dt_s=0.5).target
    whole = driven.waypoints_BT3[driven.valid_BT.all(dim=1)]
    assert head.anchors_KT3.shape == (20, 4, 3)
    away = (head.anchors_KT3[:, None] - whole[None]).abs().amax(dim=(-1, -2)).amin(dim=1)
    assert float(away.max()) < 1e-5
    assert (head.denoising_steps, head.inference_time, head.training_horizon) == (2, 8, 50)
    with torch.no_grad():
        plan = head.decode(head.forward(model(batch_of(material, model).sensors).context))
    assert plan.scores_BK is not None
    assert plan.scores_BK.shape == (2, 20)


@pytest.mark.parametrize("trained", ["cliport"], indirect=True)
def test_cliport_s_semantic_stream_is_frozen_and_its_maps_have_cells_and_headings(
    trained: tuple[str, Path], material: TrainingMaterial, eyes: Path
) -> None:
    from safetensors.torch import load_file

    model: Any = loaded(trained, "cliport")
    stored = load_file(eyes / "model.safetensors")
    tower = dict(model.scene.cameras.tower.named_parameters())
    assert len(tower) > 5
    for name, weight in tower.items():
        assert always_frozen(weight)
        (same,) = [value for key, value in stored.items() if key.endswith(name)]
        assert torch.equal(weight, same)
    assert isinstance(model.head, AffordanceHead)
    batch = batch_of(material, model)
    terms = Imitation().loss(model.train(), batch)
    torch.stack(list(terms.values())).sum().backward()
    assert all(weight.grad is None for weight in tower.values())
    assert model.scene.cameras.project.weight.grad.abs().max() > 0  # the stream reaches the maps
    assert next(model.scene.lidar.parameters()).grad.abs().max() > 0
    maps = model.head.forward(model(batch.sensors).context)
    assert maps.heading_BRXY.shape == (2, 36, *maps.goal_BXY.shape[1:])


@pytest.mark.parametrize("trained", ["edgevla"], indirect=True)
def test_edgevla_writes_all_words_in_one_pass_with_ranges_of_the_data(
    trained: tuple[str, Path], material: TrainingMaterial
) -> None:
    model: Any = loaded(trained, "edgevla")
    tokens = model.head.tokens
    assert 0.0 < float(tokens.high_A[1]) < 0.05 < float(tokens.space.high[1])  # a wide bend's curvature, in 1/m
    batch = batch_of(material, model)
    with torch.no_grad():
        context = model(batch.sensors).context
        written = model.head.forward(context)
    assert written.logits_BNV.shape[1] == 2 * model.config.steps
    assert torch.isfinite(model.head.decode(written).waypoints_BT3).all()


@pytest.mark.parametrize("trained", ["simlingo"], indirect=True)
def test_simlingo_s_path_is_about_where_and_its_refusal_is_learned(
    trained: tuple[str, Path], material: TrainingMaterial
) -> None:
    model: Any = loaded(trained, "simlingo")
    assert model.scene.lidar is None
    batch = batch_of(material, model)
    slower = replace(batch.target, waypoints_BT3=batch.target.waypoints_BT3 * 0.5)
    with torch.no_grad():
        prediction = model.head.forward(model(batch.sensors).context)
        terms, halved = (model.head.loss(prediction, target) for target in (batch.target, slower))
        refusing = Imitation().loss(model, replace(batch, refused_B=torch.ones(2)))["refusal"]
        obeying = Imitation().loss(model, replace(batch, refused_B=torch.zeros(2)))["refusal"]
    assert torch.equal(terms["path"], halved["path"])
    assert not torch.equal(terms["waypoints"], halved["waypoints"])
    assert prediction.path_BP2.shape == (2, 21, 2)
    assert not torch.equal(refusing, obeying)
