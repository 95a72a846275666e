"""The baseline that sees nothing: a small network on the car's own motion, past and present.

A sensor-free network of this kind has matched large models on nuScenes' open-loop numbers (AD-MLP, arXiv 2305.10430),
so that a number without it beside says little. Unlike AD-MLP it is not given the command, which those data sets read
off the future.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from drivevla.errors import DataError
from drivevla.geometry import interpolate_poses
from drivevla.types import Future, Observation, Plan

if TYPE_CHECKING:
    import torch

    from drivevla.evaluation.offline.selection import SampleSet

__all__ = ["EgoOnly", "EgoOnlyFit", "ego_features", "train_ego_only"]

DT_S = 0.25
_PAST_S = np.array([-2.0, -1.5, -1.0, -0.5])
_WIDTH, _BATCH, _RATE, _DECAY = 64, 256, 2e-3, 1e-2
_EPOCHS, _MOST_STEPS = 150, 3000
"""Few passes over few samples: a network that knows them by heart would be no baseline."""
_LONGEST_S = 4.0


@dataclass(frozen=True, slots=True, kw_only=True)
class EgoOnlyFit:
    """How the baseline was made.

    Attributes:
        dataset: What it learnt from.
        scenes: Its drives.
        samples: How many samples of them have a future.
        seed: Of weights and batches.
        loss_m: Mean absolute error on these samples at the end.
    """

    dataset: str
    scenes: tuple[str, ...]
    samples: int
    seed: int
    loss_m: float


class EgoOnly:
    """A policy on nothing but ego state and past poses.

    Args:
        network: From standardised features to what constant velocity gets wrong, in metres a second of time ahead.
        centre: (F,) mean of the features.
        scale: (F,) their standard deviation.
        steps: Waypoints of a plan, every 0.25 s.
    """

    def __init__(
        self, network: torch.nn.Module, centre: NDArray[np.float64], scale: NDArray[np.float64], steps: int
    ) -> None:
        self._network, self._centre, self._scale = network, centre, scale
        self._times_s = np.arange(1, steps + 1) * DT_S

    def reset(self, seed: int) -> None:
        """Nothing is remembered, and nothing is random."""

    def act(self, observation: Observation) -> Plan:
        """The network's plan."""
        import torch

        features = (ego_features(observation) - self._centre) / self._scale
        with torch.inference_mode():
            wrong = self._network(torch.from_numpy(features[None]).float())[0].double().numpy()
        straight = _straight(np.array([observation.ego.speed_mps]), self._times_s)[0]
        return Plan(waypoints=straight + wrong.reshape(-1, 3) * self._times_s[:, None], dt_s=DT_S)


def ego_features(observation: Observation) -> NDArray[np.float64]:
    """(19,) speed, acceleration, yaw rate, and x, y, yaw and whether it is known at 2, 1.5, 1 and 0.5 s before now."""
    past = np.zeros((len(_PAST_S), 4))
    if observation.past is not None and len(observation.past.times_s) > 1:
        known = observation.past.times_s[0] - 1e-6 <= _PAST_S
        if known.any():
            past[known, :3] = interpolate_poses(observation.past.times_s, observation.past.poses, _PAST_S[known])
            past[known, 3] = 1.0
    ego = observation.ego
    return np.concatenate([[ego.speed_mps, ego.acceleration_mps2, ego.yaw_rate_radps], past.ravel()])


def train_ego_only(
    samples: SampleSet, *, seed: int, told: Callable[[int, int], None] | None = None
) -> tuple[EgoOnly, EgoOnlyFit]:
    """Fit the baseline; the same samples and seed give the same weights on the same machine.

    Args:
        samples: To learn from; their reader need not read pictures.
        seed: Of weights and batches.
        told: Told how many samples of how many have been read.

    Raises:
        DataError: No sample has a future.
    """
    features, futures = [], []
    for scene in samples.scenes:
        for token in scene.tokens:
            sample = samples.reader.sample(token)
            if sample.truth.future is not None and sample.truth.future.valid.any():
                features.append(ego_features(sample.observation))
                futures.append(sample.truth.future)
            if told is not None:
                told(len(features), len(samples))
    if not futures:
        raise DataError(f"no sample of {samples.reader.dataset} to learn from has a future")
    inputs = np.stack(features)
    poses, known = _targets(futures)
    centre, scale = inputs.mean(axis=0), np.maximum(inputs.std(axis=0), 1e-3)
    times_s = np.arange(1, poses.shape[1] + 1) * DT_S
    wrong = (poses - _straight(inputs[:, 0], times_s)) / times_s[:, None]
    network, loss_m = _fitted((inputs - centre) / scale, wrong, known, times_s, seed=seed)
    fit = EgoOnlyFit(
        dataset=samples.reader.dataset,
        scenes=tuple(scene.name for scene in samples.scenes),
        samples=len(futures),
        seed=seed,
        loss_m=loss_m,
    )
    return EgoOnly(network, centre, scale, poses.shape[1]), fit


