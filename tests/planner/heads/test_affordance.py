"""Dense maps of where to go: CLIPort's mechanism (the properties of its recipe)."""

from dataclasses import replace

import pytest
import torch

from drivevla.errors import ContractError
from drivevla.planner.heads.affordance import AffordanceHead, AffordanceMaps, goal_curve
from drivevla.types import HeadContext, PlanTarget

WIDTH, STEPS, EGO = 32, 16, 3


def test_the_maps_have_a_score_for_every_cell_and_36_headings_each(context: HeadContext) -> None:
    head = AffordanceHead(WIDTH, ego_size=EGO).eval()
    with torch.no_grad():
        maps = head.forward(context)
    assert maps.goal_BXY.shape == (3, 32, 32)
    assert maps.heading_BRXY.shape == (3, 36, 32, 32)


def test_another_sentence_gives_another_heat_map_and_without_the_product_it_does_not(context: HeadContext) -> None:
    head = AffordanceHead(WIDTH, ego_size=EGO).eval()
    assert context.language_BLD is not None
    other = replace(context, language_BLD=context.language_BLD + 1.0)
    with torch.no_grad():
        assert not torch.allclose(head.forward(context).goal_BXY, head.forward(other).goal_BXY)
        for words in head.words:  # every product becomes a product with one
            torch.nn.init.zeros_(words.weight)  # type: ignore[arg-type]
            torch.nn.init.ones_(words.bias)  # type: ignore[arg-type]
        assert torch.equal(head.forward(context).goal_BXY, head.forward(other).goal_BXY)


def test_moving_the_map_by_eight_cells_moves_the_best_cell_by_eight(context: HeadContext) -> None:
    head = AffordanceHead(WIDTH, ego_size=EGO).eval()
    quiet = torch.zeros(1, WIDTH, 64, 64)
    quiet[:, :, 24:28, 30:34] = torch.randn(1, WIDTH, 4, 4)
    row = HeadContext(
        tokens_BSD=context.tokens_BSD[:1],
        keep_BS=context.keep_BS[:1],
        language_BLD=context.language_BLD[:1] if context.language_BLD is not None else None,
        language_keep_BL=context.language_keep_BL[:1] if context.language_keep_BL is not None else None,
        ego_BE=context.ego_BE[:1] if context.ego_BE is not None else None,
        bev_BDXY=quiet,
    )
    with torch.no_grad():
        here = head.forward(row).goal_BXY[0]
        there = head.forward(replace(row, bev_BDXY=quiet.roll(8, dims=2))).goal_BXY[0]
    inner = slice(16, 48)  # away from the borders
    torch.testing.assert_close(here[inner, inner], there.roll(-8, dims=0)[inner, inner], atol=1e-5, rtol=1e-4)


def test_a_turned_crop_is_the_same_crop_after_a_whole_turn_and_mirrored_after_half() -> None:
    head = AffordanceHead(WIDTH, channels=2, ahead_m=(-32.0, 32.0)).eval()
    features = torch.randn(1, 2, 65, 65)
    crops = head._turned_crops(features)
    torch.testing.assert_close(crops[:, 18], crops[:, 0].flip(-1).flip(-2), atol=1e-4, rtol=1e-4)


def test_the_goal_is_the_cell_where_the_teacher_was_and_one_outside_is_not_learned(target: PlanTarget) -> None:
    head = AffordanceHead(WIDTH, steps=8, goal_s=1.5)
    maps = AffordanceMaps(
        goal_BXY=torch.zeros(3, 32, 32, requires_grad=True),
        heading_BRXY=torch.zeros(3, 36, 32, 32, requires_grad=True),
        speed_B=torch.zeros(3),
    )
    far = target.waypoints_BT3.clone()
    far[2, :, 0] = 1e3
    terms = head.loss(maps, replace(target, waypoints_BT3=far, valid_BT=torch.ones_like(target.valid_BT)))
    assert terms["goal"].item() == pytest.approx(2 * torch.tensor(1024.0).log().item() / 3, rel=1e-5)
    terms["goal"].backward()
    assert maps.goal_BXY.grad is not None
    # 3 m/s for 1.5 s is 4.5 m ahead: cell (16 + 4.5) / 2 = 10, and y = 0 is the first cell of the left half.
    assert (maps.goal_BXY.grad[0] < 0).nonzero().tolist() == [[10, 16]]
    assert not maps.goal_BXY.grad[2].any()


def test_the_curve_reaches_the_goal_in_time_and_faces_it() -> None:
    goal = torch.tensor([[12.0, 6.0, 1.2], [0.0, 0.0, 0.0]])
    way = goal_curve(goal, torch.tensor([5.0, 0.0]), goal_s=3.0, steps=16, dt_s=0.25)
    torch.testing.assert_close(way[:, 11], goal, atol=1e-4, rtol=0.0)
    first_speed = way[0, 0, :2].norm() / 0.25
    assert float(first_speed) == pytest.approx(5.0, abs=0.6)


def test_without_a_grid_the_head_says_what_to_choose(context: HeadContext) -> None:
    with pytest.raises(ContractError, match="choose a BEV encoder"):
        AffordanceHead(WIDTH, ego_size=EGO).forward(replace(context, bev_BDXY=None))
