import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from drivevla.cli import main
from drivevla.errors import ConfigError, ContractError, DataError, UnknownName
from drivevla.evaluation.open_loop import (
    OpenLoopReport,
    OpenLoopTruth,
    Predictions,
    Samples,
    Scores,
    load_metric,
    score_predictions,
    write_predictions,
    write_truth,
)
from drivevla.evaluation.open_loop.covla import CoVLA
from drivevla.testing import check_metric

TIMES_S = np.arange(1, 13) * 0.25


def truth_of(tokens: tuple[str, ...], **details: NDArray[Any]) -> OpenLoopTruth:
    """10 m/s straight ahead."""
    poses = np.zeros((len(tokens), 12, 3))
    poses[..., 0] = 10.0 * TIMES_S
    lever = np.tile([1.5, 0.0], (len(tokens), 1))
    return OpenLoopTruth(
        tokens=tokens,
        times_s=TIMES_S,
        poses=poses,
        valid=np.ones((len(tokens), 12), dtype=np.bool_),
        details={"device_xy_m": lever, **details},
    )


def plans_of(
    tokens: tuple[str, ...], *, beside_m: float = 0.0, steps: int = 12, rise: float | None = None
) -> Predictions:
    poses = np.zeros((len(tokens), 1, steps, 3))
    poses[..., 0], poses[..., 1] = 10.0 * TIMES_S[:steps], beside_m
    return Predictions(
        tokens=tokens,
        times_s=TIMES_S[:steps],
        poses=poses,
        scores=np.ones((len(tokens), 1)),
        planned=np.ones(len(tokens), dtype=np.bool_),
        texts=(None,) * len(tokens),
        heights_m=None if rise is None else rise * poses[..., 0],
    )


def score(predictions: Predictions, truth: OpenLoopTruth, **options: Any) -> OpenLoopReport:
    return score_predictions(load_metric("covla"), predictions, truth, **options)


def test_a_perfect_plan_scores_perfect() -> None:
    values = score(plans_of(("a", "b")), truth_of(("a", "b"))).scores.values
    assert values == {"ADE_2d_59points_m": pytest.approx(0.0), "FDE_2d_59points_m": pytest.approx(0.0)}


def test_the_present_point_is_not_counted_and_the_number_of_points_matters() -> None:
    # 1 m beside from the first pose on: the way there is linear over the first 0.25 s, 5 of the 59 points. Of the ten
    # points the first lies at 0.25 s.
    every = score(plans_of(("a",), beside_m=1.0), truth_of(("a",))).scores.values
    ten = score_predictions(load_metric("covla-10"), plans_of(("a",), beside_m=1.0), truth_of(("a",))).scores.values
    assert every["ADE_2d_59points_m"] == pytest.approx((0.2 + 0.4 + 0.6 + 0.8 + 55) / 59)
    assert ten["ADE_2d_10points_m"] == pytest.approx(1.0)
    assert every["FDE_2d_59points_m"] == ten["FDE_2d_10points_m"] == pytest.approx(1.0)


def test_a_wrong_heading_swings_the_device() -> None:
    plans = plans_of(("a",))
    turned = plans.poses.copy()
    turned[..., 2] = np.pi  # looks backwards: the device is 1.5 m behind the axle instead of ahead
    values = score(
        Predictions(
            tokens=("a",), times_s=TIMES_S, poses=turned, scores=plans.scores, planned=plans.planned, texts=(None,)
        ),
        truth_of(("a",)),
    ).scores.values
    assert values["FDE_2d_59points_m"] == pytest.approx(3.0)


def test_heights_are_scored_where_they_are_predicted() -> None:
    heights = np.zeros((1, 12))
    values = score(plans_of(("a",), rise=0.1), truth_of(("a",), z=heights)).scores.values
    assert values["FDE_2d_59points_m"] == pytest.approx(0.0)
    assert values["FDE_3d_59points_m"] == pytest.approx(2.95)
    with pytest.raises(DataError, match="'z'"):
        score(plans_of(("a",), rise=0.1), truth_of(("a",)))


def test_predictions_find_their_truth_by_token() -> None:
    one, other = plans_of(("a", "b")), plans_of(("b", "a"), beside_m=1.0)
    mixed = Predictions(
        tokens=("b", "a"),
        times_s=TIMES_S,
        poses=np.stack([other.poses[0], one.poses[0]]),
        scores=np.ones((2, 1)),
        planned=np.ones(2, dtype=np.bool_),
        texts=(None, None),
    )
    column = score(mixed, truth_of(("a", "b"))).scores.per_sample["FDE_2d_59points_m"]
    assert column.tolist() == pytest.approx([0.0, 1.0])


def test_a_horizon_beyond_the_plan_is_refused() -> None:
    with pytest.raises(DataError, match=r"covla compares up to 2\.95 s and the plans end"):
        score(plans_of(("a",), steps=11), truth_of(("a",)))


def test_unknown_tokens_are_refused() -> None:
    with pytest.raises(DataError, match=r"1 predicted tokens are not in the truth, such as \['x'\]"):
        score(plans_of(("a", "x")), truth_of(("a",)))


