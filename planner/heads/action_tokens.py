"""Plans as words: each number of each action is one of 255 bins, and each bin is a word of a vocabulary.

The words are the last 256 of the vocabulary, so that a language model needs no new ones (RT-2, arXiv 2307.15818;
OpenVLA, arXiv 2406.09246, ``prismatic/vla/action_tokenizer.py``).

B batch, T future steps, A numbers an action has, N = T * A tokens of a plan.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from drivevla.errors import ContractError
from drivevla.planner.actions import ActionSpace
from drivevla.planner.heads.masking import hold_last_valid
from drivevla.types import PlanTarget

__all__ = ["ACTION_WORDS", "ActionTokens"]

ACTION_WORDS = 256
"""How many words at the end of the vocabulary are actions; the first of them is never used, as in OpenVLA, whose 256
edges enclose 255 bins."""


class ActionTokens(nn.Module):
    """Plans to token ids and back.

    The range of each number is that between its 1st and 99th percentile in the data; it travels with the weights, and
    other statistics give other physical actions.

    Args:
        space: What an action is.
        steps: Actions in a plan.
        vocabulary: Words altogether.

    Raises:
        ContractError: The vocabulary is smaller than the action words.
    """

    low_A: Tensor
    high_A: Tensor

    def __init__(self, space: ActionSpace, *, steps: int, vocabulary: int) -> None:
        super().__init__()
        if vocabulary < ACTION_WORDS:
            raise ContractError(f"the vocabulary must hold the {ACTION_WORDS} action words, got {vocabulary} words")
        self.space, self.steps, self.vocabulary = space, steps, vocabulary
        self.register_buffer("low_A", space.low.clone())
        self.register_buffer("high_A", space.high.clone())

    @property
    def count(self) -> int:
        """Tokens of a plan."""
        return self.steps * self.space.size

    @torch.no_grad()
    def fit(self, waypoints_NT3: Tensor, speed_N: Tensor) -> None:
        """Take the range of each number from data: 1st to 99th percentile."""
        actions = self.space.encode(waypoints_NT3, speed_N).flatten(0, 1)
        # torch.quantile takes 16 million numbers at most.
        low, high = torch.from_numpy(np.quantile(actions.cpu().numpy(), [0.01, 0.99], axis=0)).to(actions)
        self.low_A.copy_(low)
        self.high_A.copy_(torch.maximum(high, low + 1e-3))

    def encode(self, target: PlanTarget, speed_B: Tensor) -> tuple[Tensor, Tensor]:
        """Token ids of what the teacher did.

        Returns:
            (B, N) ids, step by step, and (B, N) whether the log knows them.
        """
        waypoints_BT3 = hold_last_valid(target.waypoints_BT3, target.valid_BT)
        actions_BTA = self.space.encode(waypoints_BT3, speed_B)
        valid_BTA = target.valid_BT[..., None].expand_as(actions_BTA)
        return self.ids(actions_BTA).flatten(1), valid_BTA.flatten(1)

    def decode(self, ids_BN: Tensor, speed_B: Tensor) -> Tensor:
        """(B, T, 3) plan that the tokens say.

        Raises:
            ContractError: An id is no action word.
        """
        actions_BTA = self.actions(ids_BN.unflatten(1, (self.steps, self.space.size)))
        return self.space.decode(actions_BTA, speed_B)

    def ids(self, actions_A: Tensor) -> Tensor:
        """(..., A) numbers to ids: vocabulary size minus the bin, counted from 1."""
        share = (actions_A - self.low_A) / (self.high_A - self.low_A)
        bins = (share.clamp(0.0, 1.0) * (ACTION_WORDS - 1)).floor().long().clamp_max(ACTION_WORDS - 2)
        return self.vocabulary - 1 - bins

    def actions(self, ids_A: Tensor) -> Tensor:
        """(..., A) ids to the middle of their bins.

        Raises:
            ContractError: An id is no action word.
        """
        bins = self.vocabulary - 1 - ids_A
        if bins.numel() and not (int(bins.min()) >= 0 and int(bins.max()) < ACTION_WORDS):
            raise ContractError(
                f"action words are the last {ACTION_WORDS} of {self.vocabulary} ids, got "
                f"{int(ids_A.min())} to {int(ids_A.max())}"
            )
        share = (bins.clamp_max(ACTION_WORDS - 2) + 0.5) / (ACTION_WORDS - 1)
        return self.low_A + share * (self.high_A - self.low_A)

    def allowed(self) -> Tensor:
        """(vocabulary,) which words a decoder may choose."""
        words = torch.arange(self.vocabulary, device=self.low_A.device)
        return words >= self.vocabulary - ACTION_WORDS + 1
