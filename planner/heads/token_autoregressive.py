"""A plan written word by word, each word knowing the ones before.

B batch, N tokens of a plan, V vocabulary, D width.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from drivevla.planner.actions import UnicycleActions
from drivevla.planner.heads.action_tokens import ActionTokens
from drivevla.planner.heads.drawing import drawn_plans
from drivevla.planner.heads.masking import masked_mean
from drivevla.planner.heads.memory import Memory, MemoryReader, ego_speed, query_layers
from drivevla.types import HeadContext, PlanTarget, PlanTensors

__all__ = ["AutoregressiveTokenHead", "TokenPrompt"]


@dataclass(frozen=True, slots=True)
class TokenPrompt:
    """What is written about: the memory, and the speed that the actions begin at."""

    memory: Memory
    speed_B: Tensor


class AutoregressiveTokenHead(nn.Module):
    """OpenVLA's and RT-2's way of planning: acceleration and curvature as words, decoded one after the other.

    Decoding is restricted to action words, so every answer parses, an untrained model's too (RT-2, section 3.2). The
    input embedding is the output layer, as in the language models whose words are reused.

    Args:
        width: Of the tokens.
        steps: Waypoints in a plan.
        dt_s: Time between them.
        ego_size: Ego features that the head sees; the speed, the first of them, is where actions begin.
        vocabulary: Words altogether; the last 256 are actions.
        layers: Decoder layers.
        attention_heads: In each.
    """

    causal_NN: Tensor

    def __init__(
        self,
        width: int,
        *,
        steps: int = 16,
        dt_s: float = 0.25,
        ego_size: int = 1,
        vocabulary: int = 512,
        layers: int = 3,
        attention_heads: int = 4,
    ) -> None:
        super().__init__()
        self.memory = MemoryReader(width, ego_size=ego_size)
        self.tokens = ActionTokens(UnicycleActions(steps=steps, dt_s=dt_s), steps=steps, vocabulary=vocabulary)
        self.words = nn.Embedding(vocabulary + 1, width)  # the last row begins a plan
        nn.init.normal_(self.words.weight, std=width**-0.5)
        self.place_ND = nn.Parameter(torch.randn(self.tokens.count, width) * width**-0.5)
        self.decoder = query_layers(width, layers=layers, attention_heads=attention_heads)
        causal = torch.ones(self.tokens.count, self.tokens.count, dtype=torch.bool).triu(1)
        self.register_buffer("causal_NN", causal, persistent=False)

    def fit(self, waypoints_NT3: Tensor, speed_N: Tensor) -> None:
        """The range of each number from the data, as OpenVLA has it: 1st to 99th percentile."""
        self.tokens.fit(waypoints_NT3, speed_N)

    def forward(self, context: HeadContext) -> TokenPrompt:
        """Only what is written about: the words follow one after the other."""
        return TokenPrompt(memory=self.memory(context), speed_B=ego_speed(context))

    def loss(self, prediction: TokenPrompt, target: PlanTarget) -> dict[str, Tensor]:
        """``tokens``: cross-entropy of each word given the true ones before it, over all words, in nats."""
        ids_BN, valid_BN = self.tokens.encode(target, prediction.speed_B)
        return {"tokens": masked_mean(self._surprise(ids_BN, prediction.memory), valid_BN)}

    def decode(self, prediction: TokenPrompt) -> PlanTensors:
        """The likeliest word each time."""
        ids_BN = self._write(prediction.memory, None)
        return PlanTensors(waypoints_BT3=self.tokens.decode(ids_BN, prediction.speed_B))

    def sample(self, context: HeadContext, n: int, generator: torch.Generator) -> PlanTensors:
        """``n`` plans of each scene, each word drawn from its distribution over action words."""
        prompt = self.forward(context)
        batch = len(prompt.speed_B)
        ids_BN = self._write(prompt.memory.repeat(n), generator)
        speed = prompt.speed_B.repeat_interleave(n)
        modes_BKT3 = self.tokens.decode(ids_BN, speed).unflatten(0, (batch, n))
        chosen_BT3 = self.decode(prompt).waypoints_BT3
        return drawn_plans(chosen_BT3, modes_BKT3)

    def log_prob(self, context: HeadContext, plan_BT3: Tensor) -> Tensor:
        """(B,) probability, in nats, of the words that say the plan, among action words."""
        prompt = self.forward(context)
        valid = torch.ones(plan_BT3.shape[:2], dtype=torch.bool, device=plan_BT3.device)
        ids_BN, _ = self.tokens.encode(PlanTarget(waypoints_BT3=plan_BT3, valid_BT=valid), prompt.speed_B)
        logits_BNV = self._logits(ids_BN[:, :-1], prompt.memory).masked_fill(~self.tokens.allowed(), -torch.inf)
        return logits_BNV.log_softmax(dim=-1).gather(-1, ids_BN[..., None])[..., 0].sum(dim=-1)

    def _surprise(self, ids_BN: Tensor, memory: Memory) -> Tensor:
        logits_BNV = self._logits(ids_BN[:, :-1], memory)
        return F.cross_entropy(logits_BNV.transpose(1, 2), ids_BN, reduction="none")

    def _logits(self, written_BN: Tensor, memory: Memory) -> Tensor:
        """(B, n + 1, V) scores of each next word after the n that are written."""
        batch, count = len(written_BN), written_BN.shape[1] + 1
        begin = written_BN.new_full((batch, 1), self.words.num_embeddings - 1)
        seen_BND = self.words(torch.cat([begin, written_BN], dim=1)) + self.place_ND[:count]
        answers_BND = self.decoder(
            seen_BND,
            memory.tokens_BMD,
            tgt_mask=self.causal_NN[:count, :count],
            memory_key_padding_mask=~memory.keep_BM,
        )
        logits: Tensor = answers_BND @ self.words.weight[:-1].T
        return logits

    def _write(self, memory: Memory, generator: torch.Generator | None) -> Tensor:
        allowed_V = self.tokens.allowed()
        written_BN = torch.empty(len(memory.tokens_BMD), 0, dtype=torch.long, device=allowed_V.device)
        for _ in range(self.tokens.count):
            logits_BV = self._logits(written_BN, memory)[:, -1].masked_fill(~allowed_V, -torch.inf)
            if generator is None:
                next_B1 = logits_BV.argmax(dim=-1, keepdim=True)
            else:
                chances = logits_BV.softmax(dim=-1).to(generator.device)
                next_B1 = torch.multinomial(chances, 1, generator=generator).to(allowed_V.device)
            written_BN = torch.cat([written_BN, next_B1], dim=1)
        return written_BN
