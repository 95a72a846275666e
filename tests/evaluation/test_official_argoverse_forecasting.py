"""Every stored case of the Argoverse 1 and 2 forecasting metrics."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from drivevla.evaluation.open_loop.forecasting.argoverse import argoverse1_columns, argoverse2_columns
from drivevla.evaluation.open_loop.forecasting.modes import point_errors_m
from drivevla.evaluation.open_loop.forecasting.worlds import score_worlds

RELATIVE = 1e-5
ARGOVERSE1_STEPS = 30

pytestmark = pytest.mark.real_data


def read(expected_file: Path, case_file: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    with np.load(case_file, allow_pickle=False) as arrays:
        return json.loads(expected_file.read_text()), {name: arrays[name] for name in arrays.files}


def test_official_single_agents(expected_file: Path, case_file: Path) -> None:
    expected, case = read(expected_file, case_file)
    errors, shares = point_errors_m(case["forecast"], case["gt"]), case["agent_probabilities"]
    every_mode = [(errors[:, [mode]], shares[:, [mode]]) for mode in range(errors.shape[1])]
    ours = [argoverse2_columns(error, share, 1) for error, share in every_mode]

    for official, name in (("ade", "minADE"), ("fde", "minFDE"), ("brier_fde", "brier-minFDE")):
        theirs = np.array([agent[official] for agent in expected["single_agent"]])
        np.testing.assert_allclose(np.stack([mode[name] for mode in ours], axis=1), theirs, rtol=RELATIVE)
    missed = np.stack([mode["MR"] for mode in ours], axis=1)
    assert missed.tolist() == [agent["missed"] for agent in expected["single_agent"]]


def test_official_worlds(expected_file: Path, case_file: Path) -> None:
    expected, case = read(expected_file, case_file)
    worlds = expected["world"]
    ours = score_worlds(case["forecast"], point_errors_m(case["forecast"], case["gt"]), case["world_probabilities"])

    np.testing.assert_allclose(ours.ade_m, worlds["world_ade"], rtol=RELATIVE)
    np.testing.assert_allclose(ours.fde_m, worlds["world_fde"], rtol=RELATIVE)
    np.testing.assert_allclose(ours.brier_fde_m, worlds["world_brier_fde"], rtol=RELATIVE)
    assert ours.missed.tolist() == np.array(worlds["world_misses"], dtype=np.bool_).tolist()
    assert ours.collided.tolist() == np.array(worlds["world_collisions"], dtype=np.bool_).tolist()


def test_official_aggregates(expected_file: Path, case_file: Path) -> None:
    expected, case = read(expected_file, case_file)
    errors, shares = point_errors_m(case["forecast"], case["gt"]), case["agent_probabilities"]
    two = {name: float(column.mean()) for name, column in argoverse2_columns(errors, shares, errors.shape[1]).items()}
    names = {
        "minADE_K_by_min_fde": "minADE",
        "minADE_K": "least_ADE",
        "minFDE_K": "minFDE",
        "MR_K": "MR",
        "brier_minFDE_K": "brier-minFDE",
    }

    for official, name in names.items():
        assert two[name] == pytest.approx(expected["aggregates_by_our_glue"][official], rel=RELATIVE)
    for k, official_one in expected["argoverse1_first30_steps_by_K"].items():
        forecast, future = case["forecast"][:, :, :ARGOVERSE1_STEPS], case["gt"][:, :ARGOVERSE1_STEPS]
        one = argoverse1_columns(forecast, future, shares, int(k))
        for name, value in official_one.items():
            assert float(one[name].mean()) == pytest.approx(value, rel=RELATIVE)
