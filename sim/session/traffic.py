"""Background traffic: vehicles that the client's own Traffic Manager drives, the same for the same seed."""

from __future__ import annotations

import logging
import random
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from drivevla.errors import ConfigError, UserError

if TYPE_CHECKING:
    import carla

    from drivevla.sim.session.session import Session

__all__ = ["background_traffic", "leaderboard_vehicles", "traffic_on"]

logger = logging.getLogger(__name__)

PLACES_A_VEHICLE = 2
LEADERBOARD_VEHICLES = {
    "Town01": 120,
    "Town02": 100,
    "Town03": 120,
    "Town04": 200,
    "Town05": 120,
    "Town06": 150,
    "Town07": 110,
    "Town08": 180,
    "Town09": 300,
    "Town10": 120,
}
FOUR_WHEELS = ("car", "van", "truck", "bus")
HEAVY = ("truck", "bus")


@contextmanager
def background_traffic(session: Session, *, vehicles: int, seed: int, heavy_share: float = 0.0) -> Iterator[Any]:
    """Vehicles round the ego, driven by a Traffic Manager of this process for as long as the context lasts.

    They begin on every second, about, of the spawn points nearest to the ego.

    Args:
        session: Where; its world is synchronous, and so is the Traffic Manager.
        vehicles: How many; at most as many as there are free spawn points. ``leaderboard_vehicles`` says how many the
            leaderboard takes.
        seed: Decides which vehicles stand where, and what the Traffic Manager draws.
        heavy_share: Of the vehicles that are drawn from trucks and buses alone, the others evenly from all models with
            four wheels, as CARLA's example does it.

    Yields:
        The ``carla.TrafficManager``.

    Raises:
        UserError: The map has too few free spawn points.
    """
    places = _free_places(session)
    if vehicles <= len(places):
        ego = session.ego.get_location()
        places = sorted(places, key=lambda place: float(place.location.distance(ego)))[: PLACES_A_VEHICLE * vehicles]
    with traffic_on(
        session.client, session.world, places, vehicles=vehicles, seed=seed, heavy_share=heavy_share
    ) as manager:
        yield manager


def leaderboard_vehicles(map_name: str) -> int:
    """How many background vehicles CARLA leaderboard 1 drives on a town, all over it.

    Source: leaderboard 1.0, ``route_scenario.py``, ``RouteScenario._initialize_actors``, ``town_amount``.

    Raises:
        ConfigError: It has no number for this map.
    """
    town = map_name.rsplit("/", 1)[-1].removesuffix("_Opt").removesuffix("HD")
    if town not in LEADERBOARD_VEHICLES:
        raise ConfigError(f"leaderboard 1 names no amount of traffic for {map_name!r}; give a number of vehicles")
    return LEADERBOARD_VEHICLES[town]


@contextmanager
def traffic_on(
    client: carla.Client,
    world: carla.World,
    places: list[carla.Transform],
    *,
    vehicles: int,
    seed: int,
    heavy_share: float = 0.0,
) -> Iterator[Any]:
    """As ``background_traffic``, in a synchronous world without a session.

    Args:
        client: Whose Traffic Manager.
        world: Its world.
        places: Where vehicles may stand.
        vehicles: How many; at most as many as there are places.
        seed: Decides which vehicles stand where, and what the Traffic Manager draws.
        heavy_share: As there.

    Yields:
        The ``carla.TrafficManager``.

    Raises:
        UserError: There are too few places.
    """
    import carla

    rng = random.Random(seed)
    if vehicles > len(places):
        raise UserError(f"{vehicles} vehicles were asked for, and this map has {len(places)} free spawn points")
    manager = client.get_trafficmanager(_free_port())
    manager.set_synchronous_mode(True)
    manager.set_random_device_seed(seed)
    every, heavy = _blueprints(world, FOUR_WHEELS), _blueprints(world, HEAVY)
    drive = carla.command.SetAutopilot(carla.command.FutureActor, True, manager.get_port())
    batch = [
        carla.command.SpawnActor(
            _painted(rng.choice(heavy if heavy_share and rng.random() < heavy_share else every), rng), place
        ).then(drive)
        for place in rng.sample(places, vehicles)
    ]
    spawned = [answer.actor_id for answer in client.apply_batch_sync(batch, False) if not answer.error]
    if len(spawned) < vehicles:
        logger.warning("%d of %d vehicles found their place taken", vehicles - len(spawned), vehicles)
    try:
        yield manager
    finally:
        # Without a tick in between the client refuses to destroy what it has not seen; a batch does not ask.
        client.apply_batch_sync([carla.command.DestroyActor(actor_id) for actor_id in spawned], False)
        manager.set_synchronous_mode(False)
        manager.shut_down()


def _blueprints(world: carla.World, base_types: tuple[str, ...]) -> list[Any]:
    vehicles = world.get_blueprint_library().filter("vehicle.*")
    of_them = [each for each in vehicles if each.get_attribute("base_type").as_str() in base_types]
    return sorted(of_them, key=lambda each: each.id)


def _free_places(session: Session, *, clearance_m: float = 8.0) -> list[carla.Transform]:
    ego = session.ego.get_location()
    return [place for place in session.map.get_spawn_points() if place.location.distance(ego) > clearance_m]


def _painted(blueprint: Any, rng: random.Random) -> Any:
    blueprint.set_attribute("role_name", "background")
    if blueprint.has_attribute("color"):
        colours = list(blueprint.get_attribute("color").recommended_values)
        if colours:
            blueprint.set_attribute("color", rng.choice(colours))
    return blueprint


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
