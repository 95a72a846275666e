"""The one table of all calls."""

from drivevla.sim.server.calls import maps, session, weather
from drivevla.sim.server.calls.table import Call, merge

__all__ = ["every_call"]


def every_call() -> dict[str, Call]:
    """Every call that the server knows, by name."""
    return merge(session.CALLS, maps.CALLS, weather.CALLS)
