"""How many samples a second the open-loop protocols score, beside their definition in plain loops.

Both run in this process on one core and are timed by the processor's clock, since other work on the machine is none of
theirs. Before anything is timed, both must give the same numbers.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np

from drivevla.bench.made_up_samples import (
    arcs,
    forecast_samples,
    rated_samples,
    scene_samples,
    text_samples,
    told_samples,
)
from drivevla.bench.plain_forecasts import PLAIN_FORECASTS, plain_forecasts
from drivevla.bench.plain_metrics import LIDAR_AHEAD_M, PLAIN, plain_sample
from drivevla.evaluation.open_loop import OpenLoopTruth, Predictions, Samples, load_metric
from drivevla.geometry import matrix_from_yaw, rigid

__all__ = ["SAMPLES_OF", "MetricRate", "bench_samples", "measure_metric", "measure_scenes", "report"]

REPEATS = 3
SAMPLES, LIGHT_SAMPLES = 512, 4096
PLAIN_SAMPLES = 12
PLAIN_S = 0.3
OBJECTS = 20
RASTERS = ("nuscenes-uniad", "nuscenes-vad", "nuscenes-stp3", "admlp", "opendrivevla", "bevplanner")
"""The protocols that look at objects."""
SCENES = ("navsim-v1.1", "navsim-v2")
SCENE_SAMPLES = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricRate:
    """One protocol's speed.

    Attributes:
        name: The protocol.
        samples_per_s: Vectorised, best of the repeats.
        plain_samples_per_s: In plain loops.
        worst_difference: Largest difference between both numbers of any sample.
    """

    name: str
    samples_per_s: float
    plain_samples_per_s: float
    worst_difference: float


def report() -> str:
    """A line for every protocol that has a plain definition, and one for each version of NAVSIM's."""
    lines = [
        f"open-loop metrics, {SAMPLES} samples with {OBJECTS} objects ({LIGHT_SAMPLES} without), one core, processor s"
    ]
    for name, made_up in SAMPLES_OF.items():
        rate = measure_metric(name, made_up(SAMPLES if name in RASTERS else LIGHT_SAMPLES))
        lines.append(
            f"{name:<19} {rate.samples_per_s:9.0f} samples/s, {rate.samples_per_s / rate.plain_samples_per_s:6.0f} x "
            f"plain loops ({rate.plain_samples_per_s:.1f}); largest difference {rate.worst_difference:.1g}"
        )
    scenes = [f"{name:<19} {measure_scenes(name, SCENE_SAMPLES):9.0f} scenes/s of {SCENE_SAMPLES}" for name in SCENES]
    return "\n".join(lines + scenes)


def measure_metric(name: str, samples: Samples, *, plain_s: float = PLAIN_S) -> MetricRate:
    """Time one protocol, and its plain definition on the first few samples, for so many seconds."""
    metric = load_metric(name)
    few = _plain_of(name, samples, min(PLAIN_SAMPLES, len(samples)))
    answers = [plain() for plain in few]
    scores = metric.score(samples)
    worst = max(
        abs(scores.per_sample[key][index] - value)
        for index, answer in enumerate(answers)
        for key, value in answer.items()
    )
    best_s = min(_scored_s(name, samples) for _ in range(REPEATS))
    return MetricRate(
        name=name,
        samples_per_s=len(samples) / best_s,
        plain_samples_per_s=_plain_rate(few, plain_s),
        worst_difference=float(worst),
    )


def measure_scenes(name: str, count: int) -> float:
    """Scenes a second of one of NAVSIM's scores, simulation included; its official code scores 1 to 3 a second."""
    return count / _scored_s(name, scene_samples(count))


