"""One episode of the environment: a session, a navigator and a judge, moved on together."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING

from drivevla.evaluation.closed_loop.guidance import GuidanceConfig, make_guide
from drivevla.evaluation.closed_loop.town import Town
from drivevla.evaluation.closed_loop.way import scored_route
from drivevla.evaluation.closed_loop.world import Contacts, JudgedWorld
from drivevla.evaluation.driving_score import (
    CarlaLaneMap,
    RouteJudge,
    RouteRecord,
    RouteRun,
    RouteSetting,
    RouteStop,
    RuleBook,
    score_route,
)
from drivevla.planner.control import VehicleControl
from drivevla.sim.routes import Route, plan_route
from drivevla.sim.scenarios import open_scenarios
from drivevla.sim.session import Snapshot, open_session
from drivevla.sim.session.following import HOLD
from drivevla.sim.session.traffic import background_traffic
from drivevla.types import Observation, SensorRig

if TYPE_CHECKING:
    import carla

__all__ = ["EnvDrive"]

START_ABOVE_M = 0.3


class EnvDrive:
    """A drive along one route, from one capture of the sensors to the next.

    Args:
        town: The map.
        route: On it.
        rig: The ego's sensors.
        rules: The rule book that scores.
        vehicles: Background traffic.
        seed: Of everything random.
        host: A running CARLA server; None starts an embedded one.
        port: Its port.

    Raises:
        UserError: The route cannot be driven on the map.
        SimulatorError: The simulator failed.
    """

    def __init__(
        self,
        town: Town,
        route: Route,
        rig: SensorRig,
        rules: RuleBook,
        *,
        vehicles: int,
        seed: int,
        host: str | None,
        port: int,
    ) -> None:
        self.route, self._rules = route, rules
        plan = plan_route(town.carla_map, route)
        guidance = GuidanceConfig(name="all")
        self._guide = make_guide(guidance, plan, route, town.carla_map, town.opendrive, seed=seed)
        with ExitStack() as stack:
            start = _start(plan.location_m[0].tolist(), float(plan.yaw_deg[0]))
            self._session = stack.enter_context(
                open_session(rig, map_name=town.name, host=host, port=port, seed=seed, start=start)
            )
            if vehicles:
                stack.enter_context(background_traffic(self._session, vehicles=vehicles, seed=seed))
                self._session.tick()  # spawned actors are in the client's list only after a tick
            self._director = stack.enter_context(
                open_scenarios(self._session, plan, route, seed=seed, carla_map=town.carla_map)
            )
            self._world, self._contacts = JudgedWorld(self._session), Contacts(self._session)
            scored = scored_route(plan)
            self._judge = RouteJudge(
                rules,
                RouteSetting(
                    route=scored,
                    lane_map=CarlaLaneMap(town.carla_map),
                    ego_half_length_m=self._world.ego_half_length_m,
                    lights=self._world.lights,
                    stop_signs=self._world.stop_signs,
                ),
            )
            self._length_m = scored.length_m
            self._index, self.time_s = 0, 0.0
            self.observation = self._to_next_capture(HOLD)
            self._open = stack.pop_all()

    @property
    def backend(self) -> str:
        """Which simulator."""
        return self._session.backend

    @property
    def stop(self) -> RouteStop | None:
        """Why the rules ended the route; None while it goes on."""
        return self._judge.stop

    def advance(self, control: VehicleControl) -> None:
        """Hold a control until the sensors measure again, or the route ends."""
        self.observation = self._to_next_capture(control)

    def record(self) -> RouteRecord:
        """The score of the route as it stands."""
        run = RouteRun(
            route_id=self.route.id,
            index=0,
            route_length_m=self._length_m,
            duration_game_s=self.time_s,
            duration_system_s=0.0,
            events=self._judge.events,
            timed_out=self.stop is RouteStop.TIMED_OUT,
        )
        return score_route(self._rules, run)

    def finish(self) -> None:
        """Close the criteria that report at the end of a drive; nothing may follow but ``record`` and ``close``."""
        self._judge.finish()

    def close(self) -> None:
        """End the session, and the simulator where it was started for it."""
        self._open.close()

    def _to_next_capture(self, control: VehicleControl) -> Observation:
        while True:
            self._director.before_tick(self.time_s)
            self._session.apply(self._director.disturbed(control))
            snapshot = self._session.tick()
            self.time_s = snapshot.time_s
            self._judge_tick(snapshot)
            guidance = self._guide.navigator.update(self._session.ego_filter.world_from_ego, time_s=snapshot.time_s)
            # A route that ends between two captures is driven on to the next one, unjudged: it needs a last picture.
            if snapshot.captured:
                seen = self._session.observation(snapshot, instruction=guidance.text)
                return replace(seen, command=guidance.command, target_points_m=guidance.target_points_m)

    def _judge_tick(self, snapshot: Snapshot) -> None:
        if self._judge.stop is not None:
            return
        tick = self._world.tick(self._index, snapshot, self._director)
        self._index += 1
        self._judge.observe(replace(tick, collisions=self._contacts.take(snapshot.frame)))


def _start(location_m: list[float], yaw_deg: float) -> carla.Transform:
    import carla

    x, y, z = location_m
    return carla.Transform(carla.Location(x=x, y=y, z=z + START_ABOVE_M), carla.Rotation(yaw=yaw_deg))
