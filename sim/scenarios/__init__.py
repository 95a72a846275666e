"""Scenarios: what happens on a route beside the road, by the names and parameters of leaderboard 2 and Bench2Drive.

==================  ==================================================================================
``director``        ``open_scenarios``: starts, plays and ends a route's scenarios
``scenario``        the base of every scenario: places, parameters, cast, steps
``stage``           the world as scenarios use it: the ego, actors, one batch of commands a tick
``movers``          cars, bicycles and walkers with small controllers of ours
``roads``, ``path``  what scenarios ask a map; lines that actors follow
``casting``         which blueprint plays a part
``flow``            a stream of cars from a place to another
``lights``          traffic lights that are held for a while
``placement``       ``place_scenarios``: finds fitting places on any map; ``needs`` says what fits
``start``           where the ego begins
``events``          what a director reports
==================  ==================================================================================

Everything is in CARLA's frame: left-handed, x forward, y right, z up, metres; degrees, clockwise.
"""

from drivevla.sim.scenarios.director import Director, find_scenarios, open_scenarios
from drivevla.sim.scenarios.events import LeftOut, ScenarioEvent, ScenarioPhase
from drivevla.sim.scenarios.placement import place_scenarios
from drivevla.sim.scenarios.start import start_place

__all__ = [
    "Director",
    "LeftOut",
    "ScenarioEvent",
    "ScenarioPhase",
    "find_scenarios",
    "open_scenarios",
    "place_scenarios",
    "start_place",
]
