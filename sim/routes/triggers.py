"""Leaderboard 1's scenarios: places in every town where one may start, in a file apart from the routes.

Source: ``leaderboard`` repository, branch 1.0, ``leaderboard/utils/route_parser.py`` (matching and the turns that
scenarios 4, 7, 8 and 9 need) and ``data/all_towns_traffic_scenarios_public.json``.
"""

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from drivevla.errors import DataError
from drivevla.sim.routes.plan import DensePlan
from drivevla.sim.routes.road_options import RoadOption
from drivevla.sim.routes.route import Parameter, Place, Scenario

__all__ = ["read_triggers", "scenarios_along"]

_NEAR_M = 2.0
_NEAR_DEG = 10.0
_TURNS_NEEDED = {
    "Scenario4": {RoadOption.LEFT: "S4left", RoadOption.RIGHT: "S4right"},
    "Scenario7": {RoadOption.LEFT: "S7left", RoadOption.RIGHT: "S7right", RoadOption.STRAIGHT: "S7opposite"},
    "Scenario8": {RoadOption.LEFT: "S8left"},
    "Scenario9": {RoadOption.RIGHT: "S9right"},
}
_GO_ON = (RoadOption.VOID, RoadOption.LANEFOLLOW, RoadOption.CHANGELANELEFT, RoadOption.CHANGELANERIGHT)


def read_triggers(path: str | Path) -> Mapping[str, tuple[Scenario, ...]]:
    """Every place where a scenario may start, by town.

    Other actors are parameters: a place for each, named by side and number (``left_0``).

    Raises:
        DataError: The file is missing, no JSON (with its line), or not of this layout.
    """
    path = Path(path)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error}") from error
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise DataError(f"{path} is no JSON: {error}") from error
    towns: dict[str, tuple[Scenario, ...]] = {}
    try:
        for named in content["available_scenarios"]:
            for town, kinds in named.items():
                towns[town] = tuple(
                    _trigger(kind["scenario_type"], number, event)
                    for kind in kinds
                    for number, event in enumerate(kind["available_event_configurations"])
                )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DataError(
            f"{path} is no scenario file of leaderboard 1 ({type(error).__name__}: {error}); it needs "
            "available_scenarios, each with scenario_type and available_event_configurations"
        ) from error
    return MappingProxyType(towns)


def scenarios_along(plan: DensePlan, triggers: Iterable[Scenario]) -> tuple[Scenario, ...]:
    """The scenarios that can happen on a route: their trigger lies on it, and it makes the turn that they need.

    Args:
        plan: The route's dense plan.
        triggers: Of the route's town.

    Returns:
        In the order of the plan; those that depend on a turn have the parameter ``subtype`` (``S7left`` ...).
    """
    options = plan.options()
    found: list[tuple[int, Scenario]] = []
    for trigger in triggers:
        place = _match(plan, trigger.trigger)
        if place is None:
            continue
        needed = _TURNS_NEEDED.get(trigger.type)
        if needed is None:
            found.append((place, trigger))
            continue
        turn = next((option for option in options[place:] if option not in _GO_ON), None)
        if turn in needed:
            parameters = MappingProxyType({**trigger.parameters, "subtype": needed[turn]})
            found.append((place, replace(trigger, parameters=parameters)))
    return tuple(scenario for _, scenario in sorted(found, key=lambda pair: pair[0]))


def _match(plan: DensePlan, trigger: Place) -> int | None:
    distance = np.linalg.norm(plan.location_m - np.asarray(trigger.location_m), axis=1)
    assert trigger.yaw_deg is not None  # read_triggers demands it
    turned = np.abs((plan.yaw_deg - trigger.yaw_deg + 180.0) % 360.0 - 180.0)
    matches = np.flatnonzero((distance < _NEAR_M) & (turned < _NEAR_DEG))
    return int(matches[0]) if len(matches) else None


def _trigger(kind: str, number: int, event: Mapping[str, Any]) -> Scenario:
    parameters: dict[str, Parameter] = {}
    for side, actors in event.get("other_actors", {}).items():
        for index, actor in enumerate(actors):
            parameters[f"{side}_{index}"] = _place(actor)
    return Scenario(
        name=f"{kind}_{number}",
        type=kind,
        trigger=_place(event["transform"]),
        parameters=MappingProxyType(parameters),
    )


def _place(transform: Mapping[str, str]) -> Place:
    x, y, z, yaw = (float(transform[name]) for name in ("x", "y", "z", "yaw"))
    if not all(map(math.isfinite, (x, y, z, yaw))):
        raise ValueError(f"a transform must be finite, got {dict(transform)}")
    return Place((x, y, z), yaw)
