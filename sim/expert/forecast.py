"""Where everybody will be: by the bicycle model, and along their lanes."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from drivevla.geometry import wrap_angle
from drivevla.planner.control import BicycleModel
from drivevla.sim.expert.scene import Others
from drivevla.types import LaneTruth

__all__ = ["STEP_S", "LaneMap", "forecast_along", "forecast_by_motion"]

STEP_S = 0.25
_STEPS = 8
"""2 s ahead, as PDM-Lite's ``default_forecast_length``."""
_SLOWEST_TURN_MPS = 1.0
_BEND_LIMIT_PER_M = 0.2
_AWAY_M = 2.5
"""Whoever is farther from the middle of every lane does not follow one."""
_MOST_TURNED_RAD = float(np.radians(40.0))
_MEANT_M = 1.0
_MOST_BRANCHES = 3


def forecast_by_motion(others: Others) -> NDArray[np.float64]:
    """(N, T, 3) poses at 0.25 s, ..., 2 s, everybody going on as now: turning, and braking, if they are.

    Walkers go straight on the way they move, whichever way they look.
    """
    model = BicycleModel()
    speed = others.speed_mps
    turning = np.abs(speed) > _SLOWEST_TURN_MPS
    bend = np.where(turning, others.yaw_rate_radps / np.where(turning, speed, 1.0), 0.0)
    bend = np.where(others.is_vehicle, np.clip(bend, -_BEND_LIMIT_PER_M, _BEND_LIMIT_PER_M), 0.0)
    braking = np.where(others.is_vehicle & (speed > 0.0), np.clip(others.acceleration_mps2, -8.0, 0.0), 0.0)
    walks = others.is_walker
    course = np.where(walks, np.arctan2(others.velocity_mps[:, 1], others.velocity_mps[:, 0]), others.yaw_rad)
    pace = np.where(walks, np.hypot(*others.velocity_mps.T), speed)
    state = np.stack([*others.xy_m.T, course, pace], axis=-1)
    actions = np.repeat(np.stack([braking, bend], axis=-1)[:, None], _STEPS, axis=1)
    return model.roll_out(state, actions, STEP_S)[..., :3]


def forecast_along(
    forecast: NDArray[np.float64], others: Others, lines: Mapping[int, NDArray[np.float64]]
) -> NDArray[np.float64]:
    """The same forecast, but for those whose way is known: along it at the pace that they have.

    Args:
        forecast: (N, T, 3) by motion.
        others: The N of them.
        lines: By row, a point every metre from where it is.
    """
    times = np.arange(1, forecast.shape[1] + 1) * STEP_S
    expected = forecast.copy()
    for row, line in lines.items():
        heading = np.unwrap(np.arctan2(*np.gradient(line, axis=0).T[::-1]))
        place = np.arange(len(line), dtype=np.float64)
        along = np.minimum(float(others.speed_mps[row]) * times, place[-1])
        expected[row] = np.stack([np.interp(along, place, column) for column in (*line.T, heading)], axis=-1)
    return expected


