"""All sensors of an episode: who is due, who is listened to, and where the measurements go."""

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import msgpack
import numpy as np

from drivevla.errors import SimulatorError
from drivevla.sim.server.pose import Pose
from drivevla.sim.server.render.frame import DynamicFrame
from drivevla.sim.server.render.measurements import Measurement, RayHit
from drivevla.sim.server.render.requests import CameraSpec, Shot
from drivevla.sim.server.render.weather import Weather
from drivevla.sim.server.wire.records import SENSOR_HEADER, SensorType
from drivevla.sim.server.wire.streams import Buffer, StreamServer
from drivevla.sim.server.world.actors import Actor
from drivevla.sim.server.world.sensors.inertial import Gnss, Imu, attribute_number
from drivevla.sim.server.world.sensors.schedule import Schedule
from drivevla.sim.server.world.sensors.visual import Moment, Visual, encode_measurement, visual_sensor

if TYPE_CHECKING:
    from drivevla.sim.server.world.episode import Episode

__all__ = ["SensorArray", "Tick"]

COLLISION = "sensor.other.collision"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """The tick that sensors measure in.

    Attributes:
        frame: Its number.
        step_s: Simulated time that it took.
        rendering: Whether cameras give images.
        weather: What cameras look through.
        gravity_mps2: What accelerometers feel.
    """

    frame: int
    step_s: float
    rendering: bool
    weather: Weather
    gravity_mps2: float


@dataclass(slots=True, eq=False)
class _Sensor:
    actor: Actor
    schedule: Schedule
    device: Imu | Gnss | Visual | None  # None: reports events only
    # Summed up from zero and not taken from the world's clock, so that a run does not depend on when it began.
    age_s: float = 0.0
    previous_pose: Pose | None = None
    previous_frame: DynamicFrame | None = None


