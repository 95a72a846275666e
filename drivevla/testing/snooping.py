"""Does anything that a policy can reach lead to the route, the map or the world?

A policy is handed an observation, and whatever else it finds by following references. Here a policy follows them all.
"""

import types
from collections import deque
from collections.abc import Iterable
from dataclasses import fields, is_dataclass

import numpy as np

from drivevla.types import Observation, Plan, Truth

__all__ = ["SnoopingPolicy", "assert_nothing_leaks"]

FORBIDDEN_MODULES = ("carla", "drivevla.sim", "drivevla.types.truth", "open3d")
"""Where the route, the map, the world and the truth live: an instance of a class of these is a leak."""

_STOP = (type, types.ModuleType, types.FunctionType, types.BuiltinFunctionType, str, bytes, int, float, complex, bool)


def assert_nothing_leaks(root: object, *, limit: int = 200_000) -> int:
    """Follow every attribute, item, slot, closure and bound object from ``root``; none may know the world.

    Args:
        root: Where to begin, e.g. an observation.
        limit: Give up, as a failure, beyond this many objects.

    Returns:
        How many objects were looked at.

    Raises:
        AssertionError: One of them is an instance of a class that knows the truth; the message holds the way there.
    """
    queue: deque[tuple[object, str]] = deque([(root, type(root).__name__)])
    seen = {id(root)}
    kept_alive: list[object] = [root]  # an id may be used again once its object is gone
    while queue:
        thing, way = queue.popleft()
        module = type(thing).__module__
        if module in FORBIDDEN_MODULES or module.startswith(tuple(f"{m}." for m in FORBIDDEN_MODULES)):
            raise AssertionError(f"a policy can reach a {module}.{type(thing).__name__} by {way}")
        for name, neighbour in _neighbours(thing):
            if id(neighbour) in seen or isinstance(neighbour, _STOP):
                continue
            seen.add(id(neighbour))
            kept_alive.append(neighbour)
            if len(seen) > limit:
                raise AssertionError(f"more than {limit} objects can be reached, the last by {way}{name}")
            queue.append((neighbour, way + name))
    return len(seen)


def _neighbours(thing: object) -> Iterable[tuple[str, object]]:
    if isinstance(thing, dict | types.MappingProxyType):
        for key, value in thing.items():
            yield f"[key {key!r}]", key
            yield f"[{key!r}]", value
    elif isinstance(thing, list | tuple | set | frozenset | deque):
        for index, value in enumerate(thing):
            yield f"[{index}]", value
    elif isinstance(thing, np.ndarray):
        yield ".base", thing.base
        if thing.dtype == object:
            yield ".tolist()", thing.tolist()
    elif isinstance(thing, types.MethodType):
        yield ".__self__", thing.__self__
        yield ".__func__.__closure__", [cell.cell_contents for cell in thing.__func__.__closure__ or ()]
    if is_dataclass(thing):
        for field in fields(thing):
            yield f".{field.name}", getattr(thing, field.name)
    for name, value in getattr(thing, "__dict__", {}).items():
        yield f".{name}", value
    for owner in type(thing).__mro__:
        slots = owner.__dict__.get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            if hasattr(thing, name):
                yield f".{name}", getattr(thing, name)


class SnoopingPolicy:
    """Stands still, and looks through every object it can reach for the route, the map or the world.

    Attributes:
        objects_seen: How many objects the last observation led to.
    """

    def __init__(self) -> None:
        self.objects_seen = 0

    def reset(self, seed: int) -> None:
        """Forget the count."""
        self.objects_seen = 0

    def act(self, observation: Observation) -> Plan:
        """Look around, then stand still.

        Raises:
            AssertionError: Something reachable knows the truth.
        """
        if not isinstance(observation, Observation) or isinstance(observation, Truth):
            raise AssertionError(f"a policy is handed an Observation, got {type(observation).__name__}")
        self.objects_seen = assert_nothing_leaks(observation)
        return Plan(waypoints=np.zeros((16, 3)))
