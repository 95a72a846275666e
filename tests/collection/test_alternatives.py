"""What else could be asked for at an instant: what can be done before what cannot, and what was said a while ago."""

from collections.abc import Callable
from dataclasses import dataclass

import carla
import numpy as np
import pytest
from numpy.typing import NDArray

from drivevla.collection.alternatives import Alternatives
from drivevla.collection.other_ways import OtherWays
from drivevla.evaluation.closed_loop.driver import Moment
from drivevla.evaluation.closed_loop.town import Town
from drivevla.geometry.carla import transform_from_carla
from drivevla.language import InstructionKind, Side
from drivevla.sim.maps import find_map
from drivevla.sim.navigator.guidance import Guidance
from drivevla.sim.routes import generate_routes, plan_route
from drivevla.sim.routes.lanes import lane_graph
from drivevla.types import EgoState, Observation, Plan, Truth

INSTANTS = 400
SLOTS = {"longitudinal": "keep_speed", "lateral": "keep_lane", "cause": "clear_road"}


def town(name: str) -> Town:
    source = find_map(name)
    return Town(name=name, carla_map=carla.Map(source.name, source.opendrive), opendrive=source.opendrive)


def moment_at(position_m: float, world_from_ego: NDArray[np.float64], expert: "ChangesTo") -> Moment:
    observation = Observation(timestamp_s=0.0, cameras={}, ego=EgoState(speed_mps=2.0))
    truth = Truth(timestamp_s=0.0, world_from_ego=world_from_ego)
    guidance = Guidance(
        text=None, command=None, target_points_m=None, instruction=None, goal=None, junctions=(), misleading=False,
        notice=None, distance_m=position_m, offset_m=0.0, events=(),
    )  # fmt: skip
    return Moment(guidance=guidance, observation=observation, truth=truth, plan=expert.act(observation, truth))


@dataclass
class ChangesTo:
    """An expert that drives straight on at 2 m/s, and refuses to change lanes but to some sides."""

    sides: tuple[Side, ...]

    def act(self, observation: Observation, truth: Truth) -> Plan:
        asked = truth.instruction
        changes = asked is not None and asked.kind is InstructionKind.CHANGE_LANE
        refused = changes and asked is not None and asked.side not in self.sides
        along = np.stack([0.5 * np.arange(1.0, 17.0), np.zeros(16), np.zeros(16)], axis=-1)
        return Plan(waypoints=along, refused=refused, diagnostics=SLOTS)


@pytest.fixture(scope="module")
def asked_sides() -> Callable[[tuple[Side, ...]], dict[tuple[Side | None, bool], int]]:
    """How often each side is asked for, and whether it is refused, on a road far from any junction."""
    place = town("Gen_multilane_1")
    route = generate_routes(place.carla_map, count=1, seed=3, length_m=(150.0, 300.0), manoeuvres=["follow"])[0]
    ways = OtherWays(place, plan_route(place.carla_map, route), [])
    graph = lane_graph(place.carla_map)

    def count(sides: tuple[Side, ...]) -> dict[tuple[Side | None, bool], int]:
        expert = ChangesTo(sides)
        alternatives = Alternatives(expert, ways, graph, chinese_share=0.0, rng=np.random.default_rng(0))
        moment = moment_at(1.0, np.eye(4), expert)
        found: dict[tuple[Side | None, bool], int] = {}
        for _ in range(INSTANTS):
            for each in alternatives.at(moment, most=9):
                if each.instruction is not None and each.instruction.kind is InstructionKind.CHANGE_LANE:
                    key = each.instruction.side, bool(each.refused)
                    found[key] = found.get(key, 0) + 1
        return found

    return count


def test_where_one_side_can_be_changed_to_most_are_asked_for_it(
    asked_sides: Callable[[tuple[Side, ...]], dict[tuple[Side | None, bool], int]],
) -> None:
    found = asked_sides((Side.LEFT,))
    assert set(found) == {(Side.LEFT, False), (Side.RIGHT, True)}
    # Two thirds of the instants ask for a change. Half of them draw the side that is refused, and three of ten keep it.
    assert sum(found.values()) == pytest.approx(INSTANTS * 2 / 3, abs=40)
    assert found[Side.RIGHT, True] / sum(found.values()) == pytest.approx(0.15, abs=0.06)


def test_where_no_side_can_be_changed_to_few_are_asked_for_one(
    asked_sides: Callable[[tuple[Side, ...]], dict[tuple[Side | None, bool], int]],
) -> None:
    found = asked_sides(())
    assert set(found) == {(Side.LEFT, True), (Side.RIGHT, True)}
    assert sum(found.values()) == pytest.approx(INSTANTS * 2 / 3 * 0.3, abs=30)


def test_a_distance_that_was_said_a_while_ago_counts_from_there() -> None:
    """Along a route that turns at a junction and on every other way from it, for every place of the approach."""
    place, expert = town("Gen_grid_1"), ChangesTo(())
    route = generate_routes(place.carla_map, count=1, seed=3, length_m=(150.0, 300.0), manoeuvres=["left_lights"])[0]
    plan = plan_route(place.carla_map, route)
    ways = OtherWays(place, plan, [])
    alternatives = Alternatives(
        expert, ways, lane_graph(place.carla_map), chinese_share=0.0, rng=np.random.default_rng(0)
    )
    first = ways.book.crossings[0]
    here, earlier = list[float](), list[float]()
    for index in range(0, ways.book.point_at(first.begin_m - 3.0)):
        position_m = float(plan.distance_m[index])
        world_from_ego = transform_from_carla(plan.location_m[index], [0.0, float(plan.yaw_deg[index]), 0.0])
        alternatives.passed(position_m, world_from_ego)
        for each in alternatives.at(moment_at(position_m, world_from_ego, expert), most=9):
            if each.instruction is None or each.instruction.kind is not InstructionKind.TURN_IN_DISTANCE:
                continue
            assert each.instruction.distance_m is not None
            gone_m = 0.0 if each.told_pose is None else float(np.hypot(*each.told_pose[:2]))
            off_m = position_m - gone_m + each.instruction.distance_m - first.begin_m
            if off_m < 40.0:  # the next junction is meant, not the one after it
                (here if each.told_pose is None else earlier).append(off_m / each.instruction.distance_m)
    assert len(here) > 10
    assert len(earlier) > 10
    assert np.abs(here + earlier).max() < 0.12