class SensorArray:
    """The sensors of one episode.

    Args:
        streams: Where measurements go.
        seed: The world's seed; every measurement has a generator of its own, made of the seed, the sensor's ordinal
            and its age, so that neither ids nor frames nor missed measurements nor how long the world ran before
            change its noise.
    """

    def __init__(self, streams: StreamServer, *, seed: int) -> None:
        self._streams, self._seed = streams, seed
        self._sensors: dict[Actor, _Sensor] = {}

    def add(self, actor: Actor) -> None:
        """Set up a new sensor.

        Raises:
            SimulatorError: An attribute is out of range, or there is no such sensor.
        """
        schedule = Schedule(attribute_number(actor.attributes, "sensor_tick") if actor.type_id != COLLISION else 0.0)
        if schedule.interval_s < 0.0:
            raise SimulatorError(f"sensor_tick must not be negative, got {schedule.interval_s:g}")
        self._sensors[actor] = _Sensor(actor, schedule, _device(actor))

    def remove(self, actor: Actor) -> None:
        """Forget a sensor."""
        self._sensors.pop(actor, None)

    def __len__(self) -> int:
        return len(self._sensors)

    def lose_track(self, actor: Actor) -> None:
        """Note that an actor was put somewhere else, and with it everything that is attached to it."""
        sensor = self._sensors.get(actor)
        if sensor is not None and isinstance(sensor.device, Imu):
            sensor.device.lose_track()
        for child in actor.children:
            self.lose_track(child)

    def capture(self, episode: "Episode", tick: Tick) -> None:
        """Measure whatever is due and listened to, and send it."""
        if not self._sensors:
            return
        visual: list[tuple[_Sensor, Visual, Shot]] = []
        for sensor in self._sensors.values():
            sensor.age_s += tick.step_s
            if isinstance(sensor.device, Imu):
                sensor.device.follow(episode.table.location_m[sensor.actor.row], tick.step_s)
            shot = self._measure(sensor, episode, tick)
            if shot is not None and isinstance(sensor.device, Visual):
                visual.append((sensor, sensor.device, shot))
        self._report_collisions(episode, tick)
        if not visual:
            return
        shots = [shot for _, _, shot in visual]
        measurements = episode.stage.renderer.render_many(shots, episode.frame_now(tick.weather))
        for (sensor, device, _), measurement in zip(visual, measurements, strict=True):
            self._send_visual(episode, tick, sensor.actor, device, measurement)

    def _measure(self, sensor: _Sensor, episode: "Episode", tick: Tick) -> Shot | None:
        device = sensor.device
        if device is None or not sensor.schedule.due(sensor.age_s):
            return None
        interval_s = sensor.schedule.measured(sensor.age_s) or tick.step_s
        pose = episode.table.pose(sensor.actor)
        previous_pose, sensor.previous_pose = sensor.previous_pose, pose
        if not self._streams.subscribed(sensor.actor.stream_id):
            return None
        row = sensor.actor.row
        rng = partial(self._generator, sensor.actor, sensor.age_s)  # made only for sensors that draw from it
        if isinstance(device, Imu):
            turn_dps = episode.table.angular_velocity_dps[row]
            body = msgpack.packb(device.measure(pose, turn_dps, tick.gravity_mps2, rng))
            self._send(tick, episode, sensor.actor, SensorType.IMU, [body])
            return None
        if isinstance(device, Gnss):
            body = msgpack.packb(device.measure(episode.table.location_m[row], episode.scene.carla_map, rng))
            self._send(tick, episode, sensor.actor, SensorType.GNSS, [body])
            return None
        if isinstance(device.spec, CameraSpec) and not tick.rendering:
            return None
        previous_frame = sensor.previous_frame
        if device.compares_frames:
            sensor.previous_frame = episode.frame_now(tick.weather)
        vx, vy, vz = episode.table.velocity_mps[row].tolist()
        moment = Moment(
            pose=pose,
            parent_id=sensor.actor.parent.actor_id if sensor.actor.parent else 0,
            velocity_mps=(vx, vy, vz),
            interval_s=interval_s,
            age_s=sensor.age_s,
            previous_pose=previous_pose,
            previous_frame=previous_frame,
            rng=rng(),
        )
        return device.shot(moment)

    def _report_collisions(self, episode: "Episode", tick: Tick) -> None:
        for contact in episode.physics.contacts:
            own = episode.table.find(contact.actor_id)
            if own is None:
                continue
            for child in own.children:
                if child.type_id == COLLISION and self._streams.subscribed(child.stream_id):
                    body = [own.to_wire(b""), episode.touched(contact), list(contact.impulse_ns)]
                    self._send(tick, episode, child, SensorType.COLLISION, [msgpack.packb(body)])

    def _send_visual(
        self, episode: "Episode", tick: Tick, actor: Actor, device: Visual, measurement: Measurement
    ) -> None:
        if measurement is None:
            return
        if isinstance(measurement, RayHit):
            own = (actor.parent or actor).to_wire(b"")
            body = [
                own,
                episode.struck(measurement.actor_id, measurement.object_id, measurement.label),
                measurement.distance_m,
            ]
            self._send(tick, episode, actor, device.sensor_type, [msgpack.packb(body)])
            return
        self._send(tick, episode, actor, device.sensor_type, encode_measurement(device, measurement))

    def _send(self, tick: Tick, episode: "Episode", actor: Actor, sensor_type: int, body: list[Buffer]) -> None:
        pose = episode.table.pose(actor)
        header = SENSOR_HEADER.pack(sensor_type, tick.frame, episode.now_s, *pose.location_m, *pose.rotation_deg)
        self._streams.push(actor.stream_id, [header, *body])

    def _generator(self, actor: Actor, age_s: float) -> np.random.Generator:
        noise_seed = int(actor.attributes.get("noise_seed", "0"))
        return np.random.default_rng([self._seed, actor.ordinal, abs(noise_seed), round(age_s * 1e6)])


def _device(actor: Actor) -> Imu | Gnss | Visual | None:
    if actor.type_id == COLLISION:
        return None
    if actor.type_id == "sensor.other.imu":
        return Imu.from_attributes(actor.attributes)
    if actor.type_id == "sensor.other.gnss":
        return Gnss.from_attributes(actor.attributes)
    device = visual_sensor(actor.type_id, actor.attributes)
    if device is None:
        raise SimulatorError(f"{actor.type_id} is not supported by DriveVLA's embedded simulator")
    return device
