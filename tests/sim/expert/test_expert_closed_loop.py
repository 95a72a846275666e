"""The expert in a little world of its own: a straight road, a bicycle for a car, others that keep their speed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest
from numpy.typing import NDArray

from drivevla.geometry import invert_se2, matrix_from_yaw, rigid, transform_points_se2, wrap_angle
from drivevla.planner.control import BicycleModel, PlanTracker
from drivevla.sim.expert import Expert
from drivevla.sim.expert.body import FRONT_M, HALF_LENGTH_M, HALF_WIDTH_M, MIDDLE_M
from drivevla.sim.expert.boxes import boxes_touch
from drivevla.types import (
    Command,
    EgoState,
    LaneTruth,
    LightState,
    LightTruth,
    ObjectTruth,
    Observation,
    Plan,
    Truth,
    VehicleLight,
)

LANE_M, TICK_S, LONG_M = 3.5, 0.1, 500.0
HAZARD = frozenset({VehicleLight.LEFT_INDICATOR, VehicleLight.RIGHT_INDICATOR})


@dataclass
class Other:
    """Somebody who begins somewhere and keeps the speed, along the heading."""

    x_m: float
    y_m: float
    yaw_rad: float = 0.0
    speed_mps: float = 0.0
    size_m: tuple[float, float, float] = (4.4, 1.9, 1.5)
    category: str = "vehicle.car"
    lights: frozenset[VehicleLight] = frozenset()
    begins_s: float = 0.0

    def pose(self, time_s: float) -> NDArray[np.float64]:
        moved = self.speed_mps * max(time_s - self.begins_s, 0.0)
        return np.array(
            [self.x_m + moved * np.cos(self.yaw_rad), self.y_m + moved * np.sin(self.yaw_rad), self.yaw_rad]
        )


@dataclass
class Drive:
    """What came of a drive."""

    states: NDArray[np.float64]
    plans: list[Plan]
    touched: bool
    causes: list[str] = field(default_factory=list)


@dataclass
class LittleWorld:
    """A straight road along x; the ego begins at 0."""

    others: Sequence[Other] = ()
    left: str | None = "oncoming"
    light: Callable[[float], LightState] | None = None
    light_m: float = 80.0
    change_m: float | None = None
    expert: Expert = field(default_factory=Expert)

    def drive(self, seconds: float, *, speed_mps: float = 0.0) -> Drive:
        state = np.array([0.0, 0.0, 0.0, speed_mps])
        model, tracker = BicycleModel(), PlanTracker()
        self.expert.reset(0)
        states, plans, touched = [state], [], False
        for step in range(round(seconds / TICK_S)):
            time_s = step * TICK_S
            plan = self.expert.act(
                Observation(timestamp_s=time_s, ego=EgoState(speed_mps=float(state[3]))), self.truth(state[:3], time_s)
            )
            plans.append(plan)
            control = tracker.step(
                plan, plan_from_ego=np.zeros(3), elapsed_s=0.0, speed_mps=float(state[3]), dt_s=TICK_S
            )
            angle = control.steering * model.limits.steer_range_rad(float(state[3]))
            acceleration = 5.0 * control.throttle - 8.0 * control.brake
            bend = np.tan(angle) / model.limits.wheelbase_m
            state = model.step(state, np.array([acceleration, bend]), TICK_S)
            states.append(state)
            touched = touched or self._touches(state, time_s + TICK_S)
        return Drive(np.array(states), plans, touched, [str(plan.diagnostics["cause"]) for plan in plans])

    def truth(self, ego: NDArray[np.float64], time_s: float) -> Truth:
        ego_from_world = invert_se2(ego)
        along = np.arange(0.0, LONG_M)
        own_line = np.stack([along, np.zeros_like(along)], axis=-1)
        route, commands, names = self._route(along)
        first = int(np.argmin(np.linalg.norm(route - ego[:2], axis=1)))
        last = first + 120
        beside = own_line + np.array([0.0, LANE_M])
        same = self.left == "same"
        lanes = [self._lane("own", transform_points_se2(ego_from_world, own_line), "beside" if self.left else "", "")]
        if self.left:
            line = beside if same else beside[::-1]
            right, left = ("own", "") if same else ("", "own")
            lanes.append(self._lane("beside", transform_points_se2(ego_from_world, line), left, right))
        return Truth(
            timestamp_s=time_s,
            world_from_ego=rigid(matrix_from_yaw(ego[2]), [ego[0], ego[1], 0.0]),
            objects=tuple(
                self._object(number, each, ego_from_world, time_s) for number, each in enumerate(self.others)
            ),
            lights=self._lights(ego, time_s),
            signs=(),
            lanes=tuple(lanes),
            route_m=transform_points_se2(ego_from_world, route[first:last]),
            route_commands=commands[first:last],
            route_lane_ids=names[first:last],
            route_in_junction=np.zeros(len(route[first:last]), dtype=np.bool_),
            route_distance_m=float(first),
            route_left_m=LONG_M - 1.0 - first,
            speed_limit_mps=10.0,
        )

    def _route(self, along: NDArray[np.float64]) -> tuple[NDArray[np.float64], tuple[Command, ...], tuple[str, ...]]:
        if self.change_m is None:
            route = np.stack([along, np.zeros_like(along)], axis=-1)
            return route, (Command.LANE_FOLLOW,) * len(along), ("own",) * len(along)
        share = np.clip((along - self.change_m) / 15.0, 0.0, 1.0)
        changing = (along >= self.change_m) & (along < self.change_m + 15.0)
        commands = tuple(Command.CHANGE_LANE_LEFT if each else Command.LANE_FOLLOW for each in changing.tolist())
        names = tuple("own" if each < self.change_m + 7.5 else "beside" for each in along.tolist())
        return np.stack([along, LANE_M * share**2 * (3 - 2 * share)], axis=-1), commands, names

    def _lane(self, name: str, line_m: NDArray[np.float64], left: str, right: str) -> LaneTruth:
        return LaneTruth(
            lane_id=name,
            centerline_m=line_m,
            width_m=LANE_M,
            left_id=left,
            right_id=right,
            left_same_direction=(self.left == "same") if left else None,
            successors=(),
        )

    def _lights(self, ego: NDArray[np.float64], time_s: float) -> tuple[LightTruth, ...]:
        if self.light is None:
            return ()
        return (
            LightTruth(
                light_id="l",
                state=self.light(time_s),
                position_m=np.array([self.light_m - ego[0], 0.0, 5.0]),
                affects_ego=True,
                stop_distance_m=self.light_m - float(ego[0]),
            ),
        )

    @staticmethod
    def _object(number: int, other: Other, ego_from_world: NDArray[np.float64], time_s: float) -> ObjectTruth:
        pose = other.pose(time_s)
        place = transform_points_se2(ego_from_world, pose[None, :2])[0]
        yaw = float(wrap_angle(pose[2] + ego_from_world[2]))
        speed = other.speed_mps if time_s >= other.begins_s else 0.0
        return ObjectTruth(
            track_id=str(number),
            category=other.category,
            ego_from_object=rigid(matrix_from_yaw(yaw), [*place, other.size_m[2] / 2]),
            size_m=np.array(other.size_m),
            velocity_mps=speed * np.array([np.cos(yaw), np.sin(yaw)]),
            acceleration_mps2=np.zeros(2),
            yaw_rate_radps=0.0,
            lights=other.lights,
        )

    def _touches(self, state: NDArray[np.float64], time_s: float) -> bool:
        x, y, yaw, _ = state
        ego = np.array([x + MIDDLE_M * np.cos(yaw), y + MIDDLE_M * np.sin(yaw), yaw])
        half = np.array([HALF_LENGTH_M, HALF_WIDTH_M])
        return any(boxes_touch(ego, half, each.pose(time_s), np.array(each.size_m[:2]) / 2) for each in self.others)


def test_it_follows_a_slower_car_at_its_speed_and_never_touches_it() -> None:
    drive = LittleWorld(others=[Other(30.0, 0.0, speed_mps=4.0)], left=None).drive(30.0, speed_mps=8.0)
    assert not drive.touched
    assert drive.states[-1, 3] == pytest.approx(4.0, abs=0.5)


def test_it_stands_at_red_and_goes_at_green() -> None:
    world = LittleWorld(light=lambda time_s: LightState.RED if time_s < 20.0 else LightState.GREEN)
    drive = world.drive(30.0, speed_mps=8.0)
    waiting = drive.states[195]
    assert waiting[3] < 0.1
    assert 1.0 - 0.7 < 80.0 - (waiting[0] + FRONT_M) < 2.5
    assert drive.states[-1, 0] > 90.0
    assert "green_light" in drive.causes[200:230]


def test_it_passes_a_parked_car_between_two_oncoming_ones() -> None:
    others = [
        Other(60.0, 0.0, lights=HAZARD),
        Other(150.0, LANE_M, yaw_rad=np.pi, speed_mps=8.0),
        Other(370.0, LANE_M, yaw_rad=np.pi, speed_mps=8.0),
    ]
    drive = LittleWorld(others=others).drive(32.0, speed_mps=6.0)
    assert not drive.touched
    assert drive.states[-1, 0] > 100.0
    assert abs(drive.states[-1, 1]) < 0.4  # back on its lane
    assert drive.states[:, 1].max() > 1.5


def test_without_a_gap_it_waits_behind_the_parked_car() -> None:
    flow = [Other(80.0 + 45.0 * number, LANE_M, yaw_rad=np.pi, speed_mps=9.0) for number in range(8)]
    drive = LittleWorld(others=[Other(60.0, 0.0, lights=HAZARD), *flow]).drive(18.0, speed_mps=6.0)
    assert not drive.touched
    assert drive.states[-1, 3] < 0.2
    assert drive.states[:, 1].max() < 0.3


def test_it_gets_around_roadworks_with_cones_along_their_edge() -> None:
    works = [Other(60.0, 0.0, size_m=(1.2, 2.4, 2.0), category="static.prop.trafficwarning")]
    works += [
        Other(66.0 + 2.0 * number, 1.7, size_m=(0.4, 0.4, 0.8), category="static.prop.constructioncone")
        for number in range(5)
    ]
    drive = LittleWorld(others=works).drive(24.0, speed_mps=6.0)
    assert not drive.touched
    assert drive.states[-1, 0] > 100.0


@pytest.mark.parametrize("begins_s", [2.0, 3.0])
def test_it_spares_a_walker_who_steps_out(begins_s: float) -> None:
    walker = Other(45.0, -5.0, np.pi / 2, 1.6, (0.5, 0.5, 1.8), "walker", begins_s=begins_s)
    drive = LittleWorld(others=[walker]).drive(14.0, speed_mps=8.0)
    assert not drive.touched
    assert drive.states[-1, 0] > 60.0


@pytest.mark.parametrize("behind_m", [-8.0, -20.0])
def test_it_changes_lanes_for_the_route_without_cutting_anybody_off(behind_m: float) -> None:
    others = [Other(behind_m - 15.0 * number, LANE_M, speed_mps=8.0) for number in range(3)]
    drive = LittleWorld(others=others, left="same", change_m=25.0).drive(18.0, speed_mps=6.0)
    assert not drive.touched
    assert drive.states[-1, 1] == pytest.approx(LANE_M, abs=0.4)
