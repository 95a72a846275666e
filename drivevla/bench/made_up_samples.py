"""Made-up samples for the bench's protocols beyond those of planning on nuScenes; each set has what they ask for."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drivevla.evaluation.open_loop import OpenLoopTruth, Predictions, Samples
from drivevla.evaluation.open_loop.dreaming import MODES
from drivevla.evaluation.open_loop.waymo import POINTS

__all__ = ["arcs", "forecast_samples", "rated_samples", "scene_samples", "text_samples", "told_samples"]

_MODES = 6
_RATED = 3
_OBJECTS = 20
_WORDS = ("the", "car", "stops", "slows", "down", "since", "a", "pedestrian", "crosses", "ahead", "and", "light", "red")


def arcs(
    speed_mps: NDArray[np.float64], turn_radps: NDArray[np.float64], times_s: NDArray[np.float64]
) -> NDArray[np.float64]:
    """(..., T, 3) x, y, yaw of drives at a steady speed and yaw rate (...) at times (T,)."""
    yaw = turn_radps[..., None] * times_s
    chord = speed_mps[..., None] * times_s * np.sinc(yaw / (2 * np.pi))
    return np.stack([chord * np.cos(yaw / 2), chord * np.sin(yaw / 2), yaw], axis=-1)


def forecast_samples(count: int, *, seed: int = 0) -> Samples:
    """Agents driven for 6 s at 10 Hz, and six modes each."""
    rng = np.random.default_rng(seed)
    return _arc_samples(rng, count, np.arange(1, 61) * 0.1, {})


def rated_samples(count: int, *, seed: int = 0) -> Samples:
    """Six plans of 5 s at 4 Hz beside three rated trajectories."""
    rng = np.random.default_rng(seed)
    times_s = np.arange(1, POINTS + 1) * 0.25
    speed, turn = rng.uniform(2, 14, (count, _RATED)), rng.uniform(-0.15, 0.15, (count, _RATED))
    labels = rng.permuted(np.tile(np.arange(3.0, 3.0 + _RATED), (count, 1)), axis=1) + rng.uniform(0, 0.9, (count, 1))
    details = {"rated": arcs(speed, turn, times_s)[..., :2], "rated_label": labels, "speed_mps": speed[:, 0]}
    return _arc_samples(rng, count, times_s, details)


def told_samples(count: int, *, seed: int = 0) -> Samples:
    """Plans of 2.5 s at 4 Hz that were told something, each mode as often."""
    rng = np.random.default_rng(seed)
    times_s = np.arange(1, 11) * 0.25
    speed, metres = rng.uniform(2, 9, count), np.arange(20.0)
    turn = rng.uniform(-0.05, 0.05, (2, count))
    paths = arcs(np.ones((2, count)), turn, metres)[..., :2]
    details = {
        "instruction_mode": np.array(MODES)[np.arange(count) % len(MODES)],
        "original_path_m": paths[0],
        "instructed_path_m": paths[1],
        "instructed_m": arcs(speed, turn[1], times_s)[..., :2],
        "speed_mps": speed * rng.uniform(0.8, 1.2, count),
        "target_speed_mps": speed * rng.uniform(0.7, 1.3, count),
    }
    samples = _arc_samples(rng, count, times_s, details)
    poses = samples.predictions.poses.copy()
    poses[..., :2] *= 1.0 + rng.uniform(-0.2, 0.1, (count, _MODES, 1, 1)) * times_s[:, None]  # they brake or speed up
    return replace(samples, predictions=replace(samples.predictions, poses=poses))


def text_samples(count: int, *, seed: int = 0) -> Samples:
    """Answers of twelve words beside two references."""
    rng = np.random.default_rng(seed)
    texts = np.array([" ".join(row) + "." for row in rng.choice(_WORDS, (count * 3, 12)).tolist()]).reshape(count, 3)
    nothing = np.zeros(0)
    tokens = _tokens(count)
    return Samples(
        predictions=Predictions(
            tokens=tokens,
            times_s=nothing,
            poses=np.zeros((count, 1, 0, 3)),
            scores=np.ones((count, 1)),
            planned=np.zeros(count, dtype=np.bool_),
            texts=tuple(texts[:, 0].tolist()),
        ),
        truth=OpenLoopTruth(
            tokens=tokens,
            times_s=nothing,
            poses=np.zeros((count, 0, 3)),
            valid=np.zeros((count, 0), dtype=np.bool_),
            details={"references": texts[:, 1:]},
        ),
    )


def scene_samples(count: int, *, seed: int = 0) -> Samples:
    """NAVSIM scenes: plans of 4 s along a straight road of four lanes among twenty vehicles."""
    rng = np.random.default_rng(seed)
    speed = rng.uniform(4, 12, count)
    centres = np.arange(-1, 3) * 3.5
    lanes = [_rectangle(-60, 160, y - 1.75, y + 1.75) for y in centres]
    ego = np.zeros((count, 11))
    ego[:, 3] = speed
    past = np.zeros((count, 4, 11))
    past[..., 0], past[..., 3] = speed[:, None] * np.array([-1.5, -1.0, -0.5, 0.0]), speed[:, None]
    straight, steps_s = np.zeros(count), np.arange(51) * 0.1
    traffic = np.zeros((count, _OBJECTS, 51, 3))
    theirs = rng.uniform(3, 12, (count, _OBJECTS))
    traffic[..., 0] = rng.uniform(-50, 100, (count, _OBJECTS))[..., None] + theirs[..., None] * steps_s
    traffic[..., 1] = rng.choice(centres, (count, _OBJECTS))[..., None]
    half_seconds = np.arange(1, 9) * 0.5
    details: dict[str, NDArray[Any]] = {
        "ego_state": ego,
        "reference": arcs(speed, straight, np.arange(1, 41) * 0.1),
        "map_polygons": np.tile([_rectangle(-60, 160, -6, 10), *lanes], (count, 1, 1, 1)),
        "map_kind": np.tile(["ROADBLOCK", *["LANE"] * len(lanes)], (count, 1)),
        "map_on_route": np.tile([False, *(y == 0 for y in centres)], (count, 1)),
        "centerline": np.tile(np.column_stack([np.linspace(-60, 160, 111), np.zeros(111)]), (count, 1, 1)),
        "red_lights": np.tile([_rectangle(80, 90, -2, 2)], (count, 1, 1, 1)),
        "red_steps": np.ones((count, 1, 41), dtype=np.bool_),
        "traffic": traffic,
        "traffic_size": np.tile([4.6, 1.9], (count, _OBJECTS, 1)),
        "traffic_exists": np.ones((count, _OBJECTS, 51), dtype=np.bool_),
        "traffic_kind": np.full((count, _OBJECTS), "VEHICLE"),
        "traffic_speed_mps": theirs,
        "past": past,
        "human": arcs(speed, straight, half_seconds),
        "previous_token": np.full(count, ""),
    }
    return _arc_samples(rng, count, half_seconds, details, modes=1, speed_mps=speed, turn_radps=straight)


def _arc_samples(
    rng: np.random.Generator,
    count: int,
    times_s: NDArray[np.float64],
    details: dict[str, NDArray[Any]],
    *,
    modes: int = _MODES,
    speed_mps: NDArray[np.float64] | None = None,
    turn_radps: NDArray[np.float64] | None = None,
) -> Samples:
    speed = rng.uniform(2, 9, count) if speed_mps is None else speed_mps
    turn = rng.uniform(-0.15, 0.15, count) if turn_radps is None else turn_radps
    shape = (count, modes)
    planned = arcs(speed[:, None] * rng.uniform(0.7, 1.3, shape), turn[:, None] + rng.normal(0, 0.03, shape), times_s)
    tokens = _tokens(count)
    return Samples(
        predictions=Predictions(
            tokens=tokens,
            times_s=times_s,
            poses=planned,
            scores=rng.dirichlet(np.ones(modes), count),
            planned=np.ones(count, dtype=np.bool_),
            texts=(None,) * count,
        ),
        truth=OpenLoopTruth(
            tokens=tokens,
            times_s=times_s,
            poses=arcs(speed, turn, times_s),
            valid=np.ones((count, len(times_s)), dtype=np.bool_),
            details=details,
        ),
    )


def _tokens(count: int) -> tuple[str, ...]:
    return tuple(f"sample {index}" for index in range(count))


def _rectangle(left_m: float, right_m: float, low_m: float, high_m: float) -> list[list[float]]:
    return [[left_m, low_m], [right_m, low_m], [right_m, high_m], [left_m, high_m]]
