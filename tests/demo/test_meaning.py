"""What a sentence asks for at a place of a real map: a way that does it, a refusal, or nothing that can be judged."""

from functools import cache

import pytest

from drivevla.config.resolve import load_config
from drivevla.demo.config import DemoConfig
from drivevla.demo.meaning import Meaning, interpret, read_sentence
from drivevla.demo.town import start_at, start_for
from drivevla.demo.ways import WayFinder
from drivevla.errors import UserError
from drivevla.language import Instruction, InstructionKind, ParseFailure, TakeExit, goal_of
from drivevla.sim.maps import find_map, landmarks
from drivevla.sim.navigator.decisions import read_roadbook

carla = pytest.importorskip("carla", reason="the extra 'sim' is not installed")


TOWN = "Gen_grid_29"


@cache
def finder(name: str) -> WayFinder:
    source = find_map(name)
    return WayFinder(carla.Map(source.name, source.opendrive), landmarks(source.opendrive))


@cache
def preset() -> tuple[DemoConfig, int]:
    """The demonstration, and the point where it begins."""
    config = load_config(DemoConfig, "town")
    assert config.map is not None
    assert config.start is not None
    x, y, yaw = config.start
    point = finder(config.map).point_near(x, y, yaw_deg=yaw)
    assert point is not None
    return config, point


def meaning(sentence: str) -> Meaning:
    """57 m before a junction with every exit; at the second stands a petrol station, and there is no right."""
    ways = finder(TOWN)
    return interpret(sentence, ways, ways.point_near(59.0, -61.2, yaw_deg=162.0), speed_limit_mps=10.0)


def test_every_sentence_of_the_demonstration_is_read_and_can_be_driven_one_after_the_other() -> None:
    config, point = preset()
    assert config.map is not None
    ways = finder(config.map)
    read = [read_sentence(each) for each in config.sentences]
    instructions = [each for each in read if isinstance(each, Instruction)]
    assert len(instructions) == len(config.sentences)
    turns = [goal for each in instructions if isinstance(goal := goal_of(each), TakeExit)]
    assert len(turns) == 3
    way = ways.towards(turns, point)
    assert way is not None
    assert len(read_roadbook(ways.carla_map, way.plan).crossings) >= 3


def test_the_demonstration_holds_what_it_has_to_show() -> None:
    config, _ = preset()
    kinds = [each.kind for each in map(read_sentence, config.sentences) if isinstance(each, Instruction)]
    assert InstructionKind.TURN_AT_LANDMARK in kinds
    assert InstructionKind.UNSAFE_REQUEST in kinds
    assert any(not sentence.isascii() for sentence in config.sentences)
    assert config.map is not None
    assert config.map.endswith("9")


@pytest.mark.parametrize("direction", ["left", "right"])
def test_the_way_of_a_turn_leaves_the_next_junction_on_that_side(direction: str) -> None:
    found = meaning(f"Turn {direction} at the next junction.")
    assert found.way is not None
    assert not found.must_refuse
    crossing = read_roadbook(finder(TOWN).carla_map, found.way.plan).crossings[0]
    assert crossing.passage.taken.direction.value == direction
    assert 40.0 < crossing.begin_m < 70.0


def test_a_landmark_names_the_junction_that_it_stands_at() -> None:
    found = meaning("Turn left at the petrol station.")
    assert found.way is not None
    first, second, *_ = read_roadbook(finder(TOWN).carla_map, found.way.plan).crossings
    assert found.junctions == (second.passage.junction,)
    assert first.passage.taken.direction.value == "straight"
    assert second.passage.taken.direction.value == "left"


@pytest.mark.parametrize(
    ("sentence", "reason"),
    [
        ("Drive off the road.", "no car should do this anywhere"),
        ("Turn left and right at the same time.", "no car should do this anywhere"),
        ("Take the third exit at the roundabout.", "no way from here"),
        ("Turn right at the petrol station.", "no way from here"),
        ("Drive at 60 km/h.", "the speed limit here is 36 km/h"),
        ("Change to the right lane.", "there is no lane on the right"),
    ],
)
def test_what_cannot_or_must_not_be_done_here_is_to_be_refused(sentence: str, reason: str) -> None:
    found = meaning(sentence)
    assert found.must_refuse
    assert reason in found.reason


@pytest.mark.parametrize("sentence", ["floop the blargle", "turn left turn right", "?", "左"])
def test_what_the_grammar_cannot_read_is_not_judged(sentence: str) -> None:
    assert isinstance(read_sentence(sentence), ParseFailure)
    found = meaning(sentence)
    assert found.goal is None
    assert found.reason


def test_off_the_road_only_what_must_always_be_refused_is_judged() -> None:
    ways = finder(TOWN)
    assert interpret("Run the red light.", ways, None, speed_limit_mps=None).must_refuse
    lost = interpret("Turn left at the next junction.", ways, None, speed_limit_mps=None)
    assert lost.goal is None
    assert "had left the road" in lost.reason


def test_a_start_is_chosen_where_the_first_sentence_can_be_obeyed() -> None:
    ways = finder(TOWN)
    start = start_for(["Turn right at the next junction."], ways, seed=3)
    point = ways.point_near(start.location.x, start.location.y, yaw_deg=start.rotation.yaw)
    assert not interpret("Turn right at the next junction.", ways, point, speed_limit_mps=None).must_refuse


def test_a_start_off_the_roads_is_refused() -> None:
    with pytest.raises(UserError, match="no lane of Gen_grid_29 leads along 0 degrees at the start x=5000"):
        start_at((5000.0, 0.0, 0.0), finder(TOWN))
