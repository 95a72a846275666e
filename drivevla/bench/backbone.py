"""How fast the recipe base is on an accelerator, at the sizes of published models and with random weights.

``python -m drivevla.bench.backbone --size smolvlm2_500m --device cuda --precision bfloat16 [--compile]``
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from drivevla.config.sensor_rig import load_rig
from drivevla.errors import require
from drivevla.models.config import FusionConfig, ModelConfig
from drivevla.models.driving import DrivingModel
from drivevla.models.moving import to_device
from drivevla.models.parts import PartConfig
from drivevla.testing import sample_observation
from drivevla.testing.random_models import save_random_language_model, save_random_vision_tower
from drivevla.training.batches import TrainingBatch, TrainingSample, collate_samples
from drivevla.training.imitation import Imitation
from drivevla.types import Future

__all__ = ["SIZES", "BackboneSize", "main"]


@dataclass(frozen=True, kw_only=True)
class BackboneSize:
    """Sizes of a vision-language model.

    Attributes:
        language: Of its Llama.
        vision: Of its SigLIP.
        shuffle: Side of the square of patches that becomes one token.
        layers: That SmolVLA keeps of it.
    """

    language: dict[str, Any]
    vision: dict[str, Any]
    shuffle: int
    layers: int


SIZES = {
    # HuggingFaceTB/SmolVLM2-500M-Video-Instruct, config.json: SmolLM2-360M and SigLIP-B/16 at 512 pixels.
    "smolvlm2_500m": BackboneSize(
        language={
            "hidden_size": 960, "intermediate_size": 2560, "num_hidden_layers": 32, "num_attention_heads": 15,
            "num_key_value_heads": 5, "head_dim": 64, "vocab_size": 49280,
        },
        vision={
            "hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12, "num_attention_heads": 12,
            "image_size": 512, "patch_size": 16,
        },
        shuffle=4,
        layers=16,
    ),
    # For trying the command on a small machine.
    "tiny": BackboneSize(
        language={
            "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 4, "num_attention_heads": 4,
            "num_key_value_heads": 2, "head_dim": 16,
        },
        vision={
            "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4,
            "image_size": 64, "patch_size": 16,
        },
        shuffle=2,
        layers=2,
    ),
}  # fmt: skip


def main() -> int:
    """Measure and print."""
    arguments = _arguments()
    require("transformers", "lang").utils.logging.disable_progress_bar()
    torch.manual_seed(0)
    with tempfile.TemporaryDirectory() as folder:
        model = _model(arguments, Path(folder)).to(arguments.device)
    learning = sum(weight.numel() for weight in model.parameters() if weight.requires_grad)
    everything = sum(weight.numel() for weight in model.parameters())
    say(f"{arguments.size}: {everything / 1e6:.1f} M weights, {learning / 1e6:.1f} M learn; {_machine(arguments)}")
    if arguments.compile:
        assert model.backbone is not None
        model.backbone.decoder = torch.compile(model.backbone.decoder)
    _measure_plans(model, arguments)
    _measure_training(model, arguments)
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m drivevla.bench.backbone", description=__doc__)
    parser.add_argument("--size", choices=sorted(SIZES), default="smolvlm2_500m")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--precision", choices=("float32", "bfloat16"), default="bfloat16")
    parser.add_argument("--compile", action="store_true", help="compile the language model's layers")
    parser.add_argument("--batch", type=int, default=16, help="samples of a training step")
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument("--half", action="store_true", help="keep the first half of the layers only, as SmolVLA does")
    parser.add_argument("--learns", choices=("all", "adapters", "nothing"), default="nothing")
    return parser.parse_args()


def _model(arguments: argparse.Namespace, folder: Path) -> DrivingModel:
    size = SIZES[arguments.size]
    eyes = save_random_vision_tower(folder / "eyes", **size.vision)
    words = save_random_language_model(folder / "words", **size.language)
    backbone = {"name": str(words), "learns": arguments.learns, "layers": size.layers if arguments.half else None}
    seeing = {"name": str(eyes), "shuffle": size.shuffle}
    return DrivingModel(
        ModelConfig(
            width=256,
            cameras=PartConfig(name="pretrained", options=seeing),
            fusion=FusionConfig(attention_heads=8),
            backbone=PartConfig(name="language_model", options=backbone),
            head=PartConfig(name="flow"),
        )
    )


def _measure_plans(model: DrivingModel, arguments: argparse.Namespace) -> None:
    """One plan at a time, as in driving."""
    model.eval()
    sensors = _batch(1, model, arguments.device).sensors

    def plan() -> None:
        with torch.inference_mode(), _precision(arguments):
            model.head.decode(model.head.forward(model(sensors).context))

    times_ms = _timed(plan, arguments)
    say(
        f"plan, three cameras and LiDAR: median {np.median(times_ms):.1f} ms, p99 {np.percentile(times_ms, 99):.1f}, "
        f"{1e3 / np.median(times_ms):.1f} plans/s{_memory(arguments)}"
    )


def _measure_training(model: DrivingModel, arguments: argparse.Namespace) -> None:
    """Steps of imitation with AdamW."""
    model.train()
    batch, objective = _batch(arguments.batch, model, arguments.device), Imitation()
    learning = [weight for weight in model.parameters() if weight.requires_grad]
    optimiser = torch.optim.AdamW(learning, lr=1e-4)

    def step() -> None:
        optimiser.zero_grad(set_to_none=True)
        with _precision(arguments):
            total = sum(objective.loss(model, batch).values(), torch.zeros((), device=arguments.device))
        total.backward()
        optimiser.step()

    times_ms = _timed(step, arguments)
    rate = arguments.batch * 1e3 / np.median(times_ms)
    say(
        f"training step of {arguments.batch} samples: median {np.median(times_ms):.0f} ms, {rate:.1f} samples/s"
        f"{_memory(arguments)}"
    )


def _batch(count: int, model: DrivingModel, device: str) -> TrainingBatch:
    rng, rig = np.random.default_rng(0), load_rig("nano")
    steps, dt_s = model.config.steps, model.config.dt_s
    times_s = np.arange(1, steps + 1) * dt_s
    future = Future(
        times_s=times_s,
        poses=np.column_stack([5.0 * times_s, np.zeros((steps, 2))]),
        valid=np.ones(steps, dtype=np.bool_),
    )
    samples = [
        TrainingSample(observation=sample_observation(rig, rng=rng), future=future, refused=False) for _ in range(count)
    ]
    return to_device(collate_samples(samples, steps=steps, dt_s=dt_s), device)


def _timed(work: Callable[[], None], arguments: argparse.Namespace) -> list[float]:
    """Milliseconds of each repeat, after three that warm up and, where it is asked for, compile."""
    for _ in range(3):
        work()
    if arguments.device.startswith("cuda"):
        torch.cuda.reset_peak_memory_stats()
    times_ms = []
    for _ in range(arguments.repeats):
        _settle(arguments.device)
        start_s = time.perf_counter()
        work()
        _settle(arguments.device)
        times_ms.append((time.perf_counter() - start_s) * 1e3)
    return times_ms


def _settle(device: str) -> None:
    if device.startswith("cuda"):
        torch.cuda.synchronize()


def _precision(arguments: argparse.Namespace) -> Any:
    if arguments.precision == "float32":
        return nullcontext()
    return torch.autocast(arguments.device.split(":")[0], dtype=torch.bfloat16)


def _memory(arguments: argparse.Namespace) -> str:
    if not arguments.device.startswith("cuda"):
        return ""
    return f", {torch.cuda.max_memory_allocated() / 2**30:.1f} GiB at most"


def _machine(arguments: argparse.Namespace) -> str:
    where = (
        torch.cuda.get_device_name() if arguments.device.startswith("cuda") else f"{torch.get_num_threads()} threads"
    )
    compiled = ", compiled" if arguments.compile else ""
    return f"{where}, {arguments.precision}{compiled}, torch {torch.__version__}"


def say(line: str) -> None:
    """Print at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
