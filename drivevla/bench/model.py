"""What a plan costs: time by part, parameters, FLOPs and memory, of any checkpoint or recipe.

``python -m drivevla.bench.model nano [--device cuda] [--data LOG]``: a shipped policy or the folder of a checkpoint or
run; or a recipe, built with random weights (``recipes/nano``). One frame of the rig nano at a time, as in driving.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from drivevla.bench.loading import driven
from drivevla.config.resolve import load_config
from drivevla.datasets.opening import open_dataset
from drivevla.errors import ConfigError
from drivevla.models.checkpoint import CheckpointAbout, save_checkpoint
from drivevla.models.driving import DrivingModel
from drivevla.models.frozen import always_frozen
from drivevla.planner.control import PlanTracker
from drivevla.policies.learned import LearnedPolicy
from drivevla.policies.loading import load_policy
from drivevla.training.recipe import RecipeConfig
from drivevla.types import Observation, Plan

__all__ = ["ModelCost", "Spread", "driving_cost", "gemm_gflops", "policy_of", "report", "words"]

PARTS = ("preprocessing", "perception", "language", "fusion", "head", "text", "control")
_RECIPES = "recipes/"
_WARM_UP = 3


@dataclass(frozen=True, slots=True)
class Spread:
    """Times of one part, in milliseconds."""

    p50_ms: float
    p99_ms: float
    best_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCost:
    """What a policy's plans cost.

    Attributes:
        plan: From raw sensors to plan, everything included.
        parts: The same by part, of ``PARTS``; a part that never ran is left out. ``language`` is reading a sentence
            that was heard before, ``fusion`` brings scene and sentence together (or is the language model's pass),
            ``text`` is of the plans that say why, and ``control`` one tick of following a plan.
        new_sentence_ms: Reading a sentence for the first time.
        trainable: Parameters that learn.
        frozen: Those that never do, the text model of a pretrained reader included.
        flops: Of one plan's forward pass; a pretrained reader's sentence was read before.
        weights_bytes: Of all parameters and buffers as they lie in memory.
        peak_bytes: On a GPU: allocated at most. Elsewhere: the process at most, libraries and all.
    """

    plan: Spread
    parts: Mapping[str, Spread]
    new_sentence_ms: float | None
    trainable: int
    frozen: int
    flops: int
    weights_bytes: int
    peak_bytes: int


def policy_of(name: str, folder: Path, *, device: str = "cpu") -> LearnedPolicy:
    """The policy that is measured.

    Args:
        name: As ``load_policy`` takes it, or ``recipes/NAME`` for a recipe with random weights.
        folder: Where those are stored.
        device: Where it computes.

    Raises:
        ConfigError: It is no trained policy, or a recipe that cannot be built.
    """
    if not name.startswith(_RECIPES):
        policy = load_policy(name, device=device)
        if not isinstance(policy, LearnedPolicy):
            raise ConfigError(f"{name} is no trained policy: name a checkpoint, or a recipe as {_RECIPES}{name}")
        return policy
    recipe = load_config(RecipeConfig, name.removeprefix(_RECIPES))
    if recipe.model is None:
        raise ConfigError(f"recipe {recipe.name} is {recipe.state}: there is no model to measure")
    torch.manual_seed(0)
    save_checkpoint(folder, DrivingModel(recipe.model), CheckpointAbout(model=recipe.model))
    return LearnedPolicy(folder, device=device)


def driving_cost(
    policy: LearnedPolicy, observations: Sequence[Observation], *, plans: int = 100, device: str = "cpu"
) -> ModelCost:
    """Drive through observations, again and again, and look at the clock.

    Args:
        policy: Who drives.
        observations: At least one; all of one drive.
        plans: How many are timed, after three that warm up.
        device: Where it computes.
    """
    on_gpu = device.startswith("cuda")
    settle = torch.cuda.synchronize if on_gpu else lambda: None
    times: dict[str, list[float]] = defaultdict(list)
    policy.reset(0)
    plan = policy.act(observations[0])
    for index in range(_WARM_UP):
        policy.act(observations[index % len(observations)])
    if on_gpu:
        torch.cuda.reset_peak_memory_stats()
    with _timed(policy, times, settle):
        for index in range(plans):
            observation = observations[index % len(observations)]
            plan = _clocked(lambda observation=observation: policy.act(observation), times["plan"], settle)  # type: ignore[misc]
    _time_control(plan, times["control"])
    model = policy.model
    return ModelCost(
        plan=_spread(times["plan"]),
        parts={name: _spread(times[name]) for name in PARTS if times[name]},
        new_sentence_ms=_new_sentence_ms(model, settle),
        trainable=sum(each.numel() for each in model.parameters() if not always_frozen(each)),
        frozen=sum(each.numel() for each in model.parameters() if always_frozen(each)) + model.asked_parameters,
        flops=_flops(policy, observations[0]),
        weights_bytes=sum(each.nbytes for each in (*model.parameters(), *model.buffers())),
        peak_bytes=torch.cuda.max_memory_allocated()
        if on_gpu
        else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    )


def report(name: str = "nano", *, device: str = "cpu", plans: int = 100, data: Path | None = None) -> str:
    """Measure a policy, and say it with a calibration of the same run.

    Args:
        name: As ``policy_of`` takes it.
        device: Where it computes.
        plans: How many are timed.
        data: A data set whose frames are seen; the embedded simulator is driven without.
    """
    with tempfile.TemporaryDirectory() as folder:
        policy = policy_of(name, Path(folder), device=device)
        observations = _recorded(data) if data else [seen for _, seen in driven(10)]
        cost = driving_cost(policy, observations, plans=plans, device=device)
    machine = f"{torch.get_num_threads()} threads, {gemm_gflops():.0f} GFLOP/s in torch's float32 matrix products"
    return f"{words(name, cost)}\n  calibration: {machine}"


def words(name: str, cost: ModelCost) -> str:
    """What a policy's plans cost, a line for each part."""
    lines = [
        f"{name}: {cost.trainable / 1e6:.2f} M parameters learn, {cost.frozen / 1e6:.2f} M never do; "
        f"{cost.flops / 1e9:.2f} GFLOP forward; {cost.weights_bytes / 2**20:.1f} MiB of weights, "
        f"{cost.peak_bytes / 2**20:,.0f} MiB at most",
        _line("plan from raw sensors", cost.plan),
        *(_line(f"  {part}", spread) for part, spread in cost.parts.items()),
    ]
    if cost.new_sentence_ms is not None:
        lines.append(f"  {'a sentence never heard before':<30} {cost.new_sentence_ms:6.1f} ms")
    return "\n".join(lines)


def gemm_gflops() -> float:
    """Calibration: float32 matrix products of side 1024 in torch, with the threads that it has, the best of five."""
    side = 1024
    matrix = torch.rand(side, side)
    times: list[float] = []
    for _ in range(5):
        _clocked(lambda: matrix @ matrix, times, lambda: None)
    return 2.0 * side**3 / min(times) / 1e9


def _line(name: str, spread: Spread) -> str:
    return f"  {name:<30} p50 {spread.p50_ms:6.1f} ms, p99 {spread.p99_ms:6.1f} ms, best {spread.best_ms:6.1f} ms"


@contextmanager
def _timed(policy: LearnedPolicy, times: dict[str, list[float]], settle: Callable[[], object]) -> Iterator[None]:
    """Clocks around the calls that a plan is made of; taken away again afterwards."""
    model = policy.model
    calls: list[tuple[Any, str, str]] = [
        (policy, "prepared", "preprocessing"),
        (model.scene, "forward", "perception"),
        (model.head, "forward", "head"),
        (model.head, "decode", "head decoding"),
    ]
    if model.backbone is not None:
        calls.append((model.backbone, "forward", "fusion"))
    else:
        calls += [(model.readers, "forward", "language"), (model.fusion, "forward", "fusion")]
    if model.config.text is not None:
        calls.append((policy, "_explain", "text"))
    for owner, method, part in calls:
        setattr(owner, method, _clock_around(getattr(owner, method), times[part], settle))
    try:
        yield
    finally:
        for owner, method, _ in calls:
            delattr(owner, method)
    times["head"] = [sum(both) for both in zip(times["head"], times.pop("head decoding"), strict=True)]
    times["text"] = [each for each in times["text"] if each > 1e-4]  # plans that repeat a sentence do not write one


def _clock_around(call: Callable[..., Any], times: list[float], settle: Callable[[], object]) -> Callable[..., Any]:
    return lambda *given: _clocked(lambda: call(*given), times, settle)


def _clocked(call: Callable[[], Any], times: list[float], settle: Callable[[], object]) -> Any:
    settle()
    began_s = time.perf_counter()
    result = call()
    settle()
    times.append(time.perf_counter() - began_s)
    return result


def _time_control(plan: Plan, times: list[float]) -> None:
    """Four ticks of following a plan."""
    tracker = PlanTracker()
    for tick in range(100):
        at: dict[str, Any] = {"elapsed_s": 0.05 * (tick % 4), "speed_mps": 5.0, "dt_s": 0.05}
        ego = np.array([0.25 * (tick % 4), 0.0, 0.0])
        _clocked(lambda ego=ego, at=at: tracker.step(plan, plan_from_ego=ego, **at), times, lambda: None)  # type: ignore[misc]


def _new_sentence_ms(model: DrivingModel, settle: Callable[[], object]) -> float | None:
    if model.backbone is not None or not model.config.readers:
        return None
    times: list[float] = []
    with torch.inference_mode():
        for number in range(5):
            sentence = f"At the {number + 7}th junction, turn left, then wait behind lorry {number}."
            _clocked(lambda sentence=sentence: model.readers([sentence]), times, settle)  # type: ignore[misc]
    return 1e3 * float(np.median(times))


def _flops(policy: LearnedPolicy, observation: Observation) -> int:
    sensors = policy.prepared(observation)
    with FlopCounterMode(display=False) as counter:
        policy.model.head.decode(policy.model.head.forward(policy.model(sensors).context))
    return int(counter.get_total_flops())


def _spread(times_s: Sequence[float]) -> Spread:
    p50, p99 = np.percentile(times_s, [50, 99])
    return Spread(p50_ms=1e3 * float(p50), p99_ms=1e3 * float(p99), best_ms=1e3 * min(times_s))


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m drivevla.bench.model", description=__doc__)
    parser.add_argument("policy", help="a shipped policy, a folder, or recipes/NAME")
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--plans", type=int, default=100)
    parser.add_argument("--data", type=Path, help="a data set's folder; without it the embedded simulator is driven")
    arguments = parser.parse_args()
    said = report(arguments.policy, device=arguments.device, plans=arguments.plans, data=arguments.data)
    sys.stdout.write(said + "\n")
    return 0


def _recorded(folder: Path) -> list[Observation]:
    reader = open_dataset(folder)
    tokens = [token for scene in reader.scenes for token in scene.tokens][:10]
    return [reader.sample(token).observation for token in tokens]


if __name__ == "__main__":
    sys.exit(main())
