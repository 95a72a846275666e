"""One route, driven by the expert and written down frame by frame."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from drivevla.collection.alternatives import Alternatives
from drivevla.collection.config import CollectionConfig
from drivevla.collection.coverage import Tallies, count_frame
from drivevla.collection.disturbing import Disturbance
from drivevla.collection.keeping import LAG_S, Keeper, lag_at_the_end_s
from drivevla.collection.labels import explanation_of, future_of
from drivevla.collection.other_ways import OtherWays
from drivevla.collection.routes import RouteDraw
from drivevla.collection.student import Student
from drivevla.collection.walkers import walkers_around
from drivevla.evaluation.closed_loop.driver import Driver, Moment, make_policy
from drivevla.evaluation.closed_loop.guidance import GuidanceConfig, make_guide
from drivevla.evaluation.closed_loop.town import Town
from drivevla.evaluation.closed_loop.world import JudgedWorld
from drivevla.language import Split
from drivevla.planner.control import VehicleControl
from drivevla.sim.routes import DensePlan, plan_route
from drivevla.sim.routes.lanes import lane_graph
from drivevla.sim.scenarios import Director, open_scenarios, start_place
from drivevla.sim.session import Session, open_session
from drivevla.sim.session.traffic import background_traffic
from drivevla.types import Provenance, Sample, SensorRig, Truth

if TYPE_CHECKING:
    import carla

__all__ = ["DATASET", "Ending", "Record", "drive_and_record"]

DATASET = "drivevla collection"
ARRIVED_M = 3.0
ASTRAY_M = 8.0
BLOCKED_S = 45.0
SLOWEST_MPS = 1.0
"""A route that takes longer than at this mean speed is left."""
ROOM_M = 9.0
START_ABOVE_M = 0.3
START_ASIDE_M, START_TURNED_DEG = 0.35, 5.0
"""The car begins up to so much beside the middle of its lane, and turned, which it then has to make up for."""
BEAT_TICKS = 20
NEAR_TURN_M = 25.0
NEAR_OBJECTS_M, NEAR_LANES_M = 60.0, 40.0


class Record(Protocol):
    """What takes a drive down; a drive log's ``EpisodeRecorder`` does."""

    def add(self, sample: Sample) -> None:
        """Take a frame."""

    def add_motion(self, time_s: float, world_from_ego: NDArray[np.float64]) -> None:
        """Take where the car was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How a route ended.

    Attributes:
        how: ``arrived``, ``collided``, ``astray``, ``blocked`` or ``late``.
        frames: Written.
        captures: Taken.
        simulated_s: Length of the drive.
        tallies: What its frames hold.
    """

    how: str
    frames: int
    captures: int
    simulated_s: float
    tallies: Tallies


def drive_and_record(
    draw: RouteDraw,
    config: CollectionConfig,
    *,
    town: Town,
    rig: SensorRig,
    host: str,
    port: int,
    record: Record,
    beat: Callable[[float, float], None],
) -> Ending:
    """Drive a route and give away its frames.

    Args:
        draw: The route and its circumstances.
        config: What is kept.
        town: The map that the server runs.
        rig: What the car sees with.
        host: Of the server.
        port: Likewise.
        record: Takes the frames, in the order of time, and where the car was.
        beat: Told simulated seconds and percent of the route now and then.

    Raises:
        SimulatorError: The simulator failed; the route can be driven again.
        UserError: The route cannot be driven on its map.
    """
    plan = plan_route(town.carla_map, draw.route)
    rng = np.random.default_rng(draw.seed)
    with _stage(draw, town, plan, rig, config.heavy_share, rng, host, port) as (session, director):
        expert = make_policy("expert", {"language": draw.language})
        guidance = GuidanceConfig(name=draw.guidance, language=draw.language, split=Split.TRAIN.value)
        guide = make_guide(guidance, plan, draw.route, town.carla_map, town.opendrive, seed=draw.seed)
        driver = Driver(expert, session, plan, town, guide)
        driver.start(draw.seed)
        ways = OtherWays(town, plan, list(session.world.get_actors().filter("traffic.*")))
        alternatives = Alternatives(
            expert, ways, lane_graph(town.carla_map), chinese_share=config.chinese_share, rng=rng
        )
        student = _student(config, session, draw.seed)
        drive = _Drive(draw, config, session, director, driver, student, ways, alternatives, rng, record)
        return drive.run(plan.length_m, beat)


