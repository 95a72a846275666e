"""One route from start to end: driven, recorded, judged, scored."""

from __future__ import annotations

import json
import time
from collections import Counter, deque
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from drivevla.config.sensor_rig import load_rig
from drivevla.errors import PolicyError, SimulatorLost, UserError
from drivevla.evaluation.closed_loop.driver import Driver, Moment, make_policy
from drivevla.evaluation.closed_loop.guidance import make_guide
from drivevla.evaluation.closed_loop.instructions import INSTRUCTIONS_FILE, InstructionLog
from drivevla.evaluation.closed_loop.job import TICKS_FILE, RouteJob, policy_options
from drivevla.evaluation.closed_loop.outcome import Drive, official_sensors, write_outcome
from drivevla.evaluation.closed_loop.pictures import Pictures, pictures_of
from drivevla.evaluation.closed_loop.record import Heard, Recorder, TickRow
from drivevla.evaluation.closed_loop.setting import SETTING_FILE, DriveSetting
from drivevla.evaluation.closed_loop.telling import caption, ego_shape, sample_of
from drivevla.evaluation.closed_loop.town import Town, town_of
from drivevla.evaluation.closed_loop.way import scored_route
from drivevla.evaluation.closed_loop.world import Contacts, JudgedWorld
from drivevla.evaluation.driving_score import CarlaLaneMap, EventKind, Failure, RouteJudge, RouteStop, rule_book
from drivevla.runs.atomic import write_text_atomically
from drivevla.sim.maps import landmarks
from drivevla.sim.routes import DensePlan, Place, Route, load_routes, plan_route
from drivevla.sim.scenarios import Director, open_scenarios, start_place
from drivevla.sim.session import Session, open_session
from drivevla.sim.session.traffic import background_traffic

if TYPE_CHECKING:
    import carla

__all__ = ["drive_route"]

Beat = Callable[[float, float], None]
"""Told simulated seconds and percent of the route now and then: a sign of life."""

SCENARIOS_FILE = "scenarios.json"
LAG_TICKS = 4
"""A tick is judged so many ticks later: its contacts come through another connection than the tick itself."""
START_ABOVE_M = 0.3
BEAT_TICKS = 20

_ABANDONED: list[ExitStack] = []
"""What belonged to a simulator that is gone: tidying up there would wait out the time limit of every call. The process
ends now, and whoever watches it ends what is left."""


def drive_route(job: RouteJob, folder: Path, beat: Beat) -> None:
    """Drive a route and leave in a folder what ``docs/closed-loop.md`` lists for a drive.

    What the policy or the route does wrong becomes a failed route. What the simulator does wrong is raised, since the
    route can be driven again.

    Raises:
        SimulatorError: The simulator went away or refused a call.
    """
    route = replace(load_routes(folder / job.routes_file)[job.index], format=job.format)
    rules, recorder = rule_book(job.rules), Recorder(_about(job, route))
    try:
        drive = _driven(job, route, folder, recorder, beat)
    except PolicyError as error:  # it could not be made
        drive = Drive(failure=Failure.AGENT_SETUP, error=str(error))
    except UserError as error:  # the route is off its map, its town is not known ...
        drive = Drive(failure=Failure.SIMULATION, error=str(error))
    recorder.write(folder / TICKS_FILE)
    write_outcome(job, route, rules, folder, drive)


def _driven(job: RouteJob, route: Route, folder: Path, recorder: Recorder, beat: Beat) -> Drive:
    policy = make_policy(job.policy, policy_options(job.options))
    rig = load_rig(job.rig)
    town = town_of(job, job.map_name or route.town, folder)
    plan = plan_route(town.carla_map, route)
    guide = make_guide(job.guidance, plan, route, town.carla_map, town.opendrive, seed=job.seed)
    beat(0.0, 0.0)
    with ExitStack() as stack:
        start = _raised(start_place(town.carla_map, plan, route))
        session = stack.enter_context(
            open_session(rig, map_name=town.name, host=job.host, port=job.port, seed=job.seed, start=start)
        )
        if job.vehicles:
            stack.enter_context(background_traffic(session, vehicles=job.vehicles, seed=job.seed))
            session.tick()  # spawned actors are in the client's list only after a tick
        director = stack.enter_context(open_scenarios(session, plan, route, seed=job.seed, carla_map=town.carla_map))
        pictures = stack.enter_context(pictures_of(folder, rig, video=job.video))
        driver = Driver(policy, session, plan, town, guide)
        stage = _Stage(session=session, driver=driver, director=director, pictures=pictures, town=town)
        try:
            episode = _Episode(stage, job, route, plan, folder)
            return episode.drive(recorder, beat)
        except SimulatorLost:
            _ABANDONED.append(stack.pop_all())
            raise


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stage:
    """Everybody who takes part in an episode."""

    session: Session
    driver: Driver
    director: Director
    pictures: Pictures
    town: Town


