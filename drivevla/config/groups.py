"""Which dataclass the presets of each folder of ``configs/`` are checked against."""

import importlib
from collections.abc import Mapping

from drivevla.errors import ConfigError, unknown_name

__all__ = ["GROUPS", "group_of", "schema_of"]

GROUPS: Mapping[str, str] = {
    "agents": "drivevla.harness.config:AgentConfig",
    "collections": "drivevla.collection.config:CollectionConfig",
    "demos": "drivevla.demo.config:DemoConfig",
    "recipes": "drivevla.training.recipe:RecipeConfig",
    "rigs": "drivevla.config.rig:RigConfig",
    "suites": "drivevla.sim.routes.suite_config:SuiteConfig",
}
"""Folder of ``configs/`` to ``module:dataclass``. A new kind of preset is one line here and one folder there."""


def schema_of(group: str) -> type:
    """The dataclass that the presets of a group are checked against.

    Raises:
        UnknownName: There is no such group.
    """
    if group not in GROUPS:
        raise unknown_name("group of presets", group, GROUPS)
    module, _, name = GROUPS[group].partition(":")
    schema = getattr(importlib.import_module(module), name)
    assert isinstance(schema, type)
    return schema


def group_of(schema: type) -> str:
    """The group whose presets a dataclass checks.

    Raises:
        ConfigError: No group belongs to the dataclass.
    """
    target = f"{schema.__module__}:{schema.__qualname__}"
    for group, each in GROUPS.items():
        if each == target:
            return group
    raise ConfigError(f"{target} has no folder of presets; those that have one are {', '.join(GROUPS.values())}")
