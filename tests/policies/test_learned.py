"""A trained model at the wheel: the contract, what it does without, and how it says so."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from drivevla.config.sensor_rig import load_rig
from drivevla.errors import CheckpointError, ContractError, UnknownName, UserError
from drivevla.language import Commentary, Language, parse_commentary
from drivevla.models.checkpoint import CheckpointAbout, load_checkpoint, save_checkpoint
from drivevla.models.config import FusionConfig, ModelConfig, TextConfig
from drivevla.models.driving import DrivingModel
from drivevla.models.parts import PartConfig
from drivevla.models.text.sentences import all_answers, language_of
from drivevla.policies import StandStill
from drivevla.policies.learned import LearnedPolicy
from drivevla.policies.loading import load_policy
from drivevla.testing import check_policy, observations_in_motion
from drivevla.types import Observation


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    config = ModelConfig(
        width=16,
        cameras=PartConfig(name="convolutional", options={"channels": [8, 8, 8], "blocks": [1, 1, 1]}),
        lidar=PartConfig(name="raster", options={"cell_m": 2.0}),
        readers=("characters",),
        fusion=FusionConfig(latents=4, layers=1, attention_heads=2),
    )
    folder = tmp_path_factory.mktemp("checkpoint")
    about = CheckpointAbout(model=config, cameras=("front", "left", "right"))
    save_checkpoint(folder, DrivingModel(config), about)
    return folder


@pytest.fixture
def seen() -> list[Observation]:
    return observations_in_motion(load_rig("nano"), count=2)


def test_a_checkpoint_keeps_the_contract_of_a_policy(checkpoint: Path, seen: list[Observation]) -> None:
    plan = check_policy(LearnedPolicy(checkpoint), seen)[0]
    assert plan.waypoints.shape == (16, 3)
    assert plan.path_m is not None
    assert set(plan.diagnostics) == {"refusal"}


@pytest.mark.parametrize("above", [0.01, 0.99])
def test_what_is_likelier_to_be_refused_than_the_checkpoint_says_is_refused(
    checkpoint: Path, seen: list[Observation], tmp_path: Path, above: float
) -> None:
    model, about = load_checkpoint(checkpoint, "cpu")
    save_checkpoint(tmp_path, model, replace(about, model=replace(about.model, refuses_above=above)))
    plan = LearnedPolicy(tmp_path).act(seen[0])
    refusal = plan.diagnostics["refusal"]
    assert isinstance(refusal, float)
    assert 0.01 < refusal < 0.99  # nobody has taught it anything
    assert plan.refused == (above == 0.01)


def test_another_sentence_gives_another_plan(checkpoint: Path, seen: list[Observation]) -> None:
    policy = load_policy(checkpoint)
    left, right = (policy.act(replace(seen[0], instruction=text)) for text in ("turn left", "turn right"))
    assert not np.array_equal(left.waypoints, right.waypoints)


def test_what_the_model_does_without_is_said(checkpoint: Path, seen: list[Observation]) -> None:
    policy = LearnedPolicy(checkpoint)
    cameras = {"front": seen[0].cameras["front"], "rear": seen[0].cameras["left"]}
    bare = replace(seen[0], cameras=cameras, lidar=None)
    plan = policy.act(bare)
    assert plan.diagnostics["input.unknown_cameras"] == "rear"
    assert plan.diagnostics["input.missing_cameras"] == "left, right"
    assert plan.diagnostics["input.missing_lidar"] is True
    without = replace(bare, cameras={"front": cameras["front"]})
    assert np.array_equal(policy.act(without).waypoints, plan.waypoints)


def test_a_sentence_of_ten_thousand_characters_is_refused_and_the_car_drives_on_in_silence(
    checkpoint: Path, seen: list[Observation]
) -> None:
    policy = LearnedPolicy(checkpoint)
    plan = policy.act(replace(seen[0], instruction="left " * 2000))
    assert plan.refused
    assert plan.diagnostics["input.instruction_characters"] == 10_000
    assert np.array_equal(plan.waypoints, policy.act(replace(seen[0], instruction=None)).waypoints)


@pytest.mark.parametrize("text", ["", "  ", "左转", "asdf qwer", "停在教堂旁边!"])
def test_any_sentence_gets_a_plan(text: str, checkpoint: Path, seen: list[Observation]) -> None:
    assert np.isfinite(LearnedPolicy(checkpoint).act(replace(seen[0], instruction=text)).waypoints).all()


def test_an_empty_instruction_is_silence(checkpoint: Path, seen: list[Observation]) -> None:
    policy = LearnedPolicy(checkpoint)
    silent, empty = (policy.act(replace(seen[0], instruction=said)) for said in (None, ""))
    assert np.array_equal(silent.waypoints, empty.waypoints)
    assert set(empty.diagnostics) == {"refusal"}


def test_letters_that_no_instruction_was_written_in_are_named(checkpoint: Path, seen: list[Observation]) -> None:
    policy = LearnedPolicy(checkpoint)
    plan = policy.act(replace(seen[0], instruction="поверни налево"))
    assert plan.diagnostics["input.unknown_letters"] == "авеилнопр"
    assert np.isfinite(plan.waypoints).all()
    for known in ("Turn left, then ＳＴＯＰ at 30 m!", "在第2个路口左转。", "Biege links ab, bitte schön."):
        assert "input.unknown_letters" not in policy.act(replace(seen[0], instruction=known)).diagnostics


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"image": np.full((8, 8, 3), np.nan)}, "image"),
        ({"image": np.full((8, 8), 7, dtype=np.uint8)}, "image"),
        ({"intrinsics_px": np.zeros((3, 3))}, "positive focal lengths"),
        ({"intrinsics_px": np.full((3, 3), np.nan)}, "intrinsics_px"),
        ({"ego_from_camera": np.zeros((4, 4))}, "ego_from_camera"),
        ({"ego_from_camera": None}, "ego_from_camera"),
    ],
    ids=["NaN pixels", "no colours", "no focal length", "NaN intrinsics", "no rotation", "no pose"],
)
def test_pictures_that_are_none_and_uncalibrated_cameras_never_reach_a_model(
    change: dict[str, Any], words: str, seen: list[Observation]
) -> None:
    with pytest.raises(ContractError, match=words):
        replace(seen[0].cameras["front"], **change)


def test_a_camera_that_was_moved_is_seen_through_its_own_calibration(checkpoint: Path, seen: list[Observation]) -> None:
    policy, front = LearnedPolicy(checkpoint), seen[0].cameras["front"]
    higher = front.ego_from_camera.copy()
    higher[2, 3] += 1.0
    moved = replace(seen[0], cameras={**seen[0].cameras, "front": replace(front, ego_from_camera=higher)})
    assert not np.array_equal(policy.act(moved).waypoints, policy.act(seen[0]).waypoints)


def test_a_name_a_folder_and_what_is_neither(checkpoint: Path, tmp_path: Path) -> None:
    assert isinstance(load_policy("stand_still"), StandStill)
    assert isinstance(load_policy(str(checkpoint)), LearnedPolicy)
    with pytest.raises(UnknownName, match="did you mean 'stand_still'"):
        load_policy("standstill")
    with pytest.raises(CheckpointError, match="no readable"):
        load_policy(tmp_path)
    with pytest.raises(UserError, match="there is no folder"):
        load_policy(tmp_path / "mistyped")
    with pytest.raises(UserError, match="takes no options"):
        load_policy(checkpoint, options={"speed_mps": 3})


def test_a_model_with_words_says_why_with_every_fifth_plan_and_answers(tmp_path: Path, seen: list[Observation]) -> None:
    torch.manual_seed(0)
    config = ModelConfig(
        width=32,
        steps=8,
        dt_s=0.5,
        readers=("characters",),
        fusion=FusionConfig(latents=4, layers=1),
        text=TextConfig(layers=1),
    )
    save_checkpoint(tmp_path / "talks", DrivingModel(config), CheckpointAbout(model=config))
    policy = LearnedPolicy(tmp_path / "talks")
    policy.reset(0)
    plans = [policy.act(seen[0]) for _ in range(5)]
    assert {plan.text for plan in plans} == {plans[0].text}
    assert isinstance(parse_commentary(plans[0].text or "", language=language_of(plans[0].text or "")), Commentary)
    answer = policy.answer(seen[0], "What does the light show?")
    assert answer in {*all_answers(Language.EN), *all_answers(Language.ZH)}
    policy.reset(0)
    assert policy.act(seen[0]).text == plans[0].text
