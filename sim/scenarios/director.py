"""The director: starts a route's scenarios when the ego comes, plays them tick by tick, and cleans up after them."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from drivevla import registry
from drivevla.errors import DataError, SimulatorError, UnknownName
from drivevla.planner.control import VehicleControl
from drivevla.sim.routes import DensePlan, Route
from drivevla.sim.scenarios.events import LeftOut, ScenarioEvent, ScenarioPhase
from drivevla.sim.scenarios.roads import Roads

if TYPE_CHECKING:
    import carla

    from drivevla.sim.scenarios.scenario import Play, Scenario
    from drivevla.sim.scenarios.stage import BodyState, Stage
    from drivevla.sim.session import Session

__all__ = ["Director", "find_scenarios", "open_scenarios"]

logger = logging.getLogger(__name__)

TIME_LIMIT_S = 240.0
"""A scenario that blocks the way longer than this gives up (scenario_runner, ``ScenarioTimeout`` of every scenario)."""
_LATE_S = 0.2
"""The judge counts the same seconds from a tick later on, and must see the limit passed before the scenario is gone."""
_LOOK_ROUND_TICKS = 10
"""How often background traffic is looked for on reserved road."""
_POPULATE_TICKS = 20
"""How often background traffic is brought back to the ego's surroundings."""


@dataclass
class _Act:
    scenario: Scenario
    play: Play | None = None
    began_s: float = 0.0
    done: bool = False
    announced: bool = False


@dataclass
class Director:
    """Plays a route's scenarios. Everything happens by simulated time, and is drawn from the seed.

    Attributes:
        stage: The world they play in.
        left_out: Scenarios of the route that are not played, and why; a run with any is incomplete.
        events: What became of the others so far.
    """

    stage: Stage
    acts: Sequence[_Act]
    left_out: list[LeftOut]
    events: list[ScenarioEvent] = field(default_factory=list)
    _ticks: int = 0

    def before_tick(self, time_s: float) -> None:
        """Give every scenario its turn before the coming tick.

        Args:
            time_s: Simulated time of the tick that ended.
        """
        self.stage.observe(time_s)
        for act in self.acts:
            if not act.done:
                self._turn(act)
        if self._ticks % _LOOK_ROUND_TICKS == 0:
            self.stage.keep_reserves_free()
        if self._ticks % _POPULATE_TICKS == 0:
            self.stage.populate()
        self._ticks += 1
        self.stage.send()

    def disturbed(self, control: VehicleControl) -> VehicleControl:
        """What becomes of the ego's control on its way to the wheels (loss of control)."""
        throttle, steering = control.throttle, control.steering
        for act in self.acts:
            if act.play is not None and not act.done:
                throttle, steering = act.scenario.disturbed(throttle, steering)
        if (throttle, steering) == (control.throttle, control.steering):
            return control
        return VehicleControl(throttle=throttle, brake=control.brake, steering=steering, reverse=control.reverse)

    @property
    def blocking(self) -> frozenset[str]:
        """Names of the scenarios that stand in the ego's way now."""
        running = (act for act in self.acts if act.scenario.triggered and not act.done)
        return frozenset(act.scenario.spec.name for act in running if act.scenario.blocks_the_way)

    @property
    def wrong_lane_excused(self) -> bool:
        """Whether a scenario asks the ego onto the opposite lane now."""
        return any(act.scenario.excuses_wrong_lane for act in self.acts if not act.done)

    @property
    def emergency_vehicle(self) -> BodyState | None:
        """The vehicle to yield to now."""
        cars = (act.scenario.emergency for act in self.acts if not act.done and act.scenario.emergency is not None)
        states = [state for car in cars if (state := car.state) is not None]
        return states[0] if states else None

    @property
    def open_doors(self) -> frozenset[int]:
        """Ids of the vehicles that have a door open now."""
        return frozenset(car for act in self.acts if not act.done for car in act.scenario.open_doors)

    @property
    def running(self) -> tuple[Scenario, ...]:
        """The scenarios whose actors are in the world."""
        return tuple(act.scenario for act in self.acts if act.play is not None and not act.done)

    def close(self) -> None:
        """Take every actor out of the world."""
        for act in self.acts:
            if act.play is not None and not act.done:
                self._end(act, None)
        self.stage.send()

    def _turn(self, act: _Act) -> None:
        scenario = act.scenario
        if act.play is None:
            if self.stage.ego.along_m < scenario.trigger_along_m - scenario.build_ahead_m:
                return
            scenario.on_stage(self.stage)
            act.play = iter(scenario.play())
            self._note(act, ScenarioPhase.BUILT)
        try:
            next(act.play)
        except StopIteration:
            self._end(act, ScenarioPhase.ENDED)
            return
        except DataError as error:
            logger.warning("scenario %s (%s) broke off: %s", scenario.spec.name, scenario.spec.type, error)
            self.left_out.append(LeftOut(name=scenario.spec.name, type=scenario.spec.type, reason=str(error)))
            self._end(act, ScenarioPhase.FAILED, str(error))
            return
        if scenario.triggered and not act.announced:
            act.announced, act.began_s = True, self.stage.time_s
            self._note(act, ScenarioPhase.STARTED)
        if act.announced and scenario.blocks_the_way and self.stage.time_s - act.began_s > TIME_LIMIT_S + _LATE_S:
            scenario.timed_out = True
            self._end(act, ScenarioPhase.TIMED_OUT)

    def _end(self, act: _Act, phase: ScenarioPhase | None, reason: str = "") -> None:
        act.done = True
        assert act.play is not None
        closing: Any = act.play
        closing.close()  # a play may have something to put back, such as the lights
        self.stage.destroy(act.scenario.actors)
        act.scenario.actors = []
        self.stage.reserves[:] = [each for each in self.stage.reserves if each not in act.scenario.reserves]
        if phase is not None:
            self._note(act, phase, reason)

    def _note(self, act: _Act, phase: ScenarioPhase, reason: str = "") -> None:
        spec = act.scenario.spec
        self.events.append(
            ScenarioEvent(time_s=self.stage.time_s, name=spec.name, type=spec.type, phase=phase, reason=reason)
        )


