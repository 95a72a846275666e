"""The protocols ``navsim-v1.1`` and ``navsim-v2`` over truth files.

Version 2 is its first stage with log replay, as in ``run_pdm_score_one_stage.py``. The second stage of navhard, with
reactive traffic and follow-up scenes, is not here.
"""

import numpy as np
import shapely
from numpy.typing import NDArray

from drivevla.errors import ContractError, DataError
from drivevla.evaluation.open_loop.averages import mean_scores
from drivevla.evaluation.open_loop.metric import Definition, Samples, Scores
from drivevla.evaluation.open_loop.navsim.comfort import agrees_with_previous
from drivevla.evaluation.open_loop.navsim.reference import reference_poses
from drivevla.evaluation.open_loop.navsim.scene import NavsimScene, without_overlap
from drivevla.evaluation.open_loop.navsim.score import (
    human_filtered,
    pdm_score,
    score_version_1,
    score_version_2,
    seen_history,
)
from drivevla.evaluation.open_loop.navsim.simulation import simulate
from drivevla.evaluation.open_loop.navsim.state import STATES, STEP_S, S
from drivevla.evaluation.open_loop.text.answers import texts_of
from drivevla.evaluation.open_loop.truth import OpenLoopTruth
from drivevla.geometry.nuplan import NAVSIM_TIMES_S, global_from_local

__all__ = ["NavsimV1", "NavsimV2", "scene_of_truth"]

_SCENE_DETAILS = (
    "ego_state",
    "reference",
    "map_polygons",
    "map_kind",
    "map_on_route",
    "centerline",
    "traffic",
    "traffic_size",
    "traffic_exists",
    "traffic_kind",
    "traffic_speed_mps",
)
_AT_ONCE = 256  # scenes simulated together; bounds memory to some 200 MB
_WITH_PRESENT_S = np.concatenate([[0.0], NAVSIM_TIMES_S])

Columns = dict[str, NDArray[np.float64]]


class NavsimV1:
    """PDMS of the likeliest plan, mean over scenes."""

    definition = Definition(
        name="navsim-v1.1",
        version="1",
        summary="PDM score: NC x DAC x (5 EP + 5 TTC + 2 C) / 12 of the simulated plan; mean over scenes",
        source="autonomousvision/navsim v1.1 3e8291b; nuplan-devkit v1.2 ce3c323",
        horizon_s=4.0,
        details=_SCENE_DETAILS,
    )

    def score(self, samples: Samples) -> Scores:
        """PDMS and its sub-scores, each the mean over all scenes.

        Raises:
            DataError: The truth lacks something, or holds less than 5 s of traffic.
        """
        states = _simulated(samples, self.definition.name)
        rows = []
        for index in range(len(samples)):
            scene = scene_of_truth(samples.truth, index, steps=51, needed_by=self.definition.name)
            rows.append({name: column[1] for name, column in score_version_1(states[index], scene).items()})
        columns = _columns(rows)
        return mean_scores({"PDMS": pdm_score(columns, "1.1"), **columns})


class NavsimV2:
    """EPDMS of the likeliest plan in one stage, with the human filter, mean over scenes."""

    definition = Definition(
        name="navsim-v2",
        version="1",
        summary="EPDMS, one stage, log replay, human filter: NC x DAC x DDC x TLC x weighted mean; mean over scenes",
        source="autonomousvision/navsim main 0a380a9; nuplan-devkit v1.2 ce3c323",
        horizon_s=4.0,
        details=(*_SCENE_DETAILS, "red_lights", "red_steps", "past", "human", "previous_token"),
    )

    def score(self, samples: Samples) -> Scores:
        """EPDMS and its sub-scores after the human filter.

        Extended comfort compares with the plan for the scene half a second before, ``previous_token``; where that is ""
        or not among the samples, it is left out of the scene's score together with its weight, as officially.

        Raises:
            DataError: The truth lacks something.
        """
        name, truth = self.definition.name, samples.truth
        states = _simulated(samples, name, with_human=True)
        past = truth.detail("past", (4, len(S)), needed_by=name)
        rows = []
        for index in range(len(samples)):
            start = states[index, 0, 0]
            scene = without_overlap(scene_of_truth(truth, index, steps=STATES, needed_by=name), start)
            values = score_version_2(states[index, :2], scene, history=seen_history(past[index]))
            human = score_version_2(states[index, 2:], scene)
            filtered = human_filtered({part: column[1:] for part, column in values.items()}, human)
            rows.append({part: column[0] for part, column in filtered.items()})
        columns = _columns(rows)
        agrees = _agreements(samples, states[:, 1])
        known = ~np.isnan(agrees)
        scores = mean_scores(
            {"EPDMS": pdm_score({**columns, "extended_comfort": agrees}, "2"), **columns},
            counts={"with_previous": int(known.sum())},
        )
        if not known.any():
            return scores
        return Scores(
            values={**scores.values, "extended_comfort": float(agrees[known].mean())},
            per_sample={**scores.per_sample, "extended_comfort": agrees},
            counts=scores.counts,
        )


