"""How far the car has come since it was told changes what words mean to a model."""

import math
from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from drivevla.errors import ConfigError
from drivevla.models.config import FusionConfig, ModelConfig
from drivevla.models.driving import DrivingModel
from drivevla.models.language.since_told import SinceTold
from drivevla.models.language.tokens import SentenceTokens
from drivevla.models.parts import PartConfig
from drivevla.types import LidarBatch, SensorBatch

WIDTH = 16


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)
    torch.set_num_threads(1)


def _words(batch: int) -> SentenceTokens:
    return SentenceTokens(torch.randn(1, 4, WIDTH).expand(batch, -1, -1), torch.ones(batch, 4, dtype=torch.bool))


def _told(away_m: float, yaw_rad: float = 0.0) -> Tensor:
    return torch.tensor([[-away_m, 0.0, yaw_rad]])


def test_it_begins_as_nothing() -> None:
    words = _words(3)
    after = SinceTold(WIDTH)(words, torch.randn(3, 3) * 30.0)
    assert torch.equal(after.tokens_BLD, words.tokens_BLD)


@pytest.mark.parametrize(
    ("told_B3", "is_second"),
    [
        # "Turn left, and once you have done so, turn right": which of the two is due shows in how far it has turned.
        (torch.cat([_told(10.0, yaw) for yaw in (0.0, 0.1, -1.4, -1.7)]), [0, 0, 1, 1]),
        # "Turn left in fifty metres": not yet, and now.
        (torch.cat([_told(away) for away in (0.0, 20.0, 45.0, 55.0)]), [0, 0, 1, 1]),
    ],
)
def test_the_same_words_come_to_mean_something_else_on_the_way(told_B3: Tensor, is_second: list[int]) -> None:
    words, since, out = _words(4), SinceTold(WIDTH), nn.Linear(WIDTH, 2)
    optimiser = torch.optim.AdamW([*since.parameters(), *out.parameters()], lr=1e-2)
    wanted = torch.tensor(is_second)
    for _ in range(150):
        loss = F.cross_entropy(out(since(words, told_B3).tokens_BLD.mean(dim=1)), wanted)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert loss.item() < 0.1 < math.log(2.0)  # without it the four are the same, and cost log 2 at least


def _model(**options: object) -> DrivingModel:
    config = ModelConfig(
        width=WIDTH,
        cameras=None,
        lidar=PartConfig(name="raster", options={"cell_m": 4.0}),
        readers=("characters",),
        fusion=FusionConfig(latents=4, layers=1, attention_heads=2),
        **options,  # type: ignore[arg-type]
    )
    return DrivingModel(config).eval()


def _batch(sentence: str, told_B3: Tensor | None) -> SensorBatch:
    return SensorBatch(
        cameras={},
        lidar=LidarBatch(points_BP4=torch.zeros(1, 5, 4), keep_BP=torch.ones(1, 5, dtype=torch.bool)),
        ego_BE=torch.zeros(1, 6),
        past_BS3=torch.zeros(1, 4, 3),
        past_keep_BS=torch.zeros(1, 4, dtype=torch.bool),
        sentences=(sentence,),
        told_B3=told_B3,
    )


@pytest.fixture
def plans() -> Callable[[str, Tensor | None], Tensor]:
    model = _model(since_told=True)
    assert model.since_told is not None
    nn.init.normal_(model.since_told.net[-1].weight)  # type: ignore[arg-type]

    def tokens(sentence: str, told_B3: Tensor | None) -> Tensor:
        with torch.no_grad():
            return model(_batch(sentence, told_B3)).context.tokens_BSD

    return tokens


def test_a_model_hears_how_long_ago_it_was_said_and_silence_has_no_age(
    plans: Callable[[str, Tensor | None], Tensor],
) -> None:
    assert torch.equal(plans("turn left", None), plans("turn left", torch.zeros(1, 3)))
    assert not torch.allclose(plans("turn left", _told(30.0)), plans("turn left", None))
    assert torch.equal(plans("", _told(30.0)), plans("", None))


def test_a_model_without_readers_cannot_have_it() -> None:
    with pytest.raises(ConfigError, match="since_told"):
        ModelConfig(since_told=True, readers=(), fusion=FusionConfig(language="none"))
