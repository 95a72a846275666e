"""Every stored case of Waymo's rater feedback score."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from drivevla.evaluation.open_loop.waymo import POINTS, rater_feedback, trust_thresholds_m

RELATIVE = 1e-5
RATED = 3

pytestmark = pytest.mark.real_data


def test_official_scores(expected_file: Path, case_file: Path) -> None:
    expected = json.loads(expected_file.read_text())
    with np.load(case_file, allow_pickle=False) as arrays:
        case = {name: arrays[name] for name in arrays.files}
    rated, labels = rated_of(case)
    lateral, longitudinal = trust_thresholds_m(case["init_speed"])
    first, certain = case["inference"][:, :1], np.ones((len(labels), 1))

    np.testing.assert_allclose(lateral, expected["lat_thresholds"], rtol=RELATIVE)
    np.testing.assert_allclose(longitudinal, expected["lng_thresholds"], rtol=RELATIVE)
    for name, plans, shares in (
        ("default", case["inference"], case["probs"]),
        ("single_trajectory", first, certain),
    ):
        ours = rater_feedback(plans, shares, case["init_speed"], rated, labels)
        np.testing.assert_allclose(ours.score, expected[name]["rater_feedback_score"], rtol=RELATIVE)
        assert ours.within.tolist() == np.array(expected[name]["is_fully_within_trust_region"], dtype=bool).tolist()


def rated_of(case: dict[str, NDArray[Any]]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(N, 3, 20, 2) and (N, 3): the first three, padded as the definition says."""
    ends = np.cumsum(case["rated_len"])
    padded = []
    for length, end in zip(case["rated_len"], ends, strict=True):
        points = case["rated_points"][end - length : end][:POINTS]
        padded.append(np.concatenate([points, np.repeat(points[-1:], POINTS - len(points), axis=0)]))
    first = np.cumsum(case["rated_per_batch"]) - case["rated_per_batch"]
    rows = first[:, None] + np.minimum(np.arange(RATED), case["rated_per_batch"][:, None] - 1)
    return np.array(padded)[rows], case["labels"][rows]
