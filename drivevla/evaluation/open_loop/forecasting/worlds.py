"""Argoverse 2's worlds: mode k of every agent of a scenario belongs to the same future.

Source of the values in a world: argoverse/av2-api b7321d1, ``motion_forecasting/eval/metrics.py``. That the best world
is the one with the lowest mean final distance, and that agents of that world are counted, follows the text of the
Argoverse 2 multi-agent leaderboard; its code is not public.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from drivevla.errors import DataError
from drivevla.evaluation.open_loop.metric import Scores

__all__ = ["Worlds", "score_worlds", "world_scores"]

_MISS_M = 2.0
_COLLISION_M = 1.0


@dataclass(frozen=True, slots=True)
class Worlds:
    """K worlds of one scenario with A agents.

    Attributes:
        ade_m: (K,) mean over agents.
        fde_m: (K,) mean over agents.
        brier_fde_m: (K,) the same with (1 - p)^2 added.
        missed: (A, K) whether the agent ends more than 2 m off.
        collided: (A, K) whether the forecast comes nearer than 1 m to another agent's at the same step.
    """

    ade_m: NDArray[np.float64]
    fde_m: NDArray[np.float64]
    brier_fde_m: NDArray[np.float64]
    missed: NDArray[np.bool_]
    collided: NDArray[np.bool_]


def score_worlds(
    forecasts_m: NDArray[np.float64], errors_m: NDArray[np.float64], probabilities: NDArray[np.float64]
) -> Worlds:
    """Judge every world of one scenario.

    Args:
        forecasts_m: (A, K, T, 2) in one frame.
        errors_m: (A, K, T) distances from the future.
        probabilities: (K,) of the worlds.
    """
    final = errors_m[..., -1]
    apart = np.linalg.norm(forecasts_m[:, None] - forecasts_m[None], axis=-1).min(axis=-1)
    apart[np.arange(len(apart)), np.arange(len(apart))] = np.inf
    fde = final.mean(axis=0)
    return Worlds(
        ade_m=errors_m.mean(axis=(0, 2)),
        fde_m=fde,
        brier_fde_m=fde + (1.0 - probabilities) ** 2,
        missed=final > _MISS_M,
        collided=apart.min(axis=0) < _COLLISION_M,
    )


def world_scores(
    scenario: NDArray[np.str_],
    forecasts_m: NDArray[np.float64],
    errors_m: NDArray[np.float64],
    probabilities: NDArray[np.float64],
) -> Scores:
    """Means over scenarios of the values of their best world, and shares over all agents.

    Args:
        scenario: (N,) name of the scenario that an agent belongs to.
        forecasts_m: (N, K, T, 2).
        errors_m: (N, K, T).
        probabilities: (N, K), the same for all agents of a scenario.

    Raises:
        DataError: They are not the same.
    """
    names = np.unique(scenario)
    best_of: dict[str, list[float]] = {"ADE": [], "FDE": [], "brier-FDE": []}
    missed, collided = [], []
    for name in names:
        rows = np.flatnonzero(scenario == name)
        shares = probabilities[rows]
        if np.abs(shares - shares[0]).max() > 1e-6:
            raise DataError(
                f"the agents of scenario {str(name)!r} give their modes different probabilities; mode k of all of them "
                "must be the same world, or leave scenario out of the truth"
            )
        worlds = score_worlds(forecasts_m[rows], errors_m[rows], shares[0])
        best = int(worlds.fde_m.argmin())
        best_of["ADE"].append(float(worlds.ade_m[best]))
        best_of["FDE"].append(float(worlds.fde_m[best]))
        best_of["brier-FDE"].append(float(worlds.brier_fde_m[best]))
        missed.append(worlds.missed[:, best])
        collided.append(worlds.collided[:, best])
    return Scores(
        values={
            **{f"best_world_{name}_m": float(np.mean(values)) for name, values in best_of.items()},
            "best_world_actor_MR": float(np.concatenate(missed).mean()),
            "best_world_actor_collision_rate": float(np.concatenate(collided).mean()),
        },
        counts={"scenarios": len(names)},
    )
