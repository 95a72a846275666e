"""One route from start to end: driven, recorded, judged, scored."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from drivevla.config.sensor_rig import load_rig
from drivevla.errors import PolicyError, SimulatorLost, UserError, require
from drivevla.evaluation.closed_loop.driver import Driver, make_policy
from drivevla.evaluation.closed_loop.events import EVENTS_FILE, write_events
from drivevla.evaluation.closed_loop.job import (
    DRIVE_FILE,
    RESULT_FILE,
    TICKS_FILE,
    DriveSummary,
    RouteJob,
    policy_options,
)
from drivevla.evaluation.closed_loop.record import Recorder, TickRow
from drivevla.evaluation.closed_loop.way import RouteAhead, TargetsAhead, scored_route
from drivevla.evaluation.closed_loop.world import Contacts, JudgedWorld, watch_contacts
from drivevla.evaluation.driving_score import (
    CarlaLaneMap,
    Failure,
    Judgement,
    ResultFile,
    RouteJudge,
    RouteRun,
    RouteSetting,
    RouteStop,
    RuleBook,
    rule_book,
    score_route,
    write_result_file,
)
from drivevla.sim.maps import find_map
from drivevla.sim.routes import DensePlan, Route, load_routes, plan_route
from drivevla.sim.session import Session, open_session
from drivevla.sim.session.traffic import background_traffic

if TYPE_CHECKING:
    import carla

__all__ = ["drive_route", "write_outcome"]

Beat = Callable[[float, float], None]
"""Told simulated seconds and percent of the route now and then: a sign of life."""

LAG_TICKS = 4
"""A tick is judged so many ticks later: its contacts come through another connection than the tick itself."""
START_ABOVE_M = 0.3
CONNECT_S = 30.0

_ABANDONED: list[ExitStack] = []
"""What belonged to a simulator that is gone: tidying up there would wait out the time limit of every call. The process
ends now, and whoever watches it ends what is left."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Drive:
    judgement: Judgement | None = None
    failure: Failure | None = None
    error: str | None = None
    backend: str | None = None
    privileged: bool = False
    route_length_m: float = 0.0
    simulated_s: float = 0.0
    wall_s: float = 0.0


def drive_route(job: RouteJob, folder: Path, beat: Beat) -> None:
    """Drive a route and write ``ticks.parquet``, ``result.json`` and ``drive.json`` into a folder.

    What the policy or the route does wrong becomes a failed route. What the simulator does wrong is raised, since the
    route can be driven again.

    Raises:
        SimulatorError: The simulator went away or refused a call.
    """
    route, rules = load_routes(job.routes_file)[job.index], rule_book(job.rules)
    recorder = Recorder(_about(job, route))
    try:
        drive = _driven(job, route, rules, recorder, beat)
    except PolicyError as error:  # it could not be made
        drive = _Drive(failure=Failure.AGENT_SETUP, error=str(error))
    except UserError as error:  # the route is off its map, its town is not known ...
        drive = _Drive(failure=Failure.SIMULATION, error=str(error))
    recorder.write(folder / TICKS_FILE)
    write_outcome(job, route, rules, folder, drive)


def write_outcome(job: RouteJob, route: Route, rules: RuleBook, folder: Path, drive: _Drive | str) -> None:
    """Write a route's result and summary.

    Args:
        job: What was to be driven.
        route: Its route.
        rules: Its rule book.
        folder: Where to.
        drive: What came of it, or, where nothing did, the reason: the route then counts as crashed.
    """
    if isinstance(drive, str):
        drive = _Drive(failure=Failure.SIMULATION, error=drive)
    length_m = drive.route_length_m
    if rules.criteria.generation == 1 or not length_m:
        length_m = sum(map(math.dist, route.key_points_m, route.key_points_m[1:]))
    run = RouteRun(
        route_id=f"RouteScenario_{route.id}_rep{job.repetition}",
        index=job.repetition * job.planned + job.index,
        route_length_m=length_m,
        duration_game_s=drive.simulated_s,
        duration_system_s=drive.wall_s,
        events=drive.judgement.events if drive.judgement else (),
        timed_out=drive.judgement is not None and drive.judgement.stop is RouteStop.TIMED_OUT,
        failure=drive.failure or _tick_limit(drive.judgement),
    )
    records = (score_route(rules, run),)
    write_events(folder / EVENTS_FILE, run.events)
    write_result_file(
        folder / RESULT_FILE, ResultFile(rules=rules, records=records, planned_routes=1, backend=drive.backend)
    )
    DriveSummary(
        route_id=route.id,
        town=job.map_name or route.town,
        repetition=job.repetition,
        privileged=drive.privileged,
        backend=drive.backend,
        stop=drive.judgement.stop.value if drive.judgement and drive.judgement.stop else None,
        error=drive.error,
        scenarios_left_out=tuple(scenario.type for scenario in route.scenarios),
        simulated_s=drive.simulated_s,
        wall_s=drive.wall_s,
    ).write(folder / DRIVE_FILE)


