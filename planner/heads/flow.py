"""Plans drawn by flow matching: noise is carried to a plan along a learned velocity.

B batch, T future steps, A numbers an action has, M memory tokens, D width of the tokens, W width of the expert,
K samples.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from drivevla.planner.actions import ActionSpace, PoseSteps
from drivevla.planner.heads.drawing import drawn_plans
from drivevla.planner.heads.masking import hold_last_valid, masked_mean
from drivevla.planner.heads.memory import Memory, MemoryReader
from drivevla.types import HeadContext, PlanTarget, PlanTensors

__all__ = ["FlowExpert", "FlowHead", "FlowPrediction", "sample_times", "time_features"]

SHORTEST_PERIOD, LONGEST_PERIOD = 4e-3, 4.0


@dataclass(frozen=True, slots=True)
class FlowPrediction:
    """The memory that the expert looks at while it draws."""

    memory: Memory


class FlowExpert(nn.Module):
    """The velocity of a noisy plan; layers look at the memory and at the plan in turn.

    Every second layer is self-attention over plan and memory together; in the others the plan attends to the memory
    alone and its steps do not see each other (SmolVLA, arXiv 2506.01844, section 3.2; lerobot,
    ``self_attn_every_n_layers`` = 2).

    Args:
        width: Of the memory's tokens.
        action_size: Numbers an action has.
        steps: Actions in a plan.
        expert_width: Share of ``width`` that the expert has; SmolVLA's is 0.75.
        layers: How many.
        attention_heads: In each.
    """

    def __init__(
        self, width: int, *, action_size: int, steps: int, expert_width: float, layers: int, attention_heads: int
    ) -> None:
        super().__init__()
        unit = 2 * attention_heads  # time features come in pairs
        own = max(1, round(width * expert_width / unit)) * unit
        self.own_width = own
        self.actions = nn.Linear(action_size, own)
        self.place_TW = nn.Parameter(torch.randn(steps, own) * own**-0.5)
        self.time = nn.Sequential(nn.Linear(2 * own, own), nn.SiLU(), nn.Linear(own, own))
        self.memory = nn.Linear(width, own)
        self.layers = nn.ModuleList(
            _ExpertLayer(own, attention_heads, sees_plan=index % 2 == 1) for index in range(layers)
        )
        self.velocity = nn.Sequential(nn.LayerNorm(own), nn.Linear(own, action_size))

    def forward(self, noisy_BTA: Tensor, time_B: Tensor, memory: Memory) -> Tensor:
        """(B, T, A) velocity at a time between 0 (plan) and 1 (noise)."""
        actions_BTW = self.actions(noisy_BTA) + self.place_TW
        time_BTW = time_features(time_B, self.own_width)[:, None].expand_as(actions_BTW)
        plan_BTW = self.time(torch.cat([actions_BTW, time_BTW], dim=-1))
        memory_BMW = self.memory(memory.tokens_BMD)
        for layer in self.layers:
            plan_BTW = layer(plan_BTW, memory_BMW, memory.keep_BM)
        velocity: Tensor = self.velocity(plan_BTW)
        return velocity


class FlowHead(nn.Module):
    """Flow matching as SmolVLA and pi0 do it (lerobot, ``modeling_smolvla.py``).

    A noisy plan is ``t noise + (1 - t) plan`` with t drawn as 0.001 + 0.999 Beta(1.5, 1), the target is ``noise -
    plan``, the loss its mean square; ten Euler steps lead from t = 1 to 0. Executed is the plan that grows out of no
    noise at all, so that driving is deterministic; ``sample`` draws.

    Args:
        width: Of the tokens.
        steps: Waypoints in a plan.
        dt_s: Time between them.
        ego_size: Ego features that the head sees.
        layers: Of the expert.
        expert_width: Share of ``width`` that the expert has.
        attention_heads: In each layer.
        euler_steps: Calls of the expert for a plan.
    """

    mean_A: Tensor
    spread_A: Tensor

    def __init__(
        self,
        width: int,
        *,
        steps: int = 16,
        dt_s: float = 0.25,
        ego_size: int = 0,
        layers: int = 4,
        expert_width: float = 0.75,
        attention_heads: int = 4,
        euler_steps: int = 10,
    ) -> None:
        super().__init__()
        self.steps, self.euler_steps = steps, euler_steps
        self.memory = MemoryReader(width, ego_size=ego_size)
        self.space: ActionSpace = PoseSteps(dt_s=dt_s)
        self.register_buffer("mean_A", torch.zeros_like(self.space.high))
        self.register_buffer("spread_A", self.space.high.clone())
        self.expert = FlowExpert(
            width,
            action_size=self.space.size,
            steps=steps,
            expert_width=expert_width,
            layers=layers,
            attention_heads=attention_heads,
        )

    @torch.no_grad()
    def fit(self, waypoints_NT3: Tensor, speed_N: Tensor) -> None:
        """Units of the data's mean and spread, in which SmolVLA's actions are; the usual range before."""
        actions = self.space.encode(waypoints_NT3, speed_N).flatten(0, 1)
        self.mean_A.copy_(actions.mean(dim=0))
        # Data without a single turn must not make turns infinitely far away.
        self.spread_A.copy_(torch.maximum(actions.std(dim=0), 0.01 * self.space.high))

    def forward(self, context: HeadContext) -> FlowPrediction:
        """Only the memory: a plan is drawn when it is asked for."""
        return FlowPrediction(memory=self.memory(context))

    def loss(self, prediction: FlowPrediction, target: PlanTarget) -> dict[str, Tensor]:
        """``flow``: mean square of the velocity's error, in units of the spread."""
        clean_BTA = self._to_units(hold_last_valid(target.waypoints_BT3, target.valid_BT))
        noise_BTA = torch.randn_like(clean_BTA)
        time_B = sample_times(len(clean_BTA), clean_BTA.device)
        time_B11 = time_B[:, None, None]
        noisy_BTA = time_B11 * noise_BTA + (1 - time_B11) * clean_BTA
        velocity_BTA = self.expert(noisy_BTA, time_B, prediction.memory)
        error_BT = (velocity_BTA - (noise_BTA - clean_BTA)).square().mean(dim=-1)
        return {"flow": masked_mean(error_BT, target.valid_BT)}

    def decode(self, prediction: FlowPrediction) -> PlanTensors:
        """The plan that grows out of no noise."""
        tokens_BMD = prediction.memory.tokens_BMD
        start_BTA = tokens_BMD.new_zeros(len(tokens_BMD), self.steps, self.space.size)
        return PlanTensors(waypoints_BT3=self._integrate(start_BTA, prediction.memory))

    def sample(self, context: HeadContext, n: int, generator: torch.Generator) -> PlanTensors:
        """``n`` plans of each scene, equally likely; executed is still the one without noise."""
        memory = self.memory(context)
        batch = len(memory.tokens_BMD)
        shape = (batch * n, self.steps, self.space.size)
        noise = torch.randn(shape, generator=generator, device=generator.device).to(memory.tokens_BMD)
        modes_BKT3 = self._integrate(noise, memory.repeat(n)).unflatten(0, (batch, n))
        chosen_BT3 = self.decode(FlowPrediction(memory=memory)).waypoints_BT3
        return drawn_plans(chosen_BT3, modes_BKT3)

    def _integrate(self, actions_BTA: Tensor, memory: Memory) -> Tensor:
        step = 1.0 / self.euler_steps
        for index in range(self.euler_steps):
            time_B = actions_BTA.new_full((len(actions_BTA),), 1.0 - index * step)
            actions_BTA = actions_BTA - step * self.expert(actions_BTA, time_B, memory)
        return self._from_units(actions_BTA)

    def _to_units(self, waypoints_BT3: Tensor) -> Tensor:
        speed_B = waypoints_BT3.new_zeros(len(waypoints_BT3))
        return (self.space.encode(waypoints_BT3, speed_B) - self.mean_A) / self.spread_A

    def _from_units(self, units_BTA: Tensor) -> Tensor:
        return self.space.decode(units_BTA * self.spread_A + self.mean_A, units_BTA.new_zeros(len(units_BTA)))


