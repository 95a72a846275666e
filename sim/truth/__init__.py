"""The truth about a CARLA world, read through the real client: the one place that makes a ``Truth`` of it.

==================  ==============================================================================
``maker``           ``TruthMaker``: one world, one ego, one route; a ``Truth`` at every tick
``actors``          vehicles, walkers and props, all from one snapshot
``signals``         lights and signs, and where along the route one stops for them
``lanes``           lanes near the car: middle lines, neighbours, successors
``route``           where along its route the car is, and what lies ahead
==================  ==============================================================================
"""

from drivevla.sim.truth.maker import TruthMaker

__all__ = ["TruthMaker"]
