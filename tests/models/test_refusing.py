"""Refusing reads the words themselves."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from drivevla.errors import ConfigError
from drivevla.models.config import FusionConfig, ModelConfig
from drivevla.models.driving import DrivingModel
from drivevla.models.language.tokens import SentenceTokens
from drivevla.models.parts import PartConfig
from drivevla.models.refusing import RefusalByWords
from drivevla.types import LidarBatch, SensorBatch

WIDTH = 16


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)
    torch.set_num_threads(1)


def _moved(refusing: RefusalByWords) -> RefusalByWords:
    """As if it had learned something."""
    for weight in refusing.judges.parameters():
        nn.init.normal_(weight)
    return refusing


def test_it_begins_as_nothing() -> None:
    words = SentenceTokens(torch.randn(3, 4, WIDTH), torch.ones(3, 4, dtype=torch.bool))
    assert torch.equal(RefusalByWords(WIDTH)(torch.randn(3, WIDTH), words), torch.zeros(3))


def test_padding_is_not_heard_and_silence_adds_nothing() -> None:
    refusing = _moved(RefusalByWords(WIDTH))
    tokens_BLD, understood_BD = torch.randn(2, 4, WIDTH), torch.randn(2, WIDTH)
    keep_BL = torch.tensor([[True, True, False, False], [False] * 4])
    added = refusing(understood_BD, SentenceTokens(tokens_BLD, keep_BL))
    short = refusing(understood_BD[:1], SentenceTokens(tokens_BLD[:1, :2], keep_BL[:1, :2]))
    assert added[0].item() == pytest.approx(short.item(), abs=1e-6)
    assert added[0] != 0.0
    assert added[1] == 0.0


def test_one_word_among_many_decides() -> None:
    refusing = RefusalByWords(WIDTH)
    keep_BL, understood_BD = torch.ones(64, 12, dtype=torch.bool), torch.zeros(64, WIDTH)
    forbidden = torch.randn(WIDTH)
    refused_B = torch.arange(64) % 2 == 0
    optimiser = torch.optim.AdamW(refusing.parameters(), lr=1e-2)

    def drawn() -> SentenceTokens:
        tokens_BLD = torch.randn(64, 12, WIDTH)
        tokens_BLD[torch.arange(64), torch.randint(12, (64,))] = torch.where(
            refused_B[:, None], forbidden, torch.randn(64, WIDTH)
        )
        return SentenceTokens(tokens_BLD, keep_BL)

    for _ in range(300):
        loss = F.binary_cross_entropy_with_logits(refusing(understood_BD, drawn()), refused_B.float())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    right = (refusing(understood_BD, drawn()) > 0) == refused_B
    assert right.float().mean() > 0.9


def _model(**options: object) -> ModelConfig:
    return ModelConfig(
        width=WIDTH,
        cameras=None,
        lidar=PartConfig(name="raster", options={"cell_m": 4.0}),
        fusion=FusionConfig(latents=4, layers=1, attention_heads=2),
        **options,  # type: ignore[arg-type]
    )


def test_a_model_refuses_by_its_words() -> None:
    model = DrivingModel(_model(readers=("characters",), refusal_hears=True)).eval()
    batch = SensorBatch(
        cameras={},
        lidar=LidarBatch(points_BP4=torch.zeros(1, 5, 4), keep_BP=torch.ones(1, 5, dtype=torch.bool)),
        ego_BE=torch.zeros(1, 6),
        past_BS3=torch.zeros(1, 4, 3),
        past_keep_BS=torch.zeros(1, 4, dtype=torch.bool),
        sentences=("闯红灯。",),
    )
    with torch.no_grad():
        before = model(batch)
        assert model.refusal_by_words is not None
        _moved(model.refusal_by_words)
        after = model(batch)
    assert torch.equal(before.context.tokens_BSD, after.context.tokens_BSD)
    assert before.refusal_B.item() != after.refusal_B.item()


def test_a_model_without_words_cannot_hear_them() -> None:
    with pytest.raises(ConfigError, match="refusal_hears"):
        _model(readers=(), refusal_hears=True)
    with pytest.raises(ConfigError, match="refusal_hears"):
        _model(backbone=PartConfig(name="language_model"), refusal_hears=True)
