"""People on the pavements, led by the client's own pedestrian navigation."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from drivevla.sim.session import Session

__all__ = ["walkers_around"]

_NEAR_M = 120.0
_TRIES = 12
_CROSSING_SHARE = 0.15


@contextmanager
def walkers_around(session: Session, *, count: int, seed: int) -> Iterator[None]:
    """People who walk about near the ego for as long as the context lasts; some cross the road.

    Where the map has fewer free places on pavements near the ego, there are fewer people.

    Args:
        session: Where.
        count: How many.
        seed: Decides who they are; where they go is the navigation's affair.
    """
    import carla

    rng, world = random.Random(seed), session.world
    library = world.get_blueprint_library()
    bodies = sorted(library.filter("walker.pedestrian.*"), key=lambda each: each.id)
    guide = library.find("controller.ai.walker")
    spawned: list[Any] = []
    try:
        if count:
            world.set_pedestrians_seed(seed)
            world.set_pedestrians_cross_factor(_CROSSING_SHARE)
        for _ in range(count):
            place = _place(session, world)
            body = None if place is None else world.try_spawn_actor(rng.choice(bodies), carla.Transform(place))
            if body is not None:
                spawned.append(body)
        session.tick()  # a walker is in the navigation only after a tick
        guides = [world.spawn_actor(guide, carla.Transform(), body) for body in spawned]
        session.tick()
        for each in guides:
            each.start()
            each.go_to_location(world.get_random_location_from_navigation())
            each.set_max_speed(rng.uniform(0.9, 1.8))
        spawned = [*guides, *spawned]
        yield
    finally:
        session.client.apply_batch_sync([carla.command.DestroyActor(each.id) for each in spawned], False)


def _place(session: Session, world: Any) -> Any:
    """A place on a pavement near the ego, or None where chance finds none."""
    ego = session.ego.get_location()
    for _ in range(_TRIES):
        place = world.get_random_location_from_navigation()
        if place is not None and 8.0 < place.distance(ego) < _NEAR_M:
            place.z += 1.0
            return place
    return None
