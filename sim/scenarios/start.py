"""Where the ego begins: on the route, or beside it where a scenario has it parked."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from drivevla.sim.routes import DensePlan, Place, Route
from drivevla.sim.scenarios.director import find_scenarios

if TYPE_CHECKING:
    import carla

__all__ = ["start_place"]

_AT_START_M = 10.0


def start_place(carla_map: carla.Map, plan: DensePlan, route: Route) -> Place:
    """The route's first point, or the parking place that a scenario of its first metres has the ego in."""
    x, y, z = plan.location_m[0].tolist()
    first = tuple(each for each in route.scenarios if math.dist(each.trigger.location_m, (x, y, z)) < _AT_START_M)
    found, _ = find_scenarios(carla_map, plan, replace(route, scenarios=first), seed=0)
    parked = [each.ego_starts_at for each in found if each.ego_starts_at is not None]
    return parked[0] if parked else Place((x, y, z), float(plan.yaw_deg[0]))
