"""What a model says beside its plan."""

import dataclasses

import numpy as np
import pytest
import torch

from drivevla.errors import ContractError
from drivevla.language import (
    Actor,
    Cause,
    Commentary,
    Exchange,
    ExchangeKind,
    Language,
    Lateral,
    Longitudinal,
    MetaAction,
    SeenLight,
    Side,
    parse_commentary,
)
from drivevla.models.config import FusionConfig, ModelConfig, TextConfig
from drivevla.models.driving import DrivingModel
from drivevla.models.text.decoder import END, ByteDecoder, Task, byte_phrases
from drivevla.models.text.sentences import answer_sentence, commentary_sentence, language_of
from drivevla.models.text.speaking import say, sayable, surprise
from drivevla.testing.toy_junction import DT_S, STEPS, junction_sample
from drivevla.training.batches import TrainingBatch, TrainingSample, collate_samples
from drivevla.training.text import JointText
from drivevla.types import QuestionAnswer

SLOW, KEEP = Longitudinal.SLOW_DOWN, Lateral.KEEP_LANE
WHYS = (
    Commentary(action=MetaAction(Longitudinal.STOP, KEEP), cause=Cause.RED_LIGHT),
    Commentary(action=MetaAction(SLOW, KEEP), cause=Cause.CUT_IN, actor=Actor.VAN, side=Side.LEFT),
    Commentary(action=MetaAction(Longitudinal.KEEP_SPEED, KEEP), cause=Cause.CLEAR_ROAD),
)
WHYS_OF = [why for why in WHYS for _ in range(2)]
LIGHTS_OF = [
    Exchange(kind=ExchangeKind.LIGHT, light=light)
    for light in (SeenLight.RED, SeenLight.GREEN, SeenLight.NONE)
    for _ in range(2)
]


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)
    torch.set_num_threads(1)


def model(*, text: bool = True) -> DrivingModel:
    config = ModelConfig(
        width=48,
        steps=STEPS,
        dt_s=DT_S,
        cameras=None,
        readers=("characters",),
        fusion=FusionConfig(latents=8, layers=1),
        text=TextConfig(layers=1) if text else None,
    )
    return DrivingModel(config)


