"""Waypoints, a geometric path and a target speed by regression.

B batch, T future steps, P path points, V speed bins, N queries, D width.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from drivevla.errors import ContractError
from drivevla.planner.actions import wrap_angle
from drivevla.planner.heads.looking import PathLook, path_axes
from drivevla.planner.heads.masking import masked_mean
from drivevla.planner.heads.memory import Memory, MemoryReader, PlanQueries, query_layers
from drivevla.planner.heads.scale import WaypointScale
from drivevla.types import Grid, HeadContext, PlanTarget, PlanTensors

__all__ = ["RegressionHead", "RegressionPrediction", "moved_aside", "two_hot"]

SPEED_BINS_MPS = (0.0, 4.0, 8.0, 10.0, 13.89, 16.0, 17.78, 20.0)
"""TransFuser++'s target speeds (carla_garage, team_code/config.py)."""


STANDS_ABOVE = 0.9
"""carla_garage's ``brake_uncertainty_threshold`` (team_code/config.py)."""


@dataclass(frozen=True, slots=True)
class RegressionPrediction:
    """Waypoints and path in metres and radians; the speed as a distribution over bins.

    ``draft_BP2`` is the path before a look at the ground; None without one.
    """

    waypoints_BT3: Tensor
    path_BP2: Tensor
    speed_logits_BV: Tensor
    draft_BP2: Tensor | None = None


