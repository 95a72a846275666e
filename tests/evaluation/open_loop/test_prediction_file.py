from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from drivevla.errors import ContractError, DataError
from drivevla.evaluation.open_loop import (
    Predictions,
    predictions_from_plans,
    read_predictions,
    read_truth,
    write_predictions,
    write_truth,
)
from drivevla.evaluation.open_loop.truth import OpenLoopTruth
from drivevla.types import Plan, PlanModes


def some_predictions() -> Predictions:
    rng = np.random.default_rng(0)
    poses = rng.normal(size=(3, 2, 4, 3))
    poses[1] = np.nan
    return Predictions(
        tokens=("b", "a", "c"),
        times_s=np.arange(1, 5) * 0.5,
        poses=poses,
        scores=np.array([[0.25, 0.75], [0.5, 0.5], [1.0, 0.0]]),
        planned=np.array([True, False, True]),
        texts=("I slow down.", "no numbers here", None),
        heights_m=np.where(np.isnan(poses[..., 0]), np.nan, 0.5),
    )


def columns(**changes: Any) -> dict[str, NDArray[Any]]:
    table = {
        "token": np.array(["a", "a", "b", "b"]),
        "t_s": np.array([0.5, 1.0, 0.5, 1.0]),
        "x": np.arange(4.0),
        "y": np.zeros(4),
        "yaw": np.zeros(4),
    }
    return {name: value for name, value in {**table, **changes}.items() if value is not None}


def write(path: Path, table: dict[str, NDArray[Any]]) -> Path:
    np.savez(path, **table)
    return path


@pytest.mark.parametrize("ending", ["npz", "parquet"])
def test_what_is_written_is_read_back(tmp_path: Path, ending: str) -> None:
    if ending == "parquet":
        pytest.importorskip("pyarrow", reason="Parquet is part of the extra data")
    written = some_predictions()
    write_predictions(tmp_path / f"p.{ending}", written)
    read = read_predictions(tmp_path / f"p.{ending}")

    order = [read.tokens.index(token) for token in written.tokens]
    assert tuple(read.texts[index] for index in order) == written.texts
    assert read.planned[order].tolist() == written.planned.tolist()
    np.testing.assert_array_equal(read.poses[order], written.poses)
    np.testing.assert_array_equal(read.scores[order][[0, 2]], written.scores[[0, 2]])
    assert read.heights_m is not None
    assert written.heights_m is not None
    np.testing.assert_array_equal(read.heights_m[order], written.heights_m)