@dataclass(frozen=True, slots=True)
class LaneMap:
    """The lanes near, ready to be asked which one somebody follows.

    Attributes:
        lanes: By their ids.
    """

    lanes: Mapping[str, LaneTruth]
    _xy_m: NDArray[np.float64]
    _yaw_rad: NDArray[np.float64]
    _lane: NDArray[np.int64]
    _end: Mapping[str, int]

    @classmethod
    def of(cls, lanes: tuple[LaneTruth, ...]) -> "LaneMap":
        """Of the lanes of a truth."""
        lines = [lane.centerline_m for lane in lanes]
        sizes = [len(line) for line in lines]
        points = np.concatenate([np.zeros((0, 2)), *lines])
        ends = np.cumsum(sizes) - 1
        onward = np.diff(points, axis=0, append=points[-1:])
        onward[ends] = onward[np.maximum(ends - 1, 0)]  # the last point of a lane heads as the one before
        return cls(
            {lane.lane_id: lane for lane in lanes},
            points,
            np.arctan2(onward[:, 1], onward[:, 0]),
            np.repeat(np.arange(len(lanes)), sizes),
            dict(zip((lane.lane_id for lane in lanes), (ends + 1).tolist(), strict=True)),
        )

    def nearest(
        self, xy_m: NDArray[np.float64], yaw_rad: NDArray[np.float64], expected: Collection[str] = ()
    ) -> list[tuple[str, int] | None]:
        """For each of (N,) vehicles the lane that it follows and the nearest of its points, None for none.

        Args:
            xy_m: (N, 2).
            yaw_rad: (N,).
            expected: Where lanes part they lie upon each other for a while; of such ones these are meant.
        """
        if not len(self._xy_m) or not len(xy_m):
            return [None for _ in xy_m]
        away = np.sqrt((xy_m[:, None, 0] - self._xy_m[:, 0]) ** 2 + (xy_m[:, None, 1] - self._xy_m[:, 1]) ** 2)
        turned = np.abs(wrap_angle(yaw_rad[:, None] - self._yaw_rad))
        fits = (away < _AWAY_M) & (turned < _MOST_TURNED_RAD)
        names = list(self.lanes)
        meant = np.array([name in expected for name in names])[self._lane]
        cost = np.where(fits, away + 3.0 * turned - _MEANT_M * meant, np.inf)
        best = np.argmin(cost, axis=1)
        return [
            (names[int(self._lane[point])], point) if fits[row, point] else None
            for row, point in enumerate(best.tolist())
        ]

    def futures(
        self,
        xy_m: NDArray[np.float64],
        nearest: Sequence[tuple[str, int] | None],
        reach_m: NDArray[np.float64],
        ways: Sequence[Mapping[str, str]],
    ) -> list[list[NDArray[np.float64]]]:
        """For each of (N,) vehicles the lines that its lane leads it along, of two points or more.

        There are none for whoever follows no lane, or has less than a metre of what is known of the lanes before it.

        Args:
            xy_m: (N, 2).
            nearest: (N,) the lane of each and the nearest of its points.
            reach_m: (N,) how long the lines are at least, where the lanes near lead so far.
            ways: (N,) by lane, the only one that each is expected to follow it by, where that is known.
        """
        answer: list[list[NDArray[np.float64]]] = []
        for start, place, reach, known in zip(xy_m, nearest, reach_m.tolist(), ways, strict=True):
            if place is None:
                answer.append([])
                continue
            name, point = place
            rest = self._xy_m[point : self._end[name]]
            answer.append(self._onward(name, rest, reach, start, known))
        return answer

    def _onward(
        self,
        lane_id: str,
        rest: NDArray[np.float64],
        reach_m: float,
        start: NDArray[np.float64],
        ways: Mapping[str, str],
    ) -> list[NDArray[np.float64]]:
        lines: list[NDArray[np.float64]] = []
        waiting = [(lane_id, [rest], _length(rest))]
        while waiting and len(lines) < _MOST_BRANCHES:
            name, parts, length = waiting.pop()
            onward = [each for each in self.lanes[name].successors or () if each in self.lanes]
            if ways.get(name) in onward:
                onward = [ways[name]]
            if length >= reach_m or not onward or len(parts) > 12:
                line = np.concatenate([start[None], *parts])
                if len(line) > 2:  # the lane's nearest point lies beside the car, not ahead of it
                    line = np.delete(line, 1, axis=0)
                even = _evenly(line, reach_m)
                if len(even) > 1:  # else the lanes that are known end where it is
                    lines.append(even)
                continue
            for each in onward:
                following = self.lanes[each].centerline_m
                waiting.append((each, [*parts, following[1:]], length + _length(following)))
        return lines


def _length(line: NDArray[np.float64]) -> float:
    steps = np.diff(line, axis=0)
    return float(np.hypot(steps[:, 0], steps[:, 1]).sum())


def _evenly(line: NDArray[np.float64], reach_m: float) -> NDArray[np.float64]:
    """A point every metre, as far as the line leads and no farther than asked for."""
    steps = np.diff(line, axis=0)
    length = np.concatenate([[0.0], np.cumsum(np.hypot(steps[:, 0], steps[:, 1]))])
    wanted = np.arange(0.0, min(length[-1], reach_m) + 1e-9)
    return np.stack([np.interp(wanted, length, line[:, 0]), np.interp(wanted, length, line[:, 1])], axis=-1)
