"""A plan to the cell of a map that the instruction asks for: CLIPort's two dense maps, seen from above.

B batch, X and Y cells ahead and to the left, C channels, R headings, D width, L language tokens, T future steps.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from drivevla.errors import ContractError
from drivevla.planner.heads.memory import ego_speed
from drivevla.types import HeadContext, PlanTarget, PlanTensors

__all__ = ["AffordanceHead", "AffordanceMaps", "goal_curve"]


@dataclass(frozen=True, slots=True)
class AffordanceMaps:
    """Where to be at the goal's time, which way to face there, and the speed that the way begins with."""

    goal_BXY: Tensor
    heading_BRXY: Tensor
    speed_B: Tensor


class AffordanceHead(nn.Module):
    """CLIPort (arXiv 2109.12098) for driving: a heat map of goal cells, and headings by correlation with a crop.

    The sentence multiplies the first three stages of the decoder, element by element (LingUNet). The heading map is
    the correlation of a key map with features around the car, turned into each of 36 directions, as CLIPort's
    transport turns its crop around the pick. A cubic curve leads to the chosen pose.

    Args:
        width: Of the tokens.
        steps: Waypoints in a plan.
        dt_s: Time between them.
        ego_size: Ego features; the first is the speed, with which the curve begins.
        ahead_m: What the grid spans in x: behind (negative) to ahead.
        aside_m: What it spans in y: right (negative) to left.
        goal_s: When the goal is to be reached.
        channels: Of the feature maps.
        headings: How many directions.
        crop: Cells of the square around the car.
    """

    def __init__(
        self,
        width: int,
        *,
        steps: int = 16,
        dt_s: float = 0.25,
        ego_size: int = 1,
        ahead_m: tuple[float, float] = (-16.0, 48.0),
        aside_m: tuple[float, float] = (-32.0, 32.0),
        goal_s: float = 3.0,
        channels: int = 32,
        headings: int = 36,
        crop: int = 9,
    ) -> None:
        super().__init__()
        goal_step = round(goal_s / dt_s)
        if not 1 <= goal_step <= steps:
            raise ContractError(f"the goal lies {goal_s:g} s ahead, beyond the {steps * dt_s:g} s of the plan")
        self.steps, self.dt_s, self.goal_step, self.headings, self.crop = steps, dt_s, goal_step, headings, crop
        self.ego_size, self.ahead_m, self.aside_m = ego_size, ahead_m, aside_m
        self.enter = nn.Conv2d(width, channels, 3, padding=1)
        self.down = nn.ModuleList(nn.Conv2d(channels, channels, 3, stride=2, padding=1) for _ in range(3))
        self.up = nn.ModuleList(nn.Conv2d(2 * channels, channels, 3, padding=1) for _ in range(3))
        self.words = nn.ModuleList(nn.Linear(width, channels) for _ in range(3))
        self.goal = nn.Conv2d(channels, 1, 1)
        self.key = nn.Conv2d(channels, channels, 1)
        self.query = nn.Conv2d(channels, channels, 1)

    def forward(self, context: HeadContext) -> AffordanceMaps:
        """Both maps.

        Raises:
            ContractError: Perception made no grid, or there is no language.
        """
        if context.bev_BDXY is None:
            raise ContractError("the affordance head reads a grid around the car: choose a BEV encoder in the recipe")
        features_BCXY = self._decoded(context.bev_BDXY, self._sentence(context))
        goal_BXY = self.goal(features_BCXY)[:, 0]
        return AffordanceMaps(
            goal_BXY=goal_BXY, heading_BRXY=self._correlated(features_BCXY), speed_B=ego_speed(context)
        )

    def loss(self, prediction: AffordanceMaps, target: PlanTarget) -> dict[str, Tensor]:
        """``goal`` cell and ``heading`` there by cross-entropy, in nats.

        A sample whose goal is not known, or lies outside, counts as 0.
        """
        pose_B3, known_B = target.waypoints_BT3[:, self.goal_step - 1], target.valid_BT[:, self.goal_step - 1]
        cells_B2, inside_B = self._cells(pose_B3[:, :2], prediction.goal_BXY.shape[1:])
        counted_B = known_B & inside_B
        flat_B = cells_B2[:, 0] * prediction.goal_BXY.shape[2] + cells_B2[:, 1]
        goal_B = F.cross_entropy(prediction.goal_BXY.flatten(1), flat_B, reduction="none")
        turn_B = (pose_B3[:, 2] / (2 * math.pi) * self.headings).round().long() % self.headings
        there_BR = prediction.heading_BRXY[torch.arange(len(pose_B3)), :, cells_B2[:, 0], cells_B2[:, 1]]
        heading_B = F.cross_entropy(there_BR, turn_B, reduction="none")
        return {
            "goal": goal_B.masked_fill(~counted_B, 0.0).mean(),
            "heading": heading_B.masked_fill(~counted_B, 0.0).mean(),
        }

    def decode(self, prediction: AffordanceMaps) -> PlanTensors:
        """The curve to the best cell, facing the best direction there."""
        batch, size_x, size_y = prediction.goal_BXY.shape
        best_B = prediction.goal_BXY.flatten(1).argmax(dim=-1)
        cell_x, cell_y = best_B // size_y, best_B % size_y
        there_BR = prediction.heading_BRXY[torch.arange(batch), :, cell_x, cell_y]
        yaw_B = there_BR.argmax(dim=-1) * (2 * math.pi / self.headings)
        yaw_B = torch.where(yaw_B > math.pi, yaw_B - 2 * math.pi, yaw_B)
        x_B = self.ahead_m[0] + (cell_x + 0.5) * (self.ahead_m[1] - self.ahead_m[0]) / size_x
        y_B = self.aside_m[0] + (cell_y + 0.5) * (self.aside_m[1] - self.aside_m[0]) / size_y
        goal_B3 = torch.stack([x_B, y_B, yaw_B], dim=-1)
        return PlanTensors(
            waypoints_BT3=goal_curve(
                goal_B3, prediction.speed_B, goal_s=self.goal_step * self.dt_s, steps=self.steps, dt_s=self.dt_s
            )
        )

    def _sentence(self, context: HeadContext) -> Tensor:
        """(B, D) the mean of the words."""
        if context.language_BLD is None or context.language_keep_BL is None:
            raise ContractError("the affordance head multiplies its maps by the sentence, and the context has none")
        keep_BL1 = context.language_keep_BL.to(context.language_BLD.dtype)[..., None]
        return (context.language_BLD * keep_BL1).sum(dim=1) / keep_BL1.sum(dim=1).clamp_min(1.0)

    def _decoded(self, bev_BDXY: Tensor, sentence_BD: Tensor) -> Tensor:
        stages = [F.relu(self.enter(bev_BDXY))]
        for down in self.down:
            stages.append(F.relu(down(stages[-1])))
        features = stages.pop()
        for words, up in zip(self.words, self.up, strict=True):
            features = features * words(sentence_BD)[..., None, None]
            skipped = stages.pop()
            larger = F.interpolate(features, size=skipped.shape[2:], mode="nearest")
            features = F.relu(up(torch.cat([larger, skipped], dim=1)))
        return features

    def _correlated(self, features_BCXY: Tensor) -> Tensor:
        """(B, R, X, Y) likeness of every place to the surroundings of the car turned by each heading."""
        keys_BCXY, queries_BCXY = self.key(features_BCXY), self.query(features_BCXY)
        batch, channels, size_x, size_y = keys_BCXY.shape
        kernels = self._turned_crops(queries_BCXY)  # (B, R, C, crop, crop)
        grouped = F.conv2d(
            keys_BCXY.reshape(1, batch * channels, size_x, size_y),
            kernels.flatten(0, 1),
            padding=self.crop // 2,
            groups=batch,
        )
        return grouped.reshape(batch, self.headings, size_x, size_y) / (channels**0.5 * self.crop)

    def _turned_crops(self, queries_BCXY: Tensor) -> Tensor:
        """(B, R, C, crop, crop) the square around the car, turned to each heading."""
        batch, size_x = queries_BCXY.shape[0], queries_BCXY.shape[2]
        span_x, span_y = self.ahead_m[1] - self.ahead_m[0], self.aside_m[1] - self.aside_m[0]
        half_m = (self.crop // 2) * span_x / size_x
        offset = torch.linspace(-half_m, half_m, self.crop, device=queries_BCXY.device)
        ahead, aside = torch.meshgrid(offset, offset, indexing="ij")
        yaw_R11 = torch.arange(self.headings, device=offset.device)[:, None, None] * (2 * math.pi / self.headings)
        x_m = yaw_R11.cos() * ahead + yaw_R11.sin() * aside
        y_m = yaw_R11.cos() * aside - yaw_R11.sin() * ahead
        # grid_sample wants (last axis, first axis) in -1..1 over the whole picture.
        grid = torch.stack([2 * (y_m - self.aside_m[0]) / span_y - 1, 2 * (x_m - self.ahead_m[0]) / span_x - 1], dim=-1)
        flat = grid.reshape(1, self.headings * self.crop, self.crop, 2).expand(batch, -1, -1, -1)
        crops = F.grid_sample(queries_BCXY, flat.to(queries_BCXY.dtype), align_corners=False)
        return crops.unflatten(2, (self.headings, self.crop)).transpose(1, 2)

    def _cells(self, xy_B2: Tensor, shape: torch.Size) -> tuple[Tensor, Tensor]:
        """(B, 2) cell of each point, brought to the nearest one of the grid, and (B,) whether it was inside."""
        low = xy_B2.new_tensor([self.ahead_m[0], self.aside_m[0]])
        high = xy_B2.new_tensor([self.ahead_m[1], self.aside_m[1]])
        size = xy_B2.new_tensor([shape[0], shape[1]])
        cells = ((xy_B2 - low) / (high - low) * size).floor()
        inside_B = ((cells >= 0) & (cells < size)).all(dim=-1)
        return torch.minimum(cells.clamp_min(0), size - 1).long(), inside_B


def goal_curve(goal_B3: Tensor, speed_B: Tensor, *, goal_s: float, steps: int, dt_s: float) -> Tensor:
    """(B, T, 3) a cubic Hermite curve from the car to a pose, and straight on behind it.

    It begins with the present speed and ends with the mean speed that the distance asks for.
    """
    distance_B = goal_B3[:, :2].norm(dim=-1)
    leave_B2 = torch.stack([speed_B * goal_s, torch.zeros_like(speed_B)], dim=-1)
    facing_B2 = torch.stack([goal_B3[:, 2].cos(), goal_B3[:, 2].sin()], dim=-1)
    arrive_B2 = distance_B[:, None] * facing_B2
    time_T = torch.arange(1, steps + 1, device=goal_B3.device, dtype=goal_B3.dtype) * (dt_s / goal_s)
    u_T1 = time_T.clamp_max(1.0)[:, None]
    xy_BT2 = (
        (u_T1**3 - 2 * u_T1**2 + u_T1) * leave_B2[:, None]
        + (3 * u_T1**2 - 2 * u_T1**3) * goal_B3[:, None, :2]
        + (u_T1**3 - u_T1**2) * arrive_B2[:, None]
    )
    xy_BT2 = xy_BT2 + (time_T - 1.0).clamp_min(0.0)[:, None] * arrive_B2[:, None]
    slope_BT2 = (
        (3 * u_T1**2 - 4 * u_T1 + 1) * leave_B2[:, None]
        + 6 * (u_T1 - u_T1**2) * goal_B3[:, None, :2]
        + (3 * u_T1**2 - 2 * u_T1) * arrive_B2[:, None]
    )
    yaw_BT = torch.atan2(slope_BT2[..., 1], slope_BT2[..., 0])
    resting_BT = slope_BT2.norm(dim=-1) < 1e-3
    yaw_BT = torch.where(resting_BT, goal_B3[:, 2:].expand_as(yaw_BT), yaw_BT)
    return torch.cat([xy_BT2, yaw_BT[..., None]], dim=-1)
