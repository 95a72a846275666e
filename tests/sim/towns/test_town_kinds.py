"""Each kind has what its name promises, and seeds make a difference."""

import math
from collections.abc import Callable

import pytest

from drivevla.errors import ContractError, UnknownName
from drivevla.sim.towns.generate import generate_town
from drivevla.sim.towns.kinds import TOWN_KINDS
from drivevla.sim.towns.network import Network, Road

NetworkOf = Callable[[str, int], Network]
SEEDS = [1, 2]


def signal_types(network: Network) -> set[str]:
    return {signal.type for road in network.roads for signal in road.signals}


def driving(road: Road) -> int:
    return sum(lane.kind == "driving" for lane in road.sections[-1].lanes().values())


@pytest.mark.parametrize("seed", SEEDS)
def test_a_grid_has_lights_signs_and_t_junctions(network_of: NetworkOf, seed: int) -> None:
    network = network_of("grid", seed)
    assert {"1000001", "206", "274"} <= signal_types(network)
    approaches = [len({c.incoming for c in junction.connections}) for junction in network.junctions]
    assert {3, 4} <= set(approaches)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_tee_town_has_t_junctions_only(network_of: NetworkOf, seed: int) -> None:
    network = network_of("tee", seed)
    assert {len({c.incoming for c in junction.connections}) for junction in network.junctions} == {3}


@pytest.mark.parametrize("seed", SEEDS)
def test_roundabouts_are_rings_with_yielding_entries(network_of: NetworkOf, seed: int) -> None:
    network = network_of("roundabout", seed)
    rings = [road for road in network.roads if road.name == "roundabout"]
    assert len(rings) >= 6
    assert all(arc.curvature_per_m > 0 for road in rings for arc in road.curve.arcs)
    assert "205" in signal_types(network)
    assert not any(signal.type == "205" for road in rings for signal in road.signals)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_stop_quarter_has_no_lights(network_of: NetworkOf, seed: int) -> None:
    assert signal_types(network_of("stop", seed)) == {"205", "206", "274"}


@pytest.mark.parametrize("seed", SEEDS)
def test_avenues_have_four_lanes_and_turn_lanes(network_of: NetworkOf, seed: int) -> None:
    streets = [road for road in network_of("multilane", seed).roads if road.junction == -1]
    assert all(driving(road) >= 4 for road in streets)
    assert any(lane.key == "turn" for road in streets for section in road.sections for lane in section.lanes().values())


@pytest.mark.parametrize("kind", ["highway", "mixed"])
def test_a_ring_road_has_two_carriageways_bridges_and_ramps(network_of: NetworkOf, kind: str) -> None:
    network = network_of(kind, 1)
    names = [road.name for road in network.roads]
    assert [names.count(name) for name in ("outer carriageway", "inner carriageway", "off-ramp", "on-ramp")] == [4] * 4
    bridges = [road for road in network.roads if road.name == "bridge"]
    assert len(bridges) == 2
    assert all(road.height_m(s) > 5 for road in bridges for s in (0.0, road.curve.length_m / 2, road.curve.length_m))
    assert all(road.height_m(10.0) == 0 for road in network.roads if "carriageway" in road.name)


def test_hills_rise_and_a_mixed_town_has_everything(network_of: NetworkOf) -> None:
    hills = network_of("hills", 1)
    heights = [road.height_m(s) for road in hills.roads for s in road.curve.distances(10.0)]
    assert max(heights) - min(heights) > 6
    mixed = network_of("mixed", 1)
    assert signal_types(mixed) == {"1000001", "205", "206", "274"}
    assert "roundabout" in {road.name for road in mixed.roads}


def turning_radii_m(network: Network) -> list[float]:
    """Radii of the middles of the lanes that turn through junctions."""
    radii = []
    for road in network.roads:
        if road.junction == -1 or road.sections[0].right[0].kind != "driving":
            continue
        sharpest = max(road.curve.arcs, key=lambda arc: abs(arc.curvature_per_m))
        if abs(sharpest.curvature_per_m * sharpest.length_m) > math.radians(60):
            middle_m = -road.sections[0].right[0].widths[0].a / 2
            radii.append(abs(1 / sharpest.curvature_per_m - middle_m))
    return radii


@pytest.mark.parametrize("seed", SEEDS)
def test_narrow_towns_have_tighter_corners_and_bends_than_any_other(network_of: NetworkOf, seed: int) -> None:
    narrow = network_of("narrow", seed)
    assert min(turning_radii_m(narrow)) > 6.0
    assert max(turning_radii_m(narrow)) < 9.1
    for kind in ("grid", "tee", "stop", "multilane", "hills"):
        assert min(turning_radii_m(network_of(kind, seed))) > min(turning_radii_m(narrow))
    streets = [road for road in narrow.roads if road.junction == -1]
    assert all(driving(road) == 2 for road in streets)
    bends_m = [1 / abs(arc.curvature_per_m) for road in streets for arc in road.curve.arcs if arc.curvature_per_m]
    assert min(bends_m) < 15


@pytest.mark.parametrize("seed", SEEDS)
def test_boulevards_cross_at_junctions_of_every_size(network_of: NetworkOf, seed: int) -> None:
    network = network_of("boulevard", seed)
    assert max(driving(road) for road in network.roads) >= 4
    radii_m = turning_radii_m(network)
    assert max(radii_m) > 1.4 * min(radii_m)
    # cars drive in straight before they turn, some further than others
    turns = [road.curve for road in network.roads if road.junction != -1 and len(road.curve.arcs) == 3]
    assert max(curve.arcs[0].length_m for curve in turns) > 4 * min(curve.arcs[0].length_m for curve in turns)


@pytest.mark.parametrize("kind", list(TOWN_KINDS))
def test_different_seeds_give_different_towns(network_of: NetworkOf, kind: str) -> None:
    def looks(seed: int) -> tuple[int, float, float]:
        roads = network_of(kind, seed).roads
        first = next(lane for lane in roads[0].sections[0].right if lane.kind == "driving")
        return len(roads), round(sum(road.curve.length_m for road in roads)), first.widths[0].a

    assert looks(1) != looks(2)


def test_impossible_towns_are_refused() -> None:
    with pytest.raises(UnknownName, match="no kind of town 'roundabouts'; did you mean 'roundabout'"):
        generate_town("roundabouts", seed=1)
    with pytest.raises(ContractError, match="must not be negative, got -1"):
        generate_town("grid", seed=-1)
