import json
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from drivevla.errors import DataError
from drivevla.evaluation.open_loop import OpenLoopTruth, Predictions, Samples, load_metric
from drivevla.language import Cause, realise, sample_commentary
from drivevla.testing import check_metric

TIMES_S = np.arange(1, 7) * 0.5


def samples_of(
    texts: tuple[str | None, ...],
    *,
    planned_y_m: tuple[float, ...] | None = None,
    right_y_m: tuple[float, ...] | None = None,
    unplanned: tuple[int, ...] = (),
    **details: NDArray[Any],
) -> Samples:
    """Plans at 5 m/s that end at ``planned_y_m`` to the left, and the right ones."""
    count = len(texts)
    tokens = tuple(f"s{index}" for index in range(count))

    def bent(ends_y_m: tuple[float, ...] | None) -> NDArray[np.float64]:
        poses = np.zeros((count, 6, 3))
        poses[..., 0] = 5.0 * TIMES_S
        poses[..., 1] = np.array(ends_y_m or (0.0,) * count)[:, None] * TIMES_S / 3.0
        return poses

    planned = np.ones(count, dtype=np.bool_)
    planned[list(unplanned)] = False
    return Samples(
        predictions=Predictions(
            tokens=tokens,
            times_s=TIMES_S,
            poses=np.where(planned[:, None, None, None], bent(planned_y_m)[:, None], np.nan),
            scores=np.ones((count, 1)),
            planned=planned,
            texts=texts,
        ),
        truth=OpenLoopTruth(
            tokens=tokens,
            times_s=TIMES_S,
            poses=bent(right_y_m),
            valid=np.ones((count, 6), dtype=np.bool_),
            details=details,
        ),
    )


def said_and_true() -> tuple[tuple[str, ...], NDArray[np.str_]]:
    rng = np.random.default_rng(3)
    subjects = [sample_commentary(rng, cause=cause) for cause in (Cause.ROUTE_END, Cause.REFUSED_INSTRUCTION)]
    sentences = tuple(realise(subject, language="en", split="train", rng=rng) for subject in subjects)
    return sentences, np.array([json.dumps(subject.to_dict()) for subject in subjects])


def test_commentary_that_says_the_truth_is_perfect_and_noise_is_counted() -> None:
    sentences, truth = said_and_true()
    perfect = check_metric(load_metric("commentary"), samples_of(sentences, commentary=truth))
    assert set(perfect.values.values()) == {1.0}
    half = load_metric("commentary").score(samples_of((sentences[0], "blue bananas"), commentary=truth))
    assert [half.values["parse_rate"], half.values["exact_match"], half.values["F1"]] == [0.5, 0.5, 1.0]
    assert half.counts["not_read"] == 1


def test_commentary_that_is_no_json_is_refused() -> None:
    with pytest.raises(DataError, match="JSON"):
        load_metric("commentary").score(samples_of(("a", "b"), commentary=np.array(["{}", "nonsense"])))


def test_refusals_right_and_wrong() -> None:
    (ordinary, refusing), _ = said_and_true()
    must = np.array([True, True, False, False])
    samples = samples_of((refusing, ordinary, refusing, None), must_refuse=must)
    scores = check_metric(load_metric("refusals"), samples)
    assert [scores.values[name] for name in ("refusal_rate", "refused_rightly", "refused_wrongly")] == [0.5, 0.5, 0.5]
    assert scores.counts["without_text"] == 1


def test_answers_without_a_plan_are_counted() -> None:
    scores = check_metric(load_metric("parse-failures"), samples_of((None,) * 4, unplanned=(2,)))
    assert scores.values["parse_failure_rate"] == 0.25


@pytest.mark.parametrize(
    ("planned_y_m", "effect"), [((3.0, -3.0), 1.0), ((0.0, 0.0), 0.0), ((1.5, -1.5), 0.5), ((-3.0, 3.0), -1.0)]
)
def test_the_effect_is_the_share_of_the_right_change(planned_y_m: tuple[float, ...], effect: float) -> None:
    samples = samples_of(("", ""), planned_y_m=planned_y_m, right_y_m=(3.0, -3.0), counterpart=np.array(["s1", "s0"]))
    scores = check_metric(load_metric("counterfactual"), samples)
    assert scores.values["effect_size"] == pytest.approx(effect)
    assert scores.values["final_change_m"] == pytest.approx(abs(planned_y_m[0] - planned_y_m[1]))


def test_without_a_right_change_there_is_no_effect_size() -> None:
    samples = samples_of(("", ""), planned_y_m=(3.0, -3.0), counterpart=np.array(["s1", "s0"]))
    assert set(load_metric("counterfactual").score(samples).values) == {"change_m", "final_change_m"}


def test_a_sample_is_not_its_own_counterpart() -> None:
    with pytest.raises(DataError, match="counterparts of 1"):
        load_metric("counterfactual").score(samples_of(("", ""), counterpart=np.array(["s0", "s0"])))
