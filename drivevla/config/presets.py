"""Finds presets by name and composes them.

A preset is a YAML file in ``configs/GROUP/NAME.yaml``. Two keys are for composition and never reach the configuration:

``base: NAME`` (or a list of names)
    Start from another preset of the same group; the keys beside ``base`` change it.
``uses: {KEY: GROUP/NAME}``
    Put a preset of another group under a key; the preset's own keys change it. A ``uses`` on the command line
    (``uses.KEY=GROUP/NAME``) or in a preset built on this one takes the place of the whole part.
"""

import copy
import importlib.resources
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from drivevla.config.groups import GROUPS, schema_of
from drivevla.config.yaml_text import parse_yaml
from drivevla.errors import ConfigError, unknown_name

__all__ = ["compose", "find_preset", "place", "preset_names"]

Keys = dict[str, Any]
Chain = tuple[str, ...]  # from the preset that was asked for to the one being read


@dataclass
class _Parts:
    """A preset with its bases folded in: what it uses and who says so, and the keys that change that."""

    uses: dict[str, tuple[str, Chain]] = field(default_factory=dict)
    keys: Keys = field(default_factory=dict)


def preset_names(group: str) -> tuple[str, ...]:
    """The names of a group's presets, sorted.

    Raises:
        UnknownName: There is no such group.
    """
    schema_of(group)
    folder = _folder(group)
    if not folder.is_dir():
        return ()
    files = (each.name for each in folder.iterdir() if each.is_file())
    return tuple(sorted(name.removesuffix(".yaml") for name in files if name.endswith(".yaml")))


def find_preset(name: str) -> tuple[str, str]:
    """Group and name of a preset that is called ``GROUP/NAME``, or only ``NAME`` where one group alone has it.

    Raises:
        UnknownName: There is no such preset.
        ConfigError: Several groups have a preset of that name.
    """
    if "/" in name:
        group, _, short = name.partition("/")
        known = preset_names(group)
        if short not in known:
            raise unknown_name(f"preset in {group}", short, known)
        return group, short
    groups = [group for group in GROUPS if name in preset_names(group)]
    if not groups:
        raise unknown_name("preset", name, {each for group in GROUPS for each in preset_names(group)})
    if len(groups) > 1:
        raise ConfigError(
            f"{name!r} names several presets; say which: {', '.join(f'{each}/{name}' for each in groups)}"
        )
    return groups[0], name


def compose(group: str, name: str, uses: Mapping[str, str] | None = None) -> Keys:
    """Plain data of a preset with everything that it builds on folded in.

    Args:
        group: A folder of ``configs/``.
        name: A preset of that group, or the path of a file of the same kind, ending in ``.yaml``.
        uses: Parts to use instead of those that the preset names, as ``{KEY: "GROUP/NAME"}``.

    Raises:
        UnknownName: A preset, or one that it builds on, does not exist.
        ConfigError: A file cannot be read, is not a mapping, or builds on itself.
    """
    return _compose(group, name, uses or {}, chain=())


def place(data: Keys, key: str, value: Any) -> None:
    """Merge a value into nested data under a dotted key; mappings are merged, anything else is replaced.

    Raises:
        ConfigError: The key runs through something that is not a mapping.
    """
    *parents, last = key.split(".")
    here = data
    for depth, parent in enumerate(parents):
        here = here.setdefault(parent, {})
        if not isinstance(here, dict):
            raise ConfigError(
                f"{'.'.join(parents[: depth + 1])} is {here!r}, which has no key {key.split('.')[depth + 1]!r}"
            )
    _merge_key(here, last, value)


def _merge_key(data: Keys, key: Any, value: Any) -> None:
    if isinstance(value, dict) and isinstance(data.get(key), dict):
        for inner, each in value.items():
            _merge_key(data[key], inner, each)
    else:
        data[key] = copy.deepcopy(value)


def _compose(group: str, name: str, uses: Mapping[str, str], chain: Chain) -> Keys:
    parts = _flatten(group, name, chain)
    asked = (*chain, f"{group}/{name}")
    data: Keys = {}
    for key, (used, via) in {**parts.uses, **{key: (used, asked) for key, used in uses.items()}}.items():
        used_group, slash, used_name = used.partition("/")
        if not slash:
            raise ConfigError(f"{via[-1]} uses {used!r} as {key}: a preset of another group is named GROUP/NAME")
        place(data, key, _compose(used_group, used_name, {}, via))
    for key, value in parts.keys.items():
        _merge_key(data, key, value)
    return data


def _flatten(group: str, name: str, chain: Chain) -> _Parts:
    label = f"{group}/{name}"
    if label in chain:
        raise ConfigError(f"presets build on each other in a circle: {' -> '.join((*chain, label))}")
    data = _read(group, name)
    bases, uses = _composition_keys(label, data)
    parts = _Parts()
    for base in bases:
        inherited = _flatten(group, _beside(name, base), (*chain, label))
        parts.uses.update(inherited.uses)
        for key, value in inherited.keys.items():
            _merge_key(parts.keys, key, value)
    parts.uses.update({key: (used, (*chain, label)) for key, used in uses.items()})
    for key, value in data.items():
        _merge_key(parts.keys, key, value)
    return parts


def _composition_keys(label: str, data: Keys) -> tuple[list[str], dict[str, str]]:
    base = data.pop("base", [])
    bases = [base] if isinstance(base, str) else base
    if not (isinstance(bases, list) and all(isinstance(each, str) for each in bases)):
        raise ConfigError(f"{label}: base must be the name of a preset or a list of names, got {base!r}")
    uses = data.pop("uses", {})
    if not (isinstance(uses, dict) and _are_strings(uses.keys()) and _are_strings(uses.values())):
        raise ConfigError(f"{label}: uses must map keys to GROUP/NAME, got {uses!r}")
    return bases, uses


def _are_strings(values: Iterable[Any]) -> bool:
    return all(isinstance(each, str) for each in values)


def _beside(name: str, base: str) -> str:
    """A base that is a file is looked for beside the file that names it."""
    return str(Path(name).parent / base) if base.endswith(".yaml") else base


def _read(group: str, name: str) -> Keys:
    file: Traversable
    if name.endswith(".yaml"):
        label, file = name, Path(name)
        if not file.is_file():
            raise ConfigError(f"there is no file {name}; a preset that ships is named without .yaml")
    else:
        known = preset_names(group)
        if name not in known:
            raise unknown_name(f"preset in {group}", name, known)
        label, file = f"{group}/{name}", _folder(group) / f"{name}.yaml"
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{label} cannot be read: {error}") from error
    data = parse_yaml(text, source=label)
    if data is None:
        data = {}
    if not isinstance(data, dict) or not _are_strings(data):
        raise ConfigError(f"{label} must be a mapping of names to values, got {data!r}")
    return data


def _folder(group: str) -> Traversable:
    return importlib.resources.files("drivevla") / "configs" / group
