"""A real server in a child process, and the real CARLA client connected to it."""

import queue
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from drivevla.config.places import cache_folder
from drivevla.sim.server import RunningServer, start_server

STEP_S = 0.05
TEST_MAP = "Gen_tee_1"
PATIENCE_S = 120.0
"""How long a client waits: only what hangs takes longer, also on a machine where ten others want the processor."""


@pytest.fixture(scope="session", autouse=True)
def own_places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Recordings of the server and map files of the client go to folders of their own; what is compiled is shared."""
    home, compiled = tmp_path_factory.mktemp("home"), cache_folder() / "numba"
    compiled.mkdir(parents=True, exist_ok=True)
    (home / "cache").mkdir()
    (home / "cache" / "numba").symlink_to(compiled)  # compiling them anew takes a quarter of a minute
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DRIVEVLA_HOME", str(home))
        patch.setenv("CARLA_CACHE_DIR", str(tmp_path_factory.mktemp("carla_cache")))
        yield


@pytest.fixture(scope="session")
def running_server(own_places: None) -> Iterator[RunningServer]:
    """One server for the whole session, on a small generated town."""
    with start_server(TEST_MAP) as server:
        yield server


@pytest.fixture(scope="session")
def client(running_server: RunningServer) -> Any:
    """A connected ``carla.Client``; its generous threads keep callbacks from starving the world stream."""
    import carla

    carla_client = carla.Client(running_server.host, running_server.port, worker_threads=8)
    carla_client.set_timeout(PATIENCE_S)
    return carla_client


@pytest.fixture
def world(client: Any) -> Iterator[Any]:
    """The synchronous world at 20 Hz with nothing in it but the map's own actors; what the test spawns is destroyed."""
    import carla

    carla_world = client.get_world()
    settings = carla_world.get_settings()
    settings.synchronous_mode, settings.fixed_delta_seconds, settings.no_rendering_mode = True, STEP_S, False
    carla_world.apply_settings(settings)
    carla_world.set_weather(carla.WeatherParameters.ClearNoon)
    yield carla_world
    carla_world.tick()  # actors spawned since the last tick are visible only now
    for actor in carla_world.get_actors().filter("sensor.*"):
        if isinstance(actor, carla.Sensor) and actor.is_listening:
            actor.stop()
    doomed = [
        carla.command.DestroyActor(actor.id)
        for actor in carla_world.get_actors()
        if not actor.type_id.startswith(("traffic.", "spectator"))
    ]
    client.apply_batch_sync(doomed, False)
    carla_world.tick()


@pytest.fixture
def spawn(world: Any) -> Callable[..., Any]:
    """Spawn by blueprint id; the place defaults to the map's first spawn point."""

    def spawn_actor(type_id: str, transform: Any = None, attach_to: Any = None, **attributes: object) -> Any:
        blueprint = world.get_blueprint_library().find(type_id)
        for name, value in attributes.items():
            blueprint.set_attribute(name, str(value))
        place = transform or world.get_map().get_spawn_points()[0]
        return world.spawn_actor(blueprint, place, attach_to=attach_to)

    return spawn_actor


class Listener:
    """Collects what a sensor sends."""

    def __init__(self, sensor: Any) -> None:
        self.sensor = sensor
        self._queue: queue.Queue[Any] = queue.Queue()
        sensor.listen(self._queue.put)

    def next(self, timeout_s: float = PATIENCE_S) -> Any:
        """The next measurement."""
        return self._queue.get(timeout=timeout_s)

    def at(self, frame: int, timeout_s: float = PATIENCE_S) -> Any:
        """The measurement of a frame; earlier ones are passed over."""
        while (measurement := self.next(timeout_s)).frame < frame:
            pass
        assert measurement.frame == frame
        return measurement

    def waiting(self) -> int:
        """How many measurements have come that nobody took."""
        return self._queue.qsize()


@pytest.fixture
def listen(world: Any) -> Iterator[Callable[[Any], Listener]]:
    """Listen to a sensor and tick until the subscription has taken effect."""
    listeners: list[Listener] = []

    def subscribe(sensor: Any) -> Listener:
        listener = Listener(sensor)
        listeners.append(listener)
        return listener

    yield subscribe
    for listener in listeners:
        if listener.sensor.is_alive and listener.sensor.is_listening:
            listener.sensor.stop()