def bench_samples(count: int, *, seed: int = 0) -> Samples:
    """Made-up drives of 3 s among cars and pedestrians, with everything that the protocols ask for."""
    rng = np.random.default_rng(seed)
    times_s = np.arange(1, 7) * 0.5
    speed, turn = rng.uniform(2, 14, count), rng.uniform(-0.15, 0.15, count)
    driven = arcs(speed, turn, times_s)
    planned = arcs(speed * rng.uniform(0.8, 1.2, count), turn + rng.normal(0, 0.05, count), times_s)
    boxes = np.zeros((count, 7, OBJECTS, 7))
    boxes[..., 0], boxes[..., 1] = rng.uniform(-35, 35, (count, 1, OBJECTS)), rng.uniform(-28, 28, (count, 1, OBJECTS))
    boxes[..., :2] += rng.uniform(-1, 1, (count, 1, OBJECTS, 2)) * np.arange(7)[:, None, None] * 0.5
    boxes[..., 3:6], boxes[..., 6] = [4.6, 1.9, 1.7], rng.uniform(-np.pi, np.pi, (count, 1, OBJECTS))
    category = np.where(rng.random((count, OBJECTS)) < 0.7, "vehicle.car", "human.pedestrian.adult")
    boxes[..., 3:5] *= np.where(category == "vehicle.car", 1.0, 0.3)[:, None, :, None]
    along = np.linspace(-45, 45, 20)
    kerbs = np.stack([np.stack([along, np.full(20, side)], axis=-1) for side in (-6.0, 3.5)])
    tokens = tuple(f"sample {index}" for index in range(count))
    everyone = np.ones((count, OBJECTS), dtype=np.bool_)
    truth = OpenLoopTruth(
        tokens=tokens,
        times_s=times_s,
        poses=driven,
        valid=np.ones((count, 6), dtype=np.bool_),
        details={
            "boxes": boxes,
            "boxes_present": np.ones(boxes.shape[:3], dtype=np.bool_),
            "boxes_category": category,
            "boxes_lidar_points": np.ones((count, OBJECTS), dtype=np.int64),
            "boxes_tracked": np.ones(count, dtype=np.bool_),
            "boxes_seen": everyone,
            "past_keyframes": np.full(count, 2),
            "ego_from_lidar": np.tile(rigid(matrix_from_yaw(-np.pi / 2), [LIDAR_AHEAD_M, 0.0, 1.84]), (count, 1, 1)),
            "boundary": np.broadcast_to(kerbs, (count, *kerbs.shape)),
            "boundary_present": np.ones((count, 2), dtype=np.bool_),
            "device_xy_m": np.tile([1.5, 0.0], (count, 1)),
        },
    )
    predictions = Predictions(
        tokens=tokens,
        times_s=times_s,
        poses=planned[:, None],
        scores=np.ones((count, 1)),
        planned=np.ones(count, dtype=np.bool_),
        texts=(None,) * count,
    )
    return Samples(predictions=predictions, truth=truth)


SAMPLES_OF: Mapping[str, Callable[..., Samples]] = {
    **dict.fromkeys(PLAIN, bench_samples),
    "argoverse1": forecast_samples,
    "argoverse2": forecast_samples,
    "nuscenes-prediction": forecast_samples,
    "waymo-rfs": rated_samples,
    "dreaming": told_samples,
    "text": text_samples,
}
"""Which samples every protocol with a plain definition is timed on; each takes a count and a seed."""


def _plain_of(name: str, samples: Samples, count: int) -> list[Callable[[], dict[str, float]]]:
    if name in PLAIN:
        return [partial(PLAIN[name], plain_sample(samples, index)) for index in range(count)]
    return [partial(PLAIN_FORECASTS[name], each) for each in plain_forecasts(samples, count)]


def _plain_rate(few: list[Callable[[], dict[str, float]]], least_s: float) -> float:
    """Samples a second, best of the repeats; each goes over the few again and again for long enough to be measured."""
    best = 0.0
    for _ in range(REPEATS):
        begin, done = time.process_time(), 0
        while (spent_s := time.process_time() - begin) < least_s or not done:
            for plain in few:
                plain()
            done += len(few)
        best = max(best, done / spent_s)
    return best


def _scored_s(name: str, samples: Samples) -> float:
    metric, begin = load_metric(name), time.process_time()
    metric.score(samples)
    return time.process_time() - begin
