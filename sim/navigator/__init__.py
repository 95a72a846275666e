"""The navigator: along a route, what a policy may hear. See ``docs/navigator.md``.

==================  ==================================================================================
``navigator``       ``Navigator``: place and time in, ``Guidance`` out
``guidance``        what it gives: sentence, command, target points, and what is for the record
``schedule``        what is said where, found before the drive; ``choices`` is all that is true at a place
``decisions``       junctions and lane changes along a plan; ``passages`` reads a junction as a driver would
``misleading``      LangAuto's impossible instructions; ``notices`` its warnings
==================  ==================================================================================
"""

from drivevla.sim.navigator.guidance import Event, Guidance, Protocol
from drivevla.sim.navigator.misleading import Misleading
from drivevla.sim.navigator.navigator import Navigator
from drivevla.sim.navigator.notices import Notice, notices_along
from drivevla.sim.navigator.schedule import Cue, Scheduled, Triggers

__all__ = [
    "Cue",
    "Event",
    "Guidance",
    "Misleading",
    "Navigator",
    "Notice",
    "Protocol",
    "Scheduled",
    "Triggers",
    "notices_along",
]