def _straight(speed_mps: NDArray[np.float64], times_s: NDArray[np.float64]) -> NDArray[np.float64]:
    poses = np.zeros((len(speed_mps), len(times_s), 3))
    poses[..., 0] = speed_mps[:, None] * times_s
    return poses


def _targets(futures: Sequence[Future]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """(N, T, 3) poses every 0.25 s, and (N, T) whether they are known; T as far as the longest future reaches.

    A future that ends less than a quarter of a second before a step (CoVLA's at 2.95 s) is carried on to it at its last
    speed: what is learnt there is a guess, and no protocol compares it.
    """
    reach_s = min(max(float(future.times_s[future.valid][-1]) for future in futures if future.valid.any()), _LONGEST_S)
    times_s = np.arange(1, int(np.ceil(reach_s / DT_S - 1e-6)) + 1) * DT_S
    poses, known = np.zeros((len(futures), len(times_s), 3)), np.zeros((len(futures), len(times_s)), dtype=np.bool_)
    for index, future in enumerate(futures):
        at_s = np.concatenate([[0.0], future.times_s[future.valid]])
        driven = np.concatenate([np.zeros((1, 3)), future.poses[future.valid]])
        if len(at_s) > 2 and times_s[-1] - DT_S < at_s[-1] < times_s[-1]:
            more = (times_s[-1] - at_s[-1]) / (at_s[-1] - at_s[-2])
            at_s, driven = (
                np.append(at_s, times_s[-1]),
                np.vstack([driven, driven[-1] + more * (driven[-1] - driven[-2])]),
            )
        known[index] = times_s <= at_s[-1] + 1e-6
        poses[index, known[index]] = interpolate_poses(at_s, driven, times_s[known[index]])
    return poses, known


def _fitted(
    inputs: NDArray[np.float64],
    wrong: NDArray[np.float64],
    known: NDArray[np.bool_],
    times_s: NDArray[np.float64],
    *,
    seed: int,
) -> tuple[torch.nn.Module, float]:
    import torch
    from torch import nn

    generator = torch.Generator().manual_seed(seed)
    steps = len(times_s)
    network = nn.Sequential(
        nn.Linear(inputs.shape[1], _WIDTH),
        nn.ReLU(),
        nn.Linear(_WIDTH, _WIDTH),
        nn.ReLU(),
        nn.Linear(_WIDTH, steps * 3),
    )
    with torch.no_grad():
        for weights in network.parameters():
            bound = 1.0 / np.sqrt(weights.shape[-1])
            weights.uniform_(-bound, bound, generator=generator)
        for weights in network[-1].parameters():
            weights.zero_()  # it begins as constant velocity
    x, y = torch.from_numpy(inputs).float(), torch.from_numpy(wrong.reshape(len(wrong), -1)).float()
    weight = torch.from_numpy(np.repeat(known * times_s, 3, axis=1)).float()
    optimiser: Any = torch.optim.AdamW(network.parameters(), lr=_RATE, weight_decay=_DECAY)
    count = min(_EPOCHS * -(-len(x) // _BATCH), _MOST_STEPS)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, count)
    for _ in range(count):
        rows = torch.randint(len(x), (min(_BATCH, len(x)),), generator=generator)
        loss = ((network(x[rows]) - y[rows]).abs() * weight[rows]).sum() / (weight[rows] > 0).sum().clamp_min(1)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    with torch.no_grad():
        whole = ((network.eval()(x) - y).abs() * weight).sum() / (weight > 0).sum().clamp_min(1)
    return network, float(whole)
