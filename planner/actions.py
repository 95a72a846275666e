"""What a plan is made of: the spaces in which heads predict, each a pair of exact opposite ways.

A head that works with actions (flow, diffusion, tokens) does not know which they are: increments of the pose, or the
acceleration and curvature of a unicycle.

B batch, T future steps, A numbers an action has.
"""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor, nn

from drivevla.errors import ContractError

__all__ = ["ActionSpace", "PoseSteps", "UnicycleActions", "wrap_angle"]


def wrap_angle(angle_rad: Tensor) -> Tensor:
    """The same angle between -pi and pi, with the gradient of the angle itself."""
    return angle_rad - (2 * torch.pi) * torch.round(angle_rad / (2 * torch.pi)).detach()


class ActionSpace(Protocol):
    """Plans to actions and back.

    Attributes:
        size: Numbers an action has.
        low: Of the usual range of each number: what maps to -1.
        high: What maps to 1.
    """

    size: int
    low: Tensor
    high: Tensor

    def encode(self, waypoints_BT3: Tensor, speed_B: Tensor) -> Tensor:
        """(B, T, A) actions that drive the waypoints, from the speed now."""
        ...

    def decode(self, actions_BTA: Tensor, speed_B: Tensor) -> Tensor:
        """(B, T, 3) x, y, yaw that the actions lead to, from the speed now."""
        ...


class PoseSteps(nn.Module):
    """The move from each waypoint to the next in the frame of the former: ahead, to the left, turn.

    It needs no speed and loses nothing. AutoVLA's codebook holds the same three numbers (arXiv 2506.13757).

    Args:
        dt_s: Time between waypoints; sets the usual range.
    """

    size = 3
    low: Tensor
    high: Tensor

    def __init__(self, *, dt_s: float = 0.25) -> None:
        super().__init__()
        limits_per_s = torch.tensor([20.0, 2.0, 1.0])  # m, m, rad in a second: a city's driving
        self.register_buffer("low", -limits_per_s * dt_s)
        self.register_buffer("high", limits_per_s * dt_s)

    def encode(self, waypoints_BT3: Tensor, speed_B: Tensor) -> Tensor:
        """(B, T, 3) moves in metres, metres and radians."""
        before_BT3 = torch.cat([torch.zeros_like(waypoints_BT3[:, :1]), waypoints_BT3[:, :-1]], dim=1)
        delta_BT2 = waypoints_BT3[..., :2] - before_BT3[..., :2]
        cos, sin = before_BT3[..., 2].cos(), before_BT3[..., 2].sin()
        ahead = cos * delta_BT2[..., 0] + sin * delta_BT2[..., 1]
        left = cos * delta_BT2[..., 1] - sin * delta_BT2[..., 0]
        turn = wrap_angle(waypoints_BT3[..., 2] - before_BT3[..., 2])
        return torch.stack([ahead, left, turn], dim=-1)

    def decode(self, actions_BTA: Tensor, speed_B: Tensor) -> Tensor:
        """(B, T, 3) x, y, yaw."""
        ahead, left, turn = actions_BTA.unbind(-1)
        yaw = turn.cumsum(dim=1)
        before = yaw - turn
        x = (before.cos() * ahead - before.sin() * left).cumsum(dim=1)
        y = (before.sin() * ahead + before.cos() * left).cumsum(dim=1)
        return torch.stack([x, y, wrap_angle(yaw)], dim=-1)


