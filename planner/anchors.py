"""Sets of usual trajectories: what scored heads choose from and diffusion begins at.

K trajectories, N plans of the data, T future steps.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from scipy.cluster.vq import kmeans2
from torch import Tensor

from drivevla.errors import ContractError

__all__ = ["cluster_trajectories", "fan_of_trajectories"]

_FASTEST_MPS = 16.0
_LATERAL_MPS2 = 3.0
_BEND_PER_M = 0.12


def fan_of_trajectories(count: int, *, steps: int, dt_s: float) -> Tensor:
    """(K, T, 3) arcs at constant speed and curvature: standing still first, then speeds times bends.

    What there is before data is known. No arc asks for more than 3 m/s2 to the side.

    Raises:
        ContractError: Fewer than two are asked for.
    """
    if count < 2:
        raise ContractError(f"a fan needs at least two trajectories, got {count}")
    bends = max(1, 2 * math.floor(math.sqrt(count - 1) / 2) + 1)
    speeds = math.ceil((count - 1) / bends)
    speed_K1 = torch.linspace(_FASTEST_MPS / speeds, _FASTEST_MPS, speeds).repeat_interleave(bends)[:, None]
    share_K1 = torch.linspace(-1.0, 1.0, bends).repeat(speeds)[:, None] if bends > 1 else torch.zeros(speeds, 1)
    bend_K1 = share_K1 * (_LATERAL_MPS2 / speed_K1**2).clamp_max(_BEND_PER_M)
    length_KT = speed_K1 * dt_s * torch.arange(1, steps + 1)
    turn_KT = bend_K1 * length_KT
    chord_KT = length_KT * torch.sinc(turn_KT / (2 * torch.pi))
    arcs_KT3 = torch.stack([chord_KT * (turn_KT / 2).cos(), chord_KT * (turn_KT / 2).sin(), turn_KT], dim=-1)
    return torch.cat([torch.zeros(1, steps, 3), arcs_KT3])[:count]


def cluster_trajectories(waypoints_NT3: Tensor, count: int, *, seed: int) -> Tensor:
    """(K, T, 3) the data's usual trajectories: k-means over x and y, each centre replaced by the plan nearest to it.

    A mean of two turns is a trajectory nobody drives; the nearest plan is one that somebody did.

    Raises:
        ContractError: There are fewer different plans than trajectories asked for.
    """
    points = waypoints_NT3[..., :2].flatten(1).double().cpu().numpy()
    different = len(np.unique(points, axis=0))
    if different < count:
        raise ContractError(f"{count} trajectories need at least as many different plans, got {different}")
    centres, _ = kmeans2(points, count, minit="++", seed=np.random.default_rng(seed), missing="warn")
    taken: list[int] = []
    for centre in centres:
        order = np.argsort(((points - centre) ** 2).sum(axis=1), kind="stable")
        taken.append(next(int(index) for index in order if int(index) not in taken))
    return waypoints_NT3[sorted(taken)].clone()
