"""Plans to actions and back."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from drivevla.errors import ContractError
from drivevla.planner.actions import PoseSteps, UnicycleActions, wrap_angle

STEPS = 16
moves = st.lists(
    st.tuples(st.floats(-1.0, 5.0), st.floats(-0.5, 0.5), st.floats(-0.3, 0.3)), min_size=STEPS, max_size=STEPS
)


@given(moves)
def test_pose_steps_lose_nothing(steps: list[tuple[float, float, float]]) -> None:
    space, actions = PoseSteps(), torch.tensor([steps])
    plan = space.decode(actions, torch.zeros(1))
    torch.testing.assert_close(space.encode(plan, torch.zeros(1)), actions, atol=1e-4, rtol=0.0)


def test_a_quarter_circle_by_pose_steps_ends_where_geometry_says() -> None:
    actions = torch.zeros(1, 4, 3)
    actions[..., 0] = 1.0
    actions[0, 1, 2] = math.pi / 2  # two ahead, turn on the spot at the end of the second, two to the left
    plan = PoseSteps().decode(actions, torch.zeros(1))
    torch.testing.assert_close(plan[0, -1], torch.tensor([2.0, 2.0, math.pi / 2]), atol=1e-6, rtol=0.0)


@given(
    st.floats(2.0, 15.0),
    st.lists(st.floats(-1.0, 1.0), min_size=4, max_size=4),
    st.lists(st.floats(-0.08, 0.08), min_size=4, max_size=4),
)
def test_a_smooth_drive_survives_the_unicycle(speed: float, pedals: list[float], bends: list[float]) -> None:
    time = torch.linspace(0.0, 3.0, STEPS)
    knots = torch.arange(4.0)
    weight = (1.0 - (time[:, None] - knots).abs()).clamp_min(0.0)
    actions = torch.stack([weight @ torch.tensor(pedals), weight @ torch.tensor(bends)], dim=-1)[None]
    space = UnicycleActions(steps=STEPS)
    plan = space.decode(actions, torch.tensor([speed]))
    again = space.decode(space.encode(plan, torch.tensor([speed])), torch.tensor([speed]))
    assert float((again - plan)[..., :2].norm(dim=-1).max()) < 0.05


def test_constant_acceleration_covers_the_distance_of_the_school_book() -> None:
    actions = torch.zeros(1, STEPS, 2)
    actions[..., 0] = 2.0
    plan = UnicycleActions(steps=STEPS).decode(actions, torch.tensor([5.0]))
    assert float(plan[0, -1, 0]) == pytest.approx(5.0 * 4.0 + 0.5 * 2.0 * 4.0**2, rel=1e-5)


def test_constant_curvature_is_a_circle() -> None:
    actions = torch.zeros(1, STEPS, 2)
    actions[..., 1] = 0.1
    plan = UnicycleActions(steps=STEPS).decode(actions, torch.tensor([5.0]))[0]
    torch.testing.assert_close((plan[:, :2] - torch.tensor([0.0, 10.0])).norm(dim=-1), torch.full((STEPS,), 10.0))
    assert float(plan[-1, 2]) == pytest.approx(2.0, rel=1e-4)


@given(moves)
def test_actions_are_within_their_bounds_whatever_the_plan(steps: list[tuple[float, float, float]]) -> None:
    plan = PoseSteps().decode(torch.tensor([steps]), torch.zeros(1))
    actions = UnicycleActions(steps=STEPS).encode(plan, torch.tensor([3.0]))
    assert (actions[..., 0].abs() <= 9.8).all()
    assert (actions[..., 1].abs() <= 0.2).all()


def test_noise_in_a_plan_becomes_less_noise_in_the_pedals_when_smoothed() -> None:
    torch.manual_seed(0)
    plan = torch.zeros(1, STEPS, 3)
    plan[..., 0] = 2.0 * torch.arange(1, STEPS + 1) + 0.05 * torch.randn(STEPS)
    rough, smooth = (
        UnicycleActions(steps=STEPS, smoothness=weight).encode(plan, torch.tensor([8.0]))[..., 0].std()
        for weight in (0.0, 0.1)
    )
    assert smooth < 0.5 * rough


def test_a_car_at_rest_has_no_curvature_and_no_nan() -> None:
    actions = UnicycleActions(steps=STEPS).encode(torch.zeros(1, STEPS, 3), torch.zeros(1))
    assert torch.equal(actions, torch.zeros(1, STEPS, 2))


def test_a_plan_of_another_length_is_refused() -> None:
    with pytest.raises(ContractError, match="made for 16 waypoints, got 8"):
        UnicycleActions(steps=STEPS).encode(torch.zeros(1, 8, 3), torch.zeros(1))


@given(st.floats(-50.0, 50.0))
def test_wrapping_keeps_the_direction(angle: float) -> None:
    wrapped = wrap_angle(torch.tensor(angle, dtype=torch.float64))
    assert abs(float(wrapped)) <= math.pi + 1e-9
    assert math.cos(float(wrapped)) == pytest.approx(math.cos(angle), abs=1e-9)
    assert math.sin(float(wrapped)) == pytest.approx(math.sin(angle), abs=1e-9)