def _driven(job: RouteJob, route: Route, rules: RuleBook, recorder: Recorder, beat: Beat) -> _Drive:
    policy = make_policy(job.policy, policy_options(job.options))
    town = job.map_name or route.town
    plan = plan_route(_map(job, town), route)
    beat(0.0, 0.0)
    with ExitStack() as stack:
        session = stack.enter_context(
            open_session(
                load_rig(job.rig), map_name=town, host=job.host, port=job.port, seed=job.seed, start=_start(plan)
            )
        )
        if job.vehicles:
            stack.enter_context(background_traffic(session, vehicles=job.vehicles, seed=job.seed))
            session.tick()  # spawned actors are in the client's list only after a tick
        contacts = stack.enter_context(watch_contacts(session))
        driver = Driver(policy, session, RouteAhead(plan), TargetsAhead(plan, route))
        try:
            return _Episode(session, driver, plan, route, rules, contacts).drive(job.seed, recorder, beat)
        except SimulatorLost:
            _ABANDONED.append(stack.pop_all())
            raise


class _Episode:
    def __init__(
        self,
        session: Session,
        driver: Driver,
        plan: DensePlan,
        route: Route,
        rules: RuleBook,
        contacts: Contacts,
    ) -> None:
        self._session, self._driver, self._route, self._contacts = session, driver, route, contacts
        self._world = JudgedWorld(session)
        self._scored = scored_route(plan)
        self._judge = RouteJudge(
            rules,
            RouteSetting(
                route=self._scored,
                lane_map=CarlaLaneMap(session.map),
                ego_half_length_m=self._world.ego_half_length_m,
                lights=self._world.lights,
                stop_signs=self._world.stop_signs,
            ),
        )
        self._waiting: deque[tuple[int, TickRow]] = deque()
        self._progress = 0
        self._judged_s = 0.0

    def drive(self, seed: int, recorder: Recorder, beat: Beat) -> _Drive:
        began_s = time.monotonic()
        failure, error = None, None
        self._set_weather(0.0)
        try:
            self._driver.start(seed)
            self._loop(recorder, beat)
        except PolicyError as raised:
            failure, error = Failure.AGENT, str(raised)
            self._judge_until(0, recorder)
        return _Drive(
            judgement=self._judge.finish(),
            failure=failure,
            error=error,
            backend=self._session.backend,
            privileged=self._driver.privileged,
            route_length_m=self._scored.length_m,
            simulated_s=self._judged_s,
            wall_s=time.monotonic() - began_s,
        )

    def _loop(self, recorder: Recorder, beat: Beat) -> None:
        index = 0
        while self._judge.stop is None:
            control = self._driver.control
            self._session.apply(control)
            snapshot = self._session.tick()
            tick = self._world.tick(index, snapshot)
            row = TickRow(tick=tick, control=control)
            self._waiting.append((snapshot.frame, row))
            plan = self._driver.after(snapshot, speed_limit_mps=tick.speed_limit_mps)
            if plan is not None:
                self._waiting[-1] = (snapshot.frame, replace(row, plan=plan))
            if index % 20 == 0:
                percent = self._percent(tick.ego.position_m)
                beat(snapshot.time_s, percent)
                if len(self._route.weather.points) > 1:
                    self._set_weather(percent)
            self._judge_until(LAG_TICKS, recorder)
            index += 1

    def _judge_until(self, lag: int, recorder: Recorder) -> None:
        """Judge and record what waits, but for the newest ticks; nothing after the tick that ends the route."""
        while len(self._waiting) > lag and self._judge.stop is None:
            frame, row = self._waiting.popleft()
            row = replace(row, tick=replace(row.tick, collisions=self._contacts.take(frame)))
            recorder.add(row)
            self._judge.observe(row.tick)
            self._judged_s = row.tick.time_s

    def _percent(self, position_m: tuple[float, float, float]) -> float:
        passed = self._scored.last_passed(position_m, start=self._progress, look_ahead=30)
        self._progress = max(passed or 0, self._progress)
        return 100.0 * self._scored.travelled_m[self._progress] / self._scored.length_m

    def _set_weather(self, percent: float) -> None:
        import carla

        self._session.world.set_weather(carla.WeatherParameters(**self._route.weather.at(percent).values()))


def _tick_limit(judgement: Judgement | None) -> Failure | None:
    return Failure.TICK_LIMIT if judgement and judgement.stop is RouteStop.TICK_LIMIT else None


def _map(job: RouteJob, town: str) -> carla.Map:
    carla = require("carla", "sim")
    if job.host is None:
        source = find_map(town)
        return carla.Map(source.name, source.opendrive)
    client = carla.Client(job.host, job.port)
    client.set_timeout(CONNECT_S)
    if not client.get_world().get_map().name.endswith(town):
        client.load_world(town)
    return client.get_world().get_map()


def _start(plan: DensePlan) -> carla.Transform:
    import carla

    x, y, z = plan.location_m[0].tolist()
    return carla.Transform(carla.Location(x=x, y=y, z=z + START_ABOVE_M), carla.Rotation(yaw=float(plan.yaw_deg[0])))


def _about(job: RouteJob, route: Route) -> dict[str, object]:
    return {
        "route": route.id,
        "town": job.map_name or route.town,
        "repetition": job.repetition,
        "policy": job.policy,
        "options": list(job.options),
        "rig": job.rig,
        "rules": job.rules,
        "seed": job.seed,
        "vehicles": job.vehicles,
    }