def find_scenarios(
    carla_map: carla.Map, plan: DensePlan, route: Route, *, seed: int
) -> tuple[list[Scenario], list[LeftOut]]:
    """The scenarios of a route, their places found on the map; and those that cannot be played, with the reason.

    No simulator is needed.
    """
    roads = Roads(carla_map)
    found: list[Scenario] = []
    left_out: list[LeftOut] = []
    for number, spec in enumerate(route.scenarios):
        try:
            kind = registry.load("scenarios", spec.type)
            found.append(kind(roads, plan, spec, np.random.default_rng([seed, number])))
        except (UnknownName, DataError) as error:
            logger.warning("scenario %s (%s) is left out: %s", spec.name, spec.type, error)
            left_out.append(LeftOut(name=spec.name, type=spec.type, reason=str(error)))
    return found, left_out


@contextmanager
def open_scenarios(
    session: Session, plan: DensePlan, route: Route, *, seed: int, carla_map: carla.Map | None = None
) -> Iterator[Director]:
    """Play the scenarios of a route for as long as the context lasts; all their actors are gone afterwards.

    Args:
        session: The world and the ego.
        plan: The ego's route.
        route: It carries the scenarios.
        seed: Decides every draw.
        carla_map: The map the plan was made on, where it is at hand: its lanes need not be sampled again.

    Raises:
        SimulatorError: The ego is not in the world yet.
    """
    from drivevla.sim.scenarios.stage import Stage

    road_map = carla_map if carla_map is not None else session.map
    scenarios, left_out = find_scenarios(road_map, plan, route, seed=seed)
    try:
        rng = np.random.default_rng([seed, len(route.scenarios)])
        stage = Stage(session.client, session.world, session.map, plan, session.ego, rng=rng)
    except DataError as error:
        raise SimulatorError(str(error)) from error
    director = Director(stage=stage, acts=[_Act(scenario) for scenario in scenarios], left_out=left_out)
    try:
        yield director
    finally:
        director.close()
