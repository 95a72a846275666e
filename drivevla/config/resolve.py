"""A preset and its overrides to a checked, frozen dataclass, and back to YAML.

OmegaConf's structured configurations decide what a field accepts; this module finds the words: which key, what came,
what is accepted. OmegaConf takes a third of a second to import, so it is loaded at the first call.
"""

import dataclasses
from collections.abc import Sequence
from typing import Any, TypeVar

from drivevla.config.groups import group_of
from drivevla.config.presets import compose, place
from drivevla.config.schema import KeyPath, accepted, check_keys, leaves
from drivevla.config.yaml_text import dump_yaml, parse_yaml
from drivevla.errors import ConfigError, UserError

__all__ = ["build_config", "differing_keys", "load_config", "plain_config", "to_yaml"]

ConfigT = TypeVar("ConfigT")


def load_config(schema: type[ConfigT], name: str, overrides: Sequence[str] = ()) -> ConfigT:
    """The configuration that a preset and its overrides describe.

    Args:
        schema: The dataclass to fill, for instance ``RigConfig``; it says which group of presets is meant.
        name: A preset of that group, or the path of a YAML file of the same kind, ending in ``.yaml``.
        overrides: ``key=value`` each, keys dotted (``cameras.front.fov_deg=70``), values as in YAML; later ones win.
            ``uses.KEY=GROUP/NAME`` replaces a part that the preset uses.

    Raises:
        UnknownName: There is no such preset or key; the message holds the nearest match.
        ConfigError: A value is of the wrong type, out of range or missing, or a file cannot be read.
    """
    group = group_of(schema)
    uses: dict[str, str] = {}
    changes: list[tuple[str, Any]] = []
    for override in overrides:
        key, value = _split_override(override)
        if key.startswith("uses."):
            uses[key.removeprefix("uses.")] = str(value)
        else:
            changes.append((key, value))
    data = compose(group, name, uses)
    for key, value in changes:
        place(data, key, value)
    return build_config(schema, data, source=name if name.endswith(".yaml") else f"{group}/{name}")


def build_config(schema: type[ConfigT], data: dict[str, Any], *, source: str) -> ConfigT:
    """A checked configuration from plain data.

    Args:
        schema: The dataclass to fill.
        data: Nested mappings, sequences and scalars, as ``parse_yaml`` gives them.
        source: Where the data comes from, in words, for messages.

    Raises:
        UnknownName: A key that the dataclass lacks.
        ConfigError: A value of the wrong type, out of range or missing.
    """
    from omegaconf import OmegaConf
    from omegaconf.errors import MissingMandatoryValue, OmegaConfBaseException

    check_keys(schema, data, source=source)
    for path, value in leaves(schema, data):
        if "${" in str(value):
            raise ConfigError(f"{source}: {_dotted(path)} is {value!r}: interpolation is not supported")
    try:
        merged = OmegaConf.merge(OmegaConf.structured(schema), data)
    except (OmegaConfBaseException, TypeError) as error:
        raise _wrong_type(schema, data, source, error) from error
    try:
        config = OmegaConf.to_object(merged)
    except MissingMandatoryValue as error:
        raise ConfigError(f"{source}: {error.full_key} is required and was not given") from error
    except UserError as error:
        where = _dotted(_innermost_refused(merged))
        raise ConfigError(f"{source}: {where + ': ' if where else ''}{error}") from error
    assert isinstance(config, schema)
    return config


def plain_config(config: Any) -> dict[str, Any]:
    """A configuration as nested mappings, lists and scalars."""
    plain = _plain(dataclasses.asdict(config))
    assert isinstance(plain, dict)
    return plain


def to_yaml(config: Any) -> str:
    """YAML text of a configuration, which ``load_config`` reads back equal."""
    return dump_yaml(plain_config(config))


def differing_keys(left: dict[str, Any], right: dict[str, Any]) -> list[str]:
    """What tells the plain data of two configurations apart: ``key: left -> right`` each, none when they are equal."""
    before, after = dict(leaves(object, left)), dict(leaves(object, right))
    absent = "(absent)"
    return [
        f"{_dotted(path)}: {before.get(path, absent)!r} -> {after.get(path, absent)!r}"
        for path in {**before, **after}
        if before.get(path, absent) != after.get(path, absent)
    ]


def _split_override(override: str) -> tuple[str, Any]:
    key, equals, text = override.partition("=")
    if not equals or not all(part.strip() == part != "" for part in key.split(".")):
        raise ConfigError(f"an override is key=value, with dots between nested keys and no spaces, got {override!r}")
    return key, parse_yaml(text, source=f"the value of {key}")


def _dotted(path: KeyPath) -> str:
    return ".".join(path)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value


def _wrong_type(schema: type, data: dict[str, Any], source: str, refusal: Exception) -> ConfigError:
    """The error for the first value that OmegaConf refuses when it is merged alone."""
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    for path, value in leaves(schema, data):
        alone: dict[str, Any] = {}
        place(alone, _dotted(path), value)
        try:
            OmegaConf.merge(OmegaConf.structured(schema), alone)
        except (OmegaConfBaseException, TypeError):
            came = f"{value!r} ({type(value).__name__})"
            return ConfigError(f"{source}: {_dotted(path)} is {came}; accepted: {accepted(schema, path)}")
    return ConfigError(f"{source}: {refusal}")


def _innermost_refused(node: Any) -> KeyPath:
    """Path of the innermost dataclass whose own check refuses its values; empty when it is the outermost."""
    from omegaconf import DictConfig, OmegaConf

    for key in node:
        child = None if OmegaConf.is_missing(node, key) else node[key]
        if isinstance(child, DictConfig):
            try:
                OmegaConf.to_object(child)
            except UserError:
                return (str(key), *_innermost_refused(child))
    return ()