def scene_of_truth(truth: OpenLoopTruth, index: int, *, steps: int, needed_by: str) -> NavsimScene:
    """One sample's scene.

    Raises:
        DataError: The truth lacks something, holds less than ``steps`` of traffic, or names an unknown map layer.
    """

    def one(name: str, shape: tuple[int | str, ...]) -> NDArray[np.float64]:
        array: NDArray[np.float64] = truth.detail(name, shape, needed_by=needed_by)[index]
        return array

    traffic = one("traffic", ("A", "T", 3))
    if traffic.shape[1] < steps:
        raise DataError(
            f"{needed_by} needs {steps} steps of traffic, 0.1 s apart, and 'traffic' has {traffic.shape[1]}"
        )
    kinds, layers = one("traffic_kind", ("A",)).astype(np.str_), one("map_kind", ("M",)).astype(np.str_)
    known, mapped = kinds != "", layers != ""
    red = np.zeros((0, 3, 2)), np.zeros((0, STATES), dtype=np.bool_)
    if "red_lights" in truth.details:
        red = one("red_lights", ("L", "P", 2)), one("red_steps", ("L", STATES)).astype(np.bool_)
    try:
        return NavsimScene(
            map_polygons=shapely.polygons(one("map_polygons", ("M", "P", 2))[mapped]),
            map_kinds=layers[mapped],
            on_route=one("map_on_route", ("M",)).astype(np.bool_)[mapped],
            centerline_m=one("centerline", ("C", 2)),
            red_lights=shapely.polygons(red[0][red[1].any(axis=1)]),
            red_steps=red[1][red[1].any(axis=1)],
            object_poses=traffic[known],
            object_sizes_m=one("traffic_size", ("A", 2))[known],
            object_exists=one("traffic_exists", ("A", "T")).astype(np.bool_)[known],
            object_kinds=kinds[known],
            object_speeds_mps=one("traffic_speed_mps", ("A",))[known],
        )
    except ContractError as error:
        raise DataError(f"{truth.tokens[index]!r}: {error}") from error


def _simulated(samples: Samples, name: str, *, with_human: bool = False) -> NDArray[np.float64]:
    """(N, 2 or 3, 41, 11): reference, plan and, where asked for, human."""
    truth = samples.truth
    start = truth.detail("ego_state", (len(S),), needed_by=name)
    present = start[:, None, :3]
    reference = truth.detail("reference", (STATES - 1, 3), needed_by=name)
    plans = [samples.predictions.chosen_poses_at(NAVSIM_TIMES_S)]
    if with_human:
        plans.append(truth.detail("human", (len(NAVSIM_TIMES_S), 3), needed_by=name))
    every = [reference_poses(np.arange(STATES) * STEP_S, np.concatenate([present, reference], axis=1))]
    for plan in plans:
        placed = np.concatenate([present, global_from_local(start[:, :3], plan)], axis=1)
        every.append(reference_poses(_WITH_PRESENT_S, placed))
    references = np.stack(every, axis=1).reshape(-1, STATES, 3)
    starts = np.repeat(start, len(every), axis=0)
    parts = range(0, len(starts), _AT_ONCE)
    states = [simulate(references[first : first + _AT_ONCE], starts[first : first + _AT_ONCE]) for first in parts]
    return np.concatenate(states).reshape(len(samples), len(every), STATES, len(S))


def _agreements(samples: Samples, states: NDArray[np.float64]) -> NDArray[np.float64]:
    row = {token: index for index, token in enumerate(samples.truth.tokens)}
    before = texts_of(samples, "previous_token", needed_by=NavsimV2.definition.name)
    now = np.array([index for index, token in enumerate(before) if token in row], dtype=np.intp)
    agrees = np.full(len(states), np.nan)
    if len(now):
        agrees[now] = agrees_with_previous(states[now], states[[row[before[index]] for index in now]])
    return agrees


def _columns(rows: list[dict[str, np.float64]]) -> Columns:
    return {name: np.array([row[name] for row in rows], dtype=np.float64) for name in rows[0]}
