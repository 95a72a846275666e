"""The PDM score of version 1.1 and the extended one of version 2 (one stage), from simulated states.

Source: autonomousvision/navsim v1.1 (3e8291b) and main (0a380a9) ``pdm_scorer.py``, ``pdm_score.py``,
``run_pdm_score_one_stage.py``.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from drivevla.evaluation.open_loop.navsim.areas import (
    EgoAreas,
    direction_compliance,
    ego_areas,
    inside_layer,
    keeps_lane,
    obeys_lights,
    progress_m,
)
from drivevla.evaluation.open_loop.navsim.collisions import no_fault_collisions, time_to_collision
from drivevla.evaluation.open_loop.navsim.comfort import comfort_flags
from drivevla.evaluation.open_loop.navsim.scene import NavsimScene
from drivevla.evaluation.open_loop.navsim.state import S, ego_centers

__all__ = ["FILTERED", "human_filtered", "pdm_score", "score_version_1", "score_version_2", "seen_history"]

Values = Mapping[str, NDArray[np.float64]]

_LEAST_PROGRESS_M = 5.0
_MULTIPLIED = {
    "1.1": ("no_at_fault_collisions", "drivable_area_compliance"),
    "2": (
        "no_at_fault_collisions",
        "drivable_area_compliance",
        "driving_direction_compliance",
        "traffic_light_compliance",
    ),
}
_WEIGHTED = {
    "1.1": {"ego_progress": 5.0, "time_to_collision_within_bound": 5.0, "comfort": 2.0},
    "2": {
        "ego_progress": 5.0,
        "time_to_collision_within_bound": 5.0,
        "lane_keeping": 2.0,
        "history_comfort": 2.0,
        "extended_comfort": 2.0,
    },
}

FILTERED = (*_MULTIPLIED["2"], "ego_progress", "time_to_collision_within_bound", "lane_keeping", "history_comfort")
"""The sub-scores of version 2 that the human's failure excuses."""


def score_version_1(states: NDArray[np.float64], scene: NavsimScene) -> Values:
    """Version 1.1's sub-scores of proposals that are scored together.

    Args:
        states: (P, 41, 11) simulated; the reference is one of them, since progress is relative to the best.
        scene: With 51 steps of traffic.

    Returns:
        (P,) arrays; ``driving_direction_compliance`` is told and not weighted.
    """
    areas = ego_areas(states, scene)
    values = {
        "no_at_fault_collisions": no_fault_collisions(states, areas, scene).score,
        "drivable_area_compliance": _drivable(areas),
        "driving_direction_compliance": direction_compliance(states, areas.oncoming),
        "time_to_collision_within_bound": time_to_collision(states, areas, scene, "1.1").score,
        "comfort": comfort_flags(states, "1.1").all(axis=-1).astype(np.float64),
    }
    product = _product(values, "1.1")
    reached = progress_m(states, scene) * product
    most = reached.max()
    relative = reached / most if most > _LEAST_PROGRESS_M else (product > 0).astype(np.float64)
    return {**values, "ego_progress": relative}


def score_version_2(
    states: NDArray[np.float64], scene: NavsimScene, *, history: NDArray[np.float64] | None = None
) -> Values:
    """Version 2's sub-scores of proposals that are scored together; extended comfort is not among them.

    Args:
        states: (P, 41, 11) simulated.
        scene: With 41 steps of traffic, without what touches the ego now.
        history: (H, 11) states before the present (``seen_history``); comfort counts as kept without it, as the
            official code has it for the human.
    """
    areas = ego_areas(states, scene)
    crossing = inside_layer(ego_centers(states), scene, "INTERSECTION")
    values = {
        "no_at_fault_collisions": no_fault_collisions(states, areas, scene).score,
        "drivable_area_compliance": _drivable(areas),
        "driving_direction_compliance": direction_compliance(states, areas.oncoming & ~crossing),
        "traffic_light_compliance": obeys_lights(states, scene),
        "time_to_collision_within_bound": time_to_collision(states, areas, scene, "2").score,
        "lane_keeping": keeps_lane(states, scene),
        "history_comfort": np.ones(len(states)),
    }
    if history is not None:
        padded = np.concatenate([np.broadcast_to(history, (len(states), *history.shape)), states], axis=1)
        values["history_comfort"] = comfort_flags(padded, "2").all(axis=-1).astype(np.float64)
    reached = progress_m(states, scene)
    most = (reached * _product(values, "2")).max()
    relative = np.clip(reached / most, 0.0, 1.0) if most > _LEAST_PROGRESS_M else np.ones(len(states))
    return {**values, "ego_progress": relative}


def seen_history(past: NDArray[np.float64]) -> NDArray[np.float64]:
    """What version 2 puts before the simulated states.

    Of the 1.5 s of log the 14 samples from -1.5 s to -0.2 s are taken, as if they were followed by the present at once.
    Interpolation drops yaw rate, yaw acceleration and steering rate. All as in the official code.

    Args:
        past: (4, 11) states at -1.5, -1, -0.5 and 0 s.

    Returns:
        (14, 11).
    """
    times_s, wanted_s = np.array([-1.5, -1.0, -0.5, 0.0]), -1.5 + 0.1 * np.arange(14)
    smooth = past.copy()
    smooth[:, S.YAW] = np.unwrap(past[:, S.YAW])
    history = np.stack([np.interp(wanted_s, times_s, column) for column in smooth.T], axis=-1)
    history[:, [S.STEERING_RATE, S.YAW_RATE, S.YAW_ACCELERATION]] = 0.0
    return history


def human_filtered(values: Values, human: Values) -> Values:
    """Version 2's sub-scores with 1 wherever the human's own is 0 (0.5 excuses nothing)."""
    return {name: np.where((human[name] == 0) & (name in FILTERED), 1.0, values[name]) for name in values}


def pdm_score(values: Values, version: str) -> NDArray[np.float64]:
    """The score from sub-scores; a weighted one that is absent, or NaN for a proposal, is left out with its weight."""
    product = _product(values, version)
    total, weights = np.zeros_like(product), np.zeros_like(product)
    for name, weight in _WEIGHTED[version].items():
        if name in values:
            known = ~np.isnan(values[name])
            total += weight * np.where(known, values[name], 0.0)
            weights += weight * known
    return product * total / weights


def _product(values: Values, version: str) -> NDArray[np.float64]:
    return np.prod([values[name] for name in _MULTIPLIED[version]], axis=0)


def _drivable(areas: EgoAreas) -> NDArray[np.float64]:
    return 1.0 - areas.non_drivable.any(axis=1).astype(np.float64)
