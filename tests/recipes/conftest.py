"""A small drive log, and pretrained models with random weights in folders of their own."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

pytest.importorskip("pyarrow", reason="the extra 'data' is not installed")
pytest.importorskip("transformers", reason="the extra 'lang' is not installed")

from drivevla.datasets.drivelog.fixture import write_fixture
from drivevla.testing.random_models import save_random_vision_language_model, save_random_vision_tower
from drivevla.training.config import DataConfig
from drivevla.training.material import TrainingMaterial, read_material

LANGUAGE: dict[str, Any] = {
    "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4,
    "num_key_value_heads": 2, "head_dim": 8,
}  # fmt: skip
VISION: dict[str, Any] = {
    "hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 1, "num_attention_heads": 2, "image_size": 32,
    "patch_size": 8,
}  # fmt: skip


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def material(tmp_path_factory: pytest.TempPathFactory) -> TrainingMaterial:
    """Three drives of 24 frames, no two alike, each frame with alternative instructions, one of them refused."""
    root = tmp_path_factory.mktemp("logs") / "log"
    write_fixture(root, episodes=3, frames=24)
    read = read_material([root], DataConfig())
    samples = [read.train[index] for index in range(len(read.train))]
    driven = [
        replace(each.future, poses=each.future.poses * [0.5 + index / len(samples), 0.5 + index / len(samples), 1.0])
        for index, each in enumerate(samples)
    ]
    return replace(read, train=[replace(each, future=future) for each, future in zip(samples, driven, strict=True)])


@pytest.fixture(scope="session")
def seeing_language_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    return save_random_vision_language_model(tmp_path_factory.mktemp("vlm"), language=LANGUAGE, vision=VISION)


@pytest.fixture(scope="session")
def eyes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    return save_random_vision_tower(tmp_path_factory.mktemp("eyes"), **VISION)
