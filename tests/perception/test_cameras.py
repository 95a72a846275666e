"""Picture encoders, and what calibration tells their tokens."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from drivevla.config.sensor_rig import load_rig
from drivevla.errors import ConfigError
from drivevla.geometry import invert_rigid, project_points
from drivevla.perception.cameras.convolutional import ConvolutionalEncoder
from drivevla.perception.cameras.halving import halved
from drivevla.perception.cameras.pretrained import PretrainedEncoder
from drivevla.perception.cameras.rays import token_rays
from drivevla.types import SensorBatch


def test_rays_point_where_the_pixels_of_the_rig_look(batch: SensorBatch) -> None:
    rig = load_rig("nano").cameras["left"]
    origin, direction = token_rays(batch.cameras["left"], 8, 16)
    there = (origin[0] + 7.0 * direction[0, 2, 5]).numpy()
    pixel, _ = project_points(invert_rigid(rig.ego_from_camera), rig.intrinsics_px, there[None])
    np.testing.assert_allclose(pixel[0], [(5 + 0.5) * 16, (2 + 0.5) * 16], atol=1e-3)


def test_one_vector_for_each_sixteen_pixels_square() -> None:
    encoder = ConvolutionalEncoder(24).eval()
    out = encoder(torch.zeros(2, 3, 64, 96, dtype=torch.uint8))
    assert encoder.stride == 16
    assert out.shape == (2, 24, 4, 6)


def test_a_picture_changes_the_features_where_it_changed() -> None:
    encoder = ConvolutionalEncoder(24, channels=(8, 16, 24), blocks=(1, 1, 1)).eval()
    picture = torch.zeros(1, 3, 160, 320, dtype=torch.uint8)
    spotted = picture.clone()
    spotted[..., :8, :8] = 255
    with torch.no_grad():
        gap = (encoder(spotted) - encoder(picture)).abs().amax(dim=1)[0]
    assert gap[0, 0] > 0
    assert gap[-1, -1] == 0


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_a_pixel_of_half_the_size_is_the_mean_of_four(layout: torch.memory_format) -> None:
    picture = torch.randint(0, 256, (2, 3, 8, 13), dtype=torch.uint8).contiguous(memory_format=layout)
    assert torch.equal(halved(picture), torch.nn.functional.avg_pool2d(picture.float(), 2))


@pytest.mark.parametrize("family", ["siglip", "clip", "dinov2"])
def test_any_vision_tower_is_loaded_from_its_folder(family: str, tmp_path: Path) -> None:
    import transformers

    sizes: dict[str, Any] = {
        "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 2,
        "image_size": 32, "patch_size": 8,
    }  # fmt: skip
    kinds: dict[str, tuple[Any, Any]] = {
        "siglip": (transformers.SiglipVisionModel, transformers.SiglipVisionConfig),
        "clip": (transformers.CLIPVisionModel, transformers.CLIPVisionConfig),
        "dinov2": (transformers.Dinov2Model, transformers.Dinov2Config),
    }
    model, config = kinds[family]
    model(config(**sizes)).save_pretrained(tmp_path)
    statistics = {"image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5]}
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(statistics))
    encoder = PretrainedEncoder(24, name=str(tmp_path)).train()
    out = encoder(torch.randint(0, 255, (2, 3, 40, 64), dtype=torch.uint8))
    assert out.shape == (2, 24, 4, 4)
    out.sum().backward()
    assert all(weight.grad is None for weight in encoder.tower.parameters())
    assert encoder.project.weight.grad is not None


def test_a_text_model_is_no_vision_tower(tmp_path: Path) -> None:
    import transformers

    config = transformers.BertConfig(
        hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16, vocab_size=20
    )
    transformers.BertModel(config).save_pretrained(tmp_path)
    with pytest.raises(ConfigError, match="'bert' model and has no picture patches"):
        PretrainedEncoder(24, name=str(tmp_path))
