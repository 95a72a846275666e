"""Our own protocols of behaviour: answers without a plan, and what another instruction changes."""

import numpy as np
from numpy.typing import NDArray

from drivevla.errors import DataError
from drivevla.evaluation.open_loop.averages import mean_scores
from drivevla.evaluation.open_loop.metric import Definition, Samples, Scores
from drivevla.evaluation.open_loop.text.answers import texts_of

__all__ = ["CounterfactualEffect", "ParseFailures", "effect_sizes"]

_TIMES_S = np.arange(1, 7) * 0.5


class ParseFailures:
    """How many answers hold no plan: the number that belongs beside every score of a policy that writes its plans."""

    definition = Definition(
        name="parse-failures",
        version="1",
        summary="share of answers without a plan; mean over samples",
        source="DriveVLA",
        horizon_s=0.0,
        needs_plans=False,
    )

    def score(self, samples: Samples) -> Scores:
        """``parse_failure_rate`` over the samples that have a prediction."""
        return mean_scores({"parse_failure_rate": (~samples.predictions.planned).astype(np.float64)})


class CounterfactualEffect:
    """What changes in the plan when the instruction alone changes.

    Every sample names its ``counterpart``, a sample with the same sensors and another instruction, and has the plan
    that was right for it as its future. A policy that does not listen has an effect of 0; one that does what it is
    told has one of 1.
    """

    definition = Definition(
        name="counterfactual",
        version="1",
        summary="change of the plan between two instructions, in metres and along the right change; mean over samples",
        source="DriveVLA",
        horizon_s=3.0,
        details=("counterpart",),
    )

    def score(self, samples: Samples) -> Scores:
        """``change_m`` and ``final_change_m`` up to and at 3 s, and ``effect_size`` where the right plans differ.

        Raises:
            DataError: A counterpart is not among the samples, or is the sample itself.
        """
        other = _counterparts(samples)
        plans = samples.predictions.chosen_positions_at(_TIMES_S)
        driven, known = samples.truth.positions_at(_TIMES_S)
        change, right = plans - plans[other], driven - driven[other]
        apart = np.linalg.norm(change, axis=-1)
        whole = known.all(axis=1)
        scores = mean_scores({"change_m": apart.mean(axis=1), "final_change_m": apart[:, -1]})
        sizes = np.where(whole & whole[other], effect_sizes(change, right), np.nan)
        counted = ~np.isnan(sizes)
        if not counted.any():
            return scores
        return Scores(
            values={**scores.values, "effect_size": float(sizes[counted].mean())},
            per_sample={**scores.per_sample, "effect_size": sizes},
            counts={**scores.counts, "with_right_change": int(counted.sum())},
        )


def effect_sizes(change_m: NDArray[np.float64], right_m: NDArray[np.float64]) -> NDArray[np.float64]:
    """Share of the right change that was made: the projection of the one on the other.

    Args:
        change_m: (N, T, 2) plan less the counterpart's plan.
        right_m: (N, T, 2) the same of the right plans.

    Returns:
        (N,) 1 where both are equal, 0 where nothing or something unrelated changes, below 0 where the opposite does;
        NaN where the right plans are less than 0.1 m apart on average.
    """
    size = (right_m**2).sum(axis=(1, 2))
    differs = np.linalg.norm(right_m, axis=-1).mean(axis=1) >= 0.1
    return np.where(differs, (change_m * right_m).sum(axis=(1, 2)) / np.where(differs, size, 1.0), np.nan)


def _counterparts(samples: Samples) -> NDArray[np.intp]:
    row = {token: index for index, token in enumerate(samples.truth.tokens)}
    names = texts_of(samples, "counterpart", needed_by=CounterfactualEffect.definition.name)
    wrong = [token for token, name in zip(samples.truth.tokens, names, strict=True) if name not in row or name == token]
    if wrong:
        raise DataError(
            f"the counterparts of {len(wrong)} samples are not among those scored, such as {wrong[:3]}; both of a pair "
            "need a plan"
        )
    return np.array([row[name] for name in names], dtype=np.intp)
