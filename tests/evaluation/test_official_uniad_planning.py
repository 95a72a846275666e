"""Every stored case of UniAD's planning metric and occupancy raster."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from drivevla.evaluation.open_loop import OpenLoopTruth, Samples, load_metric, predictions_from_plans
from drivevla.evaluation.open_loop.nuscenes.objects import ObjectsAhead
from drivevla.evaluation.open_loop.nuscenes.raster import box_hits
from drivevla.evaluation.open_loop.nuscenes.steps import step_errors_m
from drivevla.evaluation.open_loop.nuscenes.uniad import collisions, vehicle_occupancy
from drivevla.types import Plan

RELATIVE = 1e-5  # the official code adds up single-precision distances

pytestmark = pytest.mark.real_data


def test_official_raster(expected_file: Path, case_file: Path) -> None:
    expected, case = json.loads(expected_file.read_text()), arrays_of(case_file)
    packed = arrays_of(expected_file.with_name(expected_file.stem + "_occupancy.npz"))
    grids = grids_of(case)

    assert np.array_equal(grids, np.unpackbits(packed["seg"], axis=-1).astype(np.bool_))
    assert np.array_equal(~case["frame_valid"], packed["invalid"])
    occupied = np.where(case["frame_valid"], grids.sum(axis=(2, 3)), 0)
    assert occupied.tolist() == expected["occupied_cells"]
    assert (~case["frame_valid"]).tolist() == expected["all255"]


def test_official_samples(expected_file: Path, case_file: Path) -> None:
    expected, case = json.loads(expected_file.read_text()), arrays_of(case_file)
    planned, driven, grids = case["pred"], case["gt"][..., :2], grids_of(case)[:, 1:]
    box, point = collisions(planned, driven, grids)
    errors = step_errors_m(planned, driven, case["gt_mask"] > 0)

    def column(name: str) -> NDArray[Any]:
        return np.array([sample[name] for sample in expected["per_sample"]])

    assert np.array_equal(box_hits(driven, grids), column("gt_box_collides"))
    assert np.array_equal(box, column("obj_box_col"))
    assert np.array_equal(point, column("obj_col"))
    np.testing.assert_allclose(errors, column("L2"), rtol=RELATIVE)
    for name, ours in (("obj_box_col", box), ("obj_col", point), ("L2", errors)):
        assert ours.mean(axis=0) == pytest.approx(expected["per_time"][name], rel=RELATIVE, abs=0.0)


@pytest.mark.parametrize(("protocol", "table"), [("nuscenes-uniad", "uniad"), ("nuscenes-uniad-upto", "stp3_strategy")])
def test_official_tables_through_the_protocol(expected_file: Path, case_file: Path, protocol: str, table: str) -> None:
    expected = json.loads(expected_file.read_text())[table]
    scores = load_metric(protocol).score(samples_of(arrays_of(case_file)))

    for ours, official in (("L2", "L2"), ("collision", "obj_box_col"), ("point_collision", "obj_col")):
        unit = "_m" if ours == "L2" else ""
        for when, value in expected[official].items():
            assert scores.values[f"{ours}_{when}{unit}"] == pytest.approx(value, rel=RELATIVE, abs=0.0)


def samples_of(case: dict[str, NDArray[Any]]) -> Samples:
    """The case in the ego frame, with a LiDAR that stands in its origin and looks forwards along its own y."""
    tokens = tuple(f"s{index}" for index in range(len(case["pred"])))
    ego_from_lidar = np.array([[0.0, 1, 0, 0], [-1, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
    boxes = case["boxes"].copy()
    boxes[..., :2] = ego_from(boxes[..., :2])
    boxes[..., 6] -= np.pi / 2
    truth = OpenLoopTruth(
        tokens=tokens,
        times_s=np.arange(1, 7) * 0.5,
        poses=poses_of(case["gt"][..., :2]),
        valid=case["gt_mask"] > 0,
        details={
            "boxes": boxes,
            "boxes_present": case["valid"],
            "boxes_category": case["cat"],
            "ego_from_lidar": np.broadcast_to(ego_from_lidar, (len(tokens), 4, 4)),
        },
    )
    plans = [Plan(waypoints=waypoints, dt_s=0.5) for waypoints in poses_of(case["pred"])]
    return Samples(predictions=predictions_from_plans(tokens, plans), truth=truth)


def poses_of(places_m: NDArray[np.float64]) -> NDArray[np.float64]:
    xy = ego_from(places_m)
    return np.concatenate([xy, np.zeros((*xy.shape[:-1], 1))], axis=-1)


def ego_from(xy_m: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.stack([xy_m[..., 1], -xy_m[..., 0]], axis=-1)


def grids_of(case: dict[str, NDArray[Any]]) -> NDArray[np.bool_]:
    return vehicle_occupancy(ObjectsAhead(case["boxes"], case["valid"], case["cat"]), case["frame_valid"])


def arrays_of(file: Path) -> dict[str, NDArray[Any]]:
    with np.load(file, allow_pickle=False) as arrays:
        return {
            name: arrays[name].astype(np.float64) if arrays[name].dtype == np.float32 else arrays[name]
            for name in arrays.files
        }
