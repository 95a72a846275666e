"""The navigator: along a route, what the policy may hear."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from drivevla.errors import ContractError
from drivevla.geometry import invert_se2, transform_points_se2
from drivevla.language import Goal, Instruction, Language, Refuse, Split, realise
from drivevla.sim.maps import Landmark
from drivevla.sim.navigator.beside import sights_along
from drivevla.sim.navigator.decisions import read_roadbook
from drivevla.sim.navigator.guidance import Event, Guidance, Protocol
from drivevla.sim.navigator.misleading import Misleading, draw_misleading
from drivevla.sim.navigator.notices import Notice, light_notice
from drivevla.sim.navigator.schedule import Cue, Scheduled, Triggers, cues_between, make_schedule
from drivevla.sim.routes.lanes import lane_graph
from drivevla.sim.routes.plan import DensePlan
from drivevla.sim.routes.thinning import LEADERBOARD_2_GAP_M, TargetTracker, downsample_route
from drivevla.types import LightState

if TYPE_CHECKING:
    import carla

__all__ = ["Navigator", "PlanProgress"]


class PlanProgress:
    """Follows a vehicle along a plan: never backwards, and never ahead to where the plan comes by again."""

    def __init__(self, plan: DensePlan, *, window_m: float = 30.0) -> None:
        self._xy_m, self._distance_m = plan.location_m[:, :2], plan.distance_m
        self._window_m = window_m
        self._at = 0

    def update(self, x_m: float, y_m: float) -> tuple[float, float]:
        """How far along the plan a place is, and how far from it; CARLA's frame."""
        reach = self._distance_m[self._at] + self._window_m
        end = int(np.searchsorted(self._distance_m, reach, side="right"))
        offset = np.hypot(*(self._xy_m[self._at : end] - (x_m, y_m)).T)
        nearest = int(np.argmin(offset))
        self._at += nearest
        return float(self._distance_m[self._at]), float(offset[nearest])


@dataclass(frozen=True, slots=True)
class _Spoken:
    """An instruction in force: the cue's own, or the misleading one before it."""

    cue: Cue
    text: str
    misleading: Instruction | None = None

    @property
    def instruction(self) -> Instruction:
        return self.misleading or self.cue.instruction


