"""What the dataclasses of a configuration accept, in words: for messages, and to find the key a message is about."""

import dataclasses
import types
import typing
from collections.abc import Iterator
from typing import Any, TypeGuard

from drivevla.errors import unknown_name

__all__ = ["accepted", "check_keys", "leaves"]

KeyPath = tuple[str, ...]

_WORDS = {int: "a whole number", float: "a number", str: "text", bool: "true or false", type(None): "null"}


def leaves(schema: Any, data: Any, path: KeyPath = ()) -> Iterator[tuple[KeyPath, Any]]:
    """Every value of nested data with its path, going in only as far as the schema has keys.

    Args:
        schema: A dataclass, or the annotation of one of its fields; ``object`` goes in wherever there is a mapping.
        data: Plain nested data.
        path: Where ``data`` lies.
    """
    if isinstance(data, dict) and _has_keys(schema) and (data or not path):
        for key, value in data.items():
            yield from leaves(_inside(schema, str(key)), value, (*path, str(key)))
    else:
        yield path, data


def check_keys(schema: type, data: dict[str, Any], *, source: str) -> None:
    """Refuse keys that the dataclass, or one inside it, does not have.

    Raises:
        UnknownName: The first such key, with the nearest one that exists.
    """
    for path, _ in leaves(schema, data):
        here: Any = schema
        for depth, key in enumerate(path):
            if _is_schema(here) and key not in _fields(here):
                inside = ".".join(path[:depth])
                raise unknown_name(f"key in {source}{': ' + inside if inside else ''}", key, _fields(here))
            here = _inside(here, key)


def accepted(schema: type, path: KeyPath) -> str:
    """What may stand at a path of the configuration, in words."""
    here: Any = schema
    for key in path:
        here = _annotation(here, key)
    return _in_words(here)


def _fields(schema: type) -> dict[str, Any]:
    hints = typing.get_type_hints(schema)
    return {field.name: hints[field.name] for field in dataclasses.fields(schema)}


def _is_schema(annotation: Any) -> TypeGuard[type[Any]]:
    return isinstance(annotation, type) and dataclasses.is_dataclass(annotation)


def _annotation(schema: Any, key: str) -> Any:
    schema = _without_none(schema)
    if _is_schema(schema):
        return _fields(schema).get(key, object)
    if typing.get_origin(schema) is dict:
        return typing.get_args(schema)[1]
    return object


def _inside(schema: Any, key: str) -> Any:
    return _without_none(_annotation(schema, key))


def _has_keys(schema: Any) -> bool:
    return _is_schema(schema) or typing.get_origin(schema) is dict or schema is object


def _is_union(annotation: Any) -> bool:
    return isinstance(annotation, types.UnionType) or typing.get_origin(annotation) is typing.Union


def _without_none(annotation: Any) -> Any:
    if not _is_union(annotation):
        return annotation
    members = [each for each in typing.get_args(annotation) if each is not type(None)]
    return members[0] if len(members) == 1 else annotation


def _in_words(annotation: Any) -> str:
    if annotation in _WORDS:
        return _WORDS[annotation]
    if _is_schema(annotation):
        return f"a mapping with the keys {', '.join(_fields(annotation))}"
    origin, members = typing.get_origin(annotation), typing.get_args(annotation)
    if _is_union(annotation):
        return " or ".join(_in_words(each) for each in members)
    if origin is typing.Literal:
        return "one of " + ", ".join(repr(each) for each in members)
    if origin is tuple and members[-1] is not Ellipsis:
        return f"a list of {len(members)} values, each {_in_words(members[0])}"
    if origin in (tuple, list):
        return f"a list, each {_in_words(members[0])}"
    if origin is dict:
        return f"a mapping from names to {_in_words(members[1])}"
    return str(annotation)
