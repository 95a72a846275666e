"""Connecting, settings and the clock, through the real client."""

import threading
import time
from typing import Any

import pytest

from drivevla.sim.server import RunningServer


def test_server_speaks_the_clients_version_and_names_its_backend(client: Any, running_server: RunningServer) -> None:
    assert client.get_server_version() == client.get_client_version() == "0.9.16"
    running_server.check()


def test_tick_moves_time_by_the_fixed_step(world: Any) -> None:
    before = world.get_snapshot().timestamp
    frame = world.tick()
    after = world.get_snapshot().timestamp
    assert frame == after.frame == before.frame + 1
    assert after.delta_seconds == pytest.approx(0.05, abs=1e-7)
    assert after.elapsed_seconds - before.elapsed_seconds == pytest.approx(0.05, abs=1e-9)


def test_synchronous_world_stands_still_between_ticks(world: Any) -> None:
    frame = world.tick()
    time.sleep(0.2)
    assert world.get_snapshot().frame == frame
    assert world.tick() == frame + 1


def test_asynchronous_world_runs_in_real_time(world: Any) -> None:
    settings = world.get_settings()
    settings.synchronous_mode, settings.fixed_delta_seconds = False, None
    world.apply_settings(settings)
    first = world.wait_for_tick(5.0).timestamp
    time.sleep(0.5)
    last = world.wait_for_tick(5.0).timestamp
    simulated_s = last.elapsed_seconds - first.elapsed_seconds
    assert simulated_s == pytest.approx(last.platform_timestamp - first.platform_timestamp, abs=0.15)
    assert last.frame - first.frame >= 4


def test_asynchronous_world_keeps_a_fixed_step(world: Any) -> None:
    settings = world.get_settings()
    settings.synchronous_mode, settings.fixed_delta_seconds = False, 0.02
    world.apply_settings(settings)
    first, second = world.wait_for_tick(5.0).timestamp, world.wait_for_tick(5.0).timestamp
    frames = second.frame - first.frame
    assert second.elapsed_seconds - first.elapsed_seconds == pytest.approx(0.02 * frames, abs=1e-6)


def test_world_runs_on_at_once_after_long_synchronous_steps(world: Any) -> None:
    settings = world.get_settings()
    settings.fixed_delta_seconds = 5.0
    world.apply_settings(settings)
    settings.synchronous_mode = False
    world.apply_settings(settings)
    world.wait_for_tick(1.0)


def test_settings_come_back_as_they_were_set(world: Any) -> None:
    settings = world.get_settings()
    settings.no_rendering_mode, settings.max_substeps, settings.max_substep_delta_time = True, 7, 0.005
    world.apply_settings(settings)
    read = world.get_settings()
    assert (read.no_rendering_mode, read.max_substeps, read.max_substep_delta_time) == (True, 7, 0.005)
    assert read.synchronous_mode
    assert read.fixed_delta_seconds == pytest.approx(0.05)


def test_time_step_out_of_range_is_refused(world: Any) -> None:
    settings = world.get_settings()
    settings.fixed_delta_seconds = 50.0
    with pytest.raises(RuntimeError, match="fixed_delta_seconds must lie in"):
        world.apply_settings(settings)
    assert world.get_settings().fixed_delta_seconds == pytest.approx(0.05)


def test_two_clients_that_both_tick_share_one_clock(world: Any, running_server: RunningServer) -> None:
    import carla

    other = carla.Client(running_server.host, running_server.port)
    other.set_timeout(10.0)
    other_world = other.get_world()
    frames: dict[str, list[int]] = {"first": [], "second": []}

    def tick(name: str, ticking: Any) -> None:
        frames[name] = [ticking.tick() for _ in range(20)]

    start = world.tick()
    threads = [threading.Thread(target=tick, args=pair) for pair in (("first", world), ("second", other_world))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20.0)
    both = frames["first"] + frames["second"]
    assert sorted(frames["first"]) == frames["first"]
    assert sorted(both) == list(range(start + 1, start + 41))
    assert world.tick() == start + 41


def test_weather_is_kept(world: Any) -> None:
    import carla

    wet = carla.WeatherParameters.HardRainSunset
    world.set_weather(wet)
    world.tick()
    assert world.get_weather() == wet
