"""Clips of Bench2Drive as samples, 10 a second.

Source: Bench2Drive, docs/anno.md (fields and frames); Bench2DriveZoo, for what its converter mends.
"""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drivevla.datasets.bench2drive.boxes import ego_box, lights_of, objects_of, signs_of
from drivevla.datasets.bench2drive.faults import find_faults
from drivevla.datasets.bench2drive.layout import CAMERAS, RATE_HZ, Clip, find_clips, known_number
from drivevla.datasets.motion import DrivenPoses, Sampling
from drivevla.datasets.pictures import read_picture
from drivevla.errors import DataError, require, unknown_name
from drivevla.geometry import invert_rigid, matrix_from_yaw, rigid, transform_points
from drivevla.geometry.carla import (
    ego_from_actor,
    optical_from_sensor,
    points_from_carla,
    transform_from_carla,
    yaw_from_carla,
    yaw_from_compass,
)
from drivevla.types import (
    CameraFrame,
    Command,
    EgoState,
    Fault,
    LidarSweep,
    Observation,
    Provenance,
    Sample,
    Scene,
    Truth,
)

__all__ = ["Bench2DriveReader"]

_COMMANDS = {
    1: Command.LEFT,
    2: Command.RIGHT,
    3: Command.STRAIGHT,
    4: Command.LANE_FOLLOW,
    5: Command.CHANGE_LANE_LEFT,
    6: Command.CHANGE_LANE_RIGHT,
}
_LONGEST_SWEEP = 2_000_000  # points; a real one has 60,000


class Bench2DriveReader:
    """Bench2Drive as unpacked: folders ``Scenario_TownXX_RouteN_WeatherM``.

    The world is CARLA's, made right-handed. The pictures are JPEG of quality 20 already.

    Args:
        root: A folder with clips, or one clip.
        rear_axle_x_m: Of the ego, from the middle of its box; of the Lincoln MKZ 2020 that recorded the clips.

    Raises:
        DataError: There is no clip.
    """

    def __init__(self, root: Path, *, rear_axle_x_m: float = -1.43) -> None:
        self._clips = {clip.name: clip for clip in find_clips(Path(root))}
        if not self._clips:
            raise DataError(f"{root} holds no clip of Bench2Drive: no folder anno with files 00000.json.gz")
        self._ego_from_actor = ego_from_actor(rear_axle_x_m)
        self._sampling = Sampling(rate_hz=RATE_HZ)
        self._frames = {name: clip.frames() for name, clip in self._clips.items()}
        self._annotation = lru_cache(maxsize=4)(self._read_annotation)
        self._poses = lru_cache(maxsize=2)(self._read_poses)
        self._scenes = tuple(
            Scene(
                name=name,
                tokens=tuple(f"{name}/{frame:05d}" for frame in self._frames[name]),
                map_name=clip.town,
                description=clip.scenario,
            )
            for name, clip in self._clips.items()
        )
        self._known = frozenset(token for scene in self._scenes for token in scene.tokens)

    @classmethod
    def recognises(cls, root: Path) -> bool:
        """Whether there is a clip's annotation in the folder."""
        return bool(find_clips(Path(root)))

    @classmethod
    def find_faults(cls, root: Path) -> Iterator[Fault]:
        """Every fault of the annotations, pictures and sweeps."""
        yield from find_faults(Path(root))

    @property
    def dataset(self) -> str:
        """Bench2Drive."""
        return "Bench2Drive"

    @property
    def scenes(self) -> tuple[Scene, ...]:
        """Every clip."""
        return self._scenes

    def sample(self, token: str) -> Sample:
        """The frame of a token ``clip/00042``.

        Raises:
            DataError: A file is missing or broken.
            UnknownName: There is no such frame.
        """
        if token not in self._known:
            raise unknown_name("Bench2Drive frame", token, ())
        name, _, digits = token.rpartition("/")
        clip, frame = self._clips[name], int(digits)
        try:
            return self._sample(token, clip, frame)
        except (KeyError, TypeError, ValueError) as error:
            raise DataError(f"{clip.annotation_file(frame)}: {type(error).__name__}: {error}") from error

    def _sample(self, token: str, clip: Clip, frame: int) -> Sample:
        said, poses, now_s = self._annotation(clip.name, frame), self._poses(clip.name), frame / RATE_HZ
        world_from_ego = poses.world_from_ego[self._frames[clip.name].index(frame)]
        boxes = said["bounding_boxes"]
        objects, left_out = objects_of(boxes, world_from_ego, self._walkers(clip, frame - 1), 1.0 / RATE_HZ)
        labels = {name: value for name, value in (("scenario", clip.scenario), ("weather", clip.weather)) if value}
        if left_out:
            labels["parked_vehicles_left_out"] = str(left_out)
        return Sample(
            source=Provenance(dataset=self.dataset, scene=clip.name, token=token),
            observation=Observation(
                timestamp_s=now_s,
                ego=_ego_state(said, poses.ego_state(now_s)),
                cameras=self._cameras(clip, frame, said["sensors"], now_s),
                lidar=_sweep(clip.sweep(frame), now_s, self._ego_from_actor),
                past=poses.past(now_s, self._sampling),
                command=_COMMANDS.get(int(said["command_near"])),
                target_points_m=_targets(said, world_from_ego),
            ),
            truth=Truth(
                timestamp_s=now_s,
                world_from_ego=world_from_ego,
                map_name=clip.town,
                future=poses.future(now_s, self._sampling),
                objects=objects,
                lights=lights_of(boxes, world_from_ego),
                signs=signs_of(boxes, world_from_ego),
            ),
            labels=labels,
        )

    def _read_annotation(self, name: str, frame: int) -> Mapping[str, Any]:
        return self._clips[name].annotation(frame)

    def _read_poses(self, name: str) -> DrivenPoses:
        frames = self._frames[name]
        actors = np.stack([_world_from_actor(self._clips[name].annotation(frame)) for frame in frames])
        return DrivenPoses(np.array(frames) / RATE_HZ, actors @ invert_rigid(self._ego_from_actor))

    def _walkers(self, clip: Clip, frame: int) -> dict[str, NDArray[np.float64]]:
        """Where the pedestrians were; nobody before the clip's beginning."""
        if frame not in self._frames[clip.name]:
            return {}
        return {
            str(box["id"]): np.asarray(box["center"], dtype=np.float64)
            for box in self._annotation(clip.name, frame)["bounding_boxes"]
            if box.get("class") == "walker"
        }

    def _cameras(self, clip: Clip, frame: int, sensors: Mapping[str, Any], now_s: float) -> dict[str, CameraFrame]:
        body_from_camera = invert_rigid(optical_from_sensor())
        return {
            name: CameraFrame(
                image=read_picture(clip.picture(name, frame)),
                intrinsics_px=np.asarray(sensors[name]["intrinsic"], dtype=np.float64),
                ego_from_camera=self._ego_from_actor @ _actor_from_sensor(sensors[name]) @ body_from_camera,
                timestamp_s=now_s,
            )
            for name in CAMERAS
            if name in sensors
        }


