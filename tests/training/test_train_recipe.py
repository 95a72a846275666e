"""A recipe from its file to a policy that drives: logged, watched, killed and gone on with."""

import dataclasses
from pathlib import Path

import pytest
import torch

from drivevla.config.resolve import load_config
from drivevla.errors import ConfigError, RunError, UnknownName
from drivevla.models.checkpoint import load_checkpoint
from drivevla.models.parts import PartConfig
from drivevla.policies.learned import LearnedPolicy
from drivevla.policies.loading import load_policy
from drivevla.runs import read_metrics
from drivevla.testing.toy_junction import BENDS_PER_M, junction_sample
from drivevla.training.logbook import Logbook, Progress, StillTerms
from drivevla.training.material import TrainingMaterial
from drivevla.training.recipe import RecipeConfig
from drivevla.training.run import train_recipe
from drivevla.training.stage import StepReport


def recipe(*overrides: str) -> RecipeConfig:
    made = load_config(RecipeConfig, "tiny", ["model.cameras=null", *overrides])
    assert made.model is not None
    return dataclasses.replace(made, model=dataclasses.replace(made.model, auxiliary={}))


def material(count: int = 8) -> TrainingMaterial:
    branches = list(BENDS_PER_M)
    samples = [
        junction_sample(branches[i % 3], f"go {branches[i % 3]}", speed_mps=4.0 + i % 4, seed=i) for i in range(count)
    ]
    return TrainingMaterial(train=samples, validation=samples[:3], fingerprint="abc", datasets=("toy",) * count)


def test_a_recipe_ends_as_a_policy_with_its_story(tmp_path: Path) -> None:
    told: list[Progress] = []
    checkpoint = train_recipe(recipe("data.cache=memory"), material(), tmp_path / "run", tell=told.append)
    assert isinstance(load_policy(tmp_path / "run"), LearnedPolicy)
    _, about = load_checkpoint(checkpoint)
    assert (about.recipe["name"], about.data_fingerprint, about.step, about.samples) == ("tiny", "abc", 8, 8)
    assert (told[-1].step, told[-1].steps, told[-1].left_s) == (8, 8, 0.0)
    lines = read_metrics(tmp_path / "run" / "metrics.jsonl")
    assert [line["step"] for line in lines if "loss" in line] == list(range(1, 9))
    assert {line["stage"] for line in lines} == {"see", "drive"}
    watched = [line for line in lines if "validation/ade_m" in line]
    assert [line["step"] for line in watched] == [4, 8]
    assert all(line["validation/ade_m"] > 0 for line in watched)


@pytest.mark.parametrize("killed_at", [2, 6])
def test_a_killed_run_ends_as_the_whole_one(killed_at: int, tmp_path: Path) -> None:
    plan = recipe("training.save_every=2")
    whole = train_recipe(plan, material(), tmp_path / "whole")

    def killed(progress: Progress) -> None:
        if progress.step > killed_at:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_recipe(plan, material(), tmp_path / "killed", tell=killed)
    again = train_recipe(plan, material(), tmp_path / "killed", existing="resume")
    for name in ("model.safetensors", "checkpoint.json"):
        assert (whole / name).read_bytes() == (again / name).read_bytes()
    curves = [
        [(line["step"], line["loss"]) for line in read_metrics(tmp_path / run / "metrics.jsonl") if "loss" in line]
        for run in ("whole", "killed")
    ]
    assert curves[0] == curves[1]


def test_other_data_is_no_resume_and_a_finished_run_is_not_overwritten(tmp_path: Path) -> None:
    train_recipe(recipe(), material(), tmp_path)
    with pytest.raises(RunError, match="finished"):
        train_recipe(recipe(), material(), tmp_path)
    other = dataclasses.replace(material(), fingerprint="xyz")
    with pytest.raises(RunError, match="'abc' -> 'xyz'"):
        train_recipe(recipe(), other, tmp_path, existing="resume")


def test_what_is_only_described_cannot_be_trained(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="recipe videogpt is planned"):
        train_recipe(load_config(RecipeConfig, "videogpt"), material(), tmp_path)
    with pytest.raises(ConfigError, match="called available and lacks"):
        load_config(RecipeConfig, "videogpt", ["state=available"])


def test_a_stage_can_see_some_data_sets_alone(tmp_path: Path) -> None:
    named = dataclasses.replace(material(), datasets=("a",) * 6 + ("b",) * 2)
    train_recipe(recipe("training.stages.drive.draw.datasets=[b]"), named, tmp_path / "run")
    with pytest.raises(UnknownName, match="no data set among those to train on 'c'"):
        train_recipe(recipe("training.stages.drive.draw.datasets=[c]"), named, tmp_path / "other")


def test_terms_that_never_change_are_named() -> None:
    still = StillTerms()
    for step in range(20):
        still.see({"path": 1.0 / (step + 1), "refusal": 0.0, "late": 1.0} if step else {"path": 1.0, "refusal": 0.0})
    assert still.names == ("refusal",)


