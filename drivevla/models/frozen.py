"""Weights that no stage of training sets free, whatever it freezes itself."""

from __future__ import annotations

from torch import nn

__all__ = ["always_frozen", "freeze_for_good", "keep_frozen"]

_MARK = "drivevla_always_frozen"


def freeze_for_good(module: nn.Module) -> None:
    """Freeze all weights that a module has now; what is added to it later learns."""
    for weight in module.parameters():
        weight.requires_grad_(False)
        setattr(weight, _MARK, True)


def keep_frozen(module: nn.Module) -> None:
    """Let whatever a part froze when it was built stay so: no stage sets a pretrained tower free by not naming it."""
    for weight in module.parameters():
        if not weight.requires_grad:
            setattr(weight, _MARK, True)


def always_frozen(weight: nn.Parameter) -> bool:
    """Whether a weight was frozen for good."""
    return getattr(weight, _MARK, False) is True
