"""Which samples come how often."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from drivevla.errors import ConfigError
from drivevla.language import InstructionKind
from drivevla.training.config import DrawConfig
from drivevla.training.importance import Driven, draw_weights
from drivevla.training.order import SampleOrder, shared_out
from drivevla.types import PlanTarget


@given(weights=st.lists(st.floats(0.1, 10.0), min_size=1, max_size=50), offset=st.floats(0.0, 1.0, exclude_max=True))
def test_each_comes_as_often_as_its_share_rounded_up_or_down(weights: list[float], offset: float) -> None:
    shares = np.array(weights) / np.sum(weights) * len(weights)
    counts = np.bincount(shared_out(np.array(weights), offset), minlength=len(weights))
    assert counts.sum() == len(weights)
    assert (counts >= np.floor(shares - 1e-6)).all()
    assert (counts <= np.ceil(shares + 1e-6)).all()


def test_an_epoch_of_weighted_samples_is_the_same_for_one_process_and_two() -> None:
    weights = np.array([1.0, 1.0, 6.0, 1.0])
    order = SampleOrder(4, batch_size=4, seed=0, weights=weights)
    assert order.batch(5) == order.batch(5, rank=0, world=2) + order.batch(5, rank=1, world=2)
    drawn = [pick.index for step in range(300) for pick in order.batch(step)]
    assert np.bincount(drawn, minlength=4) / len(drawn) == pytest.approx(weights / weights.sum(), abs=0.05)


def test_only_those_that_take_part_are_drawn() -> None:
    order = SampleOrder(10, batch_size=4, seed=0, weights=np.arange(1.0, 11.0), among=[2, 5])
    assert {pick.index for step in range(4) for pick in order.batch(step)} == {2, 5}
    with pytest.raises(ConfigError, match="needs samples"):
        SampleOrder(10, batch_size=4, seed=0, among=[])
    with pytest.raises(ConfigError, match="a positive weight each"):
        SampleOrder(10, batch_size=4, seed=0, weights=np.zeros(10))


def test_turning_braking_and_standing_count_as_they_are_told_to() -> None:
    dt_s, steps = 0.5, 8
    way = torch.zeros(5, steps, 3)
    time_s = torch.arange(1, steps + 1) * dt_s
    way[0, :, 0] = 8.0 * time_s  # straight on at one speed
    way[1, :, 0] = 8.0 * time_s
    way[1, :, 2] = torch.linspace(0.0, torch.pi / 4, steps)  # half a right angle
    way[2, :, 0] = 10.0 - 2.5 * (2.0 - time_s).clamp_min(0.0) ** 2  # at rest after two seconds
    way[4, :, 0] = 0.5 * time_s**2  # from rest
    target = PlanTarget(waypoints_BT3=way, valid_BT=torch.ones(5, steps, dtype=torch.bool))
    draw = DrawConfig(turning_weight=2.0, speed_change_weight=4.0, standing_weight=0.25, starting_weight=6.0)
    driven = Driven(target, torch.tensor([8.0, 8.0, 10.0, 0.0, 0.0]), (None,) * 5)
    weights = draw_weights(driven, dt_s, draw)
    # The last step within two seconds still covers 0.625 m: 1.25 m/s, beyond the 5 m/s at which the weight is full.
    # From rest it covers 0.875 m: 1.75 m/s more than now.
    assert weights.tolist() == pytest.approx([1.0, 2.0, 5.0, 0.25, 6.0 + 4.0 * 1.75 / 5.0])


def test_what_was_asked_for_counts_by_its_kind() -> None:
    target = PlanTarget(waypoints_BT3=torch.zeros(3, 4, 3), valid_BT=torch.ones(3, 4, dtype=torch.bool))
    kinds = (InstructionKind.TWO_STEPS, InstructionKind.TURN, None)
    draw = DrawConfig(standing_weight=0.5, kind_weights={"two_steps": 3.0})
    assert draw_weights(Driven(target, torch.zeros(3), kinds), 0.5, draw).tolist() == [1.5, 0.5, 0.5]


def test_a_weight_of_no_kind_and_one_that_draws_nothing_or_nothing_else_are_refused() -> None:
    with pytest.raises(ConfigError, match="did you mean 'two_steps'"):
        DrawConfig(kind_weights={"two_step": 3.0})
    for weight in (0.0, float("inf"), float("nan")):
        with pytest.raises(ConfigError, match="above 0 and finite"):
            DrawConfig(kind_weights={"turn": weight})


def test_a_draw_without_wishes_is_even() -> None:
    assert DrawConfig().even
    assert not DrawConfig(kind_weights={"two_steps": 3.0}).even
    assert not DrawConfig(turning_weight=1.0).even
    assert not DrawConfig(starting_weight=2.0).even
    with pytest.raises(ConfigError, match="alternative_share"):
        DrawConfig(alternative_share=1.5)
    with pytest.raises(ConfigError, match="starting_weight"):
        DrawConfig(starting_weight=0.0)


def test_a_frame_comes_several_times_in_a_step_each_time_in_another_stretch() -> None:
    order = SampleOrder(6, batch_size=6, seed=0, together=3)
    for step in range(4):
        picks = order.batch(step)
        for first in (0, 3):
            same = picks[first : first + 3]
            assert len({pick.index for pick in same}) == 1
            assert [int(pick.asked * 3) for pick in same] == [0, 1, 2]
        assert order.batch(step, rank=0, world=2) + order.batch(step, rank=1, world=2) == picks
    epoch = [pick.index for step in range(3) for pick in order.batch(step)]
    assert sorted(epoch) == sorted(3 * list(range(6)))
    with pytest.raises(ConfigError, match="2 times"):
        SampleOrder(6, batch_size=5, seed=0, together=2)
    with pytest.raises(ConfigError, match="shared evenly by 4"):
        order.batch(0, rank=0, world=4)
