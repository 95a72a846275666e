"""SimLingo's Action Dreaming: does the plan do what it was told, whatever the situation asks for?

Source: the evaluation of the later SimLingo release as a public fork holds it (ulrikisdahl/drive-vla 2b3e78b,
``simlingo_training/models/driving.py``); it is not verified against the authors' own repository.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from drivevla.errors import DataError
from drivevla.evaluation.open_loop.metric import Definition, Samples, Scores
from drivevla.evaluation.open_loop.positions import point_distances_m

__all__ = ["MODES", "ActionDreaming", "DreamedTruth", "dreaming_success", "paths_every_metre"]

MODES = ("stop", "slower", "faster", "target_speed", "lane_change", "crash")
"""What an instruction may ask for."""

_STEPS = 10
_STEP_S = 0.25
_PATH_POINTS = 20
_STOPPED_MPS = 0.1
_LEAST_SLOPE_OF_SPEED = 0.05
_SAME_PATH_M = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class DreamedTruth:
    """What N plans were told, and what they are held against; vehicle frame, metres.

    Attributes:
        mode: (N,) each one of ``MODES``.
        original_path_m: (N, 20, 2) the way without the instruction, a point a metre.
        instructed_path_m: (N, 20, 2) the way that follows it.
        instructed_m: (N, 10, 2) positions every 0.25 s that follow it.
        speed_mps: (N,) now.
        target_speed_mps: (N,) the number in the instruction; read for the mode target_speed alone.
    """

    mode: NDArray[np.str_]
    original_path_m: NDArray[np.float64]
    instructed_path_m: NDArray[np.float64]
    instructed_m: NDArray[np.float64]
    speed_mps: NDArray[np.float64]
    target_speed_mps: NDArray[np.float64]


def paths_every_metre(points_m: NDArray[np.float64]) -> NDArray[np.float64]:
    """The ways of plans as 20 points a metre apart, from the origin; the last point is repeated beyond the end.

    Args:
        points_m: (N, P, 2) without the origin.

    Returns:
        (N, 20, 2).
    """
    path = np.concatenate([np.zeros((len(points_m), 1, 2)), points_m], axis=1)
    steps_m = point_distances_m(path[:, 1:], path[:, :-1])
    along = np.concatenate([np.zeros((len(path), 1)), np.cumsum(steps_m, axis=1)], axis=1)
    along += np.arange(along.shape[1]) * 1e-4  # as in the source: it keeps the lengths increasing where the plan stands
    metres = np.arange(float(_PATH_POINTS))
    after = np.clip((along[:, :, None] <= metres).sum(axis=1), 1, along.shape[1] - 1)
    rows = np.arange(len(path))[:, None]
    before_m, after_m = along[rows, after - 1], along[rows, after]
    share = np.minimum((metres - before_m) / (after_m - before_m), 1.0)[..., None]
    return path[rows, after - 1] + share * (path[rows, after] - path[rows, after - 1])


def dreaming_success(
    plans_m: NDArray[np.float64], paths_m: NDArray[np.float64], truth: DreamedTruth
) -> NDArray[np.bool_]:
    """Which plans follow their instruction.

    - stop: the lowest speed is below 0.1 m/s.
    - slower, faster: the straight line through the speeds falls (rises) by more than 5 % of the speed now per second.
    - target_speed: the speed at the end is within 20 % of the instructed positions' or of the target.
    - lane_change: the path ends nearer to the instructed one's end than to the original's.
    - crash: the path is nearer to the instructed one than to the original, where these are more than 1 m apart on
      average; else nearer than 1 m. The source's condition on speed holds for every speed and is left out.

    Args:
        plans_m: (N, 10, 2) positions every 0.25 s.
        paths_m: (N, 20, 2) points every metre.
        truth: What was asked.

    Returns:
        (N,).

    Raises:
        DataError: A mode is none of ``MODES``.
    """
    unknown = sorted(set(truth.mode.tolist()) - set(MODES))
    if unknown:
        raise DataError(f"instruction modes are {', '.join(MODES)}, got {unknown}")
    speeds = point_distances_m(plans_m[:, 1:], plans_m[:, :-1]) / _STEP_S
    times_s = np.arange(speeds.shape[1]) * _STEP_S
    centred = times_s - times_s.mean()
    slope = (speeds * centred).sum(axis=1) / (centred**2).sum()
    ends = point_distances_m(paths_m[:, -1], truth.instructed_path_m[:, -1])
    ends_original = point_distances_m(paths_m[:, -1], truth.original_path_m[:, -1])
    end_speed = _end_speed_mps(plans_m)
    succeeded: Mapping[str, NDArray[np.bool_]] = {
        "stop": speeds.min(axis=1) < _STOPPED_MPS,
        "slower": slope < -_LEAST_SLOPE_OF_SPEED * truth.speed_mps,
        "faster": slope > _LEAST_SLOPE_OF_SPEED * truth.speed_mps,
        "target_speed": _near(end_speed, _end_speed_mps(truth.instructed_m)) | _near(end_speed, truth.target_speed_mps),
        "lane_change": ends < ends_original,
        "crash": _follows_crash(paths_m, truth),
    }
    return np.select([truth.mode == mode for mode in MODES], [succeeded[mode] for mode in MODES])


class ActionDreaming:
    """Success rates over all samples and by mode.

    Plans hold times, not a path of their own: their points up to their end, resampled every metre, stand for the path
    that SimLingo predicts apart. A slow plan's path therefore ends early.
    """

    definition = Definition(
        name="dreaming",
        version="1",
        summary="share of plans that follow their instruction, over all samples and by mode",
        source="SimLingo's released evaluation as in ulrikisdahl/drive-vla 2b3e78b, models/driving.py",
        horizon_s=_STEPS * _STEP_S,
        details=(
            "instruction_mode",
            "original_path_m",
            "instructed_path_m",
            "instructed_m",
            "speed_mps",
            "target_speed_mps",
        ),
    )

    def score(self, samples: Samples) -> Scores:
        """The success rate, and that of every mode that occurs.

        Raises:
            DataError: The truth lacks something, or a mode is unknown.
        """
        name, truth = self.definition.name, samples.truth
        asked = DreamedTruth(
            mode=truth.detail("instruction_mode", (), needed_by=name),
            original_path_m=truth.detail("original_path_m", (_PATH_POINTS, 2), needed_by=name),
            instructed_path_m=truth.detail("instructed_path_m", (_PATH_POINTS, 2), needed_by=name),
            instructed_m=truth.detail("instructed_m", (_STEPS, 2), needed_by=name),
            speed_mps=truth.detail("speed_mps", (), needed_by=name),
            target_speed_mps=truth.detail("target_speed_mps", (), needed_by=name),
        )
        plans = samples.predictions.chosen_positions_at(np.arange(1, _STEPS + 1) * _STEP_S)
        paths = paths_every_metre(samples.predictions.chosen_positions_at(samples.predictions.times_s))
        success = dreaming_success(plans, paths, asked).astype(np.float64)
        columns = {"success_rate": success}
        counts = {"samples": len(success)}
        for mode in MODES:
            of_mode = asked.mode == mode
            if of_mode.any():
                columns[f"success_rate_{mode}"] = np.where(of_mode, success, np.nan)
                counts[f"samples_{mode}"] = int(of_mode.sum())
        return Scores(
            values={column: float(np.nanmean(values)) for column, values in columns.items()},
            per_sample=columns,
            counts=counts,
        )


def _end_speed_mps(positions_m: NDArray[np.float64]) -> NDArray[np.float64]:
    return point_distances_m(positions_m[:, -1], positions_m[:, -3]) / (2 * _STEP_S)


def _near(speed_mps: NDArray[np.float64], wanted_mps: NDArray[np.float64]) -> NDArray[np.bool_]:
    return (speed_mps > 0.8 * wanted_mps) & (speed_mps < 1.2 * wanted_mps)


def _follows_crash(paths_m: NDArray[np.float64], truth: DreamedTruth) -> NDArray[np.bool_]:
    apart = _mean_distance_m(truth.original_path_m, truth.instructed_path_m)
    from_instructed = _mean_distance_m(paths_m, truth.instructed_path_m)
    nearer = from_instructed < _mean_distance_m(paths_m, truth.original_path_m)
    return np.where(apart > _SAME_PATH_M, nearer, from_instructed < _SAME_PATH_M)


def _mean_distance_m(some_m: NDArray[np.float64], others_m: NDArray[np.float64]) -> NDArray[np.float64]:
    return point_distances_m(some_m, others_m).mean(axis=-1)
