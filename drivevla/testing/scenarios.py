"""Does a scenario keep the contract of ``drivevla.sim.scenarios``?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from drivevla.sim.routes import Place, Route, plan_route
from drivevla.sim.scenarios import LeftOut, ScenarioEvent, ScenarioPhase, open_scenarios

if TYPE_CHECKING:
    import carla

    from drivevla.sim.scenarios import Director
    from drivevla.sim.scenarios.stage import BodyState, EgoState
    from drivevla.sim.session import Session

__all__ = ["Moment", "Passage", "check_scenario", "drive_past"]

_BEFORE_M = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """One tick of a passage.

    Attributes:
        time_s: Simulated time.
        ego: The ego.
        actors: The scenario's actors that were in the world, numbered in the order they came.
    """

    time_s: float
    ego: EgoState
    actors: Mapping[int, BodyState]


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """What was seen while an ego drove past a scenario.

    Attributes:
        events: What became of it.
        left_out: It, when it could not be played.
        trace: Tick by tick.
        touched: Types of what the ego touched.
        remaining: Types of the scenario's actors that are still in the world afterwards.
    """

    events: tuple[ScenarioEvent, ...]
    left_out: tuple[LeftOut, ...]
    trace: tuple[Moment, ...]
    touched: frozenset[str]
    remaining: tuple[str, ...]


def drive_past(
    host: str, port: int, carla_map: carla.Map, route: Route, *, seed: int, speed_mps: float = 8.0, seconds: float
) -> Passage:
    """Lead an ego along a route past its one scenario, blind to everything, from 30 m before the trigger.

    Args:
        host: A running simulator with the route's map.
        port: Its port.
        carla_map: That map.
        route: With one scenario.
        seed: Of the scenario.
        speed_mps: The ego's.
        seconds: How long at most.
    """
    from drivevla.config.sensor_rig import load_rig
    from drivevla.sim.scenarios.scenario import raised, trigger_index
    from drivevla.sim.scenarios.stage import transform_at
    from drivevla.sim.session import open_session

    plan = plan_route(carla_map, route)
    trigger = trigger_index(plan, route.scenarios[0])
    first = int(np.searchsorted(plan.distance_m, max(plan.distance_m[trigger] - _BEFORE_M, 0.0)))
    x, y, z = plan.location_m[first].tolist()
    start = transform_at(raised(Place((x, y, z), float(plan.yaw_deg[first])), 0.3))
    with open_session(load_rig("blind_5hz"), host=host, port=port, start=start) as session:
        with open_scenarios(session, plan, route, seed=seed, carla_map=carla_map) as director:
            seen = _lead(session, director, speed_mps, seconds)
        session.tick()
        remaining = [each for each in session.world.get_actors() if each.attributes.get("role_name") == "scenario"]
        return Passage(
            events=tuple(director.events),
            left_out=tuple(director.left_out),
            trace=tuple(seen),
            touched=frozenset(each.other_type for each in session.collisions),
            remaining=tuple(each.type_id for each in remaining),
        )


def check_scenario(host: str, port: int, carla_map: carla.Map, route: Route, *, seconds: float = 30.0) -> Passage:
    """Play a route's one scenario twice and hold it to the contract.

    Args:
        host: A running embedded simulator with the route's map.
        port: Its port.
        carla_map: That map.
        route: With one scenario, such as ``place_scenarios`` gives.
        seconds: How long the ego drives at most.

    Returns:
        What was seen the first time.

    Raises:
        AssertionError: The scenario cannot be played here, breaks off, never starts, leaves actors behind, or plays
            differently the second time.
    """
    first, second = (drive_past(host, port, carla_map, route, seed=7, seconds=seconds) for _ in range(2))
    name = route.scenarios[0].type
    if first.left_out:
        raise AssertionError(f"{name} was left out: {first.left_out[0].reason}")
    if ScenarioPhase.STARTED not in {event.phase for event in first.events}:
        raise AssertionError(f"{name} did not start when the ego came to its trigger: {first.events}")
    if first.remaining:
        raise AssertionError(f"{name} left {', '.join(first.remaining)} in the world")
    if first.trace != second.trace or first.events != second.events:
        raise AssertionError(f"{name} played differently the second time, with the same seed")
    return first


def _lead(session: Session, director: Director, speed_mps: float, seconds: float) -> list[Moment]:
    """The ego follows its route at an even speed, whatever comes."""
    from drivevla.sim.scenarios.movers import Car

    ego = Car(director.stage, session.ego, director.stage.route)
    ego.start_from(director.stage.ego.along_m)
    ids: list[int] = []
    seen: list[Moment] = []
    snapshot = session.tick()
    while snapshot.time_s < seconds and director.stage.ego.along_m < director.stage.plan.length_m - 3.0:
        director.before_tick(snapshot.time_s)
        ids.extend(actor.id for each in director.running for actor in each.actors if actor.id not in ids)
        states = ((number, director.stage.state(actor_id)) for number, actor_id in enumerate(ids))
        seen.append(
            Moment(
                time_s=snapshot.time_s,
                ego=director.stage.ego,
                actors={number: state for number, state in states if state is not None},
            )
        )
        ego.drive(speed_mps)
        director.stage.send()
        snapshot = session.tick()
    return seen
