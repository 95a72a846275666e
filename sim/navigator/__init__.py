"""The navigator: along a route, what a policy may hear, and whether it was done. See ``docs/navigator.md``.

==================  ==================================================================================
``navigator``       ``Navigator``: place and time in, ``Guidance`` out
``guidance``        what it gives: sentence, command, target points, and what is for the record
``schedule``        what is said where, found before the drive; ``choices`` is all that is true at a place
``decisions``       junctions and lane changes along a plan; ``passages`` reads a junction as a driver would
``misleading``      LangAuto's impossible instructions; ``notices`` its warnings
``monitor``         ``GoalMonitor``: whether a goal was reached; ``track`` reads driven poses on the map,
                    ``stops`` where a car stands
==================  ==================================================================================
"""

from drivevla.sim.navigator.guidance import Event, Guidance, Protocol
from drivevla.sim.navigator.misleading import Misleading
from drivevla.sim.navigator.monitor import GoalMonitor, Verdict
from drivevla.sim.navigator.navigator import Navigator
from drivevla.sim.navigator.notices import Notice, notices_along
from drivevla.sim.navigator.schedule import Cue, Scheduled, Triggers
from drivevla.sim.navigator.stops import EgoShape
from drivevla.sim.navigator.track import Sample

__all__ = [
    "Cue",
    "EgoShape",
    "Event",
    "GoalMonitor",
    "Guidance",
    "Misleading",
    "Navigator",
    "Notice",
    "Protocol",
    "Sample",
    "Scheduled",
    "Triggers",
    "Verdict",
    "notices_along",
]
