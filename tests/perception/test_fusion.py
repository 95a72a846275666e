"""How a sentence reaches the tokens."""

from typing import get_args

import pytest
import torch

from drivevla.perception.fusion.attention import Attention
from drivevla.perception.fusion.latents import LatentFusion
from drivevla.perception.fusion.sentences import GatedLanguage, LanguageFusion

WIDTH = 16
SCENE, KEEP = torch.randn(2, 9, WIDTH), torch.ones(2, 9, dtype=torch.bool)
HEARD = torch.ones(2, 5, dtype=torch.bool)


def words(seed: int) -> torch.Tensor:
    return torch.randn(2, 5, WIDTH, generator=torch.Generator().manual_seed(seed))


def opened(kind: LanguageFusion) -> LatentFusion:
    """A fusion whose gates and gains are no longer at their closed beginning."""
    fusion = LatentFusion(WIDTH, latents=6, layers=2, language=kind).eval()
    with torch.no_grad():
        for name, weight in fusion.named_parameters():
            if "gate" in name or "gain" in name:
                weight.normal_(std=0.5)
    return fusion


@pytest.mark.parametrize("kind", [kind for kind in get_args(LanguageFusion) if kind != "none"])
def test_another_sentence_gives_other_tokens(kind: LanguageFusion) -> None:
    fusion = opened(kind)
    with torch.no_grad():
        gap = (fusion(SCENE, KEEP, words(1), HEARD) - fusion(SCENE, KEEP, words(2), HEARD)).abs().max()
    assert gap > 1e-3


def test_a_model_that_hears_nothing_does_not_care_about_words() -> None:
    fusion = opened("none")
    with torch.no_grad():
        assert torch.equal(fusion(SCENE, KEEP, words(1), HEARD), fusion(SCENE, KEEP, words(2), HEARD))


@pytest.mark.parametrize("kind", get_args(LanguageFusion))
def test_what_stands_on_padding_is_not_heard_and_silence_is_no_word(kind: LanguageFusion) -> None:
    fusion = opened(kind)
    keep = HEARD.clone()
    keep[0, 2:] = False
    keep[1] = False
    with torch.no_grad():
        before = fusion(SCENE, KEEP, words(1), keep)
        spoiled = torch.where(keep[..., None], words(1), words(7))
        after = fusion(SCENE, KEEP, spoiled, keep)
    assert torch.isfinite(before).all()
    torch.testing.assert_close(before, after)


@pytest.mark.parametrize("kind", ["gated", "film"])
def test_gates_and_gains_begin_closed(kind: LanguageFusion) -> None:
    fusion = LatentFusion(WIDTH, latents=6, layers=2, language=kind).eval()
    with torch.no_grad():
        assert torch.equal(fusion(SCENE, KEEP, words(1), HEARD), fusion(SCENE, KEEP, words(2), HEARD))


def test_a_closed_gate_opens_by_learning() -> None:
    layer = GatedLanguage(WIDTH, attention_heads=4)
    layer(SCENE, words(1), HEARD).square().sum().backward()
    assert layer.gate.grad is not None
    assert layer.gate.grad.abs() > 0


def test_the_order_of_scene_tokens_means_nothing() -> None:
    fusion = opened("cross")
    order = torch.randperm(9)
    with torch.no_grad():
        torch.testing.assert_close(
            fusion(SCENE, KEEP, words(1), HEARD), fusion(SCENE[:, order], KEEP, words(1), HEARD), atol=1e-5, rtol=1e-4
        )


def test_attention_is_that_of_torch_weight_for_weight() -> None:
    torch.manual_seed(0)
    ours, theirs = Attention(16, 4), torch.nn.MultiheadAttention(16, 4, batch_first=True)
    theirs.load_state_dict(ours.state_dict())
    queries, tokens = torch.randn(2, 3, 16), torch.randn(2, 7, 16)
    keep = torch.tensor([[True] * 7, [True] * 4 + [False] * 3])
    expected, _ = theirs(queries, tokens, tokens, key_padding_mask=~keep, need_weights=False)
    torch.testing.assert_close(ours(queries, tokens, keep), expected)