class UnicycleActions(nn.Module):
    """Acceleration and curvature, held over each step, of a unicycle that starts at the present speed.

    Plans become actions by regularised least squares, so that noise in a log does not turn into pedals that swing, and
    actions become plans by integration: the construction and the bounds of Alpamayo-R1 (arXiv 2511.00088).

    Args:
        steps: Waypoints in a plan.
        dt_s: Time between them.
        acceleration_mps2: Bound of the acceleration.
        curvature_per_m: Bound of the curvature.
        smoothness: Weight of the changes of acceleration and curvature against the fit.
    """

    size = 2
    low: Tensor
    high: Tensor
    distance_TT: Tensor
    solve_TT: Tensor
    rough_TT: Tensor

    def __init__(
        self,
        *,
        steps: int = 16,
        dt_s: float = 0.25,
        acceleration_mps2: float = 9.8,
        curvature_per_m: float = 0.2,
        smoothness: float = 1e-3,
    ) -> None:
        super().__init__()
        self.dt_s = dt_s
        limits = torch.tensor([acceleration_mps2, curvature_per_m])
        self.register_buffer("low", -limits)
        self.register_buffer("high", limits)
        # Speed after step t is v0 + dt (a_0 + ... + a_t); a step's length is its mean speed times dt.
        lower = torch.tril(torch.ones(steps, steps, dtype=torch.float64), diagonal=-1)
        distance = dt_s**2 * (lower + 0.5 * torch.eye(steps, dtype=torch.float64))
        change = torch.diff(torch.eye(steps, dtype=torch.float64), dim=0)
        rough = smoothness * change.T @ change
        # The fit of the acceleration is weighed in metres as if a step took a second: the same trade at every rate.
        unit = distance / dt_s**2
        solve = torch.linalg.solve(unit.T @ unit + rough, unit.T) / dt_s**2
        self.register_buffer("distance_TT", distance.float(), persistent=False)
        self.register_buffer("solve_TT", solve.float(), persistent=False)
        self.register_buffer("rough_TT", rough.float(), persistent=False)

    def encode(self, waypoints_BT3: Tensor, speed_B: Tensor) -> Tensor:
        """(B, T, 2) acceleration in m/s2 and curvature in 1/m, within the bounds.

        Raises:
            ContractError: The plan has another number of waypoints.
        """
        steps = len(self.solve_TT)
        if waypoints_BT3.shape[1] != steps:
            raise ContractError(f"these actions are made for {steps} waypoints, got {waypoints_BT3.shape[1]}")
        before_BT3 = torch.cat([torch.zeros_like(waypoints_BT3[:, :1]), waypoints_BT3[:, :-1]], dim=1)
        turn_BT = wrap_angle(waypoints_BT3[..., 2] - before_BT3[..., 2])
        middle_BT = before_BT3[..., 2] + turn_BT / 2
        delta_BT2 = waypoints_BT3[..., :2] - before_BT3[..., :2]
        chord_BT = delta_BT2[..., 0] * middle_BT.cos() + delta_BT2[..., 1] * middle_BT.sin()
        length_BT = chord_BT / torch.sinc(turn_BT / (2 * torch.pi))
        acceleration_BT = (length_BT - speed_B[:, None] * self.dt_s) @ self.solve_TT.T
        curvature_BT = self._curvature(length_BT, turn_BT)
        actions_BT2 = torch.stack([acceleration_BT, curvature_BT], dim=-1)
        return actions_BT2.clamp(self.low, self.high)

    def decode(self, actions_BTA: Tensor, speed_B: Tensor) -> Tensor:
        """(B, T, 3) x, y, yaw."""
        acceleration_BT, curvature_BT = actions_BTA.unbind(-1)
        length_BT = speed_B[:, None] * self.dt_s + acceleration_BT @ self.distance_TT.T
        turn_BT = curvature_BT * length_BT
        yaw_BT = turn_BT.cumsum(dim=1)
        middle_BT = yaw_BT - turn_BT / 2
        chord_BT = length_BT * torch.sinc(turn_BT / (2 * torch.pi))
        x_BT = (chord_BT * middle_BT.cos()).cumsum(dim=1)
        y_BT = (chord_BT * middle_BT.sin()).cumsum(dim=1)
        return torch.stack([x_BT, y_BT, wrap_angle(yaw_BT)], dim=-1)

    def _curvature(self, length_BT: Tensor, turn_BT: Tensor) -> Tensor:
        """(B, T) curvature; where the car hardly moves it follows from the steps beside it."""
        weight_BTT = torch.diag_embed(length_BT**2 + 1e-6) + self.rough_TT
        return torch.linalg.solve(weight_BTT, (length_BT * turn_BT)[..., None])[..., 0]
