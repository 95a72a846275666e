"""The expert: truth in, plan out."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from drivevla.errors import ContractError
from drivevla.language import Language
from drivevla.sim.expert.conflicts import coming_collisions, yield_to_others
from drivevla.sim.expert.courtesy import Courtesy
from drivevla.sim.expert.crossers import let_cross
from drivevla.sim.expert.detours import Detours
from drivevla.sim.expert.following import FollowingModel, Leader
from drivevla.sim.expert.forecast import LaneMap, forecast_along, forecast_by_motion
from drivevla.sim.expert.habits import Habits
from drivevla.sim.expert.lane_changes import LaneChanges
from drivevla.sim.expert.lasting import Lasting
from drivevla.sim.expert.leaders import find_leaders
from drivevla.sim.expert.narration import Narrator, Situation
from drivevla.sim.expert.profile import LATERAL_MPS2, Profile, Stop, drive_profile, speed_envelope
from drivevla.sim.expert.scene import Others, read_others
from drivevla.sim.expert.shifts import smooth
from drivevla.sim.expert.stops import StopLines
from drivevla.sim.expert.way import SPACING_M, Places, Way, way_of
from drivevla.sim.expert.wishes import Wish, Wishes
from drivevla.types import LaneTruth, Observation, Plan, Truth

__all__ = ["Expert"]

DT_S, STEPS = 0.25, 16
_SPEED_SHARE = 0.85
"""Of the speed limit. PDM-Lite's ``ratio_target_speed_limit`` is 0.72, background traffic drives at 0.7, and a car that
also stops for signs must be faster on the way to keep up with it, as the minimum speed test asks."""
_LEAD_S, _BRAKES_MPS2, _BRAKE_LEAD_S = 0.7, 3.0, 1.2
_FASTEST_MPS = 20.0
"""The fastest of the target speeds that PDM-Lite's drives are labelled with (carla_garage, ``target_speeds``)."""
_JUNCTION_MPS = 64 / 3.6
"""``max_speed_in_junction`` of PDM-Lite."""
_DEFAULT_LIMIT_MPS = 30 / 3.6
_OVERTAKE_MPS = 50 / 3.6
"""``default_overtake_speed`` of PDM-Lite, while there are obstacles beside the car."""
_JOIN_S, _JOIN_LEAST_M = 0.9, 5.0
_PATH_M = 40
_BRISK_MPS2, _BRISK_LATERAL_MPS2, _BRISK_GAP_M, _BRISK_HEADWAY_S = 4.0, 4.0, 3.0, 0.4
"""Out of a stand into a gap that was waited for; the car itself does 6 m/s2, its tyres hold more, and PDM-Lite follows
with 0.25 s."""


_BRISK = FollowingModel(acceleration_mps2=_BRISK_MPS2, least_gap_m=_BRISK_GAP_M, headway_s=_BRISK_HEADWAY_S)