def _student(config: CollectionConfig, session: Session, seed: int) -> Student | None:
    if not config.student:
        return None
    rng = np.random.default_rng([seed, 1])  # its own: without a student the same routes are driven in the same way
    return Student(
        make_policy(config.student, {}),
        session.ego_filter,
        tick_s=session.tick_s,
        share=config.student_share,
        seed=seed,
        rng=rng,
    )


@contextmanager
def _stage(
    draw: RouteDraw,
    town: Town,
    plan: DensePlan,
    rig: SensorRig,
    heavy_share: float,
    rng: np.random.Generator,
    host: str,
    port: int,
) -> Iterator[tuple[Session, Director]]:
    import carla

    with ExitStack() as stack:
        start = _start(town, plan, draw, rng)
        session = stack.enter_context(open_session(rig, host=host, port=port, seed=draw.seed, start=start))
        session.world.set_weather(carla.WeatherParameters(**draw.route.weather.at(0.0).values()))
        if draw.vehicles:
            free = len(session.map.get_spawn_points()) // 2
            vehicles = min(draw.vehicles, free)
            traffic = background_traffic(session, vehicles=vehicles, seed=draw.seed, heavy_share=heavy_share)
            stack.enter_context(traffic)
            session.tick()  # spawned actors are in the client's list only after a tick
        stack.enter_context(walkers_around(session, count=draw.walkers, seed=draw.seed))
        director = stack.enter_context(
            open_scenarios(session, plan, draw.route, seed=draw.seed, carla_map=town.carla_map)
        )
        yield session, director


def _start(town: Town, plan: DensePlan, draw: RouteDraw, rng: np.random.Generator) -> carla.Transform:
    import carla

    place = start_place(town.carla_map, plan, draw.route)
    x, y, z = place.location_m
    yaw_deg = place.yaw_deg or 0.0
    aside_m = float(rng.uniform(-START_ASIDE_M, START_ASIDE_M))
    turned_deg = float(rng.uniform(-START_TURNED_DEG, START_TURNED_DEG))
    yaw_rad = np.radians(yaw_deg)
    location = carla.Location(x=x - aside_m * np.sin(yaw_rad), y=y + aside_m * np.cos(yaw_rad), z=z + START_ABOVE_M)
    return carla.Transform(location, carla.Rotation(yaw=yaw_deg + turned_deg))


