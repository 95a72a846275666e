"""The kinds of towns that the generator knows, by the name that stands in ``Gen_<kind>_<seed>``."""

import random
from collections.abc import Callable

from drivevla.sim.towns import quarters, ring_towns
from drivevla.sim.towns.plan import Plan

__all__ = ["TOWN_KINDS"]

TOWN_KINDS: dict[str, Callable[[random.Random], Plan]] = {
    "grid": quarters.grid,
    "tee": quarters.tee,
    "roundabout": quarters.roundabout,
    "stop": quarters.stop,
    "multilane": quarters.multilane,
    "highway": ring_towns.highway,
    "hills": quarters.hills,
    "mixed": ring_towns.mixed,
    "narrow": quarters.narrow,
    "boulevard": quarters.boulevard,
}
"""What draws the plan of each kind of town from a seeded generator."""
