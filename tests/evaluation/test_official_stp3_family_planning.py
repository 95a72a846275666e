"""Every stored case of ST-P3's, AD-MLP's and OpenDriveVLA's metric on a given occupancy."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from drivevla.evaluation.open_loop.nuscenes.raster import box_hits, count_hits, point_hits
from drivevla.evaluation.open_loop.nuscenes.steps import Average, columns_by_second, step_errors_m
from drivevla.evaluation.open_loop.nuscenes.stp3 import without_jitter

RELATIVE = 1e-5  # the official code adds up single-precision distances
LEFT = np.array([-1.0, 1.0])

pytestmark = pytest.mark.real_data


def test_official_stp3(expected_stp3_file: Path, case_file: Path) -> None:
    expected, case = json.loads(expected_stp3_file.read_text()), arrays_of(case_file)
    steps, full = steps_of(case, case["pred"], columns_left=True), (case["gt_mask"] > 0).all(axis=1)

    assert int(full.sum()) == expected["samples"]
    for official in expected["per_sample"]:
        assert full[official["index"]]
        for name in ("obj_col", "obj_box_col"):
            assert steps[name][official["index"]].tolist() == official[name]
        assert steps["L2"][official["index"]] == pytest.approx(official["L2"], rel=RELATIVE, abs=0.0)
    assert_up_to(steps, full, expected["aggregate"], ("obj_col", "obj_box_col", "L2"))


def test_official_admlp(expected_admlp_file: Path, case_file: Path) -> None:
    expected, case = json.loads(expected_admlp_file.read_text()), arrays_of(case_file)
    full = (case["gt_mask"] > 0).all(axis=1)
    copied, own = expected["deps.PlanningMetric"], expected["pytorch.PlanningMetric_3"]

    assert int(full.sum()) == copied["samples"] == own["samples"]
    assert_up_to(steps_of(case, case["pred"], columns_left=True), full, copied, ("obj_col", "obj_box_col", "L2"))
    # Its point collision is always 0 and not reported here.
    quiet = without_jitter(case["pred"])
    assert_up_to(steps_of(case, quiet, columns_left=False), full, own, ("obj_box_col", "L2"))


def test_official_opendrivevla(expected_opendrivevla_file: Path, case_file: Path) -> None:
    expected, case = json.loads(expected_opendrivevla_file.read_text()), arrays_of(case_file)
    steps = steps_of(case, case["pred"], columns_left=True)
    averages: Mapping[str, Average] = {"uniad": "at", "stp3": "up_to"}

    for name, official in expected["per_time"].items():
        assert steps[name].mean(axis=0) == pytest.approx(official, rel=RELATIVE, abs=0.0)
    for table, average in averages.items():
        for name, official in expected[table].items():
            ours = [float(column.mean()) for column in columns_by_second(name, steps[name], average).values()]
            assert ours == pytest.approx(official, rel=RELATIVE, abs=0.0)


def assert_up_to(
    steps: Mapping[str, NDArray[np.float64]],
    full: NDArray[np.bool_],
    official: Mapping[str, float],
    names: tuple[str, ...],
) -> None:
    for name in names:
        for when, column in columns_by_second(name, steps[name][full], "up_to").items():
            if not when.endswith("avg"):
                assert column.mean() == pytest.approx(official[f"plan_{when}"], rel=RELATIVE, abs=0.0)


def steps_of(
    case: dict[str, NDArray[Any]], planned: NDArray[np.float64], *, columns_left: bool
) -> dict[str, NDArray[np.float64]]:
    grids = np.unpackbits(case["occ_packed"], axis=-1).astype(np.bool_)[:, 1:]
    mirror = LEFT if columns_left else np.ones(2)
    grids = grids[..., ::-1] if columns_left else grids
    driven_hits = box_hits(case["gt"] * mirror, grids)
    return {
        "obj_box_col": count_hits(box_hits(planned * mirror, grids), driven_hits),
        "obj_col": count_hits(point_hits(planned * mirror, grids), driven_hits),
        "L2": step_errors_m(planned, case["gt"], case["gt_mask"] > 0),
    }


def arrays_of(file: Path) -> dict[str, NDArray[Any]]:
    with np.load(file, allow_pickle=False) as arrays:
        return {
            name: arrays[name].astype(np.float64) if arrays[name].dtype == np.float32 else arrays[name]
            for name in arrays.files
        }
