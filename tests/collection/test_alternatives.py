"""What else could be asked for at an instant: a lane change that can be made before one that cannot."""

from collections.abc import Callable
from dataclasses import dataclass

import carla
import numpy as np
import pytest

from drivevla.collection.alternatives import Alternatives
from drivevla.collection.other_ways import OtherWays
from drivevla.evaluation.closed_loop.driver import Moment
from drivevla.evaluation.closed_loop.town import Town
from drivevla.language import InstructionKind, Side
from drivevla.sim.maps import find_map
from drivevla.sim.navigator.guidance import Guidance
from drivevla.sim.routes import generate_routes, plan_route
from drivevla.sim.routes.lanes import lane_graph
from drivevla.types import EgoState, Observation, Plan, Truth

INSTANTS = 400
SLOTS = {"longitudinal": "keep_speed", "lateral": "keep_lane", "cause": "clear_road"}


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
    source = find_map("Gen_multilane_1")
    town = Town(name=source.name, carla_map=carla.Map(source.name, source.opendrive), opendrive=source.opendrive)
    route = generate_routes(town.carla_map, count=1, seed=3, length_m=(150.0, 300.0), manoeuvres=["follow"])[0]
    ways = OtherWays(town, plan_route(town.carla_map, route), [])
    graph = lane_graph(town.carla_map)

    def count(sides: tuple[Side, ...]) -> dict[tuple[Side | None, bool], int]:
        expert = ChangesTo(sides)
        alternatives = Alternatives(expert, ways, graph, chinese_share=0.0, rng=np.random.default_rng(0))
        observation = Observation(timestamp_s=0.0, cameras={}, ego=EgoState(speed_mps=2.0))
        truth = Truth(timestamp_s=0.0, world_from_ego=np.eye(4))
        guidance = Guidance(
            text=None, command=None, target_points_m=None, instruction=None, goal=None, junctions=(), misleading=False,
            notice=None, distance_m=1.0, offset_m=0.0, events=(),
        )  # fmt: skip
        moment = Moment(guidance=guidance, observation=observation, truth=truth, plan=expert.act(observation, truth))
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
