"""Plans from a latent: a prior sees the scene, a posterior the future too, a recurrent net unrolls the way.

B batch, K modes, T future steps, Z latent, D width.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.distributions import Independent, Normal, kl_divergence

from drivevla.planner.heads.drawing import drawn_plans
from drivevla.planner.heads.masking import hold_last_valid, masked_mean
from drivevla.planner.heads.memory import MemoryReader, PlanQueries
from drivevla.planner.heads.scale import WaypointScale
from drivevla.types import HeadContext, PlanTarget, PlanTensors

__all__ = ["CvaeHead", "CvaePrediction"]

_LOG_SIGMA = (-5.0, 5.0)


@dataclass(frozen=True, slots=True)
class CvaePrediction:
    """The planning state that latent and way grow out of."""

    state_BD: Tensor


class CvaeHead(nn.Module):
    """ORION's generative planner (arXiv 2503.19755): conditional VAE, latent of 32, GRU, several modes.

    Training draws the latent from the posterior, which reads the future; driving from the prior, which cannot. One
    query is all that links the tokens to the planner: ORION's planning token.

    Args:
        width: Of the tokens.
        steps: Waypoints in a plan.
        dt_s: Time between them.
        ego_size: Ego features that the head sees.
        latent: Numbers of the latent.
        modes: Ways that are decoded from each latent.
        gru_layers: Of the recurrent net.
        layers: Of the planning query.
        attention_heads: In each.
    """

    def __init__(
        self,
        width: int,
        *,
        steps: int = 16,
        dt_s: float = 0.25,
        ego_size: int = 0,
        latent: int = 32,
        modes: int = 6,
        gru_layers: int = 2,
        layers: int = 2,
        attention_heads: int = 4,
    ) -> None:
        super().__init__()
        self.steps, self.modes = steps, modes
        self.memory = MemoryReader(width, ego_size=ego_size)
        self.query = PlanQueries(width, 1, layers=layers, attention_heads=attention_heads)
        self.scale = WaypointScale(steps=steps, dt_s=dt_s)
        self.prior = _Gaussian(width, latent)
        self.posterior = _Gaussian(width + 3 * steps, latent)
        self.start = nn.Linear(width + latent, gru_layers * width)
        self.unroll = nn.GRU(latent, width, gru_layers, batch_first=True)
        self.way = nn.Linear(width, modes * 3)
        # From what the unrolling begins with: at its end little is left of what was heard.
        self.score = nn.Linear(width + latent, modes)

    def fit(self, waypoints_NT3: Tensor, speed_N: Tensor) -> None:
        """Units of spread from the data.

        Raises:
            ContractError: There are fewer than two plans.
        """
        self.scale.fit(waypoints_NT3)

    def forward(self, context: HeadContext) -> CvaePrediction:
        """The planning state."""
        return CvaePrediction(state_BD=self.query(self.memory(context))[:, 0])

    def loss(self, prediction: CvaePrediction, target: PlanTarget) -> dict[str, Tensor]:
        """``kl`` of the posterior from the prior and ``score`` in nats; ``waypoints``: L1 of the nearest mode."""
        state_BD = prediction.state_BD
        future_BT3 = self.scale.normalise(hold_last_valid(target.waypoints_BT3, target.valid_BT))
        posterior = self.posterior(torch.cat([state_BD, future_BT3.flatten(1)], dim=-1))
        modes_BKT3, logits_BK = self._unrolled(state_BD, posterior.rsample())
        gap_BKT = (modes_BKT3 - target.waypoints_BT3[:, None]).abs().sum(dim=-1)
        total_BK = gap_BKT.masked_fill(~target.valid_BT[:, None], 0.0).sum(dim=-1)
        nearest_B = total_BK.argmin(dim=-1)
        nearest_BT = gap_BKT[torch.arange(len(gap_BKT)), nearest_B]
        return {
            "kl": kl_divergence(posterior, self.prior(state_BD)).mean(),
            "waypoints": masked_mean(nearest_BT, target.valid_BT),
            "score": F.cross_entropy(logits_BK, nearest_B),
        }

    def decode(self, prediction: CvaePrediction) -> PlanTensors:
        """The best mode of the prior's mean."""
        latent_BZ = self.prior(prediction.state_BD).mean
        modes_BKT3, logits_BK = self._unrolled(prediction.state_BD, latent_BZ)
        return PlanTensors(
            waypoints_BT3=_best(modes_BKT3, logits_BK), modes_BKT3=modes_BKT3, scores_BK=logits_BK.softmax(dim=-1)
        )

    def sample(self, context: HeadContext, n: int, generator: torch.Generator) -> PlanTensors:
        """The best mode of each of ``n`` latents drawn from the prior."""
        prediction = self.forward(context)
        prior = self.prior(prediction.state_BD)
        batch, size = prior.mean.shape
        noise = torch.randn((batch, n, size), generator=generator, device=generator.device).to(prior.mean)
        latent = (prior.mean[:, None] + prior.stddev[:, None] * noise).flatten(0, 1)
        modes, logits = self._unrolled(prediction.state_BD.repeat_interleave(n, dim=0), latent)
        drawn_BNT3 = _best(modes, logits).unflatten(0, (batch, n))
        return drawn_plans(self.decode(prediction).waypoints_BT3, drawn_BNT3)

    def _unrolled(self, state_BD: Tensor, latent_BZ: Tensor) -> tuple[Tensor, Tensor]:
        joined = torch.cat([state_BD, latent_BZ], dim=-1)
        start_BLD = self.start(joined).unflatten(-1, (self.unroll.num_layers, -1))
        inputs_BTZ = latent_BZ[:, None].expand(-1, self.steps, -1)
        hidden_BTD, _ = self.unroll(inputs_BTZ.contiguous(), start_BLD.transpose(0, 1).contiguous())
        units_BTK3 = self.way(hidden_BTD).unflatten(-1, (self.modes, 3))
        return self.scale.restore(units_BTK3.transpose(1, 2)), self.score(joined)


class _Gaussian(nn.Module):
    """A diagonal Gaussian whose log deviation is kept within bounds."""

    def __init__(self, inputs: int, latent: int) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.Linear(inputs, 2 * latent), nn.GELU(), nn.Linear(2 * latent, 2 * latent))

    def forward(self, inputs: Tensor) -> Any:
        mean, log_sigma = self.net(inputs).chunk(2, dim=-1)
        return Independent(Normal(mean, log_sigma.clamp(*_LOG_SIGMA).exp(), validate_args=False), 1)


def _best(modes_BKT3: Tensor, logits_BK: Tensor) -> Tensor:
    return modes_BKT3[torch.arange(len(modes_BKT3)), logits_BK.argmax(dim=-1)]