def test_rows_may_come_in_any_order(tmp_path: Path) -> None:
    table = columns()
    shuffled = {name: column[[3, 0, 2, 1]] for name, column in table.items()}
    read = read_predictions(write(tmp_path / "p.npz", shuffled))
    assert read.tokens == ("b", "a")
    assert read.poses[:, 0, :, 0].tolist() == [[2.0, 3.0], [0.0, 1.0]]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"x": np.array([0.0, np.nan, 1.0, 1.0])}, "x is NaN"),
        ({"y": np.array([0.0, np.inf, 1.0, 1.0])}, "y is NaN, null or infinite"),
        ({"t_s": np.array([np.nan, 1.0, 0.5, 1.0])}, "x is NaN"),
        ({"t_s": np.array([0.5, 0.5, 0.5, 1.0])}, "'a' has two poses at 0.5 s"),
        ({"t_s": np.array([0.0, 1.0, 0.0, 1.0])}, "positive"),
        ({"t_s": np.array([0.5, 1.0, 0.5, 1.5])}, "same times"),
        ({"token": np.array(["a", "a", "a", "b"]), "t_s": np.array([0.5, 1, 1.5, 0.5])}, "same times"),
        ({"frame": np.array(["lidar"] * 4)}, "frame"),
        ({"yaw": None}, r"lacks \['yaw'\]"),
        ({"speed": np.zeros(4)}, "speed"),
        ({"mode": np.array([0, 0, 1, 1])}, "modes 0 to K - 1"),
        ({"mode": np.array([0, 1, 0, 1]), "t_s": np.full(4, 0.5)}, "no column score"),
        ({"score": np.array([0.1, 0.2, 1.0, 1.0])}, "the same in every row"),
        ({"text": np.array(["x", "y", "", ""])}, "two different texts"),
        ({"x": np.array(["0", "1", "2", "3"])}, "must be 4 numbers"),
    ],
)
def test_a_file_that_is_not_clear_is_refused(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_predictions(write(tmp_path / "p.npz", columns(**changes)))


def test_an_npz_with_objects_is_refused(tmp_path: Path) -> None:
    table = columns()
    table["token"] = table["token"].astype(object)
    with pytest.raises(DataError, match="without objects"):
        read_predictions(write(tmp_path / "p.npz", table))


def test_files_that_are_not_there_or_not_ours_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is no file"):
        read_predictions(tmp_path / "absent.npz")
    (tmp_path / "p.npz").write_bytes(b"not a zip")
    with pytest.raises(DataError, match="no readable npz"):
        read_predictions(tmp_path / "p.npz")
    (tmp_path / "p.csv").write_text("token")
    with pytest.raises(DataError, match=r"\.parquet or \.npz"):
        read_predictions(tmp_path / "p.csv")


def test_a_plan_is_never_extrapolated() -> None:
    predictions = predictions_from_plans(["a"], [Plan(waypoints=np.array([[1.0, 0, 0], [2.0, 0, 0]]), dt_s=0.5)])
    assert predictions.chosen_poses_at([0.25, 0.75])[0, :, 0].tolist() == [0.5, 1.5]
    with pytest.raises(DataError, match="end 1 s from now"):
        predictions.chosen_poses_at([1.5])


def test_the_likeliest_mode_is_chosen() -> None:
    waypoints = np.zeros((2, 2, 3))
    waypoints[1, :, 0] = 7.0
    plan = Plan(waypoints=waypoints[1], dt_s=0.5, modes=PlanModes(waypoints=waypoints, scores=np.array([0.2, 0.8])))
    predictions = predictions_from_plans(["a"], [plan])
    assert predictions.chosen_poses_at([1.0])[0, 0, 0] == 7.0
    assert predictions.poses_at([1.0]).shape == (1, 2, 1, 3)


def test_plans_of_different_lengths_are_no_predictions() -> None:
    plans = [Plan(waypoints=np.zeros((steps, 3)), dt_s=0.5) for steps in (2, 3)]
    with pytest.raises(ContractError, match="same times"):
        predictions_from_plans(["a", "b"], plans)


def test_a_truth_file_is_read_back(tmp_path: Path) -> None:
    truth = OpenLoopTruth(
        tokens=("a", "b"),
        times_s=np.array([0.5, 1.0]),
        poses=np.arange(12.0).reshape(2, 2, 3),
        valid=np.array([[True, True], [True, False]]),
        details={"boundary_present": np.ones((2, 3), dtype=np.bool_)},
    )
    write_truth(tmp_path / "t.npz", truth)
    read = read_truth(tmp_path / "t.npz")
    assert read.fingerprint() == truth.fingerprint()
    assert read.fingerprint() != read.take(np.array([1, 0])).fingerprint()


def test_a_time_between_two_truths_is_known_when_both_are() -> None:
    truth = OpenLoopTruth(
        tokens=("a",),
        times_s=np.array([0.5, 1.0, 1.5]),
        poses=np.array([[[1.0, 0, 0], [2.0, 0, 0], [0.0, 0, 0]]]),
        valid=np.array([[True, True, False]]),
    )
    poses, known = truth.poses_at([0.25, 0.5, 0.75, 1.0, 1.25, 1.5])
    assert known[0].tolist() == [True, True, True, True, False, False]
    assert poses[0, :4, 0].tolist() == [0.5, 1.0, 1.5, 2.0]
    with pytest.raises(DataError, match="the truth ends"):
        truth.poses_at([2.0])


def test_a_truth_says_what_it_lacks() -> None:
    truth = OpenLoopTruth(
        tokens=("a",), times_s=np.zeros(0), poses=np.zeros((1, 0, 3)), valid=np.zeros((1, 0), dtype=np.bool_)
    )
    with pytest.raises(DataError, match="no future poses"):
        truth.poses_at([1.0])
    with pytest.raises(DataError, match="needs the array 'boxes'"):
        truth.detail("boxes", (7, "M", 7), needed_by="nuscenes-vad")