def _actor_from_sensor(sensor: Mapping[str, Any]) -> NDArray[np.float64]:
    """(4, 4) a sensor's place on the car; x forward, y left, z up on both."""
    pitch, roll, yaw = sensor["rotation"]
    return transform_from_carla(sensor["location"], np.array([pitch, yaw, roll]))


def _world_from_actor(said: Mapping[str, Any]) -> NDArray[np.float64]:
    """The car upright on its place: the compass gives its heading, its box where the compass failed."""
    ego = ego_box(said["bounding_boxes"])
    compass = known_number(said, "theta")
    yaw = yaw_from_carla(ego["rotation"][2]) if compass is None else yaw_from_compass(compass)
    return rigid(matrix_from_yaw(float(yaw)), points_from_carla([said["x"], said["y"], ego["location"][2]]))


def _ego_state(said: Mapping[str, Any], driven: EgoState) -> EgoState:
    """What the car's own sensors say; from the poses where they said nothing."""
    speed = known_number(said, "speed")
    return EgoState(
        speed_mps=driven.speed_mps if speed is None else speed,
        acceleration_mps2=float(said["acceleration"][0]),
        yaw_rate_radps=-float(said["angular_velocity"][2]),
    )


def _targets(said: Mapping[str, Any], world_from_ego: NDArray[np.float64]) -> NDArray[np.float64]:
    """(2, 2) the near and the far command's points in the ego frame."""
    z = world_from_ego[2, 3]
    points = [[said[f"x_command_{which}"], said[f"y_command_{which}"], z] for which in ("near", "far")]
    return transform_points(invert_rigid(world_from_ego), points_from_carla(points))[:, :2]


def _sweep(path: Path, now_s: float, ego_from_actor_frame: NDArray[np.float64]) -> LidarSweep:
    """A sweep, which is stored in the actor's frame: CARLA's axes, origin under the middle of the car.

    Raises:
        DataError: The file is missing, too long or cannot be read.
    """
    laspy: Any = require("laspy", "data")
    try:
        with laspy.open(str(path)) as file:
            if file.header.point_count > _LONGEST_SWEEP:
                raise DataError(f"{path} claims {file.header.point_count} points; at most {_LONGEST_SWEEP} are read")
            points = np.asarray(file.read().xyz, dtype=np.float64)
    except FileNotFoundError as error:
        raise DataError(f"{path} is missing") from error
    except (laspy.errors.LaspyException, OSError, RuntimeError, ValueError) as error:
        raise DataError(f"{path} cannot be read as a LAZ file: {error}") from error
    return LidarSweep(
        points_m=transform_points(ego_from_actor_frame, points_from_carla(points)).astype(np.float32), timestamp_s=now_s
    )
