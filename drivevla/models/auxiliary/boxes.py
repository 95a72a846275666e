"""Boxes as a set: each true one is matched to the query that tells it best.

B batch, K queries, M true boxes, C classes.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from scipy.optimize import linear_sum_assignment
from torch import Tensor, nn

from drivevla.models.auxiliary.heads import AuxiliaryInput, Need
from drivevla.models.auxiliary.targets import AuxiliaryBatch
from drivevla.perception.objects import BOX_SCALE, ObjectSet

__all__ = ["BoxHead", "match_boxes"]

_PLACE_WEIGHT = 5.0
"""DETR's weight of the L1 distance beside the class, in matching (arXiv 2005.12872, appendix A.4)."""
_NOTHING_WEIGHT = 0.1
"""DETR's weight of "nothing there", which most queries say (section 3.1)."""


class BoxHead(nn.Module):
    """Teaches object queries what is there; it has no weights of its own.

    Args:
        width: Of the tokens.
    """

    needs: Need | None = "objects"

    def __init__(self, width: int) -> None:
        super().__init__()

    def forward(self, given: AuxiliaryInput) -> ObjectSet:
        """What the queries found."""
        assert given.scene.objects is not None
        return given.scene.objects

    def loss(self, prediction: ObjectSet, given: AuxiliaryInput, target: AuxiliaryBatch) -> Mapping[str, Tensor]:
        """``class`` in nats, over all queries; ``place`` as mean absolute error of a box's numbers by ``BOX_SCALE``."""
        surprise, misplaced = [], []
        scaled_BM8 = target.boxes_BM8 / target.boxes_BM8.new_tensor(BOX_SCALE)
        for index in torch.nonzero(target.boxes_known_B)[:, 0].tolist():
            there = target.box_class_BM[index] >= 0
            boxes_M8, classes_M = scaled_BM8[index, there], target.box_class_BM[index, there]
            queries, matched = match_boxes(
                prediction.logits_BKC[index], prediction.boxes_BK8[index], boxes_M8, classes_M
            )
            surprise.append(_class_surprise(prediction.logits_BKC[index], classes_M[matched], queries))
            misplaced.append(_box_error(prediction.boxes_BK8[index, queries], boxes_M8[matched]))
        nothing = 0.0 * (prediction.logits_BKC.sum() + prediction.boxes_BK8.sum())
        size = len(target.boxes_known_B)
        return {
            "class": torch.stack(surprise).sum() / size if surprise else nothing,
            "place": torch.stack(misplaced).sum() / size + nothing if misplaced else nothing,
        }


@torch.no_grad()
def match_boxes(logits_KC: Tensor, boxes_K8: Tensor, true_M8: Tensor, class_M: Tensor) -> tuple[Tensor, Tensor]:
    """The cheapest pairing of queries and true boxes.

    Returns:
        Indices of queries, and of the true boxes that they are paired with, min(K, M) of each.
    """
    cost_KM = -logits_KC.float().softmax(dim=-1)[:, class_M]
    cost_KM = cost_KM + _PLACE_WEIGHT * torch.cdist(boxes_K8[:, :6].float(), true_M8[:, :6].float(), p=1)
    queries, matched = linear_sum_assignment(cost_KM.cpu().numpy())
    device = logits_KC.device
    return torch.as_tensor(queries, device=device), torch.as_tensor(matched, device=device)


def _class_surprise(logits_KC: Tensor, true: Tensor, queries: Tensor) -> Tensor:
    nothing = logits_KC.shape[-1] - 1
    wanted_K = torch.full((len(logits_KC),), nothing, device=logits_KC.device)
    wanted_K[queries] = true
    weights = logits_KC.new_ones(logits_KC.shape[-1])
    weights[nothing] = _NOTHING_WEIGHT
    return F.cross_entropy(logits_KC, wanted_K, weight=weights)


def _box_error(found_M8: Tensor, true_M8: Tensor) -> Tensor:
    if not len(true_M8):
        return found_M8.sum() * 0.0
    known = ~true_M8.isnan()
    wrong = (found_M8 - torch.where(known, true_M8, found_M8.detach())).abs()
    return wrong.sum() / known.sum()