class Expert:
    """Drives a route knowing the truth, in the manner of PDM-Lite.

    Ask it at every tick or at 10 Hz: nothing that it remembers depends on the rate, but it reacts one period late.

    Args:
        language: Language of the sentences.

    Raises:
        UnknownName: There is no such language.
    """

    needs_truth: Literal[True] = True

    def __init__(self, *, language: str = "en") -> None:
        self._language = Language(language)
        self._calm, self._brisk = FollowingModel(), _BRISK
        self.reset(0)

    def reset(self, seed: int) -> None:
        """Forget everything; the seed decides the words of the sentences and nothing else."""
        self._stop_lines = StopLines()
        self._detours, self._changes = Detours(), LaneChanges()
        self._courtesy, self._wishes = Courtesy(), Wishes()
        self._narrator = Narrator(self._language, seed)
        self._lasting = Lasting()
        self._habits = Habits()
        self._stood_since_s: float | None = None
        self._waited_for: str | None = None

    def act(self, observation: Observation, truth: Truth) -> Plan:
        """The plan for now.

        Raises:
            ContractError: The truth lacks the route, the others, the lights or the lanes.
        """
        if truth.objects is None or truth.lanes is None or truth.lights is None:
            raise ContractError("the expert needs a truth with objects, lanes and lights, as TruthMaker makes it")
        speed = max(observation.ego.speed_mps, 0.0)
        way, others, lanes = way_of(truth), read_others(truth), {lane.lane_id: lane for lane in truth.lanes}
        on_way = way.places(others.xy_m, others.yaw_rad, others.half_m)
        wish = self._wishes.update(truth, way, others, on_way, lanes, speed_mps=speed)
        cruise = _cruise(truth, wish)
        stops = self._stop_lines.find(truth, speed)
        stops += [wish.stop] if wish.stop is not None else []
        stops += self._choose_side(truth, way, others, on_way, lanes, wish, speed, cruise)
        path, offset = self._path(way, wish, speed)
        return self._along(observation, truth, way, path, offset, others, stops, wish, cruise)

    def _choose_side(
        self,
        truth: Truth,
        way: Way,
        others: Others,
        on_way: Places,
        lanes: dict[str, LaneTruth],
        wish: Wish,
        speed: float,
        cruise: float,
    ) -> list[Stop]:
        """Bring all that moves the car off the route's line up to date; the stops that they ask for."""
        blocks = self._lasting.update(truth, others, on_way, cruise_mps=cruise, speed_mps=speed)
        self._courtesy.update(way, others, on_way, lanes, speed_mps=speed)
        end_of_lane = self._changes.update(way, others, on_way, lanes, speed_mps=speed)
        holds = sum(float(hold.at(np.array(way.distance_m))) for hold in self._changes.holds)
        wait = self._detours.update(
            way,
            others,
            on_way,
            blocks,
            lanes,
            now_s=truth.timestamp_s,
            speed_mps=speed,
            cruise_mps=min(cruise, _OVERTAKE_MPS),
            base_left_m=holds + self._courtesy.left_m + wish.left_m,
        )
        return [stop for stop in (end_of_lane, wait) if stop is not None]

    def _path(self, way: Way, wish: Wish, speed: float) -> tuple[Way, NDArray[np.float64]]:
        """From where the ego is onto the line that it wants to drive, and that line's offset from the route."""
        distance = way.distance_m + way.along_m
        offset = np.full(len(way), self._courtesy.left_m + wish.left_m)
        for hold in self._changes.holds:
            offset += hold.at(distance)
        if self._detours.shift is not None:
            offset += self._detours.shift.at(distance)
        join_m = max(_JOIN_S * speed, _JOIN_LEAST_M)
        joined = offset + (way.ego_left_m - offset[0]) * (1.0 - smooth(way.along_m / join_m))
        return way.shifted(joined), offset

    def _along(
        self,
        observation: Observation,
        truth: Truth,
        way: Way,
        path: Way,
        offset: NDArray[np.float64],
        others: Others,
        stops: list[Stop],
        wish: Wish,
        cruise: float,
    ) -> Plan:
        speed = max(observation.ego.speed_mps, 0.0)
        bypass = self._detours.bypass
        hurries = self._stood_since_s is not None or (bypass is not None and bypass.kind == "oncoming")
        envelope = speed_envelope(way.bends_per_m, cruise, _BRISK_LATERAL_MPS2 if hurries else LATERAL_MPS2)
        envelope = np.where(way.in_junction, np.minimum(envelope, _JUNCTION_MPS), envelope)
        if self._detours.shift is not None:
            envelope = np.minimum(envelope, _OVERTAKE_MPS)
        places = path.places(others.xy_m, others.yaw_rad, others.half_m)
        forecast = forecast_by_motion(others)
        leaders = find_leaders(path, others, places, forecast, speed)
        model = self._brisk if hurries else self._calm

        def drive(joined: Sequence[Leader]) -> Profile:
            return drive_profile(speed, envelope, leaders=[*leaders, *joined], stops=stops, model=model)

        first = drive(())
        waited_s = 0.0 if self._stood_since_s is None else truth.timestamp_s - self._stood_since_s
        lane_map = LaneMap.of(truth.lanes or ())
        crossings = yield_to_others(path, others, places, drive, lane_map, self._habits, truth, waited_s=waited_s)
        stops += [*crossings.stops, *let_cross(path, others, places, first)]
        stops += coming_collisions(path, others, places, forecast_along(forecast, others, crossings.ways), first)
        leaders = [*leaders, *crossings.leaders]
        profile = drive_profile(speed, envelope, leaders=leaders, stops=stops, model=model, horizon_s=DT_S * STEPS)
        situation = self._situation(truth, way, others, places, profile, envelope, offset, wish, cruise)
        self._remember(profile, speed, truth.timestamp_s, inside=bool(way.in_junction[:5].any()))
        return self._plan(path, profile, situation)

    def _situation(
        self,
        truth: Truth,
        way: Way,
        others: Others,
        places: Places,
        profile: Profile,
        envelope: NDArray[np.float64],
        offset: NDArray[np.float64],
        wish: Wish,
        cruise: float,
    ) -> Situation:
        shift, bypass = self._detours.shift, self._detours.bypass
        here = way.distance_m
        passing, nudging, moving, returning = -1, 0.0, 0.0, False
        if shift is not None and bypass is not None:
            rows = [row for row, each in enumerate(others.truths) if each.track_id in self._detours.ids]
            passing = rows[0] if rows else -1
            returning = here > shift.back_m
            going = here < shift.full_m or returning
            side = shift.left_m * (-1.0 if returning else 1.0)
            nudging, moving = (side, 0.0) if bypass.kind == "nudge" else (0.0, side if going else 0.0)
        for hold in self._changes.holds:
            if hold.released_m is not None:
                moving = -hold.left_m
        if self._courtesy.row >= 0 and abs(self._courtesy.left_m - way.ego_left_m) > 0.3:
            side = self._courtesy.left_m - way.ego_left_m
            nudging, moving = (side, moving) if self._courtesy.oncoming else (0.0, side)
        return Situation(
            truth=truth,
            way=way,
            others=others,
            places=places,
            profile=profile,
            envelope_mps=envelope,
            cruise_mps=cruise,
            moving_over=moving,
            nudging=nudging,
            returning=returning,
            passing=passing,
            courtesy=self._courtesy.row,
            courtesy_oncoming=self._courtesy.oncoming,
            wished=wish.cruise_mps is not None or wish.most_mps is not None or wish.left_m != 0.0,
            refused=wish.refused,
            waited_for=self._waited_for,
        )

    def _remember(self, profile: Profile, speed: float, now_s: float, *, inside: bool) -> None:
        """What the car stands for, and since when; a gap that it takes is taken to the end of the junction."""
        if speed > 1.0:
            self._waited_for = None
            if not inside:
                self._stood_since_s = None
        elif speed < 0.2:
            binding = profile.binding
            if isinstance(binding, Stop) and binding.key in ("crossing", "joining", "collision"):
                self._stood_since_s = now_s if self._stood_since_s is None else self._stood_since_s
            if isinstance(binding, Stop):
                self._waited_for = binding.key

    def _plan(self, path: Way, profile: Profile, situation: Situation) -> Plan:
        times = np.arange(1, STEPS + 1) * DT_S
        along = np.interp(times, profile.times_s, profile.along_m)
        columns = (*path.xy_m.T, path.yaw_rad)
        waypoints = np.stack([np.interp(along, path.along_m, column) for column in columns], axis=-1)
        reach = int(max(_PATH_M, along[-1] + 5.0)) + 1
        commentary, text = self._narrator.say(situation)
        binding = profile.binding
        slots = {name: str(value) for name, value in commentary.to_dict().items()}
        return Plan(
            waypoints=waypoints,
            dt_s=DT_S,
            path_m=_spaced(path.xy_m[:reach]),
            path_spacing_m=SPACING_M,
            target_speed_mps=_target(profile),
            text=text,
            refused=situation.refused is not None,
            diagnostics={
                **slots,
                "binding": binding.key if isinstance(binding, Stop) else "leader" if binding is not None else "road",
                "binding_m": binding.distance_m if isinstance(binding, Stop) else binding.gap_m if binding else None,
                "binding_id": situation.others.truths[binding.index].track_id
                if binding and binding.index >= 0
                else None,
                "cruise_mps": situation.cruise_mps,
            },
        )