def samples() -> list[TrainingSample]:
    """Three approaches that look different, each in both languages, with why and a question."""
    made = []
    for index, (why, light) in enumerate(zip(WHYS_OF, LIGHTS_OF, strict=True)):
        branch, words = ("left", "straight", "right")[index // 2], ("go {}", "往{}走")[index % 2]
        sample = junction_sample(branch, words.format(branch), speed_mps=4.0 + 3 * (index // 2), seed=index // 2)
        asked = QuestionAnswer(question="What does the light show?", answer="unused", exchange=light)
        made.append(dataclasses.replace(sample, explanation=why, questions=(asked,)))
    return made


@pytest.fixture
def batch() -> TrainingBatch:
    return collate_samples(samples(), steps=STEPS, dt_s=DT_S)


def test_an_untrained_decoder_says_only_what_the_language_can_say(batch: TrainingBatch) -> None:
    speaker = model().eval()
    with torch.no_grad():
        understanding = speaker(batch.sensors)
    said = [say(speaker, understanding, Task.COMMENT, row, "go") for row in range(3)]
    assert all(isinstance(parse_commentary(text, language=language_of(text)), Commentary) for text in said)


def test_it_learns_why_and_answers_in_the_language_that_it_is_spoken_to(batch: TrainingBatch) -> None:
    speaker = model()
    with torch.no_grad():
        understanding = speaker(batch.sensors)
    heard = list(batch.sensors.sentences)
    comments = [commentary_sentence(each, language_of(said)) for each, said in zip(WHYS_OF, heard, strict=True)]
    questions = [sample.questions[0].question for sample in samples()]
    answers = [answer_sentence(light, Language.EN) for light in LIGHTS_OF]
    talking = [*speaker.readers.parameters(), *(speaker.text.parameters() if speaker.text else ())]
    optimiser = torch.optim.AdamW(talking, lr=5e-3)
    for _ in range(80):
        nats_R = torch.cat(
            [
                surprise(speaker, understanding, Task.COMMENT, range(6), heard, comments),
                surprise(speaker, understanding, Task.ANSWER, range(6), questions, answers),
            ]
        )
        optimiser.zero_grad()
        nats_R.mean().backward()
        optimiser.step()
    said = [say(speaker, understanding, Task.COMMENT, row, heard[row]) for row in range(6)]
    told = [say(speaker, understanding, Task.ANSWER, row, questions[row]) for row in range(6)]
    assert (said, told) == (comments, answers)


def test_the_objective_gives_every_term_of_driving_and_talking(batch: TrainingBatch) -> None:
    speaker = model()
    terms = JointText().loss(speaker, batch)
    assert set(terms) >= {"commentary", "answer", "refusal", "waypoints"}
    terms["commentary"].backward()
    moved = {name.split(".")[0] for name, weight in speaker.named_parameters() if weight.grad is not None}
    assert {"text", "fusion", "scene", "readers"} <= moved
    with torch.no_grad():
        understanding = speaker(batch.sensors)
        first = commentary_sentence(WHYS[0], Language.EN)
        nats = surprise(speaker, understanding, Task.COMMENT, [0], ["go left"], [first])
        alone = dataclasses.replace(batch, explanations=(WHYS[0], *(None,) * 5))
        assert JointText().loss(speaker, alone)["commentary"].item() == pytest.approx(nats.item() / 6, rel=1e-4)


def test_what_is_not_known_is_not_learned(batch: TrainingBatch) -> None:
    speaker, objective = model(), JointText()
    half = dataclasses.replace(batch, explanations=(*batch.explanations[:3], None, None, None), questions=((),) * 6)
    terms = objective.loss(speaker, half)
    assert terms["answer"].item() == 0.0
    whole = objective.loss(speaker, batch)
    first = objective.loss(speaker, dataclasses.replace(batch, explanations=(*batch.explanations[:1], *(None,) * 5)))
    assert 0.0 < first["commentary"].item() < terms["commentary"].item() < whole["commentary"].item()
    none = objective.loss(speaker, dataclasses.replace(batch, explanations=(None,) * 6, questions=((),) * 6))
    assert none["commentary"].item() == none["answer"].item() == 0.0


def test_a_model_without_a_decoder_says_nothing(batch: TrainingBatch) -> None:
    silent = model(text=False).eval()
    with pytest.raises(ContractError, match="has no text decoder"):
        say(silent, silent(batch.sensors), Task.COMMENT, 0, "")
    with pytest.raises(ContractError, match="has no text decoder"):
        JointText().loss(silent, batch)


def test_a_byte_is_written_from_those_before_it_alone() -> None:
    decoder = ByteDecoder(16, layers=2, attention_heads=2).eval()
    memory, keep = torch.randn(1, 3, 16), torch.ones(1, 3, dtype=torch.bool)
    said = torch.randint(1, 256, (1, 10))
    later = said.clone()
    later[0, 6:] = torch.randint(1, 256, (4,))
    with torch.no_grad():
        first, second = decoder(said, memory, keep), decoder(later, memory, keep)
    torch.testing.assert_close(first[0, :6], second[0, :6])
    assert not torch.allclose(first[0, 6:], second[0, 6:])


class Counting(ByteDecoder):
    """Counts its passes."""

    passes = 0

    def forward(self, said_BL: torch.Tensor, memory_BMD: torch.Tensor, keep_BM: torch.Tensor) -> torch.Tensor:
        self.passes += 1
        return super().forward(said_BL, memory_BMD, keep_BM)


def test_bytes_without_an_alternative_cost_no_pass() -> None:
    decoder = Counting(16, layers=1, attention_heads=2).eval()
    memory, keep = torch.randn(1, 3, 16), torch.ones(1, 3, dtype=torch.bool)
    said = decoder.say(Task.COMMENT, memory, keep, phrases=byte_phrases(["I am stopping.", "I am starting to move."]))
    assert said in {"I am stopping.", "I am starting to move."}
    assert decoder.passes == 1
    decoder.say(Task.COMMENT, memory, keep, phrases=sayable(Task.COMMENT))
    assert decoder.passes < 20


def test_a_right_guess_takes_one_pass_and_no_guess_changes_what_is_said() -> None:
    decoder = Counting(16, layers=2, attention_heads=2).eval()
    phrases = sayable(Task.COMMENT)
    for seed in range(5):
        torch.manual_seed(seed)
        memory, keep = 3.0 * torch.randn(1, 3, 16), torch.ones(1, 3, dtype=torch.bool)
        decoder.passes = 0
        said = decoder.say(Task.COMMENT, memory, keep, phrases=phrases)
        alone, decoder.passes = decoder.passes, 0
        assert decoder.say(Task.COMMENT, memory, keep, phrases=phrases, guess=said) == said
        assert decoder.passes == 1 < alone
        for wrong in ("I", said[: len(said) // 2], said[: len(said) // 2] + "?", "正在", 200 * "x", said + "x"):
            decoder.passes = 0
            assert decoder.say(Task.COMMENT, memory, keep, phrases=phrases, guess=wrong) == said
            assert decoder.passes <= alone


def test_a_text_is_as_surprising_alone_as_beside_a_longer_one() -> None:
    decoder = ByteDecoder(16, layers=1, attention_heads=2).eval()
    memory, keep = torch.randn(2, 3, 16), torch.ones(2, 3, dtype=torch.bool)
    together = decoder.surprise(Task.ANSWER, ["Yes.", "There are three vehicles."], memory, keep)
    alone = decoder.surprise(Task.ANSWER, ["Yes."], memory[:1], keep[:1])
    torch.testing.assert_close(together[:1], alone)
    assert END not in b"There are three vehicles."
    assert np.isfinite(together.detach().numpy()).all()
