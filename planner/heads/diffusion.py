"""Plans by truncated diffusion around anchors: a few usual trajectories are noised a little and cleaned again.

B batch, K anchors, T future steps, M memory tokens, D width.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from drivevla.planner.anchors import cluster_trajectories, fan_of_trajectories
from drivevla.planner.heads.drawing import drawn_plans
from drivevla.planner.heads.flow import time_features
from drivevla.planner.heads.masking import masked_mean
from drivevla.planner.heads.memory import Memory, MemoryReader, query_layers
from drivevla.planner.heads.scale import WaypointScale
from drivevla.types import HeadContext, PlanTarget, PlanTensors

__all__ = ["DiffusionHead", "DiffusionPrediction"]

TIMESTEPS = 1000


@dataclass(frozen=True, slots=True)
class DiffusionPrediction:
    """The memory that the denoiser looks at."""

    memory: Memory


class DiffusionHead(nn.Module):
    """DiffusionDrive's truncated diffusion (arXiv 2411.15139; hustvl/DiffusionDrive, ``transfuser_model_v2.py``).

    Anchors are noised up to an early time of a schedule of 1000; the denoiser predicts the clean trajectory of each
    anchor and how well the anchor fits. Inference begins at time 8 and takes two steps.

    Args:
        width: Of the tokens.
        steps: Waypoints in a plan.
        dt_s: Time between them.
        ego_size: Ego features that the head sees.
        anchors: How many.
        layers: Of the denoiser.
        attention_heads: In each.
        denoising_steps: Calls of the denoiser for a plan; none gives the anchors themselves.
        training_horizon: Times that training draws from begin at 0 and end before this one.
        inference_time: Where inference begins.
    """

    anchors_KT3: Tensor
    kept_share_S: Tensor

    def __init__(
        self,
        width: int,
        *,
        steps: int = 16,
        dt_s: float = 0.25,
        ego_size: int = 0,
        anchors: int = 20,
        layers: int = 2,
        attention_heads: int = 4,
        denoising_steps: int = 2,
        training_horizon: int = 50,
        inference_time: int = 8,
    ) -> None:
        super().__init__()
        self.steps, self.denoising_steps = steps, denoising_steps
        self.training_horizon, self.inference_time = training_horizon, inference_time
        self.memory = MemoryReader(width, ego_size=ego_size)
        self.scale = WaypointScale(steps=steps, dt_s=dt_s)
        self.register_buffer("anchors_KT3", fan_of_trajectories(anchors, steps=steps, dt_s=dt_s))
        self.register_buffer("kept_share_S", _kept_share(), persistent=False)
        self.embed = nn.Sequential(nn.Linear(3 * steps, width), nn.GELU(), nn.Linear(width, width))
        self.time = nn.Linear(width, width)
        self.decoder = query_layers(width, layers=layers, attention_heads=attention_heads)
        self.clean = nn.Linear(width, 3 * steps)
        self.score = nn.Linear(width, 1)

    @torch.no_grad()
    def fit(self, waypoints_NT3: Tensor, speed_N: Tensor) -> None:
        """Anchors by k-means and units of spread from the data, as DiffusionDrive has them.

        Raises:
            ContractError: There are fewer plans than anchors.
        """
        self.scale.fit(waypoints_NT3)
        self.anchors_KT3.copy_(cluster_trajectories(waypoints_NT3, len(self.anchors_KT3), seed=0))

    def forward(self, context: HeadContext) -> DiffusionPrediction:
        """Only the memory: trajectories are cleaned when they are asked for."""
        return DiffusionPrediction(memory=self.memory(context))

    def loss(self, prediction: DiffusionPrediction, target: PlanTarget) -> dict[str, Tensor]:
        """``score``: which anchor is nearest, in nats; ``waypoints``: L1 of the nearest one's cleaned trajectory."""
        batch = len(target.waypoints_BT3)
        nearest_B = self._nearest_anchor(target)
        time_B = torch.randint(self.training_horizon, (batch,), device=target.waypoints_BT3.device)
        anchors_BKT3 = self._anchor_units().expand(batch, -1, -1, -1)
        noisy_BKT3 = self._noised(anchors_BKT3, time_B, torch.randn_like(anchors_BKT3))
        clean_BKT3, logits_BK = self._denoise(noisy_BKT3, time_B, prediction.memory)
        chosen_BT3 = self.scale.restore(clean_BKT3[torch.arange(batch), nearest_B])
        gap_BT = (chosen_BT3 - target.waypoints_BT3).abs().sum(dim=-1)
        return {
            "score": F.cross_entropy(logits_BK, nearest_B),
            "waypoints": masked_mean(gap_BT, target.valid_BT),
        }

    def decode(self, prediction: DiffusionPrediction) -> PlanTensors:
        """The best cleaned anchor, from anchors that carry no noise; all of them as modes."""
        batch = len(prediction.memory.tokens_BMD)
        anchors_BKT3 = self._anchor_units().expand(batch, -1, -1, -1)
        return self._plan(anchors_BKT3, prediction.memory)

    def sample(self, context: HeadContext, n: int, generator: torch.Generator) -> PlanTensors:
        """``n`` plans: each is one run over all anchors from other noise, and the anchor that scored best in it."""
        memory = self.memory(context)
        batch = len(memory.tokens_BMD)
        anchors = self._anchor_units().expand(batch * n, -1, -1, -1)
        noise = torch.randn(anchors.shape, generator=generator, device=generator.device).to(anchors)
        time = torch.full((batch * n,), self.inference_time, device=anchors.device)
        plan = self._plan(self._noised(anchors, time, noise), memory.repeat(n))
        modes_BKT3 = plan.waypoints_BT3.unflatten(0, (batch, n))
        return drawn_plans(self.decode(DiffusionPrediction(memory=memory)).waypoints_BT3, modes_BKT3)

    def _plan(self, units_BKT3: Tensor, memory: Memory) -> PlanTensors:
        logits_BK = units_BKT3.new_zeros(units_BKT3.shape[:2])
        times = torch.linspace(self.inference_time, 0, self.denoising_steps + 1).round().long().tolist()
        for now, after in itertools.pairwise(times):
            time_B = torch.full((len(units_BKT3),), now, device=units_BKT3.device)
            clean_BKT3, logits_BK = self._denoise(units_BKT3, time_B, memory)
            units_BKT3 = self._ddim(units_BKT3, clean_BKT3, now, after)
        modes_BKT3 = self.scale.restore(units_BKT3)
        best_B = logits_BK.argmax(dim=1)
        return PlanTensors(
            waypoints_BT3=modes_BKT3[torch.arange(len(best_B)), best_B],
            modes_BKT3=modes_BKT3,
            scores_BK=logits_BK.softmax(dim=-1),
        )

    def _denoise(self, noisy_BKT3: Tensor, time_B: Tensor, memory: Memory) -> tuple[Tensor, Tensor]:
        time_BD = self.time(time_features(time_B / TIMESTEPS, self.time.in_features))
        queries_BKD = self.embed(noisy_BKT3.flatten(2)) + time_BD[:, None]
        answers_BKD = self.decoder(queries_BKD, memory.tokens_BMD, memory_key_padding_mask=~memory.keep_BM)
        # What is predicted is a change, so that an untrained denoiser leaves the anchors where they are.
        clean_BKT3 = noisy_BKT3 + self.clean(answers_BKD).unflatten(-1, (self.steps, 3))
        return clean_BKT3, self.score(answers_BKD)[..., 0]

    def _ddim(self, noisy: Tensor, clean: Tensor, now: int, after: int) -> Tensor:
        """One deterministic step of DDIM (arXiv 2010.02502, equation 12 with sigma 0) from one time to an earlier."""
        if after == 0:
            return clean
        kept_now, kept_after = self.kept_share_S[now], self.kept_share_S[after]
        noise = (noisy - kept_now.sqrt() * clean) / (1 - kept_now).sqrt()
        return kept_after.sqrt() * clean + (1 - kept_after).sqrt() * noise

    def _noised(self, clean_BKT3: Tensor, time_B: Tensor, noise_BKT3: Tensor) -> Tensor:
        kept_B111 = self.kept_share_S[time_B][:, None, None, None]
        return kept_B111.sqrt() * clean_BKT3 + (1 - kept_B111).sqrt() * noise_BKT3

    def _anchor_units(self) -> Tensor:
        return self.scale.normalise(self.anchors_KT3)

    def _nearest_anchor(self, target: PlanTarget) -> Tensor:
        gap_BKT2 = self.anchors_KT3[None, ..., :2] - target.waypoints_BT3[:, None, :, :2]
        distance_BKT = gap_BKT2.norm(dim=-1).masked_fill(~target.valid_BT[:, None], 0.0)
        return distance_BKT.sum(dim=-1).argmin(dim=-1)


def _kept_share() -> Tensor:
    """(S,) share of the signal's variance that is left at each time: the scaled linear schedule of Stable Diffusion."""
    beta = torch.linspace(1e-4**0.5, 2e-2**0.5, TIMESTEPS) ** 2
    return (1 - beta).cumprod(dim=0)
