"""What sentence encoders tell apart, in every language, and what they do with silence."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from drivevla.errors import ContractError
from drivevla.models.language.characters import CharacterEncoder
from drivevla.models.language.pretrained import PretrainedReader
from drivevla.models.language.tokens import JoinedEncoder, SentenceTokens

WIDTH = 24
PAIRS = [
    ("turn left at the next junction", "turn right at the next junction"),
    ("请在下一个路口左转", "请在下一个路口右转"),
    ("左", "右"),
    ("drive at 30", "drive at 50"),
]


@pytest.fixture(scope="module", autouse=True)
def _threads() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def characters() -> CharacterEncoder:
    torch.manual_seed(0)
    return CharacterEncoder(WIDTH).eval()


@pytest.fixture(scope="module")
def minilm() -> PretrainedReader:
    torch.manual_seed(0)
    return PretrainedReader(WIDTH).eval()


def pooled(encoder: Callable[[Sequence[str]], SentenceTokens], sentences: Sequence[str]) -> torch.Tensor:
    with torch.no_grad():
        out = encoder(sentences)
    keep = out.keep_BL[..., None].float()
    return (out.tokens_BLD * keep).sum(1) / keep.sum(1).clamp_min(1)


@pytest.mark.parametrize("pair", PAIRS)
def test_left_and_right_differ_in_every_language(
    pair: tuple[str, str], characters: CharacterEncoder, minilm: PretrainedReader
) -> None:
    one, other = pooled(JoinedEncoder(minilm, characters), pair)
    assert (one - other).abs().max() > 1e-3


def test_the_english_reader_says_nothing_to_letters_that_it_does_not_know(minilm: PretrainedReader) -> None:
    sentences = ["在下一个路口左转。", "左", "Turn left 👍", "转左 at the next junction", "Turn left at Łódź café."]
    assert minilm(sentences).keep_BL.any(dim=1).tolist() == [False, False, True, True, True]
    assert not minilm(["右转。"]).keep_BL.any()


@pytest.mark.parametrize("sentences", [["", "turn left"], ["  ", "go"], ["", ""]])
def test_silence_has_no_token(sentences: list[str], characters: CharacterEncoder, minilm: PretrainedReader) -> None:
    assert not minilm([""]).keep_BL.any()
    for encoder in (characters, minilm):
        out = encoder(sentences)
        assert torch.isfinite(out.tokens_BLD).all()
        if not sentences[0]:
            assert not out.keep_BL[0].any()


@given(st.lists(st.text(max_size=60), min_size=1, max_size=4))
def test_a_sentence_is_read_the_same_alone_and_among_others(texts: list[str]) -> None:
    torch.manual_seed(0)
    encoder = CharacterEncoder(WIDTH, channels=16, layers=1).eval()
    with torch.no_grad():
        together = encoder([*texts, "x" * 70])
        for index, text in enumerate(texts):
            alone = encoder([text])
            count = int(alone.keep_BL.sum())
            assert int(together.keep_BL[index].sum()) == count
            torch.testing.assert_close(together.tokens_BLD[index, :count], alone.tokens_BLD[0, :count])


def test_characters_that_meet_in_one_table_are_told_apart_by_the_other() -> None:
    encoder = CharacterEncoder(WIDTH)
    letters = [chr(code) for code in range(0x4E00, 0x4E00 + 4000)]
    first, second, _ = encoder._ids(letters)
    assert len({(int(a), int(b)) for a, b in zip(first[:, 0], second[:, 0], strict=True)}) > 0.995 * len(letters)


def test_the_character_encoder_stays_below_a_million_weights() -> None:
    assert sum(weight.numel() for weight in CharacterEncoder(128).parameters()) < 1_000_000


def test_a_sentence_is_read_once(minilm: PretrainedReader) -> None:
    calls: list[int] = []
    handle = minilm._model._model.register_forward_hook(lambda *_: calls.append(1))
    with torch.no_grad():
        first = minilm(["stop at the church", "stop at the church"]).tokens_BLD
        again = minilm(["stop at the church"]).tokens_BLD
    handle.remove()
    assert len(calls) == 1
    assert torch.equal(first[0], again[0])


def test_the_frozen_reader_is_not_stored_with_the_model(minilm: PretrainedReader) -> None:
    assert set(minilm.state_dict()) == {"out.weight", "out.bias"}


def test_any_text_model_is_loaded_from_its_folder(tmp_path: Path) -> None:
    import transformers

    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "turn", "left", "right"]
    vocabulary = {word: number for number, word in enumerate(words)}
    transformers.BertTokenizer(vocab=vocabulary).save_pretrained(tmp_path)
    config = transformers.BertConfig(
        hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16, vocab_size=len(words)
    )
    transformers.BertModel(config).save_pretrained(tmp_path)
    reader = PretrainedReader(WIDTH, name=str(tmp_path))
    out = reader(["turn left", "turn"])
    assert out.keep_BL.sum(dim=1).tolist() == [4, 3]


def test_what_is_far_too_long_for_an_instruction_is_refused(characters: CharacterEncoder) -> None:
    with pytest.raises(ContractError, match="at most 1000 characters, got 10000"):
        characters(["x" * 10_000])
