"""Street lamps through the client's LightManager: where they stand, when they shine, who may switch them."""

from collections.abc import Callable
from typing import Any

import carla
import numpy as np
import pytest

from drivevla.errors import ContractError, SimulatorError
from drivevla.sim.server import RunningServer
from drivevla.sim.server.calls.street_lights import lamp_state
from drivevla.sim.server.scene.scene import StreetLight
from drivevla.sim.server.world.street_lights import LampState, StreetLights

NIGHT = carla.WeatherParameters(sun_altitude_angle=-40.0)


@pytest.fixture
def lights(world: Any) -> Any:
    """The manager, its lamps following the sun again afterwards."""
    world.tick()
    manager = world.get_lightmanager()
    yield manager
    manager.set_day_night_cycle(True)
    for weather in (NIGHT, carla.WeatherParameters.ClearNoon):
        world.set_weather(weather)
        world.tick()


def _settle(world: Any) -> None:
    for _ in range(3):  # the client sends what was switched with a tick, and asks again when the next one says so
        world.tick()


def test_lamps_hang_over_the_edge_of_streets(world: Any, lights: Any) -> None:
    lamps = lights.get_all_lights()
    assert len(lamps) > 20
    assert len({lamp.id for lamp in lamps}) == len(lamps)
    town = world.get_map()
    for lamp in lamps:
        assert lamp.light_group == carla.LightGroup.Street
        street = town.get_waypoint(lamp.location, lane_type=carla.LaneType.Any).transform.location
        assert lamp.location.distance_2d(street) < 2.0
        assert lamp.location.z - street.z == pytest.approx(7.0, abs=0.5)


def test_lamps_go_on_at_dusk_and_off_at_dawn_unless_told_not_to(world: Any, lights: Any) -> None:
    everything = len(lights.get_all_lights())

    def shining(weather: carla.WeatherParameters) -> int:
        world.set_weather(weather)
        _settle(world)
        return len(lights.get_turned_on_lights(carla.LightGroup.Street))

    assert shining(carla.WeatherParameters.ClearNoon) == 0
    assert shining(NIGHT) == everything
    lights.set_day_night_cycle(False)
    assert shining(carla.WeatherParameters.ClearNoon) == everything
    lights.set_day_night_cycle(True)
    assert shining(NIGHT) == everything
    assert shining(carla.WeatherParameters.ClearNoon) == 0


def test_what_one_client_switches_another_sees(world: Any, lights: Any, running_server: RunningServer) -> None:
    lamp = lights.get_all_lights()[3]
    lights.turn_on([lamp])
    lights.set_intensity([lamp], 1234.0)
    lights.set_color([lamp], carla.Color(10, 20, 30))
    _settle(world)
    other = carla.Client(running_server.host, running_server.port, worker_threads=2)
    other.set_timeout(20.0)
    (seen,) = other.get_world().get_lightmanager().get_turned_on_lights(carla.LightGroup.Street)
    assert (seen.id, seen.is_on, seen.intensity) == (lamp.id, True, 1234.0)
    assert (seen.color.r, seen.color.g, seen.color.b) == (10, 20, 30)


def test_the_street_below_a_lamp_that_is_switched_off_at_night_is_darker(
    world: Any, lights: Any, spawn: Callable[..., Any], listen: Callable[[Any], Any]
) -> None:
    world.set_weather(NIGHT)
    _settle(world)
    lamp = lights.get_all_lights()[0]
    down = carla.Transform(lamp.location - carla.Location(z=1.0), carla.Rotation(pitch=-90.0))
    received = listen(spawn("sensor.camera.rgb", down, image_size_x=32, image_size_y=32))

    def brightness() -> float:
        _settle(world)
        image = received.at(world.tick())
        return float(np.frombuffer(image.raw_data, np.uint8).reshape(-1, 4)[:, :3].mean())

    bright = brightness()
    lights.turn_off(lights.get_all_lights())
    assert brightness() < 0.7 * bright
    lights.turn_on(lights.get_all_lights())
    assert brightness() == bright


def test_an_impossible_intensity_is_refused_and_counted(world: Any, lights: Any, running_server: RunningServer) -> None:
    before, _ = running_server.ignored_calls().get("update_lights_state", (0, ""))
    lights.set_intensity([lights.get_all_lights()[0]], -5.0)
    _settle(world)
    count, reason = running_server.ignored_calls()["update_lights_state"]
    assert count > before
    assert "lumen" in reason


def test_lamps_of_unknown_ids_are_refused_and_none_is_switched() -> None:
    lamps = StreetLights([StreetLight(object_id=3, location_m=(0.0, 0.0, 7.0))])
    with pytest.raises(SimulatorError, match=r"1 street lights, and none with the ids \[4\]"):
        lamps.set({3: LampState(active=True), 4: LampState(active=True)})
    assert [state.active for _, state in lamps] == [False]


def test_a_state_is_read_and_what_it_lacks_is_as_ever() -> None:
    assert lamp_state([7, [0.0] * 3, 1.0, 2, [1, 2, 3], True]) == (7, LampState(1.0, 2, (1, 2, 3), True))
    assert lamp_state([7, None, 1.0]) == (7, LampState(intensity=1.0))


@pytest.mark.parametrize(
    "state",
    [
        None,
        [-1],
        [1, None, float("nan")],
        [1, None, -1.0],
        [1, None, 1.0, 5],
        [1, None, 1.0, 2, [0, 0]],
        [1, None, 1.0, 2, [0, 0, 256]],
        [1, None, 1.0, 2, [0, 0, 0], 1],
    ],
)
def test_damaged_states_of_lamps_are_refused(state: Any) -> None:
    with pytest.raises(ContractError):
        lamp_state(state)
