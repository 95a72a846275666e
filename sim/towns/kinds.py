"""The kinds of towns that the generator knows, by the name that stands in ``Gen_<kind>_<seed>``."""

import random

from drivevla.sim.towns.plan import Plan

__all__ = ["TOWN_KINDS"]

TOWN_KINDS = {
    "grid": "a signalised grid with T-junctions and some stop and yield junctions",
    "tee": "winding streets that meet in T-junctions",
    "roundabout": "streets that meet in roundabouts",
    "stop": "a quarter of stop and yield signs, no lights",
    "multilane": "avenues of four and more lanes with turn lanes",
    "highway": "a ring of carriageways with on- and off-ramps around a small town",
    "hills": "curves and slopes",
    "mixed": "a bit of everything; the default of demonstrations",
}
"""What each kind holds, in a few words."""


def plan_town(kind: str, rng: random.Random) -> Plan:
    """The plan of a town of one of the kinds, drawn from ``rng``."""
    from drivevla.sim.towns import quarters

    return getattr(quarters, kind)(rng)
