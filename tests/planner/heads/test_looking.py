"""A plan that looks at the ground it leads over."""

import dataclasses

import pytest
import torch

from drivevla.errors import ContractError
from drivevla.perception.lidar.grid import BevGrid
from drivevla.planner.heads.looking import PathLook
from drivevla.planner.heads.regression import RegressionHead, moved_aside
from drivevla.types import HeadContext, PlanTarget

WIDTH, STEPS = 32, 8
GRID = BevGrid(ahead_m=(0.0, 24.0), aside_m=(-12.0, 12.0), cell_m=0.5)


def told_places(path_P2: torch.Tensor) -> torch.Tensor:
    """(P, 9, 2) the places that a look takes its features from: of a ground whose features are its own places."""
    look = PathLook(WIDTH, channels=2, grid=GRID)
    ground = GRID.centres().permute(2, 0, 1)[None]
    heard: list[torch.Tensor] = []
    look.tell.register_forward_pre_hook(lambda _, given: heard.append(given[0]))
    look(path_P2[None], ground)
    return heard[0][0, :, :18].unflatten(-1, (9, 2))


def test_it_looks_at_the_paths_points_and_across_them() -> None:
    straight = torch.stack([torch.arange(9.0), torch.zeros(9)], dim=-1)
    places = told_places(straight)
    torch.testing.assert_close(places[3, :, 0], torch.full((9,), 4.0))
    assert places[3, :, 1].tolist() == pytest.approx([-3.5, -1.75, -1.0, -0.5, 0.0, 0.5, 1.0, 1.75, 3.5], abs=1e-4)


def test_across_is_to_the_left_of_where_the_path_goes() -> None:
    to_the_left = torch.tensor([[5.0, 0.0], [5.0, 1.0], [5.0, 2.0]])  # there the left is backwards
    places = told_places(to_the_left)
    assert places[0, :, 0].tolist() == pytest.approx([8.5, 6.75, 6.0, 5.5, 5.0, 4.5, 4.0, 3.25, 1.5], abs=1e-4)
    torch.testing.assert_close(places[0, :, 1], torch.ones(9))


def looking_head(context: HeadContext) -> tuple[RegressionHead, HeadContext]:
    head = RegressionHead(WIDTH, steps=STEPS, path_points=9, looks=True, ground=GRID, ground_channels=4)
    return head, dataclasses.replace(context, ground_BCXY=torch.randn(3, 4, *GRID.shape))


def test_before_anything_is_learned_the_draft_is_the_plan(context: HeadContext) -> None:
    head, seeing = looking_head(context)
    prediction = head.forward(seeing)
    assert prediction.draft_BP2 is not None
    torch.testing.assert_close(prediction.path_BP2, prediction.draft_BP2)


def test_the_ground_changes_path_and_speed_and_not_the_draft(context: HeadContext, target: PlanTarget) -> None:
    head, seeing = looking_head(context)
    optimiser = torch.optim.Adam(head.parameters(), lr=1e-2)
    for _ in range(3):
        optimiser.zero_grad()
        sum(head.loss(head.forward(seeing), target).values()).backward()  # type: ignore[union-attr]
        optimiser.step()
    with torch.no_grad():
        here = head.forward(seeing)
        there = head.forward(dataclasses.replace(seeing, ground_BCXY=torch.randn(3, 4, *GRID.shape)))
    assert here.draft_BP2 is not None
    assert there.draft_BP2 is not None
    torch.testing.assert_close(here.draft_BP2, there.draft_BP2)
    assert not torch.allclose(here.path_BP2, there.path_BP2)
    assert not torch.allclose(here.speed_logits_BV, there.speed_logits_BV)


def test_looking_needs_a_ground_when_it_is_built_and_when_it_is_asked(context: HeadContext) -> None:
    with pytest.raises(ContractError, match="needs a model with ground"):
        RegressionHead(WIDTH, looks=True)
    head, _ = looking_head(context)
    with pytest.raises(ContractError, match="the context has none"):
        head.forward(context)


def test_a_path_that_is_moved_aside_goes_there_and_its_points_stay_a_metre_apart() -> None:
    straight = torch.stack([torch.arange(9.0), torch.zeros(9)], dim=-1)[None]
    left = torch.tensor([[0.0, 0.5, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]])
    moved = moved_aside(straight, left)
    torch.testing.assert_close(moved.diff(dim=1).norm(dim=-1), torch.ones(1, 8))
    # Two steps of slope 1:2 rise by 1/sqrt(5) each instead of 0.5; from there it goes straight on.
    torch.testing.assert_close(moved[0, 3:, 1], torch.full((6,), 2 / 5**0.5))
    torch.testing.assert_close(moved_aside(straight, torch.zeros(1, 8)), straight)
