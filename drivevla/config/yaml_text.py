"""The strict, safe subset of YAML that presets are written in, and the writer whose output it reads back equal.

Plain data only, no tags. Unlike YAML 1.1, which PyYAML implements, ``no``, ``off`` and ``12:30`` are strings, ``1e-3``
is a number, and a key that is given twice is an error.
"""

import re
from collections.abc import Hashable
from typing import Any

import yaml

from drivevla.errors import ConfigError

__all__ = ["dump_yaml", "parse_yaml"]

# YAML 1.2's core schema: the tag, the scalars that carry it, and the characters such a scalar can begin with.
_SCALARS = (
    ("tag:yaml.org,2002:null", re.compile(r"^(?:~|null|Null|NULL|)$"), ["~", "n", "N", ""]),
    ("tag:yaml.org,2002:bool", re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")),
    ("tag:yaml.org,2002:int", re.compile(r"^(?:[-+]?[0-9]+|0x[0-9a-fA-F]+)$"), list("-+0123456789")),
    (
        "tag:yaml.org,2002:float",
        re.compile(
            r"^(?:[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?"
            r"|[-+]?[0-9]+[eE][-+]?[0-9]+|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$"
        ),
        list("-+0123456789."),
    ),
)


class _Loader(yaml.SafeLoader):
    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        for index, key in enumerate(keys):
            if key in keys[:index]:
                raise yaml.MarkedYAMLError(problem=f"the key {key!r} is given twice", problem_mark=node.start_mark)
        return super().construct_mapping(node, deep=deep)

    def decimal_int(self, node: yaml.ScalarNode) -> int:
        # PyYAML's own reads 010 as eight.
        text = self.construct_scalar(node)
        return int(text, 16) if text.startswith("0x") else int(text)


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True

    def vector_or_list(self, data: list[Any]) -> yaml.Node:
        numbers = all(isinstance(each, int | float) for each in data)
        return self.represent_sequence("tag:yaml.org,2002:seq", data, flow_style=numbers)


_Loader.yaml_implicit_resolvers = {}
_Dumper.yaml_implicit_resolvers = {}
_Dumper.add_representer(list, _Dumper.vector_or_list)
_Loader.add_constructor("tag:yaml.org,2002:int", _Loader.decimal_int)
for _tag, _pattern, _first in _SCALARS:
    _Loader.add_implicit_resolver(_tag, _pattern, _first)
    _Dumper.add_implicit_resolver(_tag, _pattern, _first)


def parse_yaml(text: str, *, source: str) -> Any:
    """Plain data from YAML text.

    Args:
        text: One YAML document.
        source: Where the text comes from, in words, for messages.

    Raises:
        ConfigError: The text is not YAML, asks for a Python object, or gives a key twice; the message holds the line.
    """
    try:
        return yaml.load(text, Loader=_Loader)  # a subclass of the safe loader
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f", line {mark.line + 1}" if mark else ""
        raise ConfigError(f"{source}{line} is not acceptable YAML: {error.problem or error}") from error
    except yaml.YAMLError as error:
        raise ConfigError(f"{source} is not acceptable YAML: {error}") from error


def dump_yaml(data: Any) -> str:
    """YAML text that ``parse_yaml`` reads back equal; keys keep their order."""
    return yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)
