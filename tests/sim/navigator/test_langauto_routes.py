"""LMDrive's LangAuto routes on CARLA's Towns, driven along their plans."""

import collections
import math
from functools import cache
from pathlib import Path

import carla
import pytest

from drivevla.errors import UnknownName
from drivevla.sim.maps import find_map
from drivevla.sim.navigator import GoalMonitor, Misleading, Navigator, Protocol, Sample, Verdict
from drivevla.sim.routes import DensePlan, find_routes, plan_route

ROUTES = Path(__file__).resolve().parents[3] / ".." / "shared" / "real" / "carla_routes"

pytestmark = [
    pytest.mark.real_data,
    pytest.mark.skipif(not ROUTES.is_dir(), reason="../shared/real/carla_routes is not here"),
]


@cache
def town(name: str) -> carla.Map:
    try:
        return carla.Map(name, find_map(name).opendrive)
    except UnknownName:
        pytest.skip(f"the map {name} is not here")


def samples(plan: DensePlan, begin_m: float, end_m: float) -> list[Sample]:
    return [
        Sample(time_s=at / 10.0, pose=(x, -y, -math.radians(yaw)), speed_mps=10.0)
        for at, (x, y, _), yaw in zip(
            plan.distance_m.tolist(), plan.location_m.tolist(), plan.yaw_deg.tolist(), strict=True
        )
        if begin_m <= at <= end_m
    ]


def test_langauto_short_is_driven_with_its_protocol() -> None:
    """Sentences alone from start to end, some misleading; whoever drives the plan reaches the goals."""
    verdicts: collections.Counter[Verdict] = collections.Counter()
    misled = 0
    for route in find_routes("langauto_short"):
        carla_map = town(route.town)
        plan = plan_route(carla_map, route)
        guide = Navigator(
            plan,
            carla_map,
            seed=0,
            protocol=Protocol.INSTRUCTIONS,
            misleading=Misleading(seed=1),
            notices=(),
            redraw_steps=400,
        )
        for sample in samples(plan, 0.0, plan.length_m):
            guidance = guide.update(sample.pose, time_s=sample.time_s)
            assert guidance.text
            assert guidance.command is None
            assert guidance.offset_m < 0.1
            misled += guidance.misleading
        for cue, following in zip(guide.schedule, (*guide.schedule[1:], None), strict=True):
            if following is not None and following.reason == "repeat":
                continue
            monitor = GoalMonitor(cue.goal, carla_map, junctions=cue.junctions)
            for sample in samples(plan, cue.issue_m, cue.withdraw_m + 1.0):
                monitor.update(sample)
            verdicts[monitor.finish()] += 1
    assert misled > 0
    assert set(verdicts) == {Verdict.REACHED}, verdicts
