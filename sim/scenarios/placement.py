"""Routes with scenarios for any map: fitting places are found, parameters drawn by difficulty."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from drivevla import registry
from drivevla.errors import ConfigError, DataError
from drivevla.sim.routes import (
    DensePlan,
    Location,
    Manoeuvre,
    Place,
    Route,
    generate_routes,
    manoeuvres_on,
    plan_points,
)
from drivevla.sim.routes import Scenario as ScenarioSpec
from drivevla.sim.routes.weather import LEADERBOARD_2_WEATHER, Weather
from drivevla.sim.scenarios.needs import Needs, Spot
from drivevla.sim.scenarios.path import turned_deg
from drivevla.sim.scenarios.roads import Roads

if TYPE_CHECKING:
    import carla

__all__ = ["place_scenarios"]

logger = logging.getLogger(__name__)

_ROUNDS = 8
_ROUTES_A_ROUND = 4
_TRIES_A_ROUTE = 6
_LONGEST_M = 600.0
_KEY_M = 20.0


def place_scenarios(
    carla_map: carla.Map,
    types: Sequence[str],
    *,
    seed: int,
    difficulty: float = 0.5,
    per_type: int = 1,
    weather: Weather = LEADERBOARD_2_WEATHER,
) -> tuple[Route, ...]:
    """Routes over a map with one scenario each; the same arguments give the same routes.

    Their ids are the type and a number. A type's ``needs`` say what kind of place is looked for; a place fits when the
    scenario can be made there.

    Args:
        carla_map: ``carla.Map``; its name becomes the routes' town.
        types: Names of the registry's group "scenarios".
        seed: Decides everything.
        difficulty: 0 to 1, from wide gaps and slow traffic to narrow and fast.
        per_type: How many routes of each type.
        weather: Of every route.

    Returns:
        The routes found, type by type; of a type that fits nowhere on this map there is none.

    Raises:
        ConfigError: The difficulty is not from 0 to 1.
        UnknownName: There is no such type.
    """
    if not 0.0 <= difficulty <= 1.0:
        raise ConfigError(f"difficulty must lie between 0 and 1, got {difficulty}")
    roads = Roads(carla_map)
    found: list[Route] = []
    for name in types:
        kind = registry.load("scenarios", name)
        places = _places(roads, name, kind, seed=seed, difficulty=difficulty, weather=weather)
        of_type = [route for _, route in zip(range(per_type), places, strict=False)]
        if len(of_type) < per_type:
            logger.info("%s has %d of %d places for %s", carla_map.name, len(of_type), per_type, name)
        found.extend(of_type)
    return tuple(found)


def _places(roads: Roads, name: str, kind: Any, *, seed: int, difficulty: float, weather: Weather) -> Iterator[Route]:
    needs: Needs = kind.needs
    rng = np.random.default_rng([seed, *name.encode()])
    number = 0
    for _ in range(_ROUNDS):
        for manoeuvre in needs.manoeuvres:
            for route in _candidates(roads, needs, manoeuvre, int(rng.integers(2**31)), weather):
                plan = plan_points(roads.map, route.key_points_m)
                placed = _fitting(roads, plan, name, kind, manoeuvre, difficulty, rng)
                if placed is not None:
                    points, spec = placed
                    yield _with(route, f"{name}_{number}", points, spec)
                    number += 1


def _candidates(roads: Roads, needs: Needs, manoeuvre: Manoeuvre, seed: int, weather: Weather) -> tuple[Route, ...]:
    least = needs.lead_in_m + needs.room_m + needs.lead_out_m + 20.0
    try:
        return generate_routes(
            roads.map,
            count=_ROUTES_A_ROUND,
            seed=seed,
            length_m=(least, max(_LONGEST_M, 1.5 * least)),
            manoeuvres=[manoeuvre],
            weather=weather,
        )
    except DataError:
        return ()


def _fitting(
    roads: Roads,
    plan: DensePlan,
    name: str,
    kind: Any,
    manoeuvre: Manoeuvre,
    difficulty: float,
    rng: np.random.Generator,
) -> tuple[tuple[Location, ...], ScenarioSpec] | None:
    """The scenario at the first of some drawn triggers at which it can be made, and the part of the route round it."""
    triggers = _triggers(roads, plan, kind.needs, manoeuvre)
    rng.shuffle(triggers)
    for index, end_m in triggers[:_TRIES_A_ROUTE]:
        x, y, z = plan.location_m[index].tolist()
        trigger = Place((x, y, z), float(plan.yaw_deg[index]))
        try:
            spot = Spot(roads=roads, plan=plan, index=int(index), difficulty=difficulty, rng=rng)
            parameters = kind.draw_parameters(spot)
            spec = ScenarioSpec(name=f"{name}_1", type=name, trigger=trigger, parameters=parameters)
            points = _part(plan, float(plan.distance_m[index]) - kind.needs.lead_in_m, end_m + kind.needs.lead_out_m)
            kind(roads, plan_points(roads.map, points), spec, np.random.default_rng(0))
        except DataError:
            continue
        return points, spec
    return None


def _part(plan: DensePlan, begin_m: float, end_m: float) -> tuple[Location, ...]:
    """Key points of a part of a plan, close enough together to lead the same way."""
    along = np.linspace(max(begin_m, 0.0), min(end_m, plan.length_m), math.ceil((end_m - begin_m) / _KEY_M) + 1)
    index = np.unique(np.clip(np.searchsorted(plan.distance_m, along), 0, len(plan.distance_m) - 1))
    return tuple((x, y, z) for x, y, z in plan.location_m[index].tolist())


def _triggers(roads: Roads, plan: DensePlan, needs: Needs, manoeuvre: Manoeuvre) -> list[tuple[int, float]]:
    """Points of the plan that meet the needs, each with how far along the plan the place reaches."""
    along = plan.distance_m
    if needs.before_junction_m is None:
        return [
            (index, float(along[index]) + needs.room_m)
            for index in range(0, len(along), 5)
            if along[index] >= needs.lead_in_m
            and along[index] + needs.room_m + needs.lead_out_m <= plan.length_m
            and _is_free(plan, index, needs)
        ]
    near, far = needs.before_junction_m
    triggers: list[tuple[int, float]] = []
    for site in manoeuvres_on(roads.map, plan):
        if site.manoeuvre != manoeuvre:
            continue
        inside = np.flatnonzero(plan.junction[site.begin :] != -1)
        if not len(inside):
            continue
        enter = site.begin + int(inside[0])
        outside = np.flatnonzero(plan.junction[enter:] == -1)
        leave = enter + int(outside[0]) if len(outside) else len(along) - 1
        end_m = float(along[min(max(site.end, leave), len(along) - 1)])
        if end_m + needs.lead_out_m > plan.length_m:
            continue
        picked = np.flatnonzero((along >= max(along[enter] - far, needs.lead_in_m)) & (along <= along[enter] - near))
        triggers.extend((int(each), end_m) for each in picked if (plan.junction[each : enter - 1] == -1).all())
    return triggers


def _is_free(plan: DensePlan, index: int, needs: Needs) -> bool:
    end = int(np.searchsorted(plan.distance_m, plan.distance_m[index] + needs.room_m))
    stretch = slice(index, min(end, len(plan.junction)))
    same_lane = (plan.lane[stretch, 2] == plan.lane[index, 2]).all()
    turned = max(abs(turned_deg(float(yaw - plan.yaw_deg[index]))) for yaw in plan.yaw_deg[stretch])
    return bool((plan.junction[stretch] == -1).all() and same_lane and turned <= needs.turn_deg)


def _with(route: Route, name: str, points: tuple[Location, ...], spec: ScenarioSpec) -> Route:
    return Route(
        id=name,
        town=route.town,
        key_points_m=points,
        weather=route.weather,
        format="leaderboard_2",
        scenarios=(spec,),
        origin=f"{route.origin}, placed for {spec.type}",
    )
