"""Scored trajectories: VADv2's and Hydra-MDP's mechanism."""

import torch

from drivevla.planner.heads.vocabulary import VocabularyHead, VocabularyPrediction
from drivevla.types import HeadContext, PlanTarget

WIDTH, STEPS, EGO = 32, 8, 3


def test_every_plan_is_one_of_the_set(context: HeadContext) -> None:
    head = VocabularyHead(WIDTH, steps=STEPS, ego_size=EGO, size=40).eval()
    with torch.no_grad():
        plan = head.decode(head.forward(context))
    assert all(any(torch.equal(way, entry) for entry in head.trajectories_KT3) for way in plan.waypoints_BT3)


def test_the_soft_target_is_lowest_where_scores_match_distances(target: PlanTarget) -> None:
    head = VocabularyHead(WIDTH, steps=STEPS, size=40)
    gap = head.trajectories_KT3[None, ..., :2] - target.waypoints_BT3[:, None, :, :2]
    square = gap.square().sum(-1).masked_fill(~target.valid_BT[:, None], 0.0).sum(-1) / target.valid_BT.sum(1)[:, None]
    best = head.loss(VocabularyPrediction(logits_BK=-square), target)["imitation"]
    for _ in range(5):
        other = head.loss(VocabularyPrediction(logits_BK=-square + 0.5 * torch.randn_like(square)), target)["imitation"]
        assert other > best


def test_a_score_does_not_depend_on_the_other_entries(context: HeadContext) -> None:
    head = VocabularyHead(WIDTH, steps=STEPS, ego_size=EGO, size=40).eval()
    with torch.no_grad():
        before = head.forward(context).logits_BK
        head.trajectories_KT3[20:] += 3.0
        after = head.forward(context).logits_BK
    torch.testing.assert_close(before[:, :20], after[:, :20])
    assert not torch.allclose(before[:, 20:], after[:, 20:])
