"""Sensors that the renderer serves: what they ask of it, and how its answers travel."""

import math
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast, get_args

import numpy as np
from numpy.typing import NDArray

from drivevla.sim.server.pose import Pose
from drivevla.sim.server.render.frame import DynamicFrame
from drivevla.sim.server.render.measurements import LidarScan, Measurement, RadarScan
from drivevla.sim.server.render.requests import (
    CameraKind,
    CameraShot,
    CameraSpec,
    LidarShot,
    LidarSpec,
    ObstacleShot,
    ObstacleSpec,
    RadarShot,
    RadarSpec,
    Shot,
)
from drivevla.sim.server.wire.decode import Vector
from drivevla.sim.server.wire.records import SensorType
from drivevla.sim.server.wire.streams import Buffer

__all__ = ["Moment", "Visual", "encode_measurement", "visual_sensor"]

IMAGE_HEADER = struct.Struct("<IIf")
LIDAR_HEADER = struct.Struct("<fI")

CAMERA_TYPES = {
    "rgb": SensorType.RGB,
    "depth": SensorType.DEPTH,
    "semantic_segmentation": SensorType.SEMANTIC,
    "instance_segmentation": SensorType.INSTANCE,
    "normals": SensorType.NORMALS,
    "optical_flow": SensorType.OPTICAL_FLOW,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """One sensor at one instant.

    Attributes:
        pose: The sensor in the world.
        parent_id: What carries it; 0 for nothing.
        velocity_mps: Its velocity in the world.
        interval_s: Simulated time since its last measurement.
        age_s: Simulated time since it was created.
        previous_pose: Where it stood at its last measurement.
        previous_frame: Where everything stood then, for sensors that compare the two.
        rng: For its noise.
    """

    pose: Pose
    parent_id: int
    velocity_mps: Vector
    interval_s: float
    age_s: float
    previous_pose: Pose | None
    previous_frame: DynamicFrame | None
    rng: np.random.Generator


@dataclass(frozen=True, slots=True)
class Visual:
    """What makes a sensor's shots.

    Attributes:
        sensor_type: Index in the client's table.
        spec: What stays the same over the sensor's life.
        shot: The request for one moment.
        compares_frames: Whether it needs to know where everything stood at its last measurement.
    """

    sensor_type: int
    spec: CameraSpec | LidarSpec | RadarSpec | ObstacleSpec
    shot: Callable[[Moment], Shot]
    compares_frames: bool = False


def visual_sensor(type_id: str, attributes: Mapping[str, str]) -> Visual | None:
    """The visual sensor of that blueprint; None when the blueprint is no visual sensor.

    Raises:
        SimulatorError: An attribute is out of range.
    """
    family, _, kind = type_id.removeprefix("sensor.").partition(".")
    if family == "camera" and kind in get_args(CameraKind):
        return _camera(cast(CameraKind, kind), CameraSpec.from_attributes(attributes))
    if type_id in ("sensor.lidar.ray_cast", "sensor.lidar.ray_cast_semantic"):
        return _lidar(LidarSpec.from_attributes(attributes), semantic=kind.endswith("semantic"))
    if type_id == "sensor.other.radar":
        return _radar(RadarSpec.from_attributes(attributes))
    if type_id == "sensor.other.obstacle":
        return _obstacle(ObstacleSpec.from_attributes(attributes))
    return None


def _camera(kind: CameraKind, spec: CameraSpec) -> Visual:
    def shot(at: Moment) -> Shot:
        return CameraShot(
            kind=kind,
            spec=spec,
            pose=at.pose,
            parent_id=at.parent_id,
            previous_pose=at.previous_pose,
            previous_frame=at.previous_frame,
        )

    return Visual(CAMERA_TYPES[kind], spec, shot, compares_frames=kind == "optical_flow")


def _lidar(spec: LidarSpec, *, semantic: bool) -> Visual:
    def shot(at: Moment) -> Shot:
        # The head turns with simulated time, also while nobody listens.
        turned_deg = spec.rotation_frequency_hz * spec.horizontal_fov_deg * max(at.age_s - at.interval_s, 0.0)
        return LidarShot(
            spec=spec,
            pose=at.pose,
            start_angle_rad=math.radians(math.fmod(turned_deg, spec.horizontal_fov_deg)),
            interval_s=at.interval_s,
            rng=None if semantic else at.rng,
            semantic=semantic,
            parent_id=at.parent_id,
        )

    return Visual(SensorType.SEMANTIC_LIDAR if semantic else SensorType.LIDAR, spec, shot)


def _radar(spec: RadarSpec) -> Visual:
    def shot(at: Moment) -> Shot:
        return RadarShot(
            spec=spec,
            pose=at.pose,
            velocity_mps=at.velocity_mps,
            interval_s=at.interval_s,
            rng=at.rng,
            parent_id=at.parent_id,
        )

    return Visual(SensorType.RADAR, spec, shot)


def _obstacle(spec: ObstacleSpec) -> Visual:
    def shot(at: Moment) -> Shot:
        return ObstacleShot(spec=spec, pose=at.pose, parent_id=at.parent_id)

    return Visual(SensorType.OBSTACLE, spec, shot)


def encode_measurement(visual: Visual, measurement: Measurement) -> list[Buffer]:
    """The body of the message, in pieces that are not copied; obstacle events are not encoded here."""
    if isinstance(measurement, LidarScan):
        counts = np.ascontiguousarray(measurement.points_in_channel, dtype="<u4")
        header = LIDAR_HEADER.pack(measurement.horizontal_angle_rad, len(counts))
        return [header, counts.tobytes(), _bytes_of(measurement.points)]
    if isinstance(measurement, RadarScan):
        return [_bytes_of(measurement.detections)]
    assert isinstance(measurement, np.ndarray)
    assert isinstance(visual.spec, CameraSpec)
    header = IMAGE_HEADER.pack(visual.spec.width_px, visual.spec.height_px, visual.spec.fov_deg)
    return [header, _bytes_of(measurement)]


def _bytes_of(array: NDArray[Any]) -> memoryview:
    return np.ascontiguousarray(array).view(np.uint8).reshape(-1).data