class _Drive:
    def __init__(
        self,
        draw: RouteDraw,
        config: CollectionConfig,
        session: Session,
        director: Director,
        driver: Driver,
        student: Student | None,
        ways: OtherWays,
        alternatives: Alternatives,
        rng: np.random.Generator,
        record: Record,
    ) -> None:
        self._draw, self._config, self._session, self._director = draw, config, session, director
        self._driver, self._student = driver, student
        self._ways, self._alternatives, self._record = ways, alternatives, record
        self._disturbance = Disturbance(every_s=config.disturb_every_s, rng=rng)
        self._keeper = Keeper(every=config.keep_every, standing_every=config.keep_standing_every)
        self._waiting: deque[tuple[Sample, bool]] = deque()
        self._tallies: Tallies = {}
        self._frames, self._captures, self._time_s, self._moved_s = 0, 0, 0.0, 0.0
        self._touched = len(session.collisions)
        self._room = False

    def run(self, length_m: float, beat: Callable[[float, float], None]) -> Ending:
        how: str | None = None
        world = JudgedWorld(self._session) if self._driver.tells_lights else None
        ticks = 0
        while how is None:
            moment = self._tick(world)
            if ticks % BEAT_TICKS == 0:
                beat(self._time_s, 100.0 * moment.guidance.distance_m / length_m)
            ticks += 1
            how = self._ending(moment, length_m)
        student_drives = self._student is not None and self._student.drives
        self._release(lag_at_the_end_s(how, student_drives=student_drives))
        return Ending(
            how=how, frames=self._frames, captures=self._captures, simulated_s=self._time_s, tallies=self._tallies
        )

    def _tick(self, world: JudgedWorld | None) -> Moment:
        session = self._session
        self._director.before_tick(self._time_s)
        session.apply(self._control())
        snapshot = session.tick()
        self._time_s = snapshot.time_s
        if abs(session.ego_filter.state.speed_mps) > 0.1:
            self._moved_s = self._time_s
        light = None if world is None else world.light_ahead
        moment = self._driver.after(snapshot, light=light, open_doors=self._director.open_doors)
        if moment.plan is not None:
            self._see(moment)
        self._release(LAG_S)
        return moment

    def _control(self) -> VehicleControl:
        """What reaches the wheels: the student's where it drives, else the expert's, with a push now and then."""
        if self._student is not None and self._student.drives:
            return self._director.disturbed(self._student.control(time_s=self._time_s))
        return self._disturbance.over(
            self._director.disturbed(self._driver.control),
            speed_mps=self._session.ego_filter.state.speed_mps,
            room=self._room,
            tick_s=self._session.tick_s,
        )

    def _see(self, moment: Moment) -> None:
        assert moment.plan is not None
        assert moment.truth is not None
        assert moment.observation is not None
        self._captures += 1
        if self._student is not None:
            self._student.see(moment.observation, offset_m=moment.guidance.offset_m)
        self._record.add_motion(self._time_s, moment.truth.world_from_ego)
        self._alternatives.passed(moment.guidance.distance_m, moment.truth.world_from_ego)
        self._room = _has_room(moment.truth)
        keeps = self._keeper.keeps(moment.plan, speed_mps=self._session.ego_filter.state.speed_mps)
        pushed = self._disturbance.is_on and not (self._student is not None and self._student.drives)
        if keeps and not pushed:
            near_turn = self._ways.is_near_turn(moment.guidance.distance_m, within_m=NEAR_TURN_M)
            self._waiting.append((self._sample(moment), near_turn))

    def _sample(self, moment: Moment) -> Sample:
        plan, truth = moment.plan, moment.truth
        assert plan is not None
        assert truth is not None
        assert moment.observation is not None
        source = Provenance(
            dataset=DATASET,
            scene=self._draw.name,
            token=f"{self._draw.name}/{self._captures - 1:05d}",
            split=self._draw.split,
        )
        return Sample(
            source=source,
            observation=moment.observation,
            truth=replace(_cropped(truth), future=future_of(plan)),
            commentary=plan.text,
            refused=plan.refused,
            target_speed_mps=plan.target_speed_mps,
            explanation=explanation_of(plan),
            alternatives=self._alternatives.at(moment, most=self._config.alternatives),
        )

    def _release(self, lag_s: float) -> None:
        while self._waiting and self._waiting[0][0].observation.timestamp_s <= self._time_s - lag_s:
            sample, near_turn = self._waiting.popleft()
            self._record.add(sample)
            self._frames += 1
            count_frame(self._tallies, sample, self._draw, near_turn=near_turn)

    def _ending(self, moment: Moment, length_m: float) -> str | None:
        if len(self._session.collisions) > self._touched:
            return "collided"
        if moment.guidance.distance_m >= length_m - ARRIVED_M:
            return "arrived"
        if moment.guidance.offset_m > ASTRAY_M:
            return "astray"
        if self._time_s - self._moved_s > BLOCKED_S:
            return "blocked"
        return "late" if self._time_s > 60.0 + length_m / SLOWEST_MPS else None


def _has_room(truth: Truth) -> bool:
    return all(float(np.hypot(*each.ego_from_object[:2, 3])) > ROOM_M for each in truth.objects or ())


def _cropped(truth: Truth) -> Truth:
    """What lies within sight; the expert looks farther."""
    objects = tuple(
        each for each in truth.objects or () if float(np.hypot(*each.ego_from_object[:2, 3])) < NEAR_OBJECTS_M
    )
    lanes = tuple(
        each for each in truth.lanes or () if float(np.hypot(*each.centerline_m.T).min(initial=np.inf)) < NEAR_LANES_M
    )
    lights = tuple(each for each in truth.lights or () if float(np.hypot(*each.position_m[:2])) < NEAR_OBJECTS_M)
    return replace(truth, objects=objects, lanes=lanes, lights=lights)
