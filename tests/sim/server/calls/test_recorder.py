"""Recordings that the server writes."""

import struct
from pathlib import Path
from typing import Any

import carla
import pytest

from drivevla.sim.server import start_server
from drivevla.sim.server.wire.records import ACTOR_RECORD, SENSOR_HEADER, WORLD_HEADER
from drivevla.sim.server.world.recorder import MAGIC


def test_recording_holds_every_tick_between_start_and_stop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DRIVEVLA_HOME", str(tmp_path))
    with start_server("Gen_tee_1") as server:
        client = carla.Client(server.host, server.port)
        client.set_timeout(20.0)
        world = client.get_world()
        settings = world.get_settings()
        settings.synchronous_mode, settings.fixed_delta_seconds = True, 0.05
        world.apply_settings(settings)
        assert "drive.log" in client.start_recorder("drive.log")
        frames = [world.tick() for _ in range(5)]
        actors = len(world.get_actors())
        client.stop_recorder()
        world.tick()
        with pytest.raises(RuntimeError, match="recordings are written below"):
            client.start_recorder("/etc/passwd")
    assert _frames(tmp_path / "recordings" / "drive.log", actors) == frames


def _frames(path: Path, actors: int) -> list[Any]:
    data = path.read_bytes()
    assert data.startswith(MAGIC)
    at, frames = len(MAGIC), []
    while at < len(data):
        (length,) = struct.unpack_from("<I", data, at)
        assert length == SENSOR_HEADER.size + WORLD_HEADER.size + actors * ACTOR_RECORD.itemsize
        frames.append(SENSOR_HEADER.unpack_from(data, at + 4)[1])
        at += 4 + length
    return frames
