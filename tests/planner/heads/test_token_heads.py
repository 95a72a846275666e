"""Plans as words: OpenVLA's, RT-2's and EdgeVLA's mechanisms (the properties of each system's recipe)."""

from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from drivevla.errors import ContractError
from drivevla.planner.actions import PoseSteps, UnicycleActions
from drivevla.planner.heads.action_tokens import ACTION_WORDS, ActionTokens
from drivevla.planner.heads.token_autoregressive import AutoregressiveTokenHead
from drivevla.planner.heads.token_parallel import ParallelTokenHead
from drivevla.types import HeadContext, PlanTarget

WIDTH, STEPS, EGO = 32, 8, 3


@given(st.lists(st.floats(-9.7, 9.7), min_size=1, max_size=20))
def test_a_number_and_its_word_differ_by_half_a_bin_at_most(values: list[float]) -> None:
    tokens = ActionTokens(UnicycleActions(steps=STEPS), steps=STEPS, vocabulary=512)
    actions = torch.tensor([[value, value / 50.0] for value in values])
    half_bin = (tokens.high_A - tokens.low_A) / (ACTION_WORDS - 1) / 2
    assert ((tokens.actions(tokens.ids(actions)) - actions).abs() <= half_bin + 1e-5).all()


def test_words_are_the_last_of_the_vocabulary_and_count_down_as_in_openvla() -> None:
    tokens = ActionTokens(PoseSteps(), steps=STEPS, vocabulary=32_000)
    lowest, highest = tokens.ids(torch.stack([tokens.low_A - 1.0, tokens.high_A + 1.0]))
    assert lowest.tolist() == [31_999] * 3  # vocabulary size - 1
    assert highest.tolist() == [32_000 - 255] * 3
    assert int(tokens.allowed().sum()) == 255


def test_a_word_that_is_no_action_is_refused() -> None:
    tokens = ActionTokens(PoseSteps(), steps=STEPS, vocabulary=512)
    with pytest.raises(ContractError, match="last 256 of 512 ids, got 3 to 3"):
        tokens.actions(torch.tensor([3, 3, 3]))


def test_other_statistics_give_other_physical_actions_by_the_ratio_of_ranges() -> None:
    tokens = ActionTokens(UnicycleActions(steps=STEPS), steps=STEPS, vocabulary=512)
    ids = tokens.ids(torch.tensor([[4.0, 0.1]]))
    before = tokens.actions(ids)
    tokens.low_A.mul_(0.5)
    tokens.high_A.mul_(0.5)
    torch.testing.assert_close(tokens.actions(ids), before * 0.5)


def test_the_range_of_a_number_is_its_1st_to_99th_percentile() -> None:
    tokens = ActionTokens(UnicycleActions(steps=STEPS, smoothness=0.0), steps=STEPS, vocabulary=512)
    speed = torch.linspace(1.0, 9.0, 101)
    straight = torch.zeros(101, STEPS, 3)
    straight[..., 0] = (speed[:, None] + 1.0) * 0.25 * torch.arange(1, STEPS + 1)
    tokens.fit(straight, speed)  # the first step's mean speed is 1 m/s more than the present one: 8 m/s2, then back
    assert float(tokens.low_A[0]) == pytest.approx(-8.0, abs=0.05)
    assert float(tokens.high_A[0]) == pytest.approx(8.0, abs=0.05)


@pytest.mark.parametrize("kind", [AutoregressiveTokenHead, ParallelTokenHead])
def test_an_untrained_model_writes_only_words_that_parse(
    kind: type[AutoregressiveTokenHead | ParallelTokenHead], context: HeadContext
) -> None:
    head = kind(WIDTH, steps=STEPS, ego_size=EGO).eval()
    with torch.no_grad():
        plan = head.decode(head.forward(context))  # type: ignore[arg-type]
        drawn = head.sample(context, 5, torch.Generator().manual_seed(1))
    assert torch.isfinite(plan.waypoints_BT3).all()
    assert drawn.modes_BKT3 is not None
    assert torch.isfinite(drawn.modes_BKT3).all()


def test_an_autoregressive_word_knows_the_words_before_it_and_none_after() -> None:
    head = AutoregressiveTokenHead(WIDTH, steps=STEPS, ego_size=0).eval()
    memory_context = HeadContext(
        tokens_BSD=torch.randn(1, 3, WIDTH),
        keep_BS=torch.ones(1, 3, dtype=torch.bool),
        ego_BE=torch.tensor([[5.0]]),
    )
    memory = head.forward(memory_context).memory
    words = torch.randint(512 - 255, 512, (1, 2 * STEPS - 1))
    other = words.clone()
    other[0, 6] = 512 - 256
    with torch.no_grad():
        gap = (head._logits(words, memory) - head._logits(other, memory)).abs().amax(dim=-1)[0]
    assert gap[:7].max() < 1e-5
    assert gap[7:].min() > 1e-4


def test_a_parallel_word_is_the_same_whatever_the_other_places_ask() -> None:
    head = ParallelTokenHead(WIDTH, steps=STEPS, ego_size=0).eval()
    context = HeadContext(
        tokens_BSD=torch.randn(1, 3, WIDTH), keep_BS=torch.ones(1, 3, dtype=torch.bool), ego_BE=torch.tensor([[5.0]])
    )
    with torch.no_grad():
        before = head.forward(context).logits_BNV
        head.queries.queries_ND[1:] = torch.randn_like(head.queries.queries_ND[1:])
        after = head.forward(context).logits_BNV
    torch.testing.assert_close(before[:, 0], after[:, 0])
    assert not torch.allclose(before[:, 1], after[:, 1])


def test_permuting_the_places_of_a_parallel_plan_permutes_its_words() -> None:
    head = ParallelTokenHead(WIDTH, steps=STEPS, ego_size=0).eval()
    context = HeadContext(
        tokens_BSD=torch.randn(1, 3, WIDTH), keep_BS=torch.ones(1, 3, dtype=torch.bool), ego_BE=torch.tensor([[5.0]])
    )
    order = torch.randperm(2 * STEPS)
    with torch.no_grad():
        before = head.forward(context).logits_BNV
        head.queries.queries_ND.copy_(head.queries.queries_ND[order])
        after = head.forward(context).logits_BNV
    torch.testing.assert_close(before[:, order], after)


def test_the_number_of_passes_is_one_for_parallel_words_and_one_a_word_else(context: HeadContext) -> None:
    for kind, wanted in ((ParallelTokenHead, 1), (AutoregressiveTokenHead, 2 * STEPS)):
        head = kind(WIDTH, steps=STEPS, ego_size=EGO).eval()
        calls: list[int] = []
        decoder = head.queries.decoder if isinstance(head, ParallelTokenHead) else head.decoder
        decoder.register_forward_hook(lambda *_, calls=calls: calls.append(1))
        with torch.no_grad():
            head.decode(head.forward(context))  # type: ignore[arg-type]
        assert len(calls) == wanted


def test_words_the_log_does_not_know_are_not_learned(context: HeadContext, target: PlanTarget) -> None:
    head = ParallelTokenHead(WIDTH, steps=STEPS, ego_size=EGO)
    nothing = replace(target, valid_BT=torch.zeros_like(target.valid_BT))
    term = head.loss(head.forward(context), nothing)["tokens"]
    term.backward()
    assert term.item() == 0.0
    assert all(weight.grad is None or not weight.grad.any() for weight in head.parameters())
