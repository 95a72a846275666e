"""A plan whose words are all written at once, none knowing the others.

B batch, N tokens of a plan, V vocabulary, D width.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from drivevla.planner.actions import UnicycleActions
from drivevla.planner.heads.action_tokens import ActionTokens
from drivevla.planner.heads.drawing import drawn_plans
from drivevla.planner.heads.masking import masked_mean
from drivevla.planner.heads.memory import MemoryReader, PlanQueries, ego_speed
from drivevla.types import HeadContext, PlanTarget, PlanTensors

__all__ = ["ParallelTokenHead", "TokenLogits"]


@dataclass(frozen=True, slots=True)
class TokenLogits:
    """Scores of every word at every place, and the speed that the actions begin at."""

    logits_BNV: Tensor
    speed_B: Tensor


class ParallelTokenHead(nn.Module):
    """EdgeVLA's joint control (arXiv 2507.14049): the action columns are blocked for every query.

    What stands at the other places cannot matter, since nothing stands there: one pass gives the whole plan, and
    teacher forcing and free running are the same thing.

    Args:
        width: Of the tokens.
        steps: Waypoints in a plan.
        dt_s: Time between them.
        ego_size: Ego features that the head sees; the speed, the first of them, is where actions begin.
        vocabulary: Words altogether; the last 256 are actions.
        layers: Decoder layers.
        attention_heads: In each.
    """

    def __init__(
        self,
        width: int,
        *,
        steps: int = 16,
        dt_s: float = 0.25,
        ego_size: int = 1,
        vocabulary: int = 512,
        layers: int = 2,
        attention_heads: int = 4,
    ) -> None:
        super().__init__()
        self.memory = MemoryReader(width, ego_size=ego_size)
        self.tokens = ActionTokens(UnicycleActions(steps=steps, dt_s=dt_s), steps=steps, vocabulary=vocabulary)
        self.queries = PlanQueries(
            width, self.tokens.count, layers=layers, attention_heads=attention_heads, see_each_other=False
        )
        self.words = nn.Linear(width, vocabulary)

    def fit(self, waypoints_NT3: Tensor, speed_N: Tensor) -> None:
        """The range of each number from the data, as OpenVLA has it: 1st to 99th percentile."""
        self.tokens.fit(waypoints_NT3, speed_N)

    def forward(self, context: HeadContext) -> TokenLogits:
        """Every word at once."""
        answers_BND = self.queries(self.memory(context))
        return TokenLogits(logits_BNV=self.words(answers_BND), speed_B=ego_speed(context))

    def loss(self, prediction: TokenLogits, target: PlanTarget) -> dict[str, Tensor]:
        """``tokens``: cross-entropy over all words, in nats."""
        ids_BN, valid_BN = self.tokens.encode(target, prediction.speed_B)
        surprise_BN = F.cross_entropy(prediction.logits_BNV.transpose(1, 2), ids_BN, reduction="none")
        return {"tokens": masked_mean(surprise_BN, valid_BN)}

    def decode(self, prediction: TokenLogits) -> PlanTensors:
        """The likeliest action word at each place."""
        ids_BN = self._action_logits(prediction).argmax(dim=-1)
        return PlanTensors(waypoints_BT3=self.tokens.decode(ids_BN, prediction.speed_B))

    def sample(self, context: HeadContext, n: int, generator: torch.Generator) -> PlanTensors:
        """``n`` plans of each scene, each word drawn by itself."""
        prediction = self.forward(context)
        chances_BNV = self._action_logits(prediction).softmax(dim=-1).to(generator.device)
        batch, count, _ = chances_BNV.shape
        drawn = torch.multinomial(chances_BNV.flatten(0, 1), n, replacement=True, generator=generator)
        ids_BKN = drawn.unflatten(0, (batch, count)).transpose(1, 2).to(prediction.speed_B.device)
        speed = prediction.speed_B.repeat_interleave(n)
        modes_BKT3 = self.tokens.decode(ids_BKN.flatten(0, 1), speed).unflatten(0, (batch, n))
        chosen_BT3 = self.decode(prediction).waypoints_BT3
        return drawn_plans(chosen_BT3, modes_BKT3)

    def log_prob(self, context: HeadContext, plan_BT3: Tensor) -> Tensor:
        """(B,) probability, in nats, of the words that say the plan, among action words."""
        prediction = self.forward(context)
        valid = torch.ones(plan_BT3.shape[:2], dtype=torch.bool, device=plan_BT3.device)
        ids_BN, _ = self.tokens.encode(PlanTarget(waypoints_BT3=plan_BT3, valid_BT=valid), prediction.speed_B)
        log_chances = self._action_logits(prediction).log_softmax(dim=-1)
        return log_chances.gather(-1, ids_BN[..., None])[..., 0].sum(dim=-1)

    def _action_logits(self, prediction: TokenLogits) -> Tensor:
        return prediction.logits_BNV.masked_fill(~self.tokens.allowed(), -torch.inf)