class _Episode:
    def __init__(self, stage: _Stage, job: RouteJob, route: Route, plan: DensePlan, folder: Path) -> None:
        self._stage, self._session, self._job, self._route, self._folder = stage, stage.session, job, route, folder
        self._world, self._contacts = JudgedWorld(stage.session), Contacts(stage.session)
        self._scored = scored_route(plan)
        setting = DriveSetting(
            town=stage.town.name,
            route_points_m=self._scored.points_m,
            route_forward=self._scored.forward,
            lights=self._world.lights,
            stop_signs=self._world.stop_signs,
            ego_half_length_m=self._world.ego_half_length_m,
            ego_half_width_m=self._world.ego_half_width_m,
            rear_axle_x_m=float(stage.session.actor_from_ego[0, 3]),
        )
        setting.write(folder / SETTING_FILE)
        self._judge = RouteJudge(rule_book(job.rules), setting.for_judge(CarlaLaneMap(stage.town.carla_map)))
        self._rear_axle_x_m = setting.rear_axle_x_m
        self._instructions = InstructionLog(
            stage.town.carla_map, landmarks(stage.town.opendrive), shape=ego_shape(setting)
        )
        self._waiting: deque[tuple[int, TickRow, Moment]] = deque()
        self._noted: Counter[EventKind] = Counter()
        self._progress, self._judged_s, self._judged_m = 0, 0.0, 0.0

    def drive(self, recorder: Recorder, beat: Beat) -> Drive:
        began_s = time.monotonic()
        failure, error = None, None
        self._set_weather(0.0)
        try:
            self._stage.driver.start(self._job.seed)
            self._loop(recorder, beat)
        except PolicyError as raised:
            failure, error = Failure.AGENT, str(raised)
            self._judge_until(0, recorder)
        arrived = self._judge.stop is RouteStop.ARRIVED
        self._instructions.finish(time_s=self._judged_s, distance_m=self._judged_m, arrived=arrived)
        self._instructions.write(self._folder / INSTRUCTIONS_FILE, guidance=self._job.guidance.in_full())
        left_out = tuple(each.type for each in self._stage.director.left_out)
        if self._route.scenarios:
            self._write_scenarios()
        asked = [scenario.type for scenario in self._route.scenarios]
        for each in left_out:
            asked.remove(each)
        return Drive(
            judgement=self._judge.finish(),
            failure=failure,
            error=error,
            backend=self._session.backend,
            privileged=self._stage.driver.privileged,
            route_length_m=self._scored.length_m,
            simulated_s=self._judged_s,
            wall_s=time.monotonic() - began_s,
            scenarios=tuple(asked),
            scenarios_left_out=left_out,
            instructions=self._instructions.counts,
            sensors=official_sensors(self._session.rig),
        )

    def _loop(self, recorder: Recorder, beat: Beat) -> None:
        index, time_s = 0, 0.0
        driver, director = self._stage.driver, self._stage.director
        while self._judge.stop is None:
            director.before_tick(time_s)
            control = director.disturbed(driver.control)
            self._session.apply(control)
            snapshot = self._session.tick()
            time_s = snapshot.time_s
            tick = self._world.tick(index, snapshot, director)
            light = self._world.light_ahead if driver.tells_lights else None
            moment = driver.after(snapshot, light=light, open_doors=director.open_doors)
            row = TickRow(tick=tick, control=control, plan=moment.plan, heard=_heard(moment))
            self._waiting.append((snapshot.frame, row, moment))
            if moment.observation is not None and moment.plan is not None:
                self._stage.pictures.see(moment.observation, moment.plan, caption(moment, tick))
            if index % BEAT_TICKS == 0:
                percent = self._percent(tick.ego.position_m)
                beat(time_s, percent)
                if len(self._route.weather.points) > 1:
                    self._set_weather(percent)
            self._judge_until(LAG_TICKS, recorder)
            index += 1

    def _judge_until(self, lag: int, recorder: Recorder) -> None:
        """Judge and record what waits, but for the newest ticks; nothing after the tick that ends the route."""
        while len(self._waiting) > lag and self._judge.stop is None:
            frame, row, moment = self._waiting.popleft()
            row = replace(row, tick=replace(row.tick, collisions=self._contacts.take(frame)))
            recorder.add(row)
            self._judge.observe(row.tick)
            news = self._new_infractions()
            if news:
                self._stage.pictures.infraction(row.tick.time_s, news)
            self._instructions.follow(
                moment.guidance, sample_of(row, rear_axle_x_m=self._rear_axle_x_m, infraction=bool(news))
            )
            self._judged_s, self._judged_m = row.tick.time_s, moment.guidance.distance_m

    def _new_infractions(self) -> list[str]:
        """Sentences about those with a place that were not there a tick ago; some events grow from tick to tick."""
        placed = [event for event in self._judge.events if event.position_m is not None]
        now = Counter(event.kind for event in placed)
        grown = {kind for kind, count in now.items() if count > self._noted[kind]}
        self._noted = now
        newest = {event.kind: event.message for event in placed if event.kind in grown}
        return list(newest.values())

    def _write_scenarios(self) -> None:
        director = self._stage.director
        content = {
            "events": [{**asdict(event), "phase": event.phase.value} for event in director.events],
            "left_out": [asdict(each) for each in director.left_out],
        }
        write_text_atomically(self._folder / SCENARIOS_FILE, json.dumps(content, indent=2))

    def _percent(self, position_m: tuple[float, float, float]) -> float:
        passed = self._scored.last_passed(position_m, start=self._progress, look_ahead=30)
        self._progress = max(passed or 0, self._progress)
        return 100.0 * self._scored.travelled_m[self._progress] / self._scored.length_m

    def _set_weather(self, percent: float) -> None:
        import carla

        self._session.world.set_weather(carla.WeatherParameters(**self._route.weather.at(percent).values()))


def _heard(moment: Moment) -> Heard | None:
    if moment.plan is None:
        return None
    guidance = moment.guidance
    return Heard(
        text=guidance.text,
        command=guidance.command,
        target_points_m=guidance.target_points_m,
        distance_m=guidance.distance_m,
        offset_m=guidance.offset_m,
    )


def _raised(place: Place) -> carla.Transform:
    import carla

    x, y, z = place.location_m
    return carla.Transform(carla.Location(x=x, y=y, z=z + START_ABOVE_M), carla.Rotation(yaw=place.yaw_deg or 0.0))


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
        "guidance": job.guidance.in_full(),
        "vehicles": job.vehicles,
    }