def test_terms_of_weight_zero_are_not_missed() -> None:
    trained = load_config(RecipeConfig, "nano").training
    assert trained is not None
    assert trained.stages["drive"].weightless == {"answer"}
    told: list[Progress] = []
    log = Logbook(None, trained.stages, log_every=20, tell=told.append)
    log.begin("drive")
    for step in range(20):
        terms = {"path": 1.0 / (step + 1), "refusal": 0.0, "answer": 0.0}
        log.step(StepReport(step=step, loss=1.0, terms=terms, gradient_norm=1.0, learning_rate=1e-3))
    assert told[-1].still == ("refusal",)


def test_the_moving_average_is_what_is_stored(tmp_path: Path) -> None:
    folder = train_recipe(recipe("training.ema_decay=0.9", "training.stored_as=float32"), material(), tmp_path)
    model, _ = load_checkpoint(folder)
    from safetensors.torch import load_file

    (state,) = (tmp_path / "artefacts" / "states" / "01_drive").iterdir()
    stored = load_file(state / "state.safetensors")
    assert all(torch.equal(value, stored[f"average.{name}"]) for name, value in model.state_dict().items())
    assert any(not torch.equal(value, stored[f"model.{name}"]) for name, value in model.state_dict().items())


def test_a_stage_minimises_what_its_recipe_names_and_nothing_else() -> None:
    recipe = load_config(RecipeConfig, "nano")
    assert recipe.training is not None
    assert {name: list(stage.objectives) for name, stage in recipe.training.stages.items()} == {
        "see": ["joint_text"],
        "drive": ["joint_text"],
    }


def test_a_killed_run_leaves_a_policy_of_what_it_had_learned(tmp_path: Path) -> None:
    def killed(progress: Progress) -> None:
        if progress.step > 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_recipe(recipe("training.save_every=2"), material(), tmp_path / "run", tell=killed)
    policy = load_policy(tmp_path / "run")
    assert isinstance(policy, LearnedPolicy)
    _, about = load_checkpoint(tmp_path / "run" / "artefacts" / "checkpoint")
    assert about.step == 2


def test_training_can_begin_with_a_trained_policy_and_says_what_it_learns_anew(tmp_path: Path) -> None:
    first = train_recipe(recipe(), material(), tmp_path / "first")
    nothing = ("training.stages.see.learning_rate=1e-30", "training.stages.drive.learning_rate=1e-30")
    wider = ("training.stored_as=float32", "training.ema_decay=0", "model.fusion.latents=6", *nothing)
    second = train_recipe(recipe(f"training.begin_with={first}", *wider), material(), tmp_path / "second")
    anew = (tmp_path / "second" / "artefacts" / "learned_anew.txt").read_text().split()
    assert anew == ["fusion.latents_ND"]
    before, after = load_checkpoint(first)[0].state_dict(), load_checkpoint(second)[0].state_dict()
    for name in set(before) - set(anew):
        torch.testing.assert_close(after[name], before[name])


def test_a_policy_that_is_told_more_of_the_car_keeps_what_it_knew(tmp_path: Path) -> None:
    first = train_recipe(recipe("model.ego=[speed_mps,yaw_rate_radps]"), material(), tmp_path / "first")
    nothing = ("training.stages.see.learning_rate=1e-30", "training.stages.drive.learning_rate=1e-30")
    told = recipe(
        f"training.begin_with={first}", "model.ego=[standing_s,speed_mps]", "training.stored_as=float32",
        "training.ema_decay=0", *nothing,
    )  # fmt: skip
    second = train_recipe(told, material(), tmp_path / "second")
    assert (tmp_path / "second" / "artefacts" / "learned_anew.txt").read_text() == ""
    before, after = (load_checkpoint(each)[0].state_dict()["scene.ego.0.weight"] for each in (first, second))
    torch.testing.assert_close(after[:, 1], before[:, 0])
    assert not after[:, 0].any()


def test_a_head_that_the_policy_had_not_is_fitted_to_the_data(tmp_path: Path) -> None:
    first = train_recipe(recipe(), material(), tmp_path / "first")
    plain, begun = (
        train_recipe(
            dataclasses.replace(plan, model=dataclasses.replace(plan.model, head=PartConfig(name="flow"))),
            material(),
            tmp_path / name,
        )
        for name, plan in (("plain", recipe()), ("begun", recipe(f"training.begin_with={first}")))
        if plan.model is not None
    )
    fitted, also = (
        {name: value for name, value in load_checkpoint(each)[0].named_buffers() if name.startswith("head.")}
        for each in (plain, begun)
    )
    assert fitted
    torch.testing.assert_close(also, fitted)


def test_a_policy_to_begin_with_that_nobody_knows_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match="nano"):
        train_recipe(recipe("training.begin_with=nanu"), material(), tmp_path / "run")
