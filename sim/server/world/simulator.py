"""The whole simulated world: settings, the loaded episode, the clock, and who may touch it when."""

import itertools
import logging
import math
import threading
import time

from drivevla.errors import SimulatorError
from drivevla.sim.maps.source import MapSource
from drivevla.sim.server.render.weather import Weather
from drivevla.sim.server.scene.build import build_scene
from drivevla.sim.server.wire.records import SENSOR_HEADER, WORLD_HEADER, SensorType
from drivevla.sim.server.wire.streams import StreamServer, stream_token
from drivevla.sim.server.world.episode import Episode
from drivevla.sim.server.world.recorder import Recorder
from drivevla.sim.server.world.rehearsal import rehearse
from drivevla.sim.server.world.sensors.array import Tick
from drivevla.sim.server.world.sensors.inertial import GRAVITY_MPS2
from drivevla.sim.server.world.settings import EpisodeSettings
from drivevla.sim.server.world.stage import Stage

__all__ = ["CLEAR_NOON", "WORLD_STREAM", "Simulator"]

logger = logging.getLogger(__name__)

WORLD_STREAM = 1
FREE_RUNNING_HZ = 20.0
LONGEST_FREE_STEP_S = 0.1
MAP_CHANGED, LIGHTS_CHANGED = 1, 2

CLEAR_NOON = Weather(5.0, 0.0, 0.0, 10.0, -1.0, 45.0, 2.0, 0.75, 0.1, 0.0, 1.0, 0.03, 0.0331, 0.0)
"""``carla.WeatherParameters.ClearNoon``, the weather a world starts with."""


class Simulator:
    """One server's world.

    Whoever reads or changes it holds ``lock``; ``load`` and ``tick`` take it themselves.

    Args:
        streams: Where snapshots and measurements go.
        seed: Decides everything random.

    Attributes:
        lock: Guards all that follows.
        settings: What clients set last.
        weather: What clients set last.
        frame: Number of the last tick; only ever grows.
        imu_gravity_mps2: What accelerometers feel at rest.
        traffic_managers: Host of the Traffic Manager at each port.
        ignored: By call, how often a fire-and-forget request was ignored, and why the last one was.
        uploaded: OpenDRIVE text that a client sent for the next "OpenDriveMap".
    """

    def __init__(self, streams: StreamServer, *, seed: int) -> None:
        self.streams, self.seed = streams, seed
        self.lock = threading.Lock()
        self.settings = EpisodeSettings()
        self.weather = CLEAR_NOON
        self.frame = 0
        self.imu_gravity_mps2 = GRAVITY_MPS2
        self.traffic_managers: dict[int, str] = {}
        self.ignored: dict[str, tuple[int, str]] = {}
        self.uploaded: MapSource | None = None
        self._episode: Episode | None = None
        self._recorder: Recorder | None = None
        self._loading = threading.Lock()
        self._episode_ids, self._actor_ids = itertools.count(1), itertools.count(1)
        self._stream_ids = itertools.count(WORLD_STREAM + 1)
        self._flags = 0
        self._stopping = threading.Event()
        self._free_thread = threading.Thread(target=self._run_free, name="free-running", daemon=True)

    @property
    def episode(self) -> Episode:
        """The loaded world.

        Raises:
            SimulatorError: Nothing is loaded yet.
        """
        if self._episode is None:
            raise SimulatorError("no map is loaded yet")
        return self._episode

    def load(self, source: MapSource, *, reset_settings: bool) -> None:
        """Build a map and begin a new episode in it; the old world goes on until the new one stands.

        Raises:
            DriveVLAError: The map cannot be built; the old world stays.
        """
        with self._loading:
            started = time.perf_counter()
            current = self._episode
            stage = current.stage if current is not None and current.scene.source == source else None
            if stage is None:
                if current is not None:
                    current.stage.close()
                stage = Stage(build_scene(source, seed=self.seed))
            if current is None:
                rehearse(stage, self.streams)
            with self.lock:
                self.stop_recording()
                self._episode = Episode(
                    stage,
                    episode_id=next(self._episode_ids),
                    seed=self.seed,
                    actor_ids=self._actor_ids,
                    stream_ids=self._stream_ids,
                    streams=self.streams,
                )
                self._flags |= MAP_CHANGED
                self.weather = CLEAR_NOON
                if reset_settings:
                    self.settings = EpisodeSettings()
            logger.info("map %s is ready after %.1f s", source.name, time.perf_counter() - started)

    def token(self, stream_id: int) -> bytes:
        """The 24 bytes that tell a client where a stream is."""
        return stream_token(stream_id, self.streams.port)

    def tick_cue(self) -> int:
        """A client's wish for a tick; the caller holds the lock.

        Returns:
            The frame that the wish produces: in asynchronous mode the next one, which comes by itself.
        """
        if not self.settings.synchronous_mode:
            return self.frame + 1
        self._step(self.settings.fixed_delta_seconds or 1.0 / FREE_RUNNING_HZ)
        return self.frame

    def announce_lights(self) -> None:
        """Let every client ask for the street lights again."""
        self._flags |= LIGHTS_CHANGED

    def record(self, name: str) -> str:
        """Record every tick from now on; gives the file's path. A recording that runs already ends.

        Raises:
            SimulatorError: The file cannot be written.
        """
        recorder = Recorder(name)
        self.stop_recording()
        self._recorder = recorder
        return str(recorder.path)

    def stop_recording(self) -> None:
        """End the recording, if one runs."""
        if self._recorder is not None:
            self._recorder.close()
            self._recorder = None

    def start(self) -> None:
        """Begin to tick by itself whenever the settings are asynchronous."""
        self._free_thread.start()

    def close(self) -> None:
        """Stop ticking; returns when the thread has ended."""
        self._stopping.set()
        if self._free_thread.is_alive():
            self._free_thread.join(timeout=5.0)
        self.stop_recording()
        if self._episode is not None:
            self._episode.stage.close()

    def _step(self, step_s: float) -> None:
        episode = self.episode
        self.frame += 1
        episode.advance(step_s)
        self._publish(episode, step_s)
        episode.measure(
            Tick(
                frame=self.frame,
                step_s=step_s,
                rendering=not self.settings.no_rendering_mode,
                weather=self.weather,
                gravity_mps2=self.imu_gravity_mps2,
            )
        )

    def _publish(self, episode: Episode, step_s: float) -> None:
        header = SENSOR_HEADER.pack(SensorType.WORLD, self.frame, episode.now_s, *([0.0] * 6))
        state = WORLD_HEADER.pack(episode.episode_id, time.time(), step_s, 0, 0, 0, self._flags)
        self._flags = 0
        message = (header, state, episode.table.pack())
        self.streams.push(WORLD_STREAM, message)
        if self._recorder is not None:
            self._recorder.write(message)

    def _run_free(self) -> None:
        last_s = time.perf_counter()
        while not self._stopping.is_set():
            # Steps longer than this run faster than real time, as in CARLA: clients wait a second or two for a tick.
            period_s = min(self.settings.fixed_delta_seconds or math.inf, 1.0 / FREE_RUNNING_HZ)
            # At least a millisecond without the lock, so that calls get their turn however slow the ticks are.
            self._stopping.wait(max(last_s + period_s - time.perf_counter(), 0.001))
            now_s = time.perf_counter()
            passed_s, last_s = now_s - last_s, now_s
            if self._episode is None or self.settings.synchronous_mode:
                continue
            with self.lock:
                if not self.settings.synchronous_mode:
                    self._step(self.settings.fixed_delta_seconds or min(passed_s, LONGEST_FREE_STEP_S))
