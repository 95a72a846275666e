"""The roads of every kind of town: links, radii, widths, slopes, signals."""

import math
from collections.abc import Callable, Iterator
from itertools import pairwise

import pytest

from drivevla.sim.towns.kinds import TOWN_KINDS
from drivevla.sim.towns.network import Network, Road, value_at
from drivevla.sim.towns.streets import grade

NetworkOf = Callable[[str, int], Network]
GAP_M = 0.05
KINK_RAD = math.radians(2)
EVERY_KIND = [pytest.param(kind, 1, id=kind) for kind in TOWN_KINDS]
SWEEP = [
    pytest.param(kind, seed, id=f"{kind}-{seed}", marks=pytest.mark.slow) for kind in TOWN_KINDS for seed in range(2, 9)
]
TOWNS = EVERY_KIND + SWEEP


def lane_end(road: Road, lane_id: int, s_m: float) -> tuple[float, float, float, float, float]:
    """x, y, z, heading of the traffic and width of a lane at one place."""
    inner, outer = road.borders_m(s_m)[lane_id]
    place = road.curve.at(s_m, (inner + outer) / 2)
    heading = place.heading_rad if lane_id < 0 else place.heading_rad + math.pi
    return place.x_m, place.y_m, road.height_m(s_m), heading, abs(outer - inner)


def ways_through(network: Network) -> Iterator[Road]:
    return (road for road in network.roads if road.junction != -1)


@pytest.mark.parametrize(("kind", "seed"), TOWNS)
def test_lanes_meet_without_gap_or_kink(network_of: NetworkOf, kind: str, seed: int) -> None:
    network = network_of(kind, seed)
    roads = {road.id: road for road in network.roads}
    for road in ways_through(network):
        lane = road.sections[0].right[0]
        for link, s_m, lane_id in (
            (road.predecessor, 0.0, lane.predecessor),
            (road.successor, road.curve.length_m, lane.successor),
        ):
            assert link is not None
            assert lane_id is not None
            other = roads[link.id]
            x, y, z, heading, width = lane_end(road, -1, s_m)
            ox, oy, oz, oheading, owidth = lane_end(
                other, lane_id, 0.0 if link.contact == "start" else other.curve.length_m
            )
            assert math.dist((x, y, z), (ox, oy, oz)) < GAP_M
            assert abs(math.remainder(heading - oheading, math.tau)) < KINK_RAD
            assert width == pytest.approx(owidth)


@pytest.mark.parametrize(("kind", "seed"), TOWNS)
def test_lanes_run_on_smoothly_from_section_to_section(network_of: NetworkOf, kind: str, seed: int) -> None:
    for road in network_of(kind, seed).roads:
        for before, after in pairwise(road.sections):
            s_m = after.s_m
            keys = {(lane.key, i > 0): i for i, lane in before.lanes().items()}
            ended = before.borders_m(s_m, value_at(road.offsets, s_m))
            begun = after.borders_m(s_m, value_at(road.offsets, s_m))
            for lane_id, lane in after.lanes().items():
                if (old := keys.get((lane.key, lane_id > 0))) is not None:
                    assert begun[lane_id] == pytest.approx(ended[old], abs=GAP_M)
                else:  # a lane that opens has no width yet
                    assert begun[lane_id][0] == pytest.approx(begun[lane_id][1], abs=GAP_M)


@pytest.mark.parametrize(("kind", "seed"), TOWNS)
def test_cars_can_turn_and_climb(network_of: NetworkOf, kind: str, seed: int) -> None:
    network = network_of(kind, seed)
    for road in network.roads:
        assert grade(road.heights, road.curve.length_m) < 0.13, road.name
        for lane_id, lane in road.sections[0].lanes().items():
            if lane.kind != "driving":
                continue
            middle_m = sum(road.borders_m(road.curve.length_m / 2).get(lane_id, (0.0, 0.0))) / 2
            for arc in road.curve.arcs:
                if arc.curvature_per_m and arc.length_m > 0.3:
                    radius_m = abs(1 / arc.curvature_per_m - middle_m)
                    assert radius_m > 6.0, (road.name, radius_m)


@pytest.mark.parametrize(("kind", "seed"), TOWNS)
def test_lanes_are_as_wide_as_lanes_are(network_of: NetworkOf, kind: str, seed: int) -> None:
    for road in network_of(kind, seed).roads:
        for section in road.sections:
            for lane in section.lanes().values():
                widest = max(width.a for width in lane.widths)
                if lane.kind == "driving":
                    assert 3.0 <= max(widest, value_at(lane.widths, 20.0)) <= 3.7
                elif lane.kind == "sidewalk":
                    assert 1.5 <= widest <= 3.0


@pytest.mark.parametrize(("kind", "seed"), TOWNS)
def test_every_light_has_one_phase_and_no_two_approaches_share_one(network_of: NetworkOf, kind: str, seed: int) -> None:
    network = network_of(kind, seed)
    lights = {signal.id: road for road in network.roads for signal in road.signals if signal.type == "1000001"}
    phased: list[int] = []
    for junction in network.junctions:
        incoming = {connection.incoming for connection in junction.connections}
        assert [controller.sequence for controller in junction.controllers] == list(range(len(junction.controllers)))
        for controller in junction.controllers:
            assert len({lights[signal].id for signal in controller.signals}) == 1
            assert {lights[signal].id for signal in controller.signals} <= incoming
            phased += controller.signals
    assert sorted(phased) == sorted(lights)


@pytest.mark.parametrize(("kind", "seed"), TOWNS)
def test_signals_govern_the_driving_lanes_that_approach(network_of: NetworkOf, kind: str, seed: int) -> None:
    for road in network_of(kind, seed).roads:
        for signal in road.signals:
            governed = range(signal.lanes[0], signal.lanes[1] + 1)
            lanes = road.section_at(signal.s_m).lanes()
            sign = -1 if signal.forward else 1
            driving = {i for i, lane in lanes.items() if lane.kind == "driving" and i * sign > 0}
            assert set(governed) == driving
            # it stands beside the lanes it governs and looks at their traffic
            traffic = lane_end(road, min(driving, key=abs), signal.s_m)[3]
            assert math.cos(signal.stands.heading_rad - traffic) == pytest.approx(-1.0, abs=0.05)
            assert signal.t_m * sign > 0


@pytest.mark.parametrize(("kind", "seed"), TOWNS)
def test_ids_are_unique(network_of: NetworkOf, kind: str, seed: int) -> None:
    network = network_of(kind, seed)
    ids = [road.id for road in network.roads] + [junction.id for junction in network.junctions]
    ids += [thing.id for road in network.roads for thing in road.objects]
    ids += [signal.id for road in network.roads for signal in road.signals]
    ids += [controller.id for junction in network.junctions for controller in junction.controllers]
    assert len(ids) == len(set(ids))
