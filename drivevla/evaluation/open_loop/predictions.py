"""What a policy answered for many samples, as arrays."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from drivevla.errors import ContractError, DataError
from drivevla.evaluation.open_loop.positions import positions_at
from drivevla.geometry import interpolate_poses
from drivevla.types import Plan
from drivevla.types.checks import real_array, set_field, whole_array

__all__ = ["Predictions", "joined_predictions", "predictions_from_plans"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Predictions:
    """Answers to N samples: K plans of T poses each, and a text.

    Poses are those of the ego frame (x forward, y left, origin on the ground under the rear axle) at later times, seen
    from where it is at the sample's time. Metres, radians.

    Attributes:
        tokens: N names of samples, each once.
        times_s: (T,) seconds from now, strictly increasing and positive; empty where only texts were asked for.
        poses: (N, K, T, 3) x, y, yaw; NaN where nothing was planned.
        scores: (N, K) at least 0; how likely or how good the policy thinks each of its plans is.
        planned: (N,) False where the answer holds no plan, because it did not parse or because it is a text alone.
        texts: N answers in words; None where there is none.
        heights_m: (N, K, T) z of the same poses; None where the file has none.
        refused: (N,) whether the instruction was refused; None where the file does not say.
    """

    tokens: tuple[str, ...]
    times_s: NDArray[np.float64]
    poses: NDArray[np.float64]
    scores: NDArray[np.float64]
    planned: NDArray[np.bool_]
    texts: tuple[str | None, ...]
    heights_m: NDArray[np.float64] | None = None
    refused: NDArray[np.bool_] | None = None

    def __post_init__(self) -> None:
        """Check and freeze.

        Raises:
            ContractError: A token comes twice, times do not increase from above 0, or a plan is not finite.
        """
        count = len(self.tokens)
        if len(set(self.tokens)) != count:
            raise ContractError(f"every token comes once, got {_twice(self.tokens)} more than once")
        times = real_array("times_s", self.times_s, ("T",))
        if not ((times > 0).all() and (np.diff(times) > 0).all()):
            raise ContractError("times_s of predictions must increase strictly and be positive; now is not predicted")
        planned = whole_array("planned", self.planned, (count,), np.bool_)
        poses = np.asarray(self.poses, dtype=np.float64)
        if poses.ndim != 4 or poses.shape[0] != count or poses.shape[2:] != (len(times), 3):
            raise ContractError(f"poses must be ({count}, K, {len(times)}, 3), got {poses.shape}")
        if len(self.texts) != count:
            raise ContractError(f"texts must be {count}, one a token, got {len(self.texts)}")
        real_array("poses", poses[planned], (int(planned.sum()), "K", len(times), 3))
        scores = real_array("scores", self.scores, (count, poses.shape[1]))
        if (scores < 0).any():
            raise ContractError("scores must be at least 0")
        if self.heights_m is not None:
            heights = np.asarray(self.heights_m, dtype=np.float64)
            real_array("heights_m", heights[planned], (int(planned.sum()), poses.shape[1], len(times)))
            set_field(self, "heights_m", _frozen(heights))
        if self.refused is not None:
            set_field(self, "refused", whole_array("refused", self.refused, (count,), np.bool_))
        for name, value in (("times_s", times), ("poses", _frozen(poses)), ("scores", scores), ("planned", planned)):
            set_field(self, name, value)

    def __len__(self) -> int:
        return len(self.tokens)

    @property
    def horizon_s(self) -> float:
        """Seconds from now of the last pose; 0 without plans."""
        return float(self.times_s[-1]) if len(self.times_s) else 0.0

    def take(self, indices: NDArray[np.intp]) -> "Predictions":
        """These samples alone, in this order."""
        return Predictions(
            tokens=tuple(self.tokens[index] for index in indices),
            times_s=self.times_s,
            poses=self.poses[indices],
            scores=self.scores[indices],
            planned=self.planned[indices],
            texts=tuple(self.texts[index] for index in indices),
            heights_m=None if self.heights_m is None else self.heights_m[indices],
            refused=None if self.refused is None else self.refused[indices],
        )

    def poses_at(self, times_s: ArrayLike) -> NDArray[np.float64]:
        """Every plan at other times, by interpolation; the present pose counts as time 0.

        Args:
            times_s: (M,) seconds from now.

        Returns:
            (N, K, M, 3).

        Raises:
            DataError: A time lies beyond the last pose, or a sample has no plan.
        """
        self._require_plans(np.asarray(times_s, dtype=np.float64))
        return _interpolated(self.times_s, self.poses, times_s)

    def chosen_poses_at(self, times_s: ArrayLike) -> NDArray[np.float64]:
        """(N, M, 3): the plan with the highest score alone, the first of them where two are equal."""
        self._require_plans(np.asarray(times_s, dtype=np.float64))
        return _interpolated(self.times_s, self.poses[np.arange(len(self)), self._chosen()], times_s)

    def positions_at(self, times_s: ArrayLike) -> NDArray[np.float64]:
        """(N, K, M, 2): ``poses_at`` without the heading."""
        self._require_plans(np.asarray(times_s, dtype=np.float64))
        return positions_at(self.times_s, self.poses, times_s)

    def chosen_positions_at(self, times_s: ArrayLike) -> NDArray[np.float64]:
        """(N, M, 2): ``chosen_poses_at`` without the heading."""
        self._require_plans(np.asarray(times_s, dtype=np.float64))
        return positions_at(self.times_s, self.poses[np.arange(len(self)), self._chosen()], times_s)

    def chosen_heights_at(self, times_s: ArrayLike) -> NDArray[np.float64]:
        """(N, M) z of ``chosen_poses_at``, by interpolation from 0 at time 0.

        Raises:
            DataError: There are no heights, a time lies beyond the last pose, or a sample has no plan.
        """
        if self.heights_m is None:
            raise DataError("the predictions have no column z; without it only plane errors can be scored")
        self._require_plans(np.asarray(times_s, dtype=np.float64))
        heights = self.heights_m[np.arange(len(self)), self._chosen()]
        as_poses = np.stack([heights, np.zeros_like(heights), np.zeros_like(heights)], axis=-1)
        return _interpolated(self.times_s, as_poses, times_s)[..., 0]

    def _chosen(self) -> NDArray[np.intp]:
        return np.argmax(self.scores, axis=1)

    def _require_plans(self, times_s: NDArray[np.float64]) -> None:
        if not self.planned.all():
            names = [token for token, planned in zip(self.tokens, self.planned, strict=True) if not planned]
            raise DataError(f"{len(names)} samples have no plan, such as {names[:3]}; this metric needs one for each")
        if times_s.size and times_s.max() > self.horizon_s + 1e-6:
            raise DataError(
                f"the plans end {self.horizon_s:g} s from now and {times_s.max():g} s are asked for; nothing is "
                "extrapolated: predict further, or take a protocol with a shorter horizon"
            )


def predictions_from_plans(tokens: Sequence[str], plans: Sequence[Plan | None]) -> Predictions:
    """A policy's plans as predictions; a plan's modes, where it has them, become the modes.

    Args:
        tokens: N names of samples.
        plans: One each; None where the policy gave no plan.

    Raises:
        ContractError: The plans differ in their times or in their number of modes, or their number is not the tokens'.
    """
    if len(tokens) != len(plans):
        raise ContractError(f"one plan a token, got {len(plans)} plans for {len(tokens)} tokens")
    modes = [None if plan is None else _modes_of(plan) for plan in plans]
    shapes = {(mode[0].shape, plan.dt_s) for mode, plan in zip(modes, plans, strict=True) if mode is not None and plan}
    if len(shapes) > 1:
        raise ContractError(f"all plans must have the same times and number of modes, got {sorted(shapes)[:4]}")
    given = next((plan for plan in plans if plan is not None), None)
    shape = next(iter(shapes))[0] if shapes else (1, 0, 3)
    absent = np.full(shape, np.nan), np.full(shape[0], 1.0 / shape[0])
    return Predictions(
        tokens=tuple(tokens),
        times_s=np.zeros(0) if given is None else given.times_s,
        poses=np.stack([(mode or absent)[0] for mode in modes]) if modes else np.zeros((0, *shape)),
        scores=np.stack([(mode or absent)[1] for mode in modes]) if modes else np.zeros((0, shape[0])),
        planned=np.array([plan is not None for plan in plans], dtype=np.bool_),
        texts=tuple(None if plan is None else plan.text for plan in plans),
        refused=np.array([plan is not None and plan.refused for plan in plans], dtype=np.bool_),
    )


def joined_predictions(parts: Sequence[Predictions]) -> Predictions:
    """The predictions of several scenes as one.

    Raises:
        ContractError: There is none, or the plans differ in their times or their number of modes.
    """
    if not parts:
        raise ContractError("there are no predictions to join")
    planned = [part for part in parts if part.planned.any()] or [parts[0]]
    shape = planned[0].poses.shape[1:]
    if any(part.poses.shape[1:] != shape or not np.array_equal(part.times_s, planned[0].times_s) for part in planned):
        raise ContractError("predictions to be joined must have the same times and number of modes")
    if any(part.heights_m is not None for part in parts):
        raise ContractError("predictions with heights are not joined: plans have none")
    with_refusals = all(part.refused is not None for part in parts)

    def poses(part: Predictions) -> NDArray[np.float64]:
        return part.poses if part.planned.any() else np.full((len(part), *shape), np.nan)

    def scores(part: Predictions) -> NDArray[np.float64]:
        return part.scores if part.planned.any() else np.full((len(part), shape[0]), 1.0 / shape[0])

    return Predictions(
        tokens=tuple(token for part in parts for token in part.tokens),
        times_s=planned[0].times_s,
        poses=np.concatenate([poses(part) for part in parts]),
        scores=np.concatenate([scores(part) for part in parts]),
        planned=np.concatenate([part.planned for part in parts]),
        texts=tuple(text for part in parts for text in part.texts),
        refused=np.concatenate([part.refused for part in parts if part.refused is not None]) if with_refusals else None,
    )


def _modes_of(plan: Plan) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    if plan.modes is None:
        return plan.waypoints[None], np.ones(1)
    return plan.modes.waypoints, plan.modes.scores


def _interpolated(times_s: NDArray[np.float64], poses: NDArray[np.float64], at_s: ArrayLike) -> NDArray[np.float64]:
    present = np.zeros((*poses.shape[:-2], 1, 3))
    return interpolate_poses(np.concatenate([[0.0], times_s]), np.concatenate([present, poses], axis=-2), at_s)


def _frozen(array: NDArray[np.float64]) -> NDArray[np.float64]:
    view = array.view()
    view.flags.writeable = False
    return view


def _twice(tokens: Sequence[str]) -> list[str]:
    seen: set[str] = set()
    again = {token for token in tokens if token in seen or seen.add(token)}  # type: ignore[func-returns-value]
    return sorted(again)[:3]
