"""A drive by sentences through a town with traffic, filmed and judged."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from drivevla.config.sensor_rig import load_rig
from drivevla.demo.audience import Audience, Scene
from drivevla.demo.config import EXPERT, DemoConfig, shipped_policy
from drivevla.demo.conversation import Conversation, Inbox
from drivevla.demo.diary import Diary, Glimpse, Moment
from drivevla.demo.driver import Asked, DemoDriver, is_told_the_truth
from drivevla.demo.screen import Line, panels_of, screen_picture
from drivevla.demo.town import DemoTown, read_town, start_at, start_for
from drivevla.demo.weather import weather_named
from drivevla.demo.witness import Witness
from drivevla.errors import CheckpointError, DriveVLAError, SimulatorLost, UserError, require
from drivevla.policies.loading import load_policy
from drivevla.report.film import Film, left_to_right
from drivevla.runs import Run, start_run
from drivevla.sim.session import Session, Snapshot, open_session
from drivevla.sim.session.traffic import background_traffic

if TYPE_CHECKING:
    import carla

    from drivevla.types import SensorRig

__all__ = ["DIARY_FILE", "FILM_FILE", "REPORT_FILE", "DemoResult", "run_demo"]

FILM_FILE, REPORT_FILE, DIARY_FILE = "drive.mp4", "report.html", "drive.json"
_TAIL_S = 2.0
"""The film goes on for so long after the last verdict."""
_GLIMPSE_EVERY_S = 5.0
_KMH = 3.6


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoResult:
    """What the drive left.

    Attributes:
        report: The page.
        film: The video.
        diary: What happened.
    """

    report: Path
    film: Path
    diary: Diary


@dataclass(frozen=True, slots=True, kw_only=True)
class _Prepared:
    """All that can be made without a simulator of our own, and so can fail before one starts."""

    policy: Any
    name: str
    rig: SensorRig
    weather: carla.WeatherParameters
    town: DemoTown
    start: carla.Transform


def run_demo(
    config: DemoConfig,
    folder: Path,
    *,
    host: str | None = None,
    port: int = 2000,
    inbox: Inbox | None = None,
    audience: Sequence[Audience] = (),
    progress: Callable[[float], None] | None = None,
) -> DemoResult:
    """Drive, film, judge, and leave a run folder with a report; after a failure the report says what failed.

    Args:
        config: What to show.
        folder: Where to write; an earlier demonstration there is replaced.
        host: A running CARLA server; None starts the embedded one.
        port: Its port.
        inbox: Sentences from outside. With it the drive lasts until it is ended, and goes no faster than the clock.
        audience: Who watches.
        progress: Told the share that is done.

    Raises:
        UserError: Something that was asked for does not exist or does not work: map, weather, checkpoint, host.
        PolicyError: The policy raised while driving.
        SimulatorError: The simulator failed.
    """
    try:
        prepared = _prepare(config, host, port)
    except DriveVLAError as error:
        with start_run(folder, kind="demo", config=config, existing="overwrite", seeds={"demo": config.seed}) as run:
            _report(run, config, None, failure=str(error))
            if isinstance(error, CheckpointError | SimulatorLost):
                raise UserError(str(error)) from error
            raise
    with ExitStack() as stack:
        session = stack.enter_context(
            open_session(
                prepared.rig,
                map_name=prepared.town.name,
                host=host,
                port=port,
                seed=config.seed,
                start=prepared.start,
            )
        )
        run = stack.enter_context(
            start_run(
                folder,
                kind="demo",
                config=config,
                existing="overwrite",
                seeds={"demo": config.seed},
                backend=session.backend,
            )
        )
        drive = _Drive(config, prepared, session, run, inbox=inbox, audience=audience)
        try:
            drive.run(progress)
        except DriveVLAError as error:
            _report(run, config, drive.diary, prepared.town, failure=str(error))
            raise
        _report(run, config, drive.diary, prepared.town)
    for each in audience:
        each.leave(folder / REPORT_FILE)
    return DemoResult(report=folder / REPORT_FILE, film=folder / FILM_FILE, diary=drive.diary)


def _prepare(config: DemoConfig, host: str | None, port: int) -> _Prepared:
    name = config.policy or shipped_policy() or EXPERT
    weather, rig = weather_named(config.weather), load_rig(config.rig)
    policy = load_policy(name)
    town = read_town(config.map, host=host, port=port)
    start = (
        start_for(config.sentences, town.finder, seed=config.seed)
        if config.start is None
        else start_at(config.start, town.finder)
    )
    return _Prepared(policy=policy, name=name, rig=rig, weather=weather, town=town, start=start)


def _report(
    run: Run, config: DemoConfig, diary: Diary | None, town: DemoTown | None = None, *, failure: str = ""
) -> None:
    from drivevla.demo.page import demo_page
    from drivevla.report.page import write_page

    if diary is not None:
        diary.write(run.artefacts / DIARY_FILE)
    film = run.folder / FILM_FILE
    carla_map = None if town is None else town.finder.carla_map
    write_page(run.folder / REPORT_FILE, demo_page(config, diary, film=film, carla_map=carla_map, failure=failure))


class _Drive:
    """One drive, from the first tick to the last."""

    def __init__(
        self,
        config: DemoConfig,
        prepared: _Prepared,
        session: Session,
        run: Run,
        *,
        inbox: Inbox | None,
        audience: Sequence[Audience],
    ) -> None:
        self._config, self._session, self._run = config, session, run
        self._weather, self._inbox, self._audience = prepared.weather, inbox, audience
        self._witness = Witness(session)
        self._driver = DemoDriver(prepared.policy, session, prepared.town)
        self._talk = Conversation(
            config.sentences,
            prepared.town.finder,
            shape=self._witness.shape,
            limit_s=config.sentence_s,
            idle=config.idle,
            inbox=inbox,
        )
        self._order = left_to_right(prepared.rig)
        self._began_s = 0.0
        self.diary = Diary(
            policy=prepared.name,
            privileged=is_told_the_truth(prepared.policy),
            backend=session.backend,
            map_name=session.map.name.rpartition("/")[2],
        )

    def run(self, progress: Callable[[float], None] | None) -> None:
        """Drive until everything is said and done, or the time is over."""
        session = self._session
        session.world.set_weather(self._weather)
        with (
            background_traffic(session, vehicles=self._config.vehicles, seed=self._config.seed),
            Film(self._run.folder / FILM_FILE, rate_hz=round(session.rig.capture_hz)) as film,
        ):
            session.tick()  # spawned actors are in the client's list only after a tick
            self._witness.meet()
            self._driver.start(self._config.seed)
            self._began_s = time.monotonic()
            try:
                self._loop(film, progress)
            except KeyboardInterrupt:
                if self._inbox is None:
                    raise
            finally:
                self._talk.finish(self.diary.end_s)
                self.diary.told, self.diary.unsaid = self._talk.told, self._talk.unsaid
                self.diary.collisions = len({contact.other_id for contact in session.collisions})

    def _loop(self, film: Film, progress: Callable[[float], None] | None) -> None:
        session, driver, talk = self._session, self._driver, self._talk
        first_s: float | None = None
        while True:
            session.apply(driver.control)
            snapshot = session.tick()
            first_s = snapshot.time_s if first_s is None else first_s
            sample = self._witness.sample(
                snapshot.time_s, tells_vehicles=talk.now is not None and talk.now.needs_vehicles
            )
            self.diary.driven_m += abs(sample.speed_mps) * session.tick_s
            heard = talk.now
            sentence = talk.due(sample)
            if sentence is not None:
                talk.say(sentence, sample, driver.point)
            if talk.now is not heard:
                driver.hear(talk.now)
            asked = driver.after(snapshot)
            if asked is not None:
                if talk.now is not None:
                    talk.now.answer(asked.plan, time_s=snapshot.time_s)
                self._show(film, snapshot, asked, sample.speed_mps, sample.speed_limit_mps, sample.pose)
            driven_s = snapshot.time_s - first_s
            if progress is not None:
                progress(min(driven_s / self._config.seconds, 1.0))
            if self._is_over(driven_s, snapshot.time_s):
                return

    def _is_over(self, driven_s: float, time_s: float) -> bool:
        if driven_s >= self._config.seconds:
            return True
        if self._inbox is None:
            return self._talk.idle_s(time_s) >= _TAIL_S
        ahead_s = driven_s - (time.monotonic() - self._began_s)
        if ahead_s > 0:
            time.sleep(ahead_s)
        return self._inbox.is_ended or (self._inbox.is_done and self._talk.idle_s(time_s) >= _TAIL_S)

    def _show(
        self,
        film: Film,
        snapshot: Snapshot,
        asked: Asked,
        speed_mps: float,
        limit_mps: float | None,
        pose: tuple[float, float, float],
    ) -> None:
        control, talk, plan = self._driver.control, self._talk, asked.plan
        moment = Moment(
            time_s=snapshot.time_s,
            x_m=pose[0],
            y_m=pose[1],
            speed_mps=speed_mps,
            limit_mps=limit_mps,
            throttle=control.throttle,
            brake=control.brake,
            steering=control.steering,
            heard=None if talk.now is None else talk.now.meaning.sentence,
            said=plan.text,
            refused=plan.refused,
        )
        self.diary.moments.append(moment)
        self._run.metrics.log(len(self.diary.moments), {"time_s": moment.time_s, "speed_mps": speed_mps})
        panels = panels_of(asked.observation, plan, order=self._order)
        picture = screen_picture(panels, self._lines(moment))
        film.add(picture)
        self._keep(picture, moment)
        scene = Scene(moment=moment, panels=panels, told=tuple(talk.told), is_judged=talk.number > 0)
        for each in self._audience:
            each.see(scene)

    def _keep(self, picture: Any, moment: Moment) -> None:
        """Keep a picture where a sentence is new, and now and then."""
        kept, number = self.diary.glimpses, self._talk.number
        if kept and kept[-1].number == number and moment.time_s - kept[-1].time_s < _GLIMPSE_EVERY_S:
            return
        path = self._run.artefacts / "pictures" / f"{moment.time_s:06.2f}.jpg"
        path.parent.mkdir(exist_ok=True)
        require("PIL.Image", "report").fromarray(picture).save(path, "JPEG", quality=80)
        kept.append(Glimpse(path=path, time_s=moment.time_s, number=number))

    def _lines(self, moment: Moment) -> list[Line]:
        """The words of a frame: what is asked, what the car says, how fast it is, and the verdicts."""
        asked = moment.heard or "(nothing was asked)"
        said = moment.said or "(says nothing)"
        truth = ", told the truth" if self.diary.privileged else ""
        limit = f" (limit {moment.limit_mps * _KMH:.0f})" if moment.limit_mps else ""
        lines = [
            Line(text=asked, size_px=24, tone="accent" if self._talk.number else "quiet"),
            Line(text=("refuses: " if moment.refused else "") + said, size_px=18, tone="bad" if moment.refused else ""),
            Line(text=f"{moment.speed_mps * _KMH:3.0f} km/h{limit}    {moment.time_s:5.1f} s", size_px=18),
        ]
        for told in self._talk.told[-6:]:
            tone = {True: "good", False: "bad", None: "quiet"}[told.outcome.is_right]
            lines.append(Line(text=f"{told.number}  {told.outcome.value}: {told.sentence}", size_px=15, tone=tone))
        who = f"{self.diary.policy}{truth} on {self.diary.map_name}, {self._config.weather}, {self.diary.backend}"
        return [*lines, Line(text=who, size_px=13, tone="quiet")]
