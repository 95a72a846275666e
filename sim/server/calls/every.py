"""The one table of all calls."""

from drivevla.sim.server.calls import (
    actors,
    batch,
    bodies,
    components,
    geometry,
    level,
    lights,
    maps,
    recorder,
    refused,
    session,
    street_lights,
    traffic_manager,
    vehicles,
    walkers,
    weather,
)
from drivevla.sim.server.calls.table import Call, merge

__all__ = ["every_call"]


def every_call() -> dict[str, Call]:
    """Every call that the server knows, by name."""
    subjects = (
        session,
        maps,
        weather,
        actors,
        bodies,
        vehicles,
        walkers,
        lights,
        geometry,
        level,
        street_lights,
        components,
        traffic_manager,
        batch,
        recorder,
        refused,
    )
    return merge(*(subject.CALLS for subject in subjects))
