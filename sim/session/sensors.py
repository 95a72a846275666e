"""The sensors of a rig on an actor in CARLA, and one time-aligned reading of them all."""

from __future__ import annotations

import queue
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from drivevla.errors import SimulatorError
from drivevla.geometry import carla as carla_frame
from drivevla.geometry import invert_rigid
from drivevla.sim.session.readings import camera_frame, lidar_sweep
from drivevla.types import CameraFrame, CameraSpec, LidarSpec, LidarSweep, SensorRig

if TYPE_CHECKING:
    import carla

__all__ = ["Collision", "SensorArray", "actor_from_ego"]

WAIT_S = 10.0
"""How long a picture may take to arrive after its tick: rendering on a loaded machine, not the network, decides."""
STREAM_S = 1.0
"""How long a tick of settling waits for streams that have not begun."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Collision:
    """The ego touched something.

    Attributes:
        frame: When.
        other_id: Id of the actor that it touched; 0 for what belongs to the level.
        other_type: CARLA's type id of what it touched.
        impulse_ns: How hard, newton seconds.
    """

    frame: int
    other_id: int
    other_type: str
    impulse_ns: float


class Listener:
    """Keeps what a sensor sends until its tick is asked for."""

    def __init__(self, name: str, sensor: carla.Sensor) -> None:
        self.name, self.sensor = name, sensor
        self._waiting: queue.Queue[Any] = queue.Queue()
        sensor.listen(self._waiting.put)

    def at(self, frame: int) -> Any:
        """The measurement of a tick; older ones are thrown away.

        Raises:
            SimulatorError: It did not come, or a newer one came instead.
        """
        while True:
            try:
                data = self._waiting.get(timeout=WAIT_S)
            except queue.Empty:
                raise SimulatorError(
                    f"sensor {self.name!r} sent nothing for frame {frame} within {WAIT_S:g} s; "
                    "its last measurement is not used in its place"
                ) from None
            if data.frame == frame:
                return data
            if data.frame > frame:
                raise SimulatorError(f"sensor {self.name!r} skipped frame {frame} and sent frame {data.frame}")

    def newest_frame(self) -> int:
        """The frame of the newest measurement that comes; older ones are thrown away.

        Raises:
            SimulatorError: Nothing came.
        """
        try:
            data = self._waiting.get(timeout=WAIT_S)
            while not self._waiting.empty():
                data = self._waiting.get_nowait()
        except queue.Empty:
            raise SimulatorError(
                f"sensor {self.name!r} sent nothing within {WAIT_S:g} s of being listened to"
            ) from None
        return int(data.frame)

    def has_begun(self, *, within_s: float) -> bool:
        """Whether a measurement is there, or comes within so much wall-clock time."""
        end_s = time.monotonic() + within_s
        while self._waiting.empty() and time.monotonic() < end_s:
            time.sleep(0.001)
        return not self._waiting.empty()

    def drain(self) -> None:
        """Throw away what has come: stopping a sensor with frames in flight can abort the client."""
        while not self._waiting.empty():
            self._waiting.get_nowait()


class SensorArray:
    """All sensors of a rig, attached to the ego."""

    def __init__(
        self, world: carla.World, ego: carla.Actor, rig: SensorRig, *, actor_from_ego: NDArray[np.float64]
    ) -> None:
        import carla

        self._carla, self._world, self._ego, self._rig = carla, world, ego, rig
        self._actor_from_ego = actor_from_ego
        self.actors: list[carla.Actor] = []
        self._captured: dict[str, Listener] = {}
        self._fast: dict[str, Listener] = {}
        period_s = 1.0 / rig.capture_hz
        for name, spec in rig.cameras.items():
            self._captured[name] = self._listen(name, *self._camera(spec, period_s))
        if rig.lidar is not None:
            self._captured["lidar"] = self._listen("lidar", *self._lidar(rig.lidar, period_s))
        for name, type_id in (("gnss", "sensor.other.gnss"), ("imu", "sensor.other.imu")):
            if getattr(rig, name):
                self._fast[name] = self._listen(name, self._blueprint(type_id, {}), actor_from_ego)
        self.collisions: list[Collision] = []
        self._collision_sensor = self._spawn(self._blueprint("sensor.other.collision", {}), np.eye(4))
        self._collision_sensor.listen(self._note_collision)

    def capture_frame(self, *, period_ticks: int) -> int | None:
        """A frame at which cameras and LiDAR measured; they measure every ``period_ticks`` from there. Or None.

        Raises:
            SimulatorError: They do not measure in the same frames, or one sends nothing.
        """
        frames = {name: listener.newest_frame() for name, listener in self._captured.items()}
        if len({frame % period_ticks for frame in frames.values()}) > 1:
            raise SimulatorError(f"sensors do not measure in the same frames: {frames}; a capture would mix instants")
        return min(frames.values(), default=None)

    def wait_for_streams(self) -> None:
        """Give the streams of GNSS and IMU time to begin; what is sent before the client listens is lost."""
        for listener in self._fast.values():
            listener.has_begun(within_s=STREAM_S)

    def every_tick(self, frame: int) -> dict[str, Any]:
        """The readings of GNSS and IMU."""
        return {name: listener.at(frame) for name, listener in self._fast.items()}

    def capture(self, frame: int, time_s: float) -> tuple[dict[str, CameraFrame], LidarSweep | None]:
        """Pictures and sweep of one tick.

        Raises:
            SimulatorError: One is missing or late; the message names it.
        """
        data = {name: listener.at(frame) for name, listener in self._captured.items()}
        cameras = {name: camera_frame(spec, _pixels(data[name]), time_s) for name, spec in self._rig.cameras.items()}
        return cameras, self._sweep(data, time_s)

    def stop(self) -> None:
        """Stop listening, before the actors are destroyed."""
        self._collision_sensor.stop()
        for listener in (*self._captured.values(), *self._fast.values()):
            if listener.sensor.is_alive and listener.sensor.is_listening:
                listener.sensor.stop()
            listener.drain()

    def _note_collision(self, event: Any) -> None:
        other = event.other_actor  # None for one that was destroyed before the client came to know it
        self.collisions.append(
            Collision(
                frame=event.frame,
                other_id=other.id if other is not None else 0,
                other_type=other.type_id if other is not None else "",
                impulse_ns=event.normal_impulse.length(),
            )
        )

    def _listen(self, name: str, blueprint: Any, actor_from_sensor: NDArray[np.float64]) -> Listener:
        return Listener(name, self._spawn(blueprint, actor_from_sensor))

    def _spawn(self, blueprint: Any, actor_from_sensor: NDArray[np.float64]) -> Any:
        location, rotation = carla_frame.pose_to_carla(actor_from_sensor)
        place = self._carla.Transform(self._carla.Location(*location), self._carla.Rotation(*rotation))
        sensor = self._world.spawn_actor(blueprint, place, attach_to=self._ego)
        self.actors.append(sensor)
        return sensor

    def _blueprint(self, type_id: str, attributes: dict[str, object]) -> Any:
        blueprint = self._world.get_blueprint_library().find(type_id)
        for name, value in attributes.items():
            blueprint.set_attribute(name, str(value))
        return blueprint

    def _camera(self, spec: CameraSpec, period_s: float) -> tuple[Any, NDArray[np.float64]]:
        attributes: dict[str, object] = {
            "image_size_x": spec.width_px,
            "image_size_y": spec.height_px,
            "fov": spec.fov_deg,
            "sensor_tick": period_s,
            # A distorted picture would not be the pinhole that the observation claims.
            "lens_k": 0.0,
            "lens_kcube": 0.0,
        }
        ego_from_body = spec.ego_from_camera @ carla_frame.optical_from_sensor()
        return self._blueprint("sensor.camera.rgb", attributes), self._actor_from_ego @ ego_from_body

    def _lidar(self, spec: LidarSpec, period_s: float) -> tuple[Any, NDArray[np.float64]]:
        attributes: dict[str, object] = {
            "channels": spec.channels,
            "range": spec.range_m,
            "upper_fov": spec.upper_fov_deg,
            "lower_fov": spec.lower_fov_deg,
            # One whole turn in each capture: every firing of the sweep is there once.
            "rotation_frequency": 1.0 / period_s,
            "points_per_second": round(spec.channels * spec.azimuths / period_s),
            "sensor_tick": period_s,
            "dropoff_general_rate": 0.0,
            "dropoff_intensity_limit": 0.0,
            "dropoff_zero_intensity": 0.0,
        }
        return self._blueprint("sensor.lidar.ray_cast", attributes), self._actor_from_ego @ spec.ego_from_lidar

    def _sweep(self, data: dict[str, Any], time_s: float) -> LidarSweep | None:
        if self._rig.lidar is None:
            return None
        points = np.frombuffer(data["lidar"].raw_data, dtype=np.float32).reshape(-1, 4)
        return lidar_sweep(self._rig.lidar, points, time_s)


def actor_from_ego(rear_axle_x_m: float) -> NDArray[np.float64]:
    """From our ego frame to the vehicle actor's, both x forward, y left."""
    return invert_rigid(carla_frame.ego_from_actor(rear_axle_x_m))


def _pixels(image: Any) -> NDArray[np.uint8]:
    return np.frombuffer(image.raw_data, dtype=np.uint8).reshape(image.height, image.width, 4)
