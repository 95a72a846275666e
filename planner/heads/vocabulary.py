"""A plan chosen from a fixed set of trajectories, each of which gets a score.

B batch, K trajectories of the set, R kept as modes, T future steps, D width.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from drivevla.planner.anchors import cluster_trajectories, fan_of_trajectories
from drivevla.planner.heads.drawing import drawn_plans
from drivevla.planner.heads.memory import MemoryReader, query_layers
from drivevla.types import HeadContext, PlanTarget, PlanTensors

__all__ = ["VocabularyHead", "VocabularyPrediction"]


@dataclass(frozen=True, slots=True)
class VocabularyPrediction:
    """A score for every trajectory of the set."""

    logits_BK: Tensor


class VocabularyHead(nn.Module):
    """Planning by scoring a vocabulary, as VADv2 (arXiv 2402.13243) and Hydra-MDP (arXiv 2406.06978) do it.

    The target is soft: softmax of minus the squared distance between each trajectory and the teacher's (Hydra-MDP,
    equation 2), so that near misses count for something. All plans are kinematically sound if the vocabulary is.

    Args:
        width: Of the tokens.
        steps: Waypoints in a plan.
        dt_s: Time between them.
        ego_size: Ego features that the head sees.
        size: Trajectories in the set.
        layers: Decoder layers.
        attention_heads: In each.
        modes: How many of the best are given as alternatives.
        sharpness_per_m2: How fast the target falls with the mean squared distance.
    """

    trajectories_KT3: Tensor

    def __init__(
        self,
        width: int,
        *,
        steps: int = 16,
        dt_s: float = 0.25,
        ego_size: int = 0,
        size: int = 256,
        layers: int = 2,
        attention_heads: int = 4,
        modes: int = 6,
        sharpness_per_m2: float = 1.0,
    ) -> None:
        super().__init__()
        self.modes, self.sharpness_per_m2 = modes, sharpness_per_m2
        self.memory = MemoryReader(width, ego_size=ego_size)
        self.register_buffer("trajectories_KT3", fan_of_trajectories(size, steps=steps, dt_s=dt_s))
        self.embed = nn.Sequential(nn.Linear(3 * steps, width), nn.GELU(), nn.Linear(width, width))
        self.decoder = query_layers(width, layers=layers, attention_heads=attention_heads)
        blocked_KK = ~torch.eye(size, dtype=torch.bool)  # a trajectory's score does not depend on the others
        self.register_buffer("blocked_KK", blocked_KK, persistent=False)
        self.score = nn.Linear(width, 1)

    @torch.no_grad()
    def fit(self, waypoints_NT3: Tensor, speed_N: Tensor) -> None:
        """The set from the data's usual trajectories, as VADv2 and Hydra-MDP have it.

        Raises:
            ContractError: There are fewer plans than trajectories in the set.
        """
        self.trajectories_KT3.copy_(cluster_trajectories(waypoints_NT3, len(self.trajectories_KT3), seed=0))

    def forward(self, context: HeadContext) -> VocabularyPrediction:
        """Score every trajectory."""
        memory = self.memory(context)
        spread = self.trajectories_KT3.flatten(1)
        queries_BKD = self.embed(spread / 10.0).expand(len(memory.tokens_BMD), -1, -1)
        answers_BKD = self.decoder(
            queries_BKD, memory.tokens_BMD, tgt_mask=self.blocked_KK, memory_key_padding_mask=~memory.keep_BM
        )
        return VocabularyPrediction(logits_BK=self.score(answers_BKD)[..., 0])

    def loss(self, prediction: VocabularyPrediction, target: PlanTarget) -> dict[str, Tensor]:
        """``imitation``: cross-entropy against the soft target, in nats; 0 for a sample without a valid step."""
        gap_BKT2 = self.trajectories_KT3[None, ..., :2] - target.waypoints_BT3[:, None, :, :2]
        square_BKT = gap_BKT2.square().sum(dim=-1).masked_fill(~target.valid_BT[:, None], 0.0)
        known_B = target.valid_BT.any(dim=1)
        square_BK = square_BKT.sum(dim=-1) / target.valid_BT.sum(dim=1).clamp_min(1)[:, None]
        wanted_BK = (-self.sharpness_per_m2 * square_BK).softmax(dim=-1)
        surprise_B = -(wanted_BK * prediction.logits_BK.log_softmax(dim=-1)).sum(dim=-1)
        return {"imitation": surprise_B.masked_fill(~known_B, 0.0).mean()}

    def decode(self, prediction: VocabularyPrediction) -> PlanTensors:
        """The best trajectory; the best few as modes, their probabilities brought to sum to 1."""
        chances_BR, best_BR = prediction.logits_BK.softmax(dim=-1).topk(self.modes, dim=-1)
        modes_BRT3 = self.trajectories_KT3[best_BR]
        return PlanTensors(
            waypoints_BT3=modes_BRT3[:, 0],
            modes_BKT3=modes_BRT3,
            scores_BK=chances_BR / chances_BR.sum(dim=-1, keepdim=True),
        )

    def sample(self, context: HeadContext, n: int, generator: torch.Generator) -> PlanTensors:
        """``n`` trajectories drawn by their probability."""
        prediction = self.forward(context)
        chances_BK = prediction.logits_BK.softmax(dim=-1).to(generator.device)
        drawn_BN = torch.multinomial(chances_BK, n, replacement=True, generator=generator).to(
            prediction.logits_BK.device
        )
        chosen_BT3 = self.decode(prediction).waypoints_BT3
        return drawn_plans(chosen_BT3, self.trajectories_KT3[drawn_BN])

    def log_prob(self, context: HeadContext, plan_BT3: Tensor) -> Tensor:
        """(B,) probability, in nats, of the trajectory of the set that lies nearest to the plan."""
        gap_BKT2 = self.trajectories_KT3[None, ..., :2] - plan_BT3[:, None, :, :2]
        nearest_B1 = gap_BKT2.square().sum(dim=(-1, -2)).argmin(dim=-1, keepdim=True)
        return self.forward(context).logits_BK.log_softmax(dim=-1).gather(1, nearest_B1)[:, 0]
