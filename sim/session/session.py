"""One drive in CARLA, real or embedded: there is one path for both, through the real client."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np

from drivevla.errors import ContractError, SimulatorError, SimulatorLost, require
from drivevla.planner.control import VehicleControl
from drivevla.sim.server import start_server
from drivevla.sim.server.process import BACKEND, ask_backend
from drivevla.sim.session.ego_filter import EgoFilter
from drivevla.sim.session.readings import carla_control, feed_ego_filter
from drivevla.sim.session.sensors import Collision, SensorArray, actor_from_ego
from drivevla.types import CameraFrame, LidarSweep, Observation, SensorRig

if TYPE_CHECKING:
    import carla

__all__ = ["CLIENT_VERSION", "Session", "Snapshot", "open_session"]

logger = logging.getLogger(__name__)

CLIENT_VERSION = "0.9.16"
EGO_BLUEPRINT = "vehicle.lincoln.mkz_2020"
TIMEOUT_S = 30.0
FIRST_LOOK_S = 120.0
"""For ticks until the first capture: the embedded server prepares what draws pictures before it, seconds of work."""

SETTLE_TICKS = 8
"""At least, before the first capture: for the ego to come to rest on its wheels, and for every stream to begin."""

WORKER_THREADS = 8
"""More than cores: callbacks that wait for the interpreter must not starve the world's own stream."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The tick that just ended.

    Attributes:
        frame: Its number.
        time_s: Simulated seconds since the session began.
        captured: Whether cameras and LiDAR measured in it.
    """

    frame: int
    time_s: float
    captured: bool


class Session:
    """A synchronous world with one ego in it.

    Use it as a context: whatever happens inside, every actor that it spawned is destroyed at the end, and the world
    runs by itself again.

    Args:
        client: A connected ``carla.Client``.
        rig: The ego's sensors; its control rate is the rate of ticks.
        start: Where the ego begins, CARLA's frame; the map's first spawn point when None.
        backend: Which simulator this is, for whatever reports results.

    Attributes:
        world: ``carla.World``.
        map: ``carla.Map``.
        ego: The ego's actor.
        actor_from_ego: (4, 4) from our ego frame (rear axle) to the actor's frame made right-handed.
        ego_filter: What the ego's own sensors tell of its motion.
    """

    def __init__(
        self, client: carla.Client, rig: SensorRig, *, start: carla.Transform | None = None, backend: str
    ) -> None:
        self.client, self.rig, self.backend = client, rig, backend
        self.world = client.get_world()
        self.map = self.world.get_map()
        self.ego_filter = EgoFilter()
        self._start = start
        self._previous_settings: Any = None
        self._spawned: list[Any] = []
        self._cameras: dict[str, CameraFrame] = {}
        self._sweep: LidarSweep | None = None

    def __enter__(self) -> Session:
        """Take the world over: synchronous ticks, an ego, its sensors, and their first capture."""
        try:
            self._previous_settings = self.world.get_settings()
            settings = self.world.get_settings()
            settings.synchronous_mode = True
            settings.fixed_delta_seconds = self.tick_s
            self.world.apply_settings(settings)
            # How long the world ran by itself until now depends on the machine, and the lights' phases with it.
            self.world.reset_all_traffic_lights()
            self._spawn()
            self._settle()
        except BaseException:
            self._clean_up()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Destroy what was spawned, and let the world run by itself again."""
        self._clean_up()

    @property
    def tick_s(self) -> float:
        """Simulated time of a tick."""
        return 1.0 / self.rig.control_hz

    @property
    def collisions(self) -> Sequence[Collision]:
        """Every contact of the ego so far; a long one is many, one a tick."""
        return self._sensors.collisions

    def tick(self) -> Snapshot:
        """One step of the world; the ego's own sensors are read and filtered, pictures when they are due.

        Raises:
            SimulatorError: A sensor is missing or late; the message names it.
            SimulatorLost: The server does not answer.
        """
        frame = self._tick(TIMEOUT_S)
        time_s = (frame - self._first_frame) * self.tick_s
        self._read_motion(frame, time_s)
        captured = (frame - self._capture_frame) % self._ticks_per_capture == 0
        if captured:
            self._cameras, self._sweep = self._sensors.capture(frame, time_s)
        return Snapshot(frame=frame, time_s=time_s, captured=captured)

    def observation(self, snapshot: Snapshot, *, instruction: str | None = None) -> Observation:
        """What a policy may see after a tick in which the sensors measured.

        Raises:
            SimulatorError: They did not measure in that tick; an older picture is never given.
        """
        if not snapshot.captured:
            raise SimulatorError(
                f"no picture was taken in frame {snapshot.frame}: ask after a tick whose snapshot says captured, "
                f"every {self._ticks_per_capture} ticks"
            )
        return Observation(
            timestamp_s=snapshot.time_s,
            ego=self.ego_filter.state,
            cameras=self._cameras,
            lidar=self._sweep,
            past=self.ego_filter.past(step_s=1.0 / self.rig.capture_hz),
            instruction=instruction,
            told_pose=self.ego_filter.told_pose(instruction),
        )

    def apply(self, control: VehicleControl) -> None:
        """Set the ego's pedals and wheel for the coming tick."""
        self.ego.apply_control(carla_control(control))

    def _tick(self, timeout_s: float) -> int:
        self.client.set_timeout(timeout_s)
        try:
            frame: int = self.world.tick(timeout_s)
        except RuntimeError as error:
            raise SimulatorLost(f"the simulator does not answer a tick within {timeout_s:g} s: {error}") from error
        return frame

    def _spawn(self) -> None:
        blueprint = self.world.get_blueprint_library().find(EGO_BLUEPRINT)
        blueprint.set_attribute("role_name", "hero")
        start = self._start or self.map.get_spawn_points()[0]
        self.ego = self.world.spawn_actor(blueprint, start)
        self._spawned.append(self.ego)
        self._tick(FIRST_LOOK_S)  # the ego's wheels are in the world only after a tick
        self.actor_from_ego = actor_from_ego(self._rear_axle_x_m())
        self._sensors = SensorArray(self.world, self.ego, self.rig, actor_from_ego=self.actor_from_ego)
        self._spawned.extend(self._sensors.actors)

    def _rear_axle_x_m(self) -> float:
        """Where the rear wheels are along the actor's x axis."""
        wheels = self.ego.get_physics_control().wheels
        world_from_actor = np.array(self.ego.get_transform().get_matrix())
        centimetre = 0.01
        world = np.array([[w.position.x, w.position.y, w.position.z] for w in wheels]) * centimetre
        in_actor = (world - world_from_actor[:3, 3]) @ world_from_actor[:3, :3]
        return float(np.sort(in_actor[:, 0])[: len(wheels) // 2].mean())

    def _settle(self) -> None:
        """Let the ego fall onto its wheels and every stream begin, then take the first capture."""
        self._ticks_per_capture = round(self.rig.control_hz / self.rig.capture_hz)
        # Always as many ticks, however slowly the streams begin: the world has the same age at the first observation.
        for _ in range(max(2 * self._ticks_per_capture, SETTLE_TICKS)):
            frame = self._tick(FIRST_LOOK_S)
            self._sensors.wait_for_streams()
        self._first_frame = frame
        captured = self._sensors.capture_frame(period_ticks=self._ticks_per_capture)
        self._capture_frame = frame if captured is None else captured
        self._read_motion(frame, 0.0)

    def _read_motion(self, frame: int, time_s: float) -> None:
        readings = self._sensors.every_tick(frame)
        if not {"gnss", "imu"} <= readings.keys():
            raise ContractError(f"rig {self.rig.name!r} lacks a GNSS or IMU; the ego filter needs both")
        fix, imu = readings["gnss"], readings["imu"]
        velocity, forward = self.ego.get_velocity(), self.ego.get_transform().get_forward_vector()
        feed_ego_filter(
            self.ego_filter,
            self.map,
            time_s=time_s,
            fix=(fix.latitude, fix.longitude, fix.altitude),
            accelerometer_x_mps2=imu.accelerometer.x,
            gyroscope_z_radps=imu.gyroscope.z,
            compass_rad=imu.compass,
            speed_mps=velocity.x * forward.x + velocity.y * forward.y + velocity.z * forward.z,
        )

    def _clean_up(self) -> None:
        import carla

        try:
            if hasattr(self, "_sensors"):
                self._sensors.stop()
            doomed = [carla.command.DestroyActor(actor.id) for actor in reversed(self._spawned)]
            self.client.apply_batch_sync(doomed, False)
            if self._previous_settings is not None:
                self.world.apply_settings(self._previous_settings)
        except RuntimeError as error:
            logger.warning("the simulator could not be tidied up, it is probably gone: %s", error)
        self._spawned.clear()


@contextmanager
def open_session(
    rig: SensorRig,
    *,
    map_name: str | None = None,
    host: str | None = None,
    port: int = 2000,
    seed: int = 0,
    start: carla.Transform | None = None,
) -> Iterator[Session]:
    """A session on a running CARLA server, or on an embedded one that is started for it.

    Args:
        rig: The ego's sensors.
        map_name: Which map; a running server keeps its own when None.
        host: A running server; None starts the embedded one.
        port: Its port.
        seed: Of the embedded server.
        start: Where the ego begins.

    Raises:
        SimulatorLost: Nothing answers there.
        SimulatorError: What answers is another version.
    """
    if host is not None:
        yield from _session_on(_connect(host, port), rig, map_name=map_name, start=start, backend=_backend(host, port))
        return
    with start_server(map_name or "Gen_mixed_1", seed=seed) as server:
        client = _connect(server.host, server.port)
        yield from _session_on(client, rig, map_name=None, start=start, backend="embedded")


def _session_on(
    client: carla.Client, rig: SensorRig, *, map_name: str | None, start: carla.Transform | None, backend: str
) -> Iterator[Session]:
    if map_name is not None and not client.get_world().get_map().name.endswith(map_name):
        client.load_world(map_name)
    with Session(client, rig, start=start, backend=f"{backend} {client.get_server_version()}") as session:
        yield session


def _backend(host: str, port: int) -> str:
    return "embedded" if ask_backend(host, port, TIMEOUT_S) == BACKEND else "carla"


def _connect(host: str, port: int) -> carla.Client:
    carla = require("carla", "sim")
    client = carla.Client(host, port, worker_threads=WORKER_THREADS)
    client.set_timeout(TIMEOUT_S)
    try:
        version = client.get_server_version()
    except RuntimeError as error:
        raise SimulatorLost(f"no CARLA server answers at {host}:{port}: {error}") from error
    if version != CLIENT_VERSION:
        raise SimulatorError(
            f"the server at {host}:{port} is CARLA {version}; this client speaks {CLIENT_VERSION} only"
        )
    return client
