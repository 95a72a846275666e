"""Every stored case of SimLingo's Action Dreaming success rates."""

import json
from pathlib import Path

import numpy as np
import pytest

from drivevla.evaluation.open_loop.dreaming import DreamedTruth, dreaming_success, paths_every_metre

RELATIVE = 1e-5

pytestmark = pytest.mark.real_data


def test_official_success(expected_file: Path, case_file: Path) -> None:
    expected = json.loads(expected_file.read_text())
    with np.load(case_file, allow_pickle=False) as arrays:
        case = {name: arrays[name] for name in arrays.files}
    said_mps = [float(prompt.split("Current speed: ")[-1].split(" ")[0]) for prompt in case["prompts"].tolist()]
    truth = DreamedTruth(
        mode=case["mode"],
        original_path_m=case["org_path"],
        instructed_path_m=case["new_path"],
        instructed_m=case["new_wps"],
        speed_mps=np.array(said_mps),
        target_speed_mps=case["target_speed"],
    )
    success = dreaming_success(case["pred_wps"], case["pred_route"], truth)

    results = expected["results"]
    assert len(success) == results["num_samples_instruction"]
    assert success.mean() == pytest.approx(results["success_rate_total_instruction"], rel=RELATIVE)
    for mode, rows in expected["sample_index_by_mode"].items():
        ours = success[[int(row.removeprefix("s")) for row in rows]]
        assert ours.astype(int).tolist() == expected["success_by_mode"][mode]
        assert ours.mean() == pytest.approx(results[f"success_rate_instruction_{mode}"], rel=RELATIVE)
    for points, spaced in zip(case["pred_route"], expected["equal_spacing_of_first12_plus_0p01"], strict=False):
        np.testing.assert_allclose(paths_every_metre(points[None, :12] + 0.01)[0], spaced, rtol=RELATIVE, atol=1e-9)