class RegressionHead(nn.Module):
    """One query a waypoint, a path point and the speed; all are answered in one pass.

    Path and time are disentangled as in SimLingo (arXiv 2503.09594): the path holds points a metre apart, so that it
    says where and not when, and slowing down does not bend it. The queries see each other, which is OpenVLA-OFT's
    parallel decoding with an L1 loss (arXiv 2502.19645). The target speed is classified, two-hot, as in TransFuser++
    (arXiv 2306.07957): a mean of "stop" and "go" is neither, so that the car stands where standing is likely enough,
    as there.

    Args:
        width: Of the tokens.
        steps: Waypoints in a plan.
        dt_s: Time between them.
        ego_size: Ego features that the head sees.
        path_points: Points of the path, a metre apart, the car itself included.
        layers: Decoder layers.
        attention_heads: In each.
        speed_bins_mps: Target speeds that are told apart, ascending from 0; TransFuser++'s where left out.
        stands_above: The car stands where the share of speed 0 is more than this. A known speed below the first bin has
            such a share, too: with 0.3 and a bin at 1 m/s nobody creeps slower than 0.7 m/s.
        looks: Whether the path is a draft that looks at the ground it leads over (``PathLook``), after which all
            queries are asked once more.
        ground: The grid of the ground's features; needed to look.
        ground_channels: Of these features.

    Raises:
        ContractError: The head shall look, and the model has no ground to look at.
    """

    speeds_V: Tensor

    def __init__(
        self,
        width: int,
        *,
        steps: int = 16,
        dt_s: float = 0.25,
        ego_size: int = 0,
        path_points: int = 21,
        layers: int = 2,
        attention_heads: int = 4,
        speed_bins_mps: tuple[float, ...] = SPEED_BINS_MPS,
        stands_above: float = STANDS_ABOVE,
        looks: bool = False,
        ground: Grid | None = None,
        ground_channels: int = 0,
    ) -> None:
        super().__init__()
        self.steps, self.path_points, self.stands_above = steps, path_points, stands_above
        self.memory = MemoryReader(width, ego_size=ego_size)
        self.queries = PlanQueries(width, steps + path_points, layers=layers, attention_heads=attention_heads)
        self.scale = WaypointScale(steps=steps, dt_s=dt_s)
        self.waypoint = nn.Linear(width, 3)
        self.bend = nn.Linear(width, 1)
        self.speed = nn.Linear(width, len(speed_bins_mps))
        self.look: PathLook | None = None
        if looks:
            if ground is None:
                raise ContractError("a head that looks at the ground needs a model with ground (name: ground)")
            self.look = PathLook(width, channels=ground_channels, grid=ground)
            self.again = query_layers(width, layers=1, attention_heads=attention_heads)
            # What is changed after the look begins as nothing: the draft stands until it is known better.
            self.waypoint_change = _nothing(nn.Linear(width, 3))
            self.aside = _nothing(nn.Linear(width, 1))
            self.speed_change = _nothing(nn.Linear(width, len(speed_bins_mps)))
        self.register_buffer("speeds_V", torch.tensor(speed_bins_mps, dtype=torch.float32), persistent=False)

    def forward(self, context: HeadContext) -> RegressionPrediction:
        """Predict everything at once."""
        memory = self.memory(context)
        answers_BND = self.queries(memory)
        ways_BTD, path_BPD, speed_BD = self._parts(answers_BND)
        units_BT3, bend_BP, logits_BV = self.waypoint(ways_BTD), self.bend(path_BPD)[..., 0], self.speed(speed_BD)
        if self.look is None:
            return RegressionPrediction(self.scale.restore(units_BT3), _path(bend_BP), logits_BV)
        draft_BP2 = _path(bend_BP)
        ways_BTD, path_BPD, speed_BD = self._parts(self._looked(answers_BND, draft_BP2, context, memory))
        return RegressionPrediction(
            waypoints_BT3=self.scale.restore(units_BT3 + self.waypoint_change(ways_BTD)),
            path_BP2=moved_aside(draft_BP2, self.aside(path_BPD)[..., 0]),
            speed_logits_BV=logits_BV + self.speed_change(speed_BD),
            draft_BP2=draft_BP2,
        )

    def _parts(self, answers_BND: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Of the waypoints, the path's points and the speed."""
        return answers_BND[:, : self.steps], answers_BND[:, self.steps : -1], answers_BND[:, -1]

    def _looked(self, answers_BND: Tensor, draft_BP2: Tensor, context: HeadContext, memory: Memory) -> Tensor:
        """(B, N, D) all answers again, those of the path's points knowing what lies there."""
        if context.ground_BCXY is None:
            raise ContractError("this head looks at the ground near the car, and the context has none")
        assert self.look is not None
        # Where to look follows from the draft, and looking does not bend it: its own loss does.
        seen_BPD = self.look(draft_BP2.detach(), context.ground_BCXY)
        ways_BTD, path_BPD, speed_BD = self._parts(answers_BND)
        asked_BND = torch.cat([ways_BTD, path_BPD + seen_BPD, speed_BD[:, None]], dim=1)
        again: Tensor = self.again(asked_BND, memory.tokens_BMD, memory_key_padding_mask=~memory.keep_BM)
        return again

    def loss(self, prediction: RegressionPrediction, target: PlanTarget) -> dict[str, Tensor]:
        """``waypoints``, ``path`` and its ``draft`` in metres, ``yaw`` in radians, ``speed`` in nats."""
        gap_BT3 = prediction.waypoints_BT3 - target.waypoints_BT3
        terms = {
            "waypoints": masked_mean(gap_BT3[..., :2].abs().sum(dim=-1), target.valid_BT),
            "yaw": masked_mean(wrap_angle(gap_BT3[..., 2]).abs(), target.valid_BT),
        }
        if target.path_BP2 is not None and target.path_valid_BP is not None:
            gap_BP = (prediction.path_BP2 - target.path_BP2).abs().sum(dim=-1)
            terms["path"] = masked_mean(gap_BP, target.path_valid_BP)
            if prediction.draft_BP2 is not None:
                gap_BP = (prediction.draft_BP2 - target.path_BP2).abs().sum(dim=-1)
                terms["draft"] = masked_mean(gap_BP, target.path_valid_BP)
        if target.target_speed_B is not None:
            known_B = ~target.target_speed_B.isnan()
            shares_BV = two_hot(target.target_speed_B.nan_to_num(0.0), self.speeds_V)
            surprise_B = F.cross_entropy(prediction.speed_logits_BV, shares_BV, reduction="none")
            terms["speed"] = surprise_B.masked_fill(~known_B, 0.0).mean()
        return terms

    def decode(self, prediction: RegressionPrediction) -> PlanTensors:
        """The prediction itself; the speed is 0 where that is likely enough, else the mean of its distribution.

        A car that stands at a red light and gives "go" one chance in three would else creep over the line.
        """
        shares_BV = prediction.speed_logits_BV.softmax(dim=-1)
        stands_B = shares_BV[:, 0] > self.stands_above
        return PlanTensors(
            waypoints_BT3=prediction.waypoints_BT3,
            path_BP2=prediction.path_BP2,
            target_speed_B=(shares_BV @ self.speeds_V).masked_fill(stands_B, float(self.speeds_V[0])),
        )


def two_hot(values_B: Tensor, centres_V: Tensor) -> Tensor:
    """(B, V) shares of the two nearest bins whose weighted mean is the value; values beyond the ends go to the end."""
    values_B1 = values_B.clamp(float(centres_V[0]), float(centres_V[-1]))[:, None]
    gaps_V = torch.diff(centres_V)
    above = torch.searchsorted(centres_V, values_B1[:, 0].contiguous()).clamp(1, len(centres_V) - 1)
    share_B = (values_B1[:, 0] - centres_V[above - 1]) / gaps_V[above - 1]
    shares_BV = torch.zeros(len(values_B), len(centres_V), dtype=values_B.dtype, device=values_B.device)
    shares_BV.scatter_(1, above[:, None], share_B[:, None])
    return shares_BV.scatter_(1, above[:, None] - 1, 1 - share_B[:, None])


def _path(bend_BP: Tensor) -> Tensor:
    """(B, P, 2) from turns at each metre: whatever they are, the points are a metre apart and begin at the car."""
    heading_BP = (0.1 * bend_BP).cumsum(dim=1)
    steps_BP2 = torch.stack([heading_BP.cos(), heading_BP.sin()], dim=-1)
    return F.pad(steps_BP2.cumsum(dim=1), (0, 0, 1, 0))


def moved_aside(path_BP2: Tensor, left_BP: Tensor) -> Tensor:
    """(B, P, 2) a path whose points but the first are moved to the left, again a metre apart.

    To say how far aside a point must go takes what lies at that point alone; the bends that lead there take all before.
    """
    _, leftwards_BP2 = path_axes(path_BP2)
    moved_BP2 = torch.cat([path_BP2[:, :1], path_BP2[:, 1:] + left_BP[..., None] * leftwards_BP2], dim=1)
    steps_BP2, _ = path_axes(moved_BP2)
    return F.pad(steps_BP2.cumsum(dim=1), (0, 0, 1, 0))


def _nothing(layer: nn.Linear) -> nn.Linear:
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer
