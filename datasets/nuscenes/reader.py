"""nuScenes keyframes as samples."""

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from drivevla.datasets.motion import DrivenPoses, Sampling
from drivevla.datasets.nuscenes.can_bus import CanBus
from drivevla.datasets.nuscenes.commands import command_from_lateral_m
from drivevla.datasets.nuscenes.faults import find_faults
from drivevla.datasets.nuscenes.instructions import read_instructions
from drivevla.datasets.nuscenes.layout import CAMERAS, LIDAR, VISIBILITY, find_version
from drivevla.datasets.nuscenes.map_lanes import MapLanes
from drivevla.datasets.pictures import read_picture
from drivevla.errors import DataError, UserError, require, unknown_name
from drivevla.geometry import invert_rigid, transform_points
from drivevla.geometry.nuscenes import seconds_from_microseconds, size_from_nuscenes, transform_from_record
from drivevla.types import (
    CameraFrame,
    Command,
    EgoState,
    Fault,
    LidarSweep,
    ObjectTruth,
    Observation,
    Provenance,
    Sample,
    Scene,
    Truth,
)

__all__ = ["CAMERAS", "NuScenesReader"]

_KEYFRAMES_AHEAD = 6  # 3 s: what the planning protocols look at
_INTENSITY_FULL_SCALE = 255.0
_SPLITS = {"v1.0-mini": ("mini_train", "mini_val"), "v1.0-trainval": ("train", "val"), "v1.0-test": ("test",)}