class _ExpertLayer(nn.Module):
    def __init__(self, width: int, attention_heads: int, *, sees_plan: bool) -> None:
        super().__init__()
        self.sees_plan = sees_plan
        self.norm, self.norm_mlp = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = nn.MultiheadAttention(width, attention_heads, batch_first=True)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, plan_BTW: Tensor, memory_BMW: Tensor, keep_BM: Tensor) -> Tensor:
        query_BTW = self.norm(plan_BTW)
        if self.sees_plan:
            memory_BMW = torch.cat([memory_BMW, query_BTW], dim=1)
            keep_BM = torch.cat([keep_BM, keep_BM.new_ones(query_BTW.shape[:2])], dim=1)
        heard, _ = self.attention(query_BTW, memory_BMW, memory_BMW, key_padding_mask=~keep_BM, need_weights=False)
        plan_BTW = plan_BTW + heard
        out: Tensor = plan_BTW + self.mlp(self.norm_mlp(plan_BTW))
        return out


def sample_times(count: int, device: torch.device) -> Tensor:
    """(B,) times from 0.001 + 0.999 Beta(1.5, 1), drawn by inverting its distribution u = t^1.5.

    The mean is 0.60 and 35 % lie below one half: more of the work is done near noise.
    """
    return 0.001 + 0.999 * torch.rand(count, device=device) ** (1.0 / 1.5)


def time_features(time_B: Tensor, width: int) -> Tensor:
    """(B, W) sines and cosines with periods from 0.004 to 4, evenly spaced in their logarithm."""
    share = torch.linspace(0.0, 1.0, width // 2, dtype=time_B.dtype, device=time_B.device)
    period = SHORTEST_PERIOD * (LONGEST_PERIOD / SHORTEST_PERIOD) ** share
    angle = 2 * math.pi * time_B[:, None] / period
    return torch.cat([angle.sin(), angle.cos()], dim=-1)
