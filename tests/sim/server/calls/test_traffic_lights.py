"""Traffic lights and signs through the real client."""

from collections.abc import Iterator
from typing import Any

import carla
import pytest

STATE = carla.TrafficLightState


@pytest.fixture
def lights(world: Any) -> Iterator[Any]:
    """All traffic lights, their cycles begun anew."""
    world.reset_all_traffic_lights()
    world.freeze_all_traffic_lights(False)
    world.tick()
    yield world.get_actors().filter("traffic.traffic_light")
    for light in world.get_actors().filter("traffic.traffic_light"):
        light.set_green_time(10.0)
        light.set_yellow_time(3.0)
        light.set_red_time(2.0)
    world.freeze_all_traffic_lights(False)
    world.reset_all_traffic_lights()


def _tick(world: Any, seconds: float) -> None:
    for _ in range(round(seconds / 0.05)):
        world.tick()


def test_phases_take_turns_at_carlas_times(world: Any, lights: Any) -> None:
    group = max((light.get_group_traffic_lights() for light in lights), key=len)
    first = [light.id for light in group if light.state == STATE.Green]
    assert 0 < len(first) < len(group)
    shown = []
    for _ in range(320):  # 16 s: one whole phase and a little
        world.tick()
        shown.append(tuple(light.state for light in group if light.id in first))
    changes = [
        (number, states[0]) for number, states in enumerate(shown) if number and states[0] != shown[number - 1][0]
    ]
    assert all(len(set(states)) == 1 for states in shown)
    (yellow_at, yellow), (red_at, red) = changes[:2]
    assert (yellow, red) == (STATE.Yellow, STATE.Red)
    assert (red_at - yellow_at) * 0.05 == pytest.approx(3.0, abs=0.051)
    others = [light for light in group if light.id not in first]
    assert any(light.state == STATE.Green for light in others)


def test_at_most_one_phase_of_a_junction_is_not_red(world: Any, lights: Any) -> None:
    groups = {tuple(sorted(light.id for light in each.get_group_traffic_lights())) for each in lights}
    by_id = {light.id: light for light in lights}
    phase_of: dict[int, int] = {}
    for _ in range(900):
        world.tick()
        for group in groups:
            open_ids = [actor_id for actor_id in group if by_id[actor_id].state != STATE.Red]
            phase = min(open_ids, default=-1)
            for actor_id in open_ids:
                assert phase_of.setdefault(actor_id, phase) == phase


def test_times_are_those_of_the_phase_and_come_back(world: Any, lights: Any) -> None:
    light = lights[0]
    light.set_green_time(4.0)
    light.set_yellow_time(1.0)
    light.set_red_time(0.5)
    world.tick()
    assert (light.get_green_time(), light.get_yellow_time(), light.get_red_time()) == (4.0, 1.0, 0.5)


def test_state_that_is_set_holds_while_frozen(world: Any, lights: Any) -> None:
    world.freeze_all_traffic_lights(True)
    for light in lights:
        light.set_state(STATE.Green)
    _tick(world, 20.0)
    assert {light.state for light in lights} == {STATE.Green}
    assert all(light.is_frozen() for light in lights)
    world.freeze_all_traffic_lights(False)
    _tick(world, 20.0)
    assert {light.state for light in lights} != {STATE.Green}


def test_resetting_a_group_begins_with_its_first_phase(world: Any, lights: Any) -> None:
    before = {light.id: light.state for light in lights}
    _tick(world, 12.0)
    lights[0].reset_group()
    world.tick()
    for light in lights[0].get_group_traffic_lights():
        assert light.state == before[light.id]


def test_elapsed_time_counts_from_the_last_change(world: Any, lights: Any) -> None:
    light = lights[0]
    light.set_state(STATE.Yellow)
    world.tick()
    begin = light.get_elapsed_time()
    _tick(world, 1.0)
    assert light.get_elapsed_time() - begin == pytest.approx(1.0, abs=1e-3)


def test_stop_waypoints_lie_on_the_lanes_that_the_light_governs(world: Any, lights: Any) -> None:
    for light in lights:
        stops, affected = light.get_stop_waypoints(), light.get_affected_lane_waypoints()
        assert stops
        governed = {(waypoint.road_id, waypoint.lane_id) for waypoint in affected}
        assert {(waypoint.road_id, waypoint.lane_id) for waypoint in stops} <= governed
        assert not any(waypoint.is_junction for waypoint in stops)


def test_vehicle_in_the_trigger_box_is_at_the_light_and_shows_its_state(world: Any, lights: Any, spawn: Any) -> None:
    light = lights[0]
    stop = light.get_stop_waypoints()[0]
    place = stop.transform
    place.location.z += 0.3
    vehicle = spawn("vehicle.audi.tt", place)
    world.freeze_all_traffic_lights(True)
    light.set_state(STATE.Red)
    for _ in range(3):
        world.tick()
    assert vehicle.is_at_traffic_light()
    assert vehicle.get_traffic_light().id == light.id
    assert vehicle.get_traffic_light_state() == STATE.Red
    vehicle.set_transform(world.get_map().get_spawn_points()[0])
    world.tick()
    world.tick()
    if not vehicle.is_at_traffic_light():
        assert vehicle.get_traffic_light_state() == STATE.Green


def test_light_boxes_are_its_heads(world: Any, lights: Any) -> None:
    for light in lights:
        boxes = light.get_light_boxes()
        assert boxes
        assert all(box.location.distance_2d(light.get_location()) < 40.0 and box.location.z > 2.0 for box in boxes)


def test_actor_and_landmark_name_each_other(world: Any, lights: Any) -> None:
    for light in lights:
        landmarks = world.get_map().get_all_landmarks_from_id(light.get_opendrive_id())
        assert landmarks
        assert world.get_traffic_light(landmarks[0]).id == light.id


def test_a_vehicle_knows_the_limit_of_the_sign_behind_it_from_its_first_tick_on(world: Any, spawn: Any) -> None:
    signs = {actor.type_id for actor in world.get_actors() if actor.type_id.startswith("traffic.speed_limit.")}
    assert signs == {"traffic.speed_limit.50"}  # all signs of this town
    vehicle = spawn("vehicle.audi.tt")
    world.tick()
    assert vehicle.get_speed_limit() == 50.0