def test_missing_samples_are_refused_or_counted() -> None:
    plans, truth = plans_of(("a",)), truth_of(("a", "b", "c"))
    with pytest.raises(DataError, match=r"2 of 3 samples have no plan, such as \['b', 'c'\]"):
        score(plans, truth)
    report = score(plans, truth, missing="leave_out")
    assert (report.samples, report.missing, report.scores.counts["samples"]) == (3, 2, 1)
    with pytest.raises(ConfigError, match="missing must be one of"):
        score(plans, truth, missing="ignore")


def test_an_answer_without_a_plan_is_missing_and_counted_apart() -> None:
    plans = plans_of(("a", "b"))
    poses = plans.poses.copy()
    poses[1] = np.nan
    answered = Predictions(
        tokens=("a", "b"),
        times_s=TIMES_S,
        poses=poses,
        scores=plans.scores,
        planned=np.array([True, False]),
        texts=(None, "turn left"),
    )
    with pytest.raises(DataError, match="1 of 2 samples have no plan"):
        score(answered, truth_of(("a", "b")))
    report = score(answered, truth_of(("a", "b")), missing="leave_out")
    assert (report.missing, report.without_plan) == (0, 1)


def test_samples_whose_log_ends_are_left_out_and_counted() -> None:
    truth = truth_of(("a", "b"))
    valid = truth.valid.copy()
    valid[1, -1] = False
    short = OpenLoopTruth(
        tokens=truth.tokens, times_s=TIMES_S, poses=truth.poses, valid=valid, details=dict(truth.details)
    )
    scores = score(plans_of(("a", "b"), beside_m=1.0), short).scores
    assert scores.counts == {"samples": 1, "left_out": 1, "points": 59}
    assert np.isnan(scores.per_sample["ADE_2d_59points_m"][1])


def test_every_protocol_says_what_it_is() -> None:
    from drivevla import registry

    for name in registry.names("metrics"):
        definition = load_metric(name).definition
        assert definition.name == name
        assert definition.summary
        assert definition.source
        assert definition.version


def test_an_unknown_protocol_gets_the_nearest_name() -> None:
    with pytest.raises(UnknownName, match="did you mean 'nuscenes-vad'"):
        load_metric("nuscenes-wad")


def test_the_check_finds_a_metric_that_breaks_the_contract() -> None:
    class Wrong(CoVLA):
        def score(self, samples: Samples) -> Scores:
            found = super().score(samples)
            name, column = next(iter(found.per_sample.items()))
            return Scores(values={name: found.values[name] + 1.0}, per_sample={name: column}, counts={"samples": 2})

    class First(CoVLA):
        def score(self, samples: Samples) -> Scores:
            return Scores(values={"x_m": float(samples.predictions.poses[0, 0, -1, 1])}, counts={"samples": 1})

    plans, truth = plans_of(("a", "b")), truth_of(("a", "b"))
    check_metric(CoVLA(), Samples(predictions=plans, truth=truth))
    with pytest.raises(AssertionError, match="must be the mean of its column"):
        check_metric(Wrong(), Samples(predictions=plans, truth=truth))
    poses = plans.poses.copy()
    poses[0, ..., 1] = 2.0
    uneven = Predictions(
        tokens=plans.tokens,
        times_s=TIMES_S,
        poses=poses,
        scores=plans.scores,
        planned=plans.planned,
        texts=plans.texts,
    )
    with pytest.raises(AssertionError, match="the order of the samples changes x_m"):
        check_metric(First(), Samples(predictions=uneven, truth=truth))


def test_a_score_is_never_nan() -> None:
    with pytest.raises(ContractError, match="NaN"):
        Scores(values={"L2_1s_m": float("nan")})


def test_the_verb_prints_what_was_scored(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_predictions(tmp_path / "p.npz", plans_of(("a",), beside_m=1.0))
    write_truth(tmp_path / "t.npz", truth_of(("a", "b")))
    command = ["score", "covla", "--predictions", str(tmp_path / "p.npz"), "--truth", str(tmp_path / "t.npz")]

    assert main(command) == 2
    assert "--missing leave_out" in capsys.readouterr().err
    assert main([*command, "--missing", "leave_out"]) == 0
    text = capsys.readouterr().out
    assert "FDE_2d_59points_m  1" in text
    assert "INCOMPLETE: of 2 samples 1 have no prediction" in text
    assert main([*command, "--missing", "leave_out", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["protocol"]["name"] == "covla"
    assert found["values"]["FDE_2d_59points_m"] == pytest.approx(1.0)
    assert found["counts"] == {
        "samples": 1,
        "left_out": 0,
        "points": 59,
        "truth_samples": 2,
        "missing": 1,
        "without_plan": 0,
    }


def test_the_verb_lists_the_protocols_and_asks_for_what_it_needs(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["score", "--list"]) == 0
    assert "nuscenes-uniad " in capsys.readouterr().out
    assert main(["score", "covla"]) == 2
    assert "--predictions FILE and --truth FILE are needed" in capsys.readouterr().err