class NuScenesReader:
    """nuScenes as downloaded, one sample a keyframe.

    The ego frame is the one of the LiDAR's record. ``ego_from_camera`` holds how far the car moved between a camera's
    picture and the LiDAR's sweep, so that points and boxes fall on the picture as they should.

    Args:
        root: The folder that holds ``v1.0-...``, ``samples`` and ``maps``.
        version: ``v1.0-mini``, ``v1.0-trainval`` or ``v1.0-test``; needed where the folder holds several.
        cameras: Which cameras to read; all that the data set has where none are named.
        lidar: Whether to read LIDAR_TOP.
        sweeps: How many LiDAR sweeps to bring to the keyframe's instant, itself counted. With more than one, the devkit
            leaves out returns within 1 m of the sensor.
        sampling: The times of past and future.

    Raises:
        DataError: The tables are missing or broken.
        MissingExtra: The devkit is not installed.
        UnknownName: There is no such camera.
    """

    def __init__(
        self,
        root: Path,
        *,
        version: str | None = None,
        cameras: Sequence[str] | None = None,
        lidar: bool = True,
        sweeps: int = 1,
        sampling: Sampling | None = None,
    ) -> None:
        if sweeps < 1:
            raise UserError(f"sweeps counts the keyframe's own and is at least 1, got {sweeps}")
        self._root, self._lidar, self._sweeps = Path(root), lidar, sweeps
        self._sampling = sampling or Sampling()
        self.version = find_version(self._root, version)
        self._tables = _load(self._root, self.version)
        self._cameras = self._choose_cameras(cameras)
        self._sentences = read_instructions(self._root / self.version)
        self._scenes = tuple(self._read_scenes())
        self._scene_of = {token: scene for scene in self._scenes for token in scene.tokens}
        self._pose_records = self._collect_pose_records()
        self._poses = lru_cache(maxsize=8)(self._poses_of_scene)
        self._map_lanes = MapLanes(self._root)
        self._can = CanBus(self._root) if (self._root / "can_bus").is_dir() else None

    @classmethod
    def recognises(cls, root: Path) -> bool:
        """Whether the folder holds tables of a nuScenes release."""
        return any((folder / "sample_data.json").exists() for folder in Path(root).glob("v1.0-*"))

    @classmethod
    def find_faults(cls, root: Path) -> Iterator[Fault]:
        """Every fault of the tables and of the files that they name."""
        return find_faults(Path(root))

    @property
    def dataset(self) -> str:
        """NuScenes and the release."""
        return f"nuscenes {self.version}"

    @property
    def scenes(self) -> tuple[Scene, ...]:
        """Every scene, with its official split."""
        return self._scenes

    @property
    def devkit(self) -> Any:
        """The devkit's own ``NuScenes`` object, for whatever is not in a sample."""
        return self._tables

    def sample(self, token: str) -> Sample:
        """The keyframe of a sample token.

        Raises:
            DataError: A file is missing or broken.
            UnknownName: There is no such token.
        """
        scene, record, lidar = self._records(token)
        stamps = {name: self._tables.get("sample_data", record["data"][name]) for name in self._present(record)}
        latest_us = max(int(each["timestamp"]) for each in (lidar, *stamps.values()))
        return Sample(
            source=Provenance(dataset=self.dataset, scene=scene.name, token=token, split=scene.split),
            observation=self._observation(scene, record, lidar, stamps, latest_us),
            truth=self._truth(scene, record, lidar, latest_us),
        )

    def truth(self, token: str) -> Truth:
        """The truth of a keyframe, without reading a sensor file."""
        scene, record, lidar = self._records(token)
        return self._truth(scene, record, lidar, int(lidar["timestamp"]))

    def ego_from_lidar(self, token: str) -> NDArray[np.float64]:
        """The (4, 4) calibration of LIDAR_TOP at a keyframe."""
        return self._calibration(self._records(token)[2])

    def lidar_plan_m(self, token: str) -> NDArray[np.float64]:
        """(T, 2) where LIDAR_TOP is at the keyframes of the next 3 s, in its current frame: x right, y forward.

        What the planning protocols compare; fewer than six rows at the end of a scene.
        """
        scene, _, lidar = self._records(token)
        now = scene.tokens.index(token)
        lidar_from_world = invert_rigid(self._world_from_ego(lidar) @ self._calibration(lidar))
        plan = []
        for later in scene.tokens[now + 1 : now + 1 + _KEYFRAMES_AHEAD]:
            _, _, record = self._records(later)
            plan.append((lidar_from_world @ self._world_from_ego(record) @ self._calibration(record))[:2, 3])
        return np.array(plan).reshape(-1, 2)

    def command(self, token: str, *, axes: Literal["lidar", "ego"] = "lidar") -> Command:
        """The command at a keyframe, read off its future as the planners' loaders do.

        Args:
            token: The sample.
            axes: Along which axes "aside" is measured: the LiDAR's (UniAD, VAD, ST-P3) or the ego frame's
                (BEV-Planner).
        """
        plan_m = self.lidar_plan_m(token)
        if not len(plan_m):
            return command_from_lateral_m(None)
        right_m, forward_m = plan_m[-1]
        if axes == "lidar":
            return command_from_lateral_m(float(right_m))
        ego_from_lidar = self.ego_from_lidar(token)[:3, :3]
        return command_from_lateral_m(-float((ego_from_lidar @ [right_m, forward_m, 0.0])[1]))

    def _choose_cameras(self, wanted: Sequence[str] | None) -> tuple[str, ...]:
        known = [each["channel"] for each in self._tables.sensor if each["modality"] == "camera"]
        for name in wanted or ():
            if name not in known:
                raise unknown_name("nuScenes camera", name, known)
        return tuple(known if wanted is None else wanted)

    def _records(self, token: str) -> tuple[Scene, Mapping[str, Any], Mapping[str, Any]]:
        if token not in self._scene_of:
            raise unknown_name("nuScenes sample", token, ())
        record = self._tables.get("sample", token)
        if LIDAR not in record["data"]:
            raise DataError(f"sample {token} has no {LIDAR} record, which says where the car was")
        return self._scene_of[token], record, self._tables.get("sample_data", record["data"][LIDAR])

    def _present(self, record: Mapping[str, Any]) -> tuple[str, ...]:
        missing = [name for name in self._cameras if name not in record["data"]]
        if missing:
            raise DataError(f"sample {record['token']} has no record of {', '.join(missing)}")
        return self._cameras

    def _observation(
        self,
        scene: Scene,
        record: Mapping[str, Any],
        lidar: Mapping[str, Any],
        cameras: Mapping[str, Mapping[str, Any]],
        latest_us: int,
    ) -> Observation:
        now_s, poses = self._time_s(scene, lidar), self._poses(scene.name)
        ego_from_world = invert_rigid(self._world_from_ego(lidar))
        return Observation(
            timestamp_s=seconds_from_microseconds(latest_us, origin_us=self._origin_us(scene)),
            ego=self._ego_state(scene, int(lidar["timestamp"]), poses, now_s),
            cameras={name: self._frame(scene, each, ego_from_world) for name, each in cameras.items()},
            lidar=self._sweep(scene, record, lidar) if self._lidar else None,
            past=poses.past(now_s, self._sampling),
            instruction=self._sentences.get(record["token"]),
            command=self.command(record["token"]),
        )

    def _ego_state(self, scene: Scene, timestamp_us: int, poses: DrivenPoses, now_s: float) -> EgoState:
        reported = None if self._can is None else self._can.ego_state(scene.name, timestamp_us)
        return reported or poses.ego_state(now_s)

    def _frame(self, scene: Scene, record: Mapping[str, Any], ego_from_world: NDArray[np.float64]) -> CameraFrame:
        path = self._root / record["filename"]
        image = read_picture(path, hint="leave this camera out with cameras=... if it was not downloaded")
        if image.shape[:2] != (record["height"], record["width"]):
            raise DataError(
                f"{path} is {image.shape[1]} x {image.shape[0]} pixels, sample_data {record['token']} says "
                f"{record['width']} x {record['height']}: its calibration is not the picture's"
            )
        calibrated = self._tables.get("calibrated_sensor", record["calibrated_sensor_token"])
        return CameraFrame(
            image=image,
            intrinsics_px=np.array(calibrated["camera_intrinsic"], dtype=np.float64),
            ego_from_camera=ego_from_world @ self._world_from_ego(record) @ self._calibration(record),
            timestamp_s=self._time_s(scene, record),
        )

    def _sweep(self, scene: Scene, record: Mapping[str, Any], lidar: Mapping[str, Any]) -> LidarSweep:
        path = self._root / lidar["filename"]
        clouds: Any = require("nuscenes.utils.data_classes", "nuscenes").LidarPointCloud
        try:
            if self._sweeps == 1:
                cloud = clouds.from_file(str(path))
            else:
                cloud, _ = clouds.from_file_multisweep(self._tables, record, LIDAR, LIDAR, nsweeps=self._sweeps)
        except FileNotFoundError as error:
            raise DataError(f"{error.filename} is missing; read without LiDAR with lidar=False") from error
        except ValueError as error:
            raise DataError(f"{path} or a sweep before it is cut short: {error}") from error
        points = np.asarray(cloud.points, dtype=np.float64).T
        if not np.isfinite(points).all():
            raise DataError(f"{path} or a sweep before it holds points that are not finite")
        return LidarSweep(
            points_m=transform_points(self._calibration(lidar), points[:, :3]).astype(np.float32),
            intensity=(points[:, 3] / _INTENSITY_FULL_SCALE).astype(np.float32),
            timestamp_s=self._time_s(scene, lidar),
        )

    def _truth(self, scene: Scene, record: Mapping[str, Any], lidar: Mapping[str, Any], latest_us: int) -> Truth:
        world_from_ego = self._world_from_ego(lidar)
        return Truth(
            timestamp_s=seconds_from_microseconds(latest_us, origin_us=self._origin_us(scene)),
            world_from_ego=world_from_ego,
            map_name=scene.map_name,
            future=self._poses(scene.name).future(self._time_s(scene, lidar), self._sampling),
            objects=tuple(self._object(token, invert_rigid(world_from_ego)) for token in record["anns"])
            if not self.version.endswith("test")
            else None,
            lanes=self._map_lanes.around(scene.map_name, world_from_ego),
        )

    def _object(self, token: str, ego_from_world: NDArray[np.float64]) -> ObjectTruth:
        record = self._tables.get("sample_annotation", token)
        velocity = np.asarray(self._tables.box_velocity(token), dtype=np.float64)
        level = record["visibility_token"]
        return ObjectTruth(
            track_id=record["instance_token"],
            category=record["category_name"],
            ego_from_object=ego_from_world @ transform_from_record(record["translation"], record["rotation"]),
            size_m=size_from_nuscenes(record["size"]),
            velocity_mps=(ego_from_world[:3, :3] @ velocity)[:2] if np.isfinite(velocity).all() else None,
            lidar_points=int(record["num_lidar_pts"]),
            visibility=VISIBILITY[self._tables.get("visibility", level)["level"]] if level else None,
        )

    def _calibration(self, record: Mapping[str, Any]) -> NDArray[np.float64]:
        calibrated = self._tables.get("calibrated_sensor", record["calibrated_sensor_token"])
        return transform_from_record(calibrated["translation"], calibrated["rotation"])

    def _world_from_ego(self, record: Mapping[str, Any]) -> NDArray[np.float64]:
        pose = self._tables.get("ego_pose", record["ego_pose_token"])
        return transform_from_record(pose["translation"], pose["rotation"])

    def _origin_us(self, scene: Scene) -> int:
        return int(self._tables.get("sample", scene.tokens[0])["timestamp"])

    def _time_s(self, scene: Scene, record: Mapping[str, Any]) -> float:
        return seconds_from_microseconds(record["timestamp"], origin_us=self._origin_us(scene))

    def _read_scenes(self) -> Iterator[Scene]:
        splits = require("nuscenes.utils.splits", "nuscenes").create_splits_scenes()
        split_of = {scene: split for split in _SPLITS.get(self.version, ()) for scene in splits[split]}
        for record in self._tables.scene:
            tokens, token = [], record["first_sample_token"]
            while token:
                tokens.append(token)
                if len(tokens) > record["nbr_samples"]:
                    raise DataError(
                        f"{record['name']} says nbr_samples {record['nbr_samples']}, but its chain is longer"
                    )
                token = self._tables.get("sample", token)["next"]
            log = self._tables.get("log", record["log_token"])
            yield Scene(
                name=record["name"],
                tokens=tuple(tokens),
                split=split_of.get(record["name"]),
                map_name=log["location"],
                description=record["description"],
            )

    def _collect_pose_records(self) -> dict[str, list[Mapping[str, Any]]]:
        """By scene, the LiDAR's records and every sensor's of a keyframe: as dense as poses come without them all."""
        found: dict[str, list[Mapping[str, Any]]] = {scene.name: [] for scene in self._scenes}
        for record in self._tables.sample_data:
            if (record["is_key_frame"] or record["channel"] == LIDAR) and record["sample_token"] in self._scene_of:
                found[self._scene_of[record["sample_token"]].name].append(record)
        return found

    def _poses_of_scene(self, name: str) -> DrivenPoses:
        records = {int(each["timestamp"]): each for each in self._pose_records[name]}
        lidar_wins = {int(each["timestamp"]): each for each in self._pose_records[name] if each["channel"] == LIDAR}
        ordered = sorted((records | lidar_wins).items())
        origin_us = self._origin_us(self._scene_of[ordered[0][1]["sample_token"]])
        times_s = [seconds_from_microseconds(stamp, origin_us=origin_us) for stamp, _ in ordered]
        return DrivenPoses(np.array(times_s), np.stack([self._world_from_ego(each) for _, each in ordered]))


def _load(root: Path, version: str) -> Any:
    devkit = require("nuscenes.nuscenes", "nuscenes")
    try:
        return devkit.NuScenes(version=version, dataroot=str(root), verbose=False)
    except (AssertionError, KeyError, ValueError, FileNotFoundError) as error:
        raise DataError(
            f"the nuScenes devkit cannot load {root / version}: {error!r}; `drivevla data validate {root}` names what "
            "is wrong"
        ) from error
