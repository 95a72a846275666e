"""How fast the embedded simulator runs, seen by the real client over a real socket on the same machine."""

from __future__ import annotations

import dataclasses
import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from drivevla.config.sensor_rig import load_rig
from drivevla.sim.maps import available_maps
from drivevla.sim.server import start_server
from drivevla.sim.session import Session, open_session
from drivevla.sim.session.traffic import background_traffic, traffic_on
from drivevla.types import SensorRig

if TYPE_CHECKING:
    import carla

__all__ = ["Rate", "measure_memory_mb", "measure_plain_rate", "measure_rate", "measure_startup_s"]

REPEATS = 5
VEHICLES = 30
WARM_UP_TICKS = 60
RENDERER_S = 4.0
"""Of ticks that are not timed: so long at most does the server build its renderer beside them."""

TICK_S = 0.05
TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """Ticks and captures of one set-up.

    Attributes:
        ticks_per_s: Best of the repeats.
        median_ticks_per_s: Half of the repeats were faster.
        captures_per_s: At the best.
        realtime: Simulated seconds a second, at the best.
    """

    ticks_per_s: float
    median_ticks_per_s: float
    captures_per_s: float
    realtime: float


def measure_rate(map_name: str, rig: SensorRig, *, vehicles: int = VEHICLES, ticks: int = 200) -> Rate:
    """Ticks a second with Traffic Manager vehicles and a rig whose every picture is taken up.

    Args:
        map_name: Where.
        rig: The ego's sensors, at their own rates.
        vehicles: How many the Traffic Manager drives, the ego among them.
        ticks: How many are timed in each repeat.
    """
    with open_session(rig, map_name=map_name) as session, _traffic(session, vehicles):
        _run(session, WARM_UP_TICKS)
        times_s = sorted(_run(session, ticks) for _ in range(REPEATS))
        captures = ticks * rig.capture_hz / rig.control_hz if rig.cameras or rig.lidar else 0.0
        best_s, median_s = times_s[0], times_s[REPEATS // 2]
    return Rate(
        ticks_per_s=ticks / best_s,
        median_ticks_per_s=ticks / median_s,
        captures_per_s=captures / best_s,
        realtime=ticks / rig.control_hz / best_s,
    )


def measure_plain_rate(map_name: str, *, vehicles: int = VEHICLES, ticks: int = 400) -> Rate:
    """Ticks a second of the plainest client: ``world.tick()`` and nothing else, no ego and no sensors.

    Args:
        map_name: Where.
        vehicles: How many the Traffic Manager drives; none and no Traffic Manager if 0.
        ticks: How many are timed in each repeat.
    """
    import carla

    with start_server(map_name) as server, ExitStack() as stack:
        client = carla.Client(server.host, server.port)
        client.set_timeout(TIMEOUT_S)
        world = client.get_world()
        settings = world.get_settings()
        settings.synchronous_mode, settings.fixed_delta_seconds = True, TICK_S
        world.apply_settings(settings)
        if vehicles:
            places = world.get_map().get_spawn_points()
            stack.enter_context(traffic_on(client, world, places, vehicles=vehicles, seed=0))
        begin = time.perf_counter()
        while time.perf_counter() - begin < RENDERER_S:
            _tick(world, WARM_UP_TICKS)
        times_s = sorted(_tick(world, ticks) for _ in range(REPEATS))
    best_s, median_s = times_s[0], times_s[REPEATS // 2]
    return Rate(
        ticks_per_s=ticks / best_s,
        median_ticks_per_s=ticks / median_s,
        captures_per_s=0.0,
        realtime=ticks * TICK_S / best_s,
    )


def measure_startup_s(map_name: str) -> float:
    """From nothing to the first tick: server process, map, client, an ego with its own sensors."""
    begin = time.perf_counter()
    with open_session(bare_rig(), map_name=map_name) as session:
        session.tick()
        return time.perf_counter() - begin


def measure_memory_mb(map_name: str) -> float:
    """Largest resident size of the server's process after the nano rig has captured, in megabytes."""
    with start_server(map_name) as server:
        with (
            open_session(load_rig("nano"), host=server.host, port=server.port) as session,
            _traffic(session, VEHICLES),
        ):
            _run(session, WARM_UP_TICKS)
        status = Path(f"/proc/{server.pid}/status").read_text()
    peak_kib = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))
    return peak_kib * 1024 / 1e6


def bare_rig() -> SensorRig:
    """No cameras and no LiDAR."""
    return dataclasses.replace(load_rig("nano"), name="bare", cameras={}, lidar=None)


def at_every_tick(rig: SensorRig) -> SensorRig:
    """The same sensors, read at every tick."""
    return dataclasses.replace(rig, capture_hz=rig.control_hz)


@contextmanager
def _traffic(session: Session, vehicles: int) -> Iterator[None]:
    with background_traffic(session, vehicles=vehicles - 1, seed=0) as manager:
        session.ego.set_autopilot(True, manager.get_port())
        yield


def _tick(world: carla.World, ticks: int) -> float:
    begin = time.perf_counter()
    for _ in range(ticks):
        world.tick()
    return time.perf_counter() - begin


def _run(session: Session, ticks: int) -> float:
    begin = time.perf_counter()
    for _ in range(ticks):
        snapshot = session.tick()
        if snapshot.captured and (session.rig.cameras or session.rig.lidar):
            observation = session.observation(snapshot)
            assert all(np.asarray(frame.image).size for frame in observation.cameras.values())
    return time.perf_counter() - begin


def available(names: tuple[str, ...]) -> list[str]:
    """Those of the maps that are at hand."""
    known = set(available_maps())
    return [name for name in names if name in known]


def cores() -> int:
    """How many this process may use."""
    return len(os.sched_getaffinity(0))
