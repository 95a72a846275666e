"""Every stored case of the nuScenes prediction challenge's metrics."""

import json
from pathlib import Path

import numpy as np
import pytest

from drivevla.evaluation.open_loop.forecasting.modes import point_errors_m
from drivevla.evaluation.open_loop.forecasting.nuscenes import best_of_likeliest, off_road_share

RELATIVE = 1e-5

pytestmark = pytest.mark.real_data


def test_official_values(expected_file: Path, case_file: Path) -> None:
    expected = json.loads(expected_file.read_text())
    with np.load(case_file, allow_pickle=False) as arrays:
        case = {name: arrays[name] for name in arrays.files}
    errors, shares = point_errors_m(case["prediction"], case["ground_truth"]), case["probabilities"]
    missed = errors.max(axis=-1) >= expected["tolerance_m"]
    by_name = {
        "MinADEK": errors.mean(axis=-1),
        "MinFDEK": errors[..., -1],
        f"MissRateTopK_{expected['tolerance_m']:g}": missed.astype(np.float64),
    }

    assert set(by_name) == set(expected["per_agent"])
    for name, per_mode in by_name.items():
        ours = best_of_likeliest(per_mode, shares, expected["k"])
        tolerance = 0.0 if name.startswith("Miss") else RELATIVE
        np.testing.assert_allclose(ours, expected["per_agent"][name], rtol=tolerance)
        np.testing.assert_allclose(ours.mean(axis=0), expected["mean"][name], rtol=RELATIVE)
    placed = case["prediction"] + case["offroad_offset"][:, None, None]
    area = case["drivable_mask"] > 0
    assert [off_road_share(modes, area) for modes in placed] == pytest.approx(expected["offroad_rate"], abs=1e-12)
