"""A language model that reads sensors among words."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest
import torch

from drivevla.errors import ConfigError
from drivevla.language import Commentary, parse_commentary
from drivevla.models.backbone.language_model import LanguageBackbone
from drivevla.models.config import ModelConfig, TextConfig
from drivevla.models.driving import DrivingModel
from drivevla.models.parts import PartConfig
from drivevla.models.text.decoder import Task
from drivevla.models.text.sentences import language_of
from drivevla.models.text.speaking import say
from drivevla.testing.random_models import save_random_language_model
from drivevla.testing.toy_junction import DT_S, STEPS, junction_sample
from drivevla.training.batches import TrainingBatch, collate_samples
from drivevla.training.imitation import Imitation
from drivevla.training.optimising import freeze

SIZES: dict[str, Any] = {
    "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 3, "num_attention_heads": 4,
    "num_key_value_heads": 2, "head_dim": 8,
}  # fmt: skip
WIDTH = 16


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    return save_random_language_model(tmp_path_factory.mktemp("llama"), **SIZES)


def scene(batch: int = 2, count: int = 5) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.randn(batch, count, WIDTH), torch.ones(batch, count, dtype=torch.bool)


def backbone(folder: Path, **options: Any) -> LanguageBackbone:
    return LanguageBackbone(WIDTH, name=str(folder), plan_tokens=4, rank=2, **options).eval()


def test_any_causal_language_model_is_loaded_from_its_folder(llama: Path, tmp_path: Path) -> None:
    import transformers

    config = transformers.Qwen2Config(**{**SIZES, "vocab_size": 300, "tie_word_embeddings": False})
    transformers.Qwen2ForCausalLM(config).save_pretrained(tmp_path)
    transformers.AutoTokenizer.from_pretrained(llama).save_pretrained(tmp_path)
    for folder in (llama, tmp_path):
        tokens = backbone(folder)(*scene(), ["turn left", "在路口左转，然后停车"])
        assert tokens.shape == (2, 4, WIDTH)
    assert backbone(tmp_path).untied is not None


def test_a_vision_language_model_is_taken_without_its_eyes(llama: Path, tmp_path: Path) -> None:
    import transformers

    eyes = {"hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 1, "num_attention_heads": 2,
            "image_size": 32, "patch_size": 8}  # fmt: skip
    text = transformers.LlamaConfig(**{**SIZES, "vocab_size": 300})
    smol: Any = transformers.SmolVLMConfig
    config = smol(text_config=text, vision_config=eyes, image_token_id=299, pad_token_id=1)
    transformers.SmolVLMForConditionalGeneration(config).save_pretrained(tmp_path)
    transformers.AutoTokenizer.from_pretrained(llama).save_pretrained(tmp_path)
    seeing = backbone(tmp_path, learns="nothing")
    assert not any("vision" in name for name, _ in seeing.named_parameters())
    assert seeing(*scene(), ["go", "stop"]).shape == (2, 4, WIDTH)


def test_sensors_take_exactly_their_places_wherever_the_prompt_puts_them(llama: Path) -> None:
    tokens, keep = scene(1, 5)
    first = backbone(llama, prompt="{scene}ab{sentence}")
    last = backbone(llama, prompt="ab{sentence}{scene}")
    last.load_state_dict(first.state_dict())
    begun, kept = first.sequence(None, tokens, keep, ["xyz"])
    moved, _ = last.sequence(None, tokens, keep, ["xyz"])
    assert begun.shape[1] == moved.shape[1] == 1 + 5 + 2 + 3  # the beginning, sensors, letters of the prompt, sentence
    assert kept.all()
    torch.testing.assert_close(begun[:, 1:6], moved[:, 6:11])
    torch.testing.assert_close(begun[:, 6:11], moved[:, 1:6])
    assert not torch.allclose(first(tokens, keep, ["xyz"]), last(tokens, keep, ["xyz"]))


def test_padding_takes_no_place(llama: Path) -> None:
    model = backbone(llama)
    tokens, keep = scene(2, 5)
    keep[1, 3:] = False
    with torch.no_grad():
        together = model(tokens, keep, ["turn left at the next junction", "go"])
        alone = model(tokens[1:, :3], keep[1:, :3], ["go"])
    torch.testing.assert_close(together[1:], alone, atol=1e-5, rtol=1e-4)


def test_adapters_begin_as_nothing_and_learn_alone(llama: Path) -> None:
    plain, adapted = backbone(llama, learns="nothing"), backbone(llama, learns="adapters")
    ours = {name: value for name, value in plain.state_dict().items() if not name.startswith("decoder")}
    adapted.load_state_dict(ours, strict=False)
    tokens, keep = scene()
    torch.testing.assert_close(plain(tokens, keep, ["a", "b"]), adapted(tokens, keep, ["a", "b"]))
    adapted(tokens, keep, ["a", "b"]).square().mean().backward()
    learned = {name for name, weight in adapted.named_parameters() if weight.grad is not None and weight.grad.any()}
    assert any("lora_B" in name for name in learned)
    assert not any("base_layer" in name or "embed" in name or "mlp" in name for name in learned)


def test_a_stage_cannot_set_free_what_is_frozen_for_good(llama: Path) -> None:
    model = backbone(llama, learns="adapters")
    freeze(model, [])
    free = {name for name, weight in model.named_parameters() if weight.requires_grad and "decoder" in name}
    assert free
    assert all("lora_" in name for name in free)
    freeze(model, ["decoder"])
    assert not any(weight.requires_grad for name, weight in model.named_parameters() if name.startswith("decoder"))
    everything = backbone(llama, learns="all")
    freeze(everything, [])
    assert all(weight.requires_grad for weight in everything.parameters())


def test_only_the_first_layers_are_kept(llama: Path) -> None:
    assert len(backbone(llama, layers=2).decoder.layers) == 2
    with pytest.raises(ConfigError, match="must be 1 to 3, got 4"):
        backbone(llama, layers=4)


def test_what_comes_before_a_text_is_not_learned_and_longer_neighbours_change_nothing(llama: Path) -> None:
    model = backbone(llama)
    tokens, keep = scene()
    together = model.surprise(Task.COMMENT, ["Yes.", "I am stopping here."], tokens, keep, ["a", "much longer"])
    alone = model.surprise(Task.COMMENT, ["Yes."], tokens[:1], keep[:1], ["a"])
    torch.testing.assert_close(together[:1], alone, atol=1e-4, rtol=1e-4)
    logits = torch.full((1,), 5 * torch.log(torch.tensor(258.0)).item())  # four letters and the end, at chance
    assert alone.item() == pytest.approx(logits.item(), rel=0.3)


def test_greedy_words_are_those_that_a_pass_without_memory_prefers(llama: Path) -> None:
    model = backbone(llama)
    tokens, keep = scene(1)
    texts = ["I am stopping.", "I am starting.", "We wait.", "We go on."]
    with torch.no_grad():
        said = model.say(Task.COMMENT, tokens, keep, "why", phrases=model.phrases(texts))
    assert said in texts
    # By hand: at each place where the phrases part, the nats of every way on, from a pass over the whole beginning.
    possible = list(texts)
    while len(possible) > 1:
        shared = 0
        while len({text[: shared + 1] for text in possible}) == 1:
            shared += 1
        letters = sorted({text[shared] for text in possible})
        begun = possible[0][:shared]
        with torch.no_grad():
            nats = [_first_nats(model, tokens, keep, begun, letter) for letter in letters]
        best = letters[nats.index(min(nats))]
        possible = [text for text in possible if text[shared] == best]
    assert said == possible[0]


def _first_nats(model: LanguageBackbone, tokens: torch.Tensor, keep: torch.Tensor, begun: str, letter: str) -> float:
    """Nats of one letter after a beginning."""
    whole = model.surprise(Task.COMMENT, [begun + letter], tokens, keep, ["why"])
    before = model.surprise(Task.COMMENT, [begun], tokens, keep, ["why"]) if begun else torch.zeros(1)
    # Both hold the nats of an end token: measure those and take them away.
    return (
        (whole - before).item() - _end_nats(model, tokens, keep, begun + letter) + _end_nats(model, tokens, keep, begun)
    )


def _end_nats(model: LanguageBackbone, tokens: torch.Tensor, keep: torch.Tensor, text: str) -> float:
    if not text:
        return 0.0
    begun, kept = model.sequence(Task.COMMENT, tokens, keep, ["why"])
    ids = torch.tensor([model._ids(text)])
    embedded = torch.cat([begun, model.decoder.get_input_embeddings()(ids)], dim=1)
    states = model._states(embedded, torch.cat([kept, torch.ones_like(ids, dtype=torch.bool)], dim=1))
    return -float(model._words(states[:, -1]).log_softmax(dim=-1)[0, 1])


def test_the_prompt_needs_a_place_for_both(llama: Path) -> None:
    with pytest.raises(ConfigError, match=r"prompt must hold \{scene\} once"):
        backbone(llama, prompt="{sentence}")


@pytest.fixture
def batch() -> TrainingBatch:
    samples = [junction_sample(branch, f"go {branch}", speed_mps=5.0, seed=1) for branch in ("left", "right")]
    return collate_samples(samples, steps=STEPS, dt_s=DT_S)


def config(folder: Path) -> ModelConfig:
    return ModelConfig(
        width=WIDTH,
        steps=STEPS,
        dt_s=DT_S,
        cameras=None,
        lidar=PartConfig(name="raster", options={"cell_m": 4.0}),
        fusion=dataclasses.replace(ModelConfig().fusion, attention_heads=2),
        backbone=PartConfig(name="language_model", options={"name": str(folder), "plan_tokens": 4, "rank": 4}),
        text=TextConfig(),
    )


def test_the_model_drives_with_it_by_the_sentence_and_talks(llama: Path, batch: TrainingBatch) -> None:
    model = DrivingModel(config(llama))
    optimiser = torch.optim.AdamW([weight for weight in model.parameters() if weight.requires_grad], lr=5e-3)
    first = last = 0.0
    for _ in range(40):
        total = sum(Imitation().loss(model, batch).values(), torch.zeros(()))
        optimiser.zero_grad()
        total.backward()
        optimiser.step()
        first, last = first or total.item(), total.item()
    assert last < 0.5 * first
    model.eval()
    with torch.no_grad():
        understanding = model(batch.sensors)
        plans = model.head.decode(model.head.forward(understanding.context)).waypoints_BT3
    assert plans[0, -1, 1] > 1.0 > -1.0 > plans[1, -1, 1]  # the same picture, the other sentence
    said = say(model, understanding, Task.COMMENT, 0, "go left")
    assert isinstance(parse_commentary(said, language=language_of(said)), Commentary)