class Navigator:
    """Turns a route into what a policy may hear, step by step.

    All that is said is found before the drive, from the plan, the map, the landmarks and the seed; while driving only
    the place along the route, the time and the state of the light ahead decide what is in force. It needs no simulator.
    """

    def __init__(
        self,
        plan: DensePlan,
        carla_map: "carla.Map",
        landmarks: Sequence[Landmark] = (),
        *,
        language: Language | str = Language.EN,
        split: Split | str = Split.TRAIN,
        seed: int,
        protocol: Protocol = Protocol.ALL,
        triggers: Triggers | None = None,
        scheduled: Sequence[Scheduled] = (),
        notices: Sequence[Notice] | None = None,
        misleading: Misleading | None = None,
        redraw_steps: int | None = None,
        target_gap_m: float = LEADERBOARD_2_GAP_M,
    ) -> None:
        """Find all that will be said.

        Args:
            plan: The dense plan.
            carla_map: The map that it was made on.
            landmarks: Of that map.
            language: Of the sentences.
            split: Which phrasings may be used.
            seed: Decides what is said and how.
            protocol: What may be heard.
            triggers: Distances; the defaults where None.
            scheduled: Instructions that the suite wants said, instead of the route's, on stretches of it.
            notices: Those along the route (``notices_along``); None for a protocol without any, in which the light
                ahead is not told of either.
            misleading: Impossible instructions to be refused; None for none.
            redraw_steps: An instruction of the route that has been in force for so many updates is said anew, from
                there; LangAuto's is 400. None for never.
            target_gap_m: How far apart target points are where nothing happens; the leaderboards differ.

        Raises:
            UnknownName: No such language or split.
            ContractError: The plan belongs to another map, or scheduled stretches overlap.
        """
        if redraw_steps is not None and redraw_steps < 1:
            raise ContractError(f"redraw_steps must be at least 1 or None, got {redraw_steps}")
        self._book, self._sights = read_roadbook(carla_map, plan), sights_along(plan, landmarks)
        self._triggers = triggers or Triggers()
        self._language, self._split, self._seed = language, split, seed
        self.protocol, self._notices, self._redraw_steps = protocol, notices, redraw_steps
        self._hold_steps = misleading.hold_steps if misleading else 0
        rng = np.random.default_rng(seed)
        self.schedule: tuple[Cue, ...] = make_schedule(
            self._book, self._sights, rng=rng, triggers=self._triggers, scheduled=scheduled
        )
        graph = lane_graph(carla_map)
        self.misleading: dict[Cue, Instruction] = (
            draw_misleading(self._book, graph, self.schedule, misleading) if misleading else {}
        )
        self._sentences = [_Spoken(cue, self._say(cue.instruction, cue.issue_m)) for cue in self.schedule]
        self._targets = downsample_route(plan, max_gap_m=target_gap_m)
        self.reset()

    def reset(self) -> None:
        """Go back to the beginning of the route; what is said stays the same."""
        self._progress = PlanProgress(self._book.plan)
        self._tracker = TargetTracker(self._targets)
        self._route = list(self._sentences)
        self._cue: Cue | None = None
        self._steps = 0
        self._now: _Spoken | None = None
        self._notice: Instruction | None = None

    def update(self, pose: ArrayLike, *, time_s: float, light: LightState | None = None) -> Guidance:
        """What may be heard now.

        Args:
            pose: (3,) world_from_ego: x, y, yaw of the ego frame in CARLA's world made right-handed (y left, metres,
                radians).
            time_s: Since the episode began.
            light: What the next light for the ego shows, where one is near.

        Raises:
            ContractError: The pose is not three finite numbers, or the time is not finite.
        """
        world_from_ego = np.asarray(pose, dtype=np.float64)
        if world_from_ego.shape != (3,) or not (np.isfinite(world_from_ego).all() and np.isfinite(time_s)):
            raise ContractError(f"a pose is three finite numbers x, y, yaw at a finite time, got {pose!r} at {time_s}")
        x_m, y_m = float(world_from_ego[0]), -float(world_from_ego[1])
        distance_m, offset_m = self._progress.update(x_m, y_m)
        first, second = self._tracker.update(x_m, y_m)
        hears_words = self.protocol.hears_sentences
        events = self._advance(distance_m, time_s) if hears_words else []
        if hears_words and self._notices is not None:
            events += self._heed(self._notices, distance_m, time_s, light)
        points = np.array([each.location_m[:2] for each in (first, second)]) * (1.0, -1.0)
        now = self._now
        return Guidance(
            text=self._text(),
            command=first.option.command if self.protocol.hears_commands else None,
            target_points_m=(
                transform_points_se2(invert_se2(world_from_ego), points) if self.protocol.hears_points else None
            ),
            instruction=now.instruction if now else None,
            goal=_goal(now) if now else None,
            junctions=now.cue.junctions if now and not now.misleading else (),
            misleading=now is not None and now.misleading is not None,
            notice=self._notice,
            distance_m=distance_m,
            offset_m=offset_m,
            events=tuple(events),
        )

    def _advance(self, distance_m: float, time_s: float) -> list[Event]:
        """Bring the cue for this place into force, after the misleading one before it."""
        spoken = self._at(distance_m)
        if spoken.cue is not self._cue:
            self._cue = spoken.cue
            if (misleading := self.misleading.get(spoken.cue)) is not None:
                spoken = _Spoken(spoken.cue, self._say(misleading, spoken.cue.issue_m), misleading)
            return self._put(spoken, distance_m, time_s)
        self._steps += 1
        assert self._now is not None
        limit = self._hold_steps if self._now.misleading else self._redraw_steps
        if limit is None or self._steps <= limit or spoken.cue.reason == "scheduled":
            return []
        self._say_from(spoken, distance_m)
        spoken = self._at(distance_m)
        self._cue = spoken.cue
        return self._put(spoken, distance_m, time_s)

    def _at(self, distance_m: float) -> _Spoken:
        """What is due at a place; the last one stays until the episode ends."""
        return next((each for each in self._route if distance_m < each.cue.withdraw_m), self._route[-1])

    def _say_from(self, spoken: _Spoken, distance_m: float) -> None:
        """Put in place of a cue what is true from here on: its distances and ordinals counted from its own place."""
        if distance_m >= spoken.cue.withdraw_m:
            return  # at the very end of the route there is nothing further to say
        cues = cues_between(
            self._book,
            self._sights,
            distance_m,
            spoken.cue.withdraw_m,
            rng=np.random.default_rng([self._seed, _stream(distance_m)]),
            triggers=self._triggers,
        )
        number = self._route.index(spoken)
        self._route[number : number + 1] = [_Spoken(cue, self._say(cue.instruction, cue.issue_m)) for cue in cues]

    def _put(self, spoken: _Spoken, distance_m: float, time_s: float) -> list[Event]:
        before, self._now = self._now, spoken
        self._steps = 0
        again = spoken.cue.reason == "repeat" and not spoken.misleading
        events = []
        if before is not None:
            events.append(
                Event(
                    what="withdraw",
                    time_s=time_s,
                    distance_m=distance_m,
                    instruction=before.instruction,
                    misleading=before.misleading is not None,
                    said_anew=not before.misleading and (again or distance_m < before.cue.withdraw_m),
                )
            )
        events.append(
            Event(
                what="repeat" if again else "issue",
                time_s=time_s,
                distance_m=distance_m,
                instruction=spoken.instruction,
                misleading=spoken.misleading is not None,
            )
        )
        return events

    def _heed(
        self, notices: Sequence[Notice], distance_m: float, time_s: float, light: LightState | None
    ) -> list[Event]:
        """Put the notice for this place into force: a scenario's before the light's."""
        here = [notice.instruction for notice in notices if notice.issue_m <= distance_m < notice.withdraw_m]
        before, self._notice = self._notice, here[0] if here else light_notice(light)
        if before == self._notice:
            return []
        events = []
        if before is not None:
            events.append(Event(what="withdraw", time_s=time_s, distance_m=distance_m, instruction=before))
        if self._notice is not None:
            events.append(Event(what="issue", time_s=time_s, distance_m=distance_m, instruction=self._notice))
        return events

    def _text(self) -> str | None:
        sentences = [] if self._now is None else [self._now.text]
        if self._notice is not None:
            sentences.append(self._say(self._notice, 0.0))
        return ("" if self._language == Language.ZH else " ").join(sentences) or None

    def _say(self, instruction: Instruction, issue_m: float) -> str:
        rng = np.random.default_rng([self._seed, _stream(issue_m), 1])
        return realise(instruction, language=self._language, split=self._split, rng=rng)


def _goal(spoken: _Spoken) -> Goal:
    return Refuse() if spoken.misleading else spoken.cue.goal


def _stream(distance_m: float) -> int:
    """A number for a place, so that what is said there does not depend on what was said before."""
    return round(distance_m * 1000.0)