def _cruise(truth: Truth, wish: Wish) -> float:
    limit = truth.speed_limit_mps or _DEFAULT_LIMIT_MPS
    cruise = min(_SPEED_SHARE * limit, _FASTEST_MPS) if wish.cruise_mps is None else wish.cruise_mps
    return cruise if wish.most_mps is None else min(cruise, wish.most_mps)


def _target(profile: Profile) -> float:
    """The speed to aim for: that of the profile a little later, more so when it brakes hard.

    A plan that is made anew in every tick begins at the speed that the car has, so that a tracker would never see an
    error to act on in its first waypoints.
    """
    slowing = float(profile.speed_mps[0] - np.interp(1.0, profile.times_s, profile.speed_mps))
    lead_s = _LEAD_S if slowing < _BRAKES_MPS2 else _BRAKE_LEAD_S
    return float(np.interp(lead_s, profile.times_s, profile.speed_mps))


def _spaced(xy_m: NDArray[np.float64]) -> NDArray[np.float64]:
    """The path at even spacing: shifting a bend to its outside pulls its points apart."""
    steps = np.diff(xy_m, axis=0)
    length = np.concatenate([[0.0], np.cumsum(np.hypot(steps[:, 0], steps[:, 1]))])
    wanted = np.arange(0.0, length[-1] + 1e-9, SPACING_M)
    return np.stack([np.interp(wanted, length, xy_m[:, 0]), np.interp(wanted, length, xy_m[:, 1])], axis=-1)
