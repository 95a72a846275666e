"""Every stored case of BEV-Planner's metric: errors, collisions and boundary crossings."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from drivevla.evaluation.open_loop import OpenLoopTruth, Samples, load_metric, predictions_from_plans
from drivevla.evaluation.open_loop.nuscenes.categories import is_driven
from drivevla.evaluation.open_loop.nuscenes.fine_raster import boundary_cells, box_hits, object_cells
from drivevla.types import Plan

RELATIVE = 1e-5  # the official code adds up single-precision distances
NAMES = {
    "collision": "plan_obj_box_col",
    "point_collision": "plan_obj_col",
    "intersection": "plan_obj_box_col_plus",
    "point_intersection": "plan_obj_col_plus",
    "L2": "plan_L2",
}

pytestmark = pytest.mark.real_data


def test_official_rasters_and_hits(expected_file: Path, case_file: Path) -> None:
    expected, case = json.loads(expected_file.read_text())["per_sample"], arrays_of(case_file)
    drawn = (case["valid"] & is_driven(case["cat"])[:, None] & case["frame_valid"][..., None])[:, 1:]
    objects = object_cells(case["boxes"][:, 1:], drawn)
    lines = boundary_cells(case["boundary"], np.ones(case["boundary"].shape[:2], dtype=np.bool_))

    assert objects.sum(axis=(2, 3)).tolist() == [sample["occupied_cells"] for sample in expected]
    assert [[cells] * 6 for cells in lines.sum(axis=(1, 2)).tolist()] == [
        sample["boundary_cells"] for sample in expected
    ]
    for which, places in (("pred", case["pred"]), ("gt", case["gt"])):
        hits, crossings = box_hits(places, objects), box_hits(places, lines[:, None])
        for index, sample in enumerate(expected):
            if sample["valid"]:
                assert hits[index].tolist() == sample[f"{which}_box_hits"]
                assert crossings[index].tolist() == sample[f"{which}_box_hits_plus"]


def test_official_values_through_the_protocol(expected_file: Path, case_file: Path) -> None:
    expected = json.loads(expected_file.read_text())
    scores = load_metric("bevplanner").score(samples_of(arrays_of(case_file)))

    assert scores.counts["samples"] == expected["aggregate"]["num_valid"]
    for ours, official in NAMES.items():
        unit = "_m" if ours == "L2" else ""
        for t in (1, 2, 3):
            name, key = f"{ours}_{t}s{unit}", f"{official}_{t}s"
            assert scores.values[name] == pytest.approx(expected["aggregate"][key], rel=RELATIVE, abs=0.0)
            for index, sample in enumerate(expected["per_sample"]):
                column = scores.per_sample[name][index]
                assert np.isnan(column) == (not sample["valid"])
                assert not sample["valid"] or column == pytest.approx(sample[key], rel=RELATIVE, abs=0.0)
    for ours, official in (
        ("L2_avg_m", "avg_l2"),
        ("collision_avg", "avg_col"),
        ("intersection_avg", "avg_intersection"),
    ):
        assert scores.values[ours] == pytest.approx(expected["aggregate"][official], rel=RELATIVE, abs=0.0)


def samples_of(case: dict[str, NDArray[Any]]) -> Samples:
    """The case with a LiDAR in the ego frame's origin, so that its displacement is the ego's."""
    count = len(case["pred"])
    tokens = tuple(f"s{index}" for index in range(count))
    truth = OpenLoopTruth(
        tokens=tokens,
        times_s=np.arange(1, 7) * 0.5,
        poses=poses_of(case["gt"]),
        valid=case["gt_mask"] > 0,
        details={
            "boxes": case["boxes"],
            "boxes_present": case["valid"],
            "boxes_category": case["cat"],
            "ego_from_lidar": np.broadcast_to(np.eye(4), (count, 4, 4)),
            "boundary": case["boundary"],
            "boundary_present": np.ones(case["boundary"].shape[:2], dtype=np.bool_),
        },
    )
    plans = [Plan(waypoints=waypoints, dt_s=0.5) for waypoints in poses_of(case["pred"])]
    return Samples(predictions=predictions_from_plans(tokens, plans), truth=truth)


def poses_of(places_m: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.concatenate([places_m, np.zeros((*places_m.shape[:-1], 1))], axis=-1)


def arrays_of(file: Path) -> dict[str, NDArray[Any]]:
    with np.load(file, allow_pickle=False) as arrays:
        return {
            name: arrays[name].astype(np.float64) if arrays[name].dtype == np.float32 else arrays[name]
            for name in arrays.files
        }
