"""From MessagePack values to checked Python values: the only way in for what a client sends.

A decoder takes one decoded MessagePack value and returns a typed one, or raises ContractError with what came and what
is accepted. Structs travel as arrays of their fields in declared order; arrays that are too short keep the defaults,
what is too much is ignored (rpclib's own tolerance, which clients of neighbouring versions rely on).
"""

import math
import reprlib
from collections.abc import Callable
from typing import TypeVar

from drivevla.errors import ContractError
from drivevla.sim.server.pose import Pose

__all__ = [
    "Decoder",
    "Vector",
    "anything",
    "boolean",
    "integer",
    "number",
    "optional",
    "pose",
    "sequence",
    "struct",
    "text",
    "uint32",
    "variant_index",
    "variant_of_one",
    "vector",
]

T = TypeVar("T")
Decoder = Callable[[object], T]
Vector = tuple[float, float, float]

MAX_COORDINATE = 1.0e9
"""Largest magnitude of a number that is taken: float32 positions beyond it are no positions any more."""


def anything(value: object) -> object:
    """Let a value through unread, for arguments that have no effect here."""
    return value


def number(value: object) -> float:
    """A finite number.

    Raises:
        ContractError: Not a number, NaN, infinite or of absurd size.
    """
    if type(value) is float or type(value) is int:
        if -MAX_COORDINATE <= value <= MAX_COORDINATE:
            return float(value)
        if math.isfinite(value):
            raise ContractError(f"numbers must stay within +-{MAX_COORDINATE:g}, got {value:g}")
    raise ContractError(f"a finite number is needed, got {_shown(value)}")


def integer(value: object) -> int:
    """A whole number of at most 64 bits.

    Raises:
        ContractError: Anything else, booleans too.
    """
    if type(value) is int:
        return value
    raise ContractError(f"a whole number is needed, got {_shown(value)}")


def uint32(value: object) -> int:
    """An id: a whole number from 0 to 2**32 - 1.

    Raises:
        ContractError: Anything else.
    """
    if type(value) is int and 0 <= value <= 0xFFFFFFFF:
        return value
    raise ContractError(f"an id from 0 to 4294967295 is needed, got {_shown(value)}")


def boolean(value: object) -> bool:
    """True or false.

    Raises:
        ContractError: Anything else.
    """
    if type(value) is bool:
        return value
    raise ContractError(f"true or false is needed, got {_shown(value)}")


def text(value: object) -> str:
    """A string.

    Raises:
        ContractError: Anything else.
    """
    if type(value) is str:
        return value
    raise ContractError(f"a string is needed, got {_shown(value)}")


def vector(value: object) -> Vector:
    """Three finite numbers x, y, z.

    Raises:
        ContractError: Not an array of three, or not finite.
    """
    x, y, z = _array(value, 3, "a vector [x, y, z]")[:3]
    return number(x), number(y), number(z)


def pose(value: object) -> Pose:
    """A transform: location in metres, rotation as pitch, yaw, roll in degrees.

    Raises:
        ContractError: Not a transform, or not finite.
    """
    location, rotation = _array(value, 2, "a transform [location, rotation]")[:2]
    return Pose(vector(location), vector(rotation))


def optional(decoder: Decoder[T]) -> Decoder[T | None]:
    """The decoder of ``[false]`` or ``[true, value]``."""

    def decode(value: object) -> T | None:
        parts = _array(value, 1, "an optional [false] or [true, value]")
        if not boolean(parts[0]):
            return None
        return decoder(_array(value, 2, "an optional [true, value]")[1])

    return decode


def sequence(decoder: Decoder[T]) -> Decoder[list[T]]:
    """The decoder of an array whose elements all have one type."""

    def decode(value: object) -> list[T]:
        return [decoder(element) for element in _array(value, 0, "an array")]

    return decode


def struct(kind: Callable[..., T], *fields: Decoder[object]) -> Decoder[T]:
    """The decoder of a struct: ``kind`` is called with the decoded fields in declared order."""

    def decode(value: object) -> T:
        return kind(*[decoder(part) for decoder, part in zip(fields, _array(value, 0, "a struct"), strict=False)])

    return decode


def variant_index(value: object) -> tuple[int, object]:
    """The parts of a variant ``[index, value]``.

    Raises:
        ContractError: Not a variant.
    """
    index, content = _array(value, 2, "a variant [index, value]")[:2]
    return integer(index), content


def variant_of_one(value: object) -> tuple[int, object]:
    """The parts of a struct whose one field is a variant: ``[[index, value]]``.

    Raises:
        ContractError: Something else came.
    """
    return variant_index(_array(value, 1, "a struct of one variant")[0])


def _array(value: object, least: int, what: str) -> list[object]:
    if type(value) is not list:
        raise ContractError(f"{what} is needed, got {_shown(value)}")
    if len(value) < least:
        raise ContractError(f"{what} is needed, got an array of {len(value)}")
    return value


def _shown(value: object) -> str:
    return f"{type(value).__name__} {reprlib.repr(value)}"
