"""Our own routes for any map, stratified by manoeuvre."""

import logging
from collections.abc import KeysView, Sequence
from typing import TYPE_CHECKING

import numpy as np

from drivevla.errors import ConfigError, DataError, unknown_name
from drivevla.sim.routes.junctions import junction_controls
from drivevla.sim.routes.lanes import LaneGraph, lane_graph
from drivevla.sim.routes.manoeuvres import MANOEUVRES, Manoeuvre, manoeuvres_on
from drivevla.sim.routes.plan import plan_points
from drivevla.sim.routes.route import Location, Route
from drivevla.sim.routes.walks import Core, cores_of, propose
from drivevla.sim.routes.weather import LEADERBOARD_2_WEATHER, Weather, WeatherSchedule

if TYPE_CHECKING:
    import carla

__all__ = ["generate_routes"]

logger = logging.getLogger(__name__)

_ATTEMPTS = 60
"""Proposals for one route before its manoeuvre counts as impossible on this map at this length."""


def generate_routes(
    carla_map: "carla.Map",
    *,
    count: int,
    seed: int,
    length_m: tuple[float, float] = (150.0, 500.0),
    manoeuvres: Sequence[Manoeuvre] | None = None,
    weather: Weather = LEADERBOARD_2_WEATHER,
) -> tuple[Route, ...]:
    """Routes over a map, each with a wanted manoeuvre on it; the same arguments give the same routes.

    The manoeuvres take turns, so that each has equally many routes, give or take one. A route may hold others besides:
    ``manoeuvres_on`` says which. No route is given twice. Ids are ``0``, ``1`` ... as the official runner wants them.

    Args:
        carla_map: ``carla.Map``; its name becomes the routes' town.
        count: How many.
        seed: Decides everything.
        length_m: Least and greatest length of the dense plan.
        manoeuvres: Which to take turns; all that the map has, rarest first, when None.
        weather: Of every route.

    Raises:
        ConfigError: An argument makes no sense.
        UnknownName: There is no such manoeuvre.
        DataError: The map has no room for a manoeuvre that was asked for, or for any, at these lengths.
    """
    _check(count, length_m, manoeuvres)
    graph = lane_graph(carla_map)
    cores = cores_of(graph, junction_controls(carla_map))
    rng = np.random.default_rng(seed)
    # What has the fewest places comes first, so that a few routes already show what is special about a map.
    rarest_first = sorted((each for each in MANOEUVRES if each in cores), key=lambda each: len(cores[each]))
    waiting = list(rarest_first if manoeuvres is None else dict.fromkeys(manoeuvres))
    found: dict[tuple[Location, ...], Manoeuvre] = {}
    turn = 0
    while len(found) < count and waiting:
        wanted = waiting[turn % len(waiting)]
        points = _find(carla_map, graph, cores.get(wanted, []), wanted, length_m, found.keys(), rng)
        if points is not None:
            found[points] = wanted
            turn += 1
        elif manoeuvres is None:
            logger.info("%s: no further route with %s", carla_map.name, wanted)
            waiting.remove(wanted)
        else:
            raise DataError(
                f"{carla_map.name} has no{' further' if found else ''} route of {length_m[0]:g} to {length_m[1]:g} m "
                f"with the manoeuvre {wanted}; widen length_m, ask for fewer, or leave the manoeuvre out"
            )
    if len(found) < count:
        raise DataError(
            f"{carla_map.name} gives {len(found)} routes of {length_m[0]:g} to {length_m[1]:g} m, not {count}; "
            "widen length_m or ask for fewer"
        )
    town = carla_map.name.rpartition("/")[2]
    schedule = WeatherSchedule.constant(weather)
    return tuple(
        Route(
            id=str(number),
            town=town,
            key_points_m=points,
            weather=schedule,
            format="leaderboard_2",
            origin=f"generated with seed {seed} for {wanted}",
        )
        for number, (points, wanted) in enumerate(found.items())
    )


def _check(count: int, length_m: tuple[float, float], manoeuvres: Sequence[Manoeuvre] | None) -> None:
    if count < 1:
        raise ConfigError(f"count must be at least 1, got {count}")
    if not 20.0 <= length_m[0] < length_m[1]:
        raise ConfigError(f"length_m must be a least length of 20 or more and a greater one, got {length_m}")
    if manoeuvres is not None and not manoeuvres:
        raise ConfigError("manoeuvres must name at least one manoeuvre, or be None for all")
    for each in manoeuvres or ():
        if each not in MANOEUVRES:
            raise unknown_name("manoeuvre", each, MANOEUVRES)


def _find(
    carla_map: "carla.Map",
    graph: LaneGraph,
    cores: Sequence[Core],
    wanted: Manoeuvre,
    length_m: tuple[float, float],
    taken: KeysView[tuple[Location, ...]],
    rng: np.random.Generator,
) -> tuple[Location, ...] | None:
    for _ in range(_ATTEMPTS if cores else 0):
        core = cores[int(rng.integers(len(cores)))]
        length = float(rng.uniform(*length_m))
        points = propose(graph, core, length_m=length, least_m=length_m[0], stay=wanted == "follow", rng=rng)
        if len(points) < 2 or points in taken:
            continue
        plan = plan_points(carla_map, points)
        fits = length_m[0] <= plan.length_m <= length_m[1]
        if fits and any(site.manoeuvre == wanted for site in manoeuvres_on(carla_map, plan)):
            return points
    return None
