"""Every stored case of NAVSIM's PDM score: version 1.1, and version 2 in one stage with log replay."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from numpy.typing import NDArray

from drivevla.evaluation.open_loop.navsim.areas import ego_areas
from drivevla.evaluation.open_loop.navsim.comfort import agrees_with_previous, comfort_flags
from drivevla.evaluation.open_loop.navsim.reference import reference_poses
from drivevla.evaluation.open_loop.navsim.scene import NavsimScene, without_overlap
from drivevla.evaluation.open_loop.navsim.score import (
    FILTERED,
    human_filtered,
    pdm_score,
    score_version_1,
    score_version_2,
    seen_history,
)
from drivevla.evaluation.open_loop.navsim.simulation import simulate
from drivevla.geometry.nuplan import global_from_local

STATE = 1e-4
PROGRESS = 1e-6
LOG_TIME_S = 5.0
PLAN_S, REFERENCE_S = np.arange(9) * 0.5, np.arange(41) * 0.1

pytestmark = pytest.mark.real_data


def test_official_version_1(expected_v1_file: Path, case_file: Path) -> None:
    expected, case = json.loads(expected_v1_file.read_text()), arrays_of(case_file)
    states = simulated(case)
    values = score_version_1(states, scene_of(case))

    np.testing.assert_allclose(states[0], expected["simulated_ref_states"], rtol=0, atol=STATE)
    np.testing.assert_allclose(states[1], expected["simulated_states"], rtol=0, atol=STATE)
    areas = ego_areas(states, scene_of(case))
    ours = np.stack([areas.multiple_lanes[1], areas.non_drivable[1], areas.oncoming[1]], axis=-1)
    assert ours.astype(int).tolist() == expected["ego_areas"]
    assert comfort_flags(states, "1.1")[1].astype(int).tolist() == expected["comfort_flags_pred"]
    assert_values(values, expected)
    assert pdm_score(values, "1.1")[1] == pytest.approx(expected["score"], abs=PROGRESS)


def test_official_version_2(expected_v2_file: Path, case_file: Path) -> None:
    expected, case = json.loads(expected_v2_file.read_text()), arrays_of(case_file)
    states, scene = simulated(case), without_overlap(scene_of(case), case["ego"])
    history = seen_history(case["past"])
    assert len(history) == expected["history_samples_used"]
    before = driven(case["prev_ego"], case["prev_pred"])
    np.testing.assert_allclose(states[1], expected["simulated_states"], rtol=0, atol=STATE)
    np.testing.assert_allclose(before[0], expected["prev_simulated_states"], rtol=0, atol=STATE)

    values = score_version_2(states, scene, history=history)
    human = score_version_2(driven(case["ego"], case["human"]), scene)
    assert_values(human, {name: expected["human_scores"][name] for name in FILTERED}, row=0)
    agrees = agrees_with_previous(states[1:], before).astype(np.float64)
    filtered = human_filtered({name: column[1:] for name, column in values.items()}, human)
    for row, ours in (("no_filter", {name: column[1:] for name, column in values.items()}), ("human_filter", filtered)):
        official = expected[row]
        assert_values(ours, official, row=0)
        assert agrees[0] == official["two_frame_extended_comfort"]
        alone, both = pdm_score(ours, "2")[0], pdm_score({**ours, "extended_comfort": agrees}, "2")[0]
        assert alone == pytest.approx(official["score_epdms_without_previous_frame"], abs=PROGRESS)
        assert both == pytest.approx(official["score_epdms"], abs=PROGRESS)


def assert_values(values: Any, expected: dict[str, Any], *, row: int = 1) -> None:
    for name, column in values.items():
        tolerance = PROGRESS if name == "ego_progress" else 0.0
        assert column[row] == pytest.approx(expected[name], rel=0.0, abs=tolerance), name


def simulated(case: dict[str, NDArray[Any]]) -> NDArray[np.float64]:
    """The reference's states and the plan's."""
    ego = case["ego"]
    reference = reference_poses(REFERENCE_S, np.concatenate([ego[None, :3], case["pdm_ref"]]), log_time_s=LOG_TIME_S)
    return np.concatenate([simulate(reference[None], ego[None]), driven(ego, case["pred"])])


def driven(ego: NDArray[np.float64], plan: NDArray[np.float64]) -> NDArray[np.float64]:
    poses = np.concatenate([ego[None, :3], global_from_local(ego[:3], plan)])
    return simulate(reference_poses(PLAN_S, poses, log_time_s=LOG_TIME_S)[None], ego[None])


def scene_of(case: dict[str, NDArray[Any]]) -> NavsimScene:
    ends = np.cumsum(case["poly_len"])
    polygons = [
        shapely.Polygon(case["poly_xy"][end - length : end]) for length, end in zip(case["poly_len"], ends, strict=True)
    ]
    states, exists = case["agent_state"], case["agent_exists"]
    first = states[np.arange(len(states)), exists.argmax(axis=1)]
    return NavsimScene(
        map_polygons=np.array(polygons, dtype=np.object_),
        map_kinds=case["poly_type"],
        on_route=np.isin(case["poly_token"], case["route_lane_ids"]),
        centerline_m=case["centerline"][:, :2],
        red_lights=np.array([shapely.Polygon(case["red_light"])], dtype=np.object_),
        red_steps=np.arange(41)[None] < case["red_until"],
        object_poses=states[..., :3],
        object_sizes_m=case["agent_dim"][:, :2],
        object_exists=exists,
        object_kinds=case["agent_type"],
        object_speeds_mps=np.linalg.norm(first[:, 3:5], axis=1),
    )


def arrays_of(file: Path) -> dict[str, NDArray[Any]]:
    with np.load(file, allow_pickle=False) as arrays:
        return {name: arrays[name] for name in arrays.files}
