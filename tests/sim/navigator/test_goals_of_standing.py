"""Goals of where to stand and whom to stay behind, judged by hand-placed cars on real lanes."""

import math
from functools import cache

import carla
import numpy as np
import pytest

from drivevla.errors import ConfigError, ContractError
from drivevla.language import Goal, Named, Ramp, Relation, Side, StandStill, StayBehind, StopPlace, TakeRamp
from drivevla.language import Landmark as Word
from drivevla.sim.maps import Landmark, find_map
from drivevla.sim.navigator import GoalMonitor, Sample, Verdict
from drivevla.sim.routes import DensePlan, generate_routes, plan_route

FRONT_M = 3.85
"""From the rear axle to the front bumper of the usual ego."""


@cache
def town(name: str) -> carla.Map:
    source = find_map(name)
    return carla.Map(source.name, source.opendrive)


@cache
def to_a_junction() -> tuple[DensePlan, float]:
    """A route with its first junction some way off, and where that begins."""
    for route in generate_routes(town("Gen_grid_1"), count=8, seed=1, length_m=(150.0, 450.0)):
        plan = plan_route(town("Gen_grid_1"), route)
        begin_m = float(plan.distance_m[int(np.argmax(plan.junction >= 0))])
        if begin_m > 40.0:
            return plan, begin_m
    raise AssertionError("every route begins at a junction")


def standing_at(plan: DensePlan, distance_m: float) -> list[Sample]:
    """Ten metres driven up to a place along the plan, and then stood there."""
    samples = []
    for number, at_m in enumerate(np.linspace(distance_m - 10.0, distance_m, 11).tolist()):
        x, y = (float(np.interp(at_m, plan.distance_m, plan.location_m[:, axis])) for axis in (0, 1))
        yaw = -math.radians(float(plan.yaw_deg[int(np.searchsorted(plan.distance_m, at_m))]))
        speed_mps = 0.0 if number == 10 else 4.0
        samples.append(Sample(time_s=0.25 * number, pose=(x, -y, yaw), speed_mps=speed_mps))
    return samples


def verdict(goal: Goal, samples: list[Sample], marks: tuple[Landmark, ...] = (), name: str = "Gen_grid_1") -> Verdict:
    monitor = GoalMonitor(goal, town(name), marks)
    for sample in samples:
        monitor.update(sample)
    return monitor.finish()


@pytest.mark.parametrize(
    ("bumper_before_line_m", "meant"),
    [(2.0, Verdict.REACHED), (4.5, Verdict.REACHED), (8.0, Verdict.FAILED), (-3.0, Verdict.FAILED)],
)
def test_the_bumper_stands_within_five_metres_before_the_line(bumper_before_line_m: float, meant: Verdict) -> None:
    plan, line_m = to_a_junction()
    goal = StandStill(place=StopPlace.AT_LINE)
    assert verdict(goal, standing_at(plan, line_m - FRONT_M - bumper_before_line_m)) is meant


def test_the_roadside_is_the_outermost_lane() -> None:
    carla_map = town("Gen_multilane_1")
    goal = StandStill(place=StopPlace.AT_ROADSIDE)
    judged = {True: 0, False: 0}
    for lane in carla_map.generate_waypoints(25.0):
        beside = lane.get_right_lane()
        around = [lane, *lane.previous(8.0), *lane.next(8.0)]
        if any(each.is_junction for each in around):  # lanes overlap there
            continue
        outermost = beside is None or beside.lane_type != carla.LaneType.Driving
        place = lane.transform
        pose = (place.location.x, -place.location.y, -math.radians(place.rotation.yaw))
        stands = verdict(goal, [Sample(time_s=0.0, pose=pose, speed_mps=0.0)], name="Gen_multilane_1")
        assert (stands is Verdict.REACHED) is outermost
        judged[outermost] += 1
    assert min(judged.values()) > 5


def mark(x_m: float, y_m: float) -> Landmark:
    """A bus stop 10 m long that points east, at a place of the world made right-handed."""
    return Landmark(
        id="1", kind="bus_stop", color=None, name="bus stop", location_m=(x_m, -y_m, 0.0), yaw_deg=0.0,
        size_m=(10.0, 2.5, 3.0), road_id="0", s_m=0.0, t_m=0.0,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("relation", "x_m", "y_m", "meant"),
    [
        # its rear is 5 m before its middle: 3 m are left ahead of the bumper
        (Relation.BEHIND, FRONT_M + 3.0 + 5.0, 3.0, Verdict.REACHED),
        (Relation.BEHIND, FRONT_M + 6.0 + 5.0, 3.0, Verdict.FAILED),
        (Relation.BEHIND, FRONT_M - 1.0 + 5.0, 3.0, Verdict.FAILED),
        # the car's own middle is 1.4 m ahead of its rear axle
        (Relation.NEXT_TO, 1.4 + 4.9, 6.0, Verdict.REACHED),
        (Relation.NEXT_TO, 1.4 + 5.1, 6.0, Verdict.FAILED),
        (Relation.NEXT_TO, 1.4, 31.0, Verdict.FAILED),
    ],
)
def test_a_thing_is_stood_by_along_the_lane(relation: Relation, x_m: float, y_m: float, meant: Verdict) -> None:
    goal = StandStill(place=StopPlace.BY_OBJECT, relation=relation, thing=Named(landmark=Word.BUS_STOP))
    assert verdict(goal, [Sample(time_s=0.0, pose=(0.0, 0.0, 0.0), speed_mps=0.0)], (mark(x_m, y_m),)) is meant


def follow(*places: tuple[float, float]) -> list[Sample]:
    """A car at the origin that points east, and vehicle 7 at one place after another."""
    return [
        Sample(time_s=number, pose=(0.0, 0.0, 0.0), speed_mps=5.0, vehicles={7: place, 8: (-20.0, 0.0)})
        for number, place in enumerate(places)
    ]


def test_the_vehicle_ahead_is_overtaken_once_it_lies_behind() -> None:
    assert verdict(StayBehind(), follow((20.0, 0.5), (10.0, 0.5), (6.0, 0.5))) is Verdict.REACHED
    assert verdict(StayBehind(), follow((20.0, 0.5), (2.0, -3.5), (-2.0, -3.5))) is Verdict.FAILED
    assert verdict(StayBehind(), follow((20.0, 0.5), (2.0, -30.0), (-2.0, -30.0))) is Verdict.REACHED  # it turned off
    assert verdict(StayBehind(), follow((20.0, 4.0), (-5.0, 4.0))) is Verdict.REACHED  # on the other lane: not ahead


def test_what_the_record_cannot_show_is_refused() -> None:
    with pytest.raises(ConfigError, match="cannot be judged"):
        GoalMonitor(TakeRamp(ramp=Ramp.EXIT, side=Side.RIGHT), town("Gen_grid_1"))
    blind = Sample(time_s=0.0, pose=(0.0, 0.0, 0.0), speed_mps=0.0)
    with pytest.raises(ContractError, match="other vehicles"):
        GoalMonitor(StayBehind(), town("Gen_grid_1")).update(blind)
