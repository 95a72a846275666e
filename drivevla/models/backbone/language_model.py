"""Sensors' tokens among words: a causal language model that plans and talks.

B batch, S scene tokens, L positions in its sequence, Q plan tokens, D the driving model's width, H its own.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from drivevla.errors import ConfigError, require
from drivevla.language import Language
from drivevla.models.backbone.loading import adapt, load_decoder, shorten
from drivevla.models.frozen import freeze_for_good
from drivevla.models.language.tokens import check_sentences
from drivevla.models.text.decoder import Task
from drivevla.models.text.phrases import Phrases
from drivevla.models.text.sentences import all_answers, all_commentaries

__all__ = ["LanguageBackbone", "Learns"]

Learns = Literal["all", "adapters", "nothing"]

_SCENE, _SENTENCE, _TASK = "{scene}", "{sentence}", "{task}"
_TASKS = {None: "Plan", Task.COMMENT: "Why", Task.ANSWER: "Answer"}
_IGNORED = -100


class LanguageBackbone(nn.Module):
    """Reads one sequence of words and sensors' tokens, as PaLM-E's sentences (arXiv 2303.03378, section 3).

    A few learned plan tokens stand at the end; their states are what the planner reads. Text is written by the same
    model after the same beginning.

    Args:
        width: Of the driving model's tokens.
        name: Of a causal language model or a vision-language model of transformers: a hub name or a local folder.
        layers: Only the first so many are kept; None keeps all.
        plan_tokens: How many the planner reads.
        prompt: What the model reads; ``{scene}`` stands for the sensors' tokens, ``{sentence}`` for what was said,
            ``{task}`` for what is wanted.
        learns: What of the language model learns: all of it, low-rank adapters, or nothing.
        rank: Of the adapters.
        targets: Endings of the names of the layers with adapters.
        longest: Tokens of a sentence that are read.

    Raises:
        ConfigError: The prompt lacks a place, or the model cannot be used so.
        MissingExtra: transformers, or peft for adapters, is not installed.
    """

    def __init__(
        self,
        width: int,
        *,
        name: str,
        layers: int | None = None,
        plan_tokens: int = 32,
        prompt: str = "{scene}\n{sentence}\n{task}:",
        learns: Learns = "adapters",
        rank: int = 16,
        targets: tuple[str, ...] = ("q_proj", "k_proj", "v_proj", "o_proj"),
        longest: int = 64,
    ) -> None:
        super().__init__()
        for place in (_SCENE, _SENTENCE):
            if prompt.count(place) != 1:
                raise ConfigError(f"prompt must hold {place} once, got {prompt!r}")
        self._prompt, self.longest, self.learns = prompt, longest, learns
        self._tokenizer: Any = require("transformers", "lang").AutoTokenizer.from_pretrained(name)
        self.decoder, self.untied = load_decoder(name)
        if layers is not None:
            shorten(self.decoder, layers)
        if learns == "adapters":
            adapt(self.decoder, rank=rank, targets=targets)
        if learns != "all":
            for part in (self.decoder if learns == "nothing" else None, self.untied):
                if part is not None:
                    freeze_for_good(part)
        own = int(self.decoder.get_input_embeddings().embedding_dim)
        self.into = nn.Sequential(nn.Linear(width, own), nn.GELU(), nn.Linear(own, own))
        self.plan_QH = nn.Parameter(torch.randn(plan_tokens, own) * own**-0.5)
        self.out = nn.Sequential(nn.LayerNorm(own), nn.Linear(own, width))

    def forward(self, scene_BSD: Tensor, keep_BS: Tensor, sentences: Sequence[str]) -> Tensor:
        """(B, Q, D) what the planner reads.

        Raises:
            ContractError: A sentence is longer than 1,000 characters.
        """
        begun_BLH, keep_BL = self.sequence(None, scene_BSD, keep_BS, sentences)
        plan_BQH = self.plan_QH.expand(len(begun_BLH), -1, -1).to(begun_BLH.dtype)
        keep = torch.cat([keep_BL, keep_BL.new_ones(plan_BQH.shape[:2])], dim=1)
        states_BLH = self._states(torch.cat([begun_BLH, plan_BQH], dim=1), keep)
        out: Tensor = self.out(states_BLH[:, -plan_BQH.shape[1] :].to(scene_BSD.dtype))
        return out

    def sequence(
        self, task: Task | None, scene_BSD: Tensor, keep_BS: Tensor, sentences: Sequence[str]
    ) -> tuple[Tensor, Tensor]:
        """(B, L, H) embeddings of the prompt, the sensors' tokens in their place, and (B, L) what is no padding.

        Args:
            task: What is wanted; None for a plan.
            scene_BSD: The sensors' tokens.
            keep_BS: False for what is absent.
            sentences: What was said.
        """
        check_sentences(sentences)
        embed, batch = self.decoder.get_input_embeddings(), len(scene_BSD)
        parts: list[Tensor] = []
        keeps: list[Tensor] = []
        start = self._tokenizer.bos_token_id
        for piece in ([] if start is None else [[start]]) + self._pieces(task):
            if piece == _SCENE:
                parts.append(self.into(scene_BSD))
                keeps.append(keep_BS)
            else:
                rows = [self._ids(said) for said in sentences] if piece == _SENTENCE else [piece] * batch
                ids_BL, keep_BL = _padded(rows, scene_BSD.device)
                parts.append(embed(ids_BL))
                keeps.append(keep_BL)
        dtype = embed.weight.dtype
        return torch.cat([part.to(dtype) for part in parts], dim=1), torch.cat(keeps, dim=1)

    def surprise(
        self, task: Task, texts: Sequence[str], scene_BSD: Tensor, keep_BS: Tensor, prompts: Sequence[str]
    ) -> Tensor:
        """(B,) nats of each text as a whole; what comes before it is not learned."""
        begun_BLH, keep_BL = self.sequence(task, scene_BSD, keep_BS, prompts)
        ids_BT, known_BT = _padded([self._ending(text) for text in texts], scene_BSD.device)
        embedded = self.decoder.get_input_embeddings()(ids_BT)
        states = self._states(torch.cat([begun_BLH, embedded], dim=1), torch.cat([keep_BL, known_BT], dim=1))
        logits_BTV = self._words(states[:, begun_BLH.shape[1] - 1 : -1])
        wanted_BT = ids_BT.masked_fill(~known_BT, _IGNORED)
        return F.cross_entropy(
            logits_BTV.transpose(1, 2).float(), wanted_BT, ignore_index=_IGNORED, reduction="none"
        ).sum(dim=1)

    @torch.no_grad()
    def say(
        self, task: Task, scene_1SD: Tensor, keep_1S: Tensor, prompt: str, *, phrases: Phrases | None = None
    ) -> str:
        """One of the phrases, chosen greedily; tokens without an alternative are not asked for.

        Args:
            task: What is wanted.
            scene_1SD: One scene.
            keep_1S: False for what is absent.
            prompt: What was said.
            phrases: What may be said, in the model's own tokens; everything of the language when None.
        """
        walk = (phrases or self.sayable(task)).begin()
        embedded, keep = self.sequence(task, scene_1SD, keep_1S, [prompt])
        memory: Any = None
        said: list[int] = []
        while True:
            new = list(walk.forced())
            for token in new:
                walk = walk.step(token)
            choices = walk.choices()
            said += new
            if not choices:
                return str(self._tokenizer.decode(said, skip_special_tokens=True))
            embedded = torch.cat([embedded, self._embedded(new, embedded)], dim=1)
            keep = torch.cat([keep, keep.new_ones(1, len(new))], dim=1)
            out = self._run(embedded, keep, memory)
            memory = out.past_key_values
            logits_V = self._words(out.last_hidden_state[:, -1])[0]
            best = choices[int(logits_V[list(choices)].argmax())]
            walk = walk.step(best)
            said.append(best)
            embedded = self._embedded([best], embedded)
            keep = torch.cat([keep, keep.new_ones(1, 1)], dim=1)

    def sayable(self, task: Task) -> Phrases:
        """Everything that the language can say, in the model's own tokens."""
        return self._comments if task is Task.COMMENT else self._answers

    def phrases(self, texts: Sequence[str]) -> Phrases:
        """Sentences as what ``say`` may say."""
        return Phrases(self._ending(text) for text in texts)

    @cached_property
    def _comments(self) -> Phrases:
        return self.phrases([text for language in Language for text in all_commentaries(language)])

    @cached_property
    def _answers(self) -> Phrases:
        return self.phrases([text for language in Language for text in all_answers(language)])

    def _pieces(self, task: Task | None) -> list[Any]:
        """The prompt as tokens and places."""
        pieces = re.split(r"(\{scene\}|\{sentence\})", self._prompt.replace(_TASK, _TASKS[task]))
        return [piece if piece in {_SCENE, _SENTENCE} else self._ids(piece) for piece in pieces if piece]

    def _ids(self, text: str) -> list[int]:
        return list(self._tokenizer(text, add_special_tokens=False)["input_ids"])[: self.longest] if text else []

    def _ending(self, text: str) -> list[int]:
        ids = self._tokenizer(text, add_special_tokens=False)["input_ids"]
        return [*ids, self._tokenizer.eos_token_id]

    def _embedded(self, ids: Sequence[int], like_BLH: Tensor) -> Tensor:
        rows = torch.tensor([list(ids)], dtype=torch.long, device=like_BLH.device)
        embedded: Tensor = self.decoder.get_input_embeddings()(rows)
        return embedded

    def _states(self, embedded_BLH: Tensor, keep_BL: Tensor) -> Tensor:
        states: Tensor = self._run(embedded_BLH, keep_BL, None, remember=False).last_hidden_state
        return states

    def _run(self, embedded_BLH: Tensor, keep_BL: Tensor, memory: Any, *, remember: bool = True) -> Any:
        """States of the newest positions; padding anywhere takes no place."""
        places = (keep_BL.long().cumsum(dim=1) - 1).clamp_min(0)[:, -embedded_BLH.shape[1] :]
        return self.decoder(
            inputs_embeds=embedded_BLH,
            attention_mask=keep_BL.long(),
            position_ids=places,
            past_key_values=memory,
            use_cache=remember,
        )

    def _words(self, states: Tensor) -> Tensor:
        weight = self.decoder.get_input_embeddings().weight if self.untied is None else self.untied.weight
        return F.linear(states, weight)  # type: ignore[arg-type]


def _padded(rows: Sequence[Sequence[int]], device: torch.device) -> tuple[Tensor, Tensor]:
    length = max(map(len, rows))
    ids = torch.tensor([[*row, *[0] * (length - len(row))] for row in rows], dtype=torch.long, device=device)
    keep = torch.tensor(
        [[place < len(row) for place in range(length)] for row in rows], dtype=torch.bool, device=device
    )
    return ids.view(len(rows), length), keep.view(len(rows), length)
