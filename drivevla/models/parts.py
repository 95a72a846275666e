"""Parts by name: from a line of a recipe to a module."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from drivevla import registry
from drivevla.errors import ConfigError, unknown_name

__all__ = ["PartConfig", "build_part"]


@dataclass(frozen=True, kw_only=True)
class PartConfig:
    """One interchangeable part of a model."""

    name: str
    """What the registry calls it."""
    options: dict[str, Any] = field(default_factory=dict)
    """What its class takes by keyword, beyond what the model itself sets."""


def build_part(group: registry.Group, part: PartConfig, width: int, **given: object) -> Any:
    """Make a part of a model.

    Args:
        group: Of the registry.
        part: Which one, with its options.
        width: Of the model.
        given: What the model sets; left out where the part's class does not take it.

    Raises:
        UnknownName: The group has no such name, or the class no such option.
        ConfigError: An option is one that the model sets, or its value is not acceptable.
    """
    kind = registry.load(group, part.name)
    accepted = {
        name: parameter
        for name, parameter in inspect.signature(kind).parameters.items()
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY
    }
    for name in part.options:
        if name in given:
            raise ConfigError(f"{part.name}'s {name!r} is set by the model itself; change it there")
        if name not in accepted:
            raise unknown_name(f"option of {part.name}", name, sorted(set(accepted) - set(given)))
    set_by_model: Mapping[str, object] = {name: value for name, value in given.items() if name in accepted}
    try:
        return kind(width, **set_by_model, **part.options)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"{part.name} cannot be built with {part.options}: {error}") from error
