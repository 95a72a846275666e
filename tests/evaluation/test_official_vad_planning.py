"""Every stored case of VAD's planning metric and occupancy raster. Its choice of objects comes before these cases."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from drivevla.evaluation.open_loop import mean_scores
from drivevla.evaluation.open_loop.nuscenes.objects import ObjectsAhead
from drivevla.evaluation.open_loop.nuscenes.raster import count_hits
from drivevla.evaluation.open_loop.nuscenes.steps import columns_by_second, step_errors_m
from drivevla.evaluation.open_loop.nuscenes.vad import box_hits_far_to_near, road_user_occupancy

RELATIVE = 1e-5  # the official code adds up single-precision distances

pytestmark = pytest.mark.real_data


def test_official_raster(expected_file: Path, case_file: Path) -> None:
    packed = arrays_of(expected_file.with_name(expected_file.stem + "_occupancy.npz"))["seg"]
    assert np.array_equal(grids_of(arrays_of(case_file)), np.unpackbits(packed, axis=-1).astype(np.bool_))


def test_official_values(expected_file: Path, case_file: Path) -> None:
    expected, case = json.loads(expected_file.read_text()), arrays_of(case_file)
    planned, driven, known = case["pred"], case["gt"][..., :2], case["gt_mask"] > 0
    grids = grids_of(case)
    planned_hits, driven_hits = box_hits_far_to_near(planned, grids), box_hits_far_to_near(driven, grids)
    scores = mean_scores(
        {
            **columns_by_second("L2", step_errors_m(planned, driven, known), "up_to", unit="m"),
            **columns_by_second("collision", count_hits(planned_hits, driven_hits), "up_to"),
        },
        counted=known.all(axis=1),
    )

    assert scores.counts["samples"] == expected["aggregate"]["num_valid"]
    for index, official in enumerate(expected["per_sample"]):
        assert bool(official["fut_valid_flag"]) == bool(known[index].all())
        if not official["fut_valid_flag"]:
            continue
        assert planned_hits[index].tolist() == official["pred_box_collides"]
        assert driven_hits[index].tolist() == official["gt_box_collides"]
        for name, key in names_of(official):
            assert scores.per_sample[name][index] == pytest.approx(official[key], rel=RELATIVE, abs=0.0)
    for name, key in [*names_of(expected["aggregate"]), ("L2_avg_m", "avg_L2"), ("collision_avg", "avg_obj_box_col")]:
        assert scores.values[name] == pytest.approx(expected["aggregate"][key], rel=RELATIVE, abs=0.0)


def names_of(official: dict[str, Any]) -> list[tuple[str, str]]:
    pairs = [(f"L2_{t}s_m", f"plan_L2_{t}s") for t in (1, 2, 3)]
    pairs += [(f"collision_{t}s", f"plan_obj_box_col_{t}s") for t in (1, 2, 3)]
    assert {key for _, key in pairs} <= set(official)
    return pairs


def grids_of(case: dict[str, NDArray[Any]]) -> NDArray[np.bool_]:
    return road_user_occupancy(ObjectsAhead(case["boxes"], case["valid"], case["cat"]))


def arrays_of(file: Path) -> dict[str, NDArray[Any]]:
    with np.load(file, allow_pickle=False) as arrays:
        return {
            name: arrays[name].astype(np.float64) if arrays[name].dtype == np.float32 else arrays[name]
            for name in arrays.files
        }
