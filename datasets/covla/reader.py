"""CoVLA frames as samples."""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drivevla.datasets.covla.faults import find_faults
from drivevla.datasets.covla.layout import KINDS, Layout
from drivevla.datasets.covla.pictures import frame_picture
from drivevla.datasets.covla.records import field_of, read_records
from drivevla.datasets.motion import DrivenPoses, Sampling
from drivevla.errors import ContractError, DataError, unknown_name
from drivevla.geometry import matrix_from_yaw, rigid, yaw_along
from drivevla.geometry.covla import RATE_HZ, device_from_camera, enu_from_ecef, poses_from_device_trajectory
from drivevla.types import (
    CameraFrame,
    EgoState,
    Fault,
    Future,
    LeadVehicle,
    LightInImage,
    LightState,
    Observation,
    Provenance,
    Sample,
    Scene,
    Truth,
)

__all__ = ["CoVLAReader"]

CAMERA = "CAM_FRONT"
POINTS = 60
_FRAMES = 600
_SLOWEST_WITH_HEADING_MPS = 0.5
_YAW_RATE_FRAMES = 10
_LIGHTS = {"red": LightState.RED, "green": LightState.GREEN, "amber": LightState.YELLOW, "yellow": LightState.YELLOW}
_ARROWS = frozenset({"left", "right", "straight"})
_LABELS = {
    "weather": ("weather",),
    "road": ("road",),
    "risk": ("risk",),
    "is_tunnel": ("is_tunnel",),
    "is_highway": ("is_highway",),
    "has_pedestrian": ("has_pedestrian", "has_pedestrain"),
    "has_carrier_car": ("has_carrier_car",),
}


class CoVLAReader:
    """CoVLA as downloaded, full or mini, one sample a frame.

    Args:
        root: The folder that holds ``metadata.jsonl`` (full) or ``index.csv`` (mini).
        camera: Whether to read pictures.
        frames: How many frames a scene of the full release has.
        device_x_m: How far the recording device is ahead of the rear axle; the release does not say.
        device_height_m: How high it is above the road; likewise.

    Raises:
        DataError: The folder is no CoVLA, or its index is broken.
    """

    def __init__(
        self,
        root: Path,
        *,
        camera: bool = True,
        frames: int = _FRAMES,
        device_x_m: float = 1.7,
        device_height_m: float = 1.3,
    ) -> None:
        self._layout, self._camera = Layout.find(Path(root)), camera
        self._device_x_m = device_x_m
        self._ego_from_device = rigid(np.eye(3), np.array([device_x_m, 0.0, device_height_m]))
        self._scenes = tuple(
            Scene(name=name, tokens=tuple(f"{name}/{frame:04d}" for frame in range(frames if count is None else count)))
            for name, count in self._layout.scenes().items()
        )
        self._names = frozenset(scene.name for scene in self._scenes)
        self._records = lru_cache(maxsize=16)(self._read)
        self._poses = lru_cache(maxsize=4)(self._read_poses)
        self._sampling = Sampling(future_s=(POINTS - 1) / RATE_HZ, rate_hz=RATE_HZ)

    @classmethod
    def recognises(cls, root: Path) -> bool:
        """Whether the folder holds CoVLA's states and an index."""
        return (Path(root) / "states").is_dir() and any(
            (Path(root) / name).exists() for name in ("index.csv", "metadata.jsonl")
        )

    @classmethod
    def find_faults(cls, root: Path) -> Iterator[Fault]:
        """Every fault of the index and of the files that it names."""
        return find_faults(Path(root))

    @property
    def dataset(self) -> str:
        """CoVLA and the release."""
        return "covla mini" if self._layout.mini else "covla"

    @property
    def scenes(self) -> tuple[Scene, ...]:
        """Every scene; CoVLA has no splits of its own."""
        return self._scenes

    @property
    def device_xy_m(self) -> tuple[float, float]:
        """Where the recording device is in the ego frame."""
        return (self._device_x_m, 0.0)

    def sample(self, token: str) -> Sample:
        """The frame of a token ``scene/frame``.

        Raises:
            DataError: A file or record is missing or broken.
            UnknownName: There is no such scene.
        """
        name, _, digits = token.rpartition("/")
        if name not in self._names or not digits.isdecimal():
            raise unknown_name("CoVLA frame", token, ())
        frame = int(digits)
        state = self._state(name, frame)
        try:
            return self._sample(name, frame, token, state)
        except (KeyError, TypeError, ContractError) as error:
            raise DataError(f"{self._layout.records('states', name)}, record {frame}: {error!r}") from error

    def _sample(self, name: str, frame: int, token: str, state: Mapping[str, Any]) -> Sample:
        poses = self._poses(name)
        now_s = float(poses.times_s[frame])
        captions, leads = self._optional("captions", name, frame), self._optional("front_car", name, frame)
        lights = self._optional("traffic_lights", name, frame)
        return Sample(
            source=Provenance(dataset=self.dataset, scene=name, token=token),
            observation=Observation(
                timestamp_s=now_s,
                ego=EgoState(
                    speed_mps=state["vEgo"],
                    acceleration_mps2=state["aEgo"],
                    yaw_rate_radps=self._yaw_rate_radps(name, frame),
                ),
                cameras={CAMERA: self._frame(name, frame, state, now_s)} if self._camera else {},
                past=poses.past(now_s, self._sampling),
            ),
            truth=Truth(timestamp_s=now_s, world_from_ego=poses.world_from_ego[frame], future=self._future(state)),
            lead=None if leads is None else self._lead(leads),
            lights_in_image=None if lights is None else tuple(_light(each) for each in lights),
            commentary=None if captions is None else field_of(captions, "rich_caption", "plain_caption"),
            labels=None if captions is None else _labels(captions),
        )

    def _state(self, scene: str, frame: int) -> Mapping[str, Any]:
        records = self._records("states", scene)
        if frame >= len(records):
            raise DataError(f"{self._layout.records('states', scene)} has {len(records)} records, none for {frame}")
        record = records[frame]
        return {**record, **record.get("ego_state", {})}

    def _read(self, kind: str, scene: str) -> list[Any]:
        return read_records(self._layout.records(kind, scene))

    def _optional(self, kind: str, scene: str, frame: int) -> Any:
        """A record of a kind that need not have been downloaded; where it was, every frame must have one."""
        assert kind in KINDS
        path = self._layout.records(kind, scene)
        if not path.parent.is_dir():
            return None
        records = self._records(kind, scene)
        if frame >= len(records):
            raise DataError(f"{path} has {len(records)} records, none for frame {frame}")
        return records[frame]

    def _future(self, state: Mapping[str, Any]) -> Future:
        points = np.asarray(state["trajectory"], dtype=np.float64).reshape(-1, 3)
        count = min(int(state["trajectory_count"]), len(points))
        poses = np.zeros((POINTS, 3))
        poses[:count] = poses_from_device_trajectory(points[:count], device_x_m=self._device_x_m)
        return Future(times_s=np.arange(1, POINTS) / RATE_HZ, poses=poses[1:], valid=np.arange(1, POINTS) < count)

    def _yaw_rate_radps(self, scene: str, frame: int) -> float:
        """How the direction of motion turned in the last half second; at the beginning, in the first one.

        The gyroscope would have known it there too. Directions are compared with each other, not with the heading,
        from which the device's motion differs in a bend.
        """
        start = max(frame - _YAW_RATE_FRAMES, 0)
        points = np.asarray(self._state(scene, start)["trajectory"], dtype=np.float64)[: _YAW_RATE_FRAMES + 1]
        if len(points) < 3:
            raise DataError(f"scene {scene}, frame {start}: {len(points)} points do not say how the car turns")
        directions = yaw_along(points[:, :2])
        return float((directions[-1] - directions[1]) / ((len(points) - 2) / RATE_HZ))

    def _read_poses(self, scene: str) -> DrivenPoses:
        """The clip's own world: east, north, up around its first position; headings as the car moved.

        What the release's ``orientations_...`` mean is not settled, so they are not read.
        """
        states = [self._state(scene, frame) for frame in range(len(self._records("states", scene)))]
        if not states:
            raise DataError(f"{self._layout.records('states', scene)} holds no record")
        ecef = np.array([state["positions_ecef"] for state in states], dtype=np.float64)
        enu = enu_from_ecef(ecef[0])
        places = (ecef - ecef[0]) @ enu.T
        velocity = np.array([state["velocities_ecef"] for state in states], dtype=np.float64) @ enu.T
        yaw = _held_heading(velocity[:, :2])
        world_from_device = rigid(matrix_from_yaw(yaw), places)
        device_from_ego = rigid(np.eye(3), -self._ego_from_device[:3, 3])
        times_ms = np.array([int(state["timestamp"]) for state in states], dtype=np.int64)
        return DrivenPoses((times_ms - times_ms[0]) * 1e-3, world_from_device @ device_from_ego)

    def _frame(self, scene: str, frame: int, state: Mapping[str, Any], now_s: float) -> CameraFrame:
        return CameraFrame(
            image=frame_picture(self._layout, scene, frame),
            intrinsics_px=np.asarray(state["intrinsic_matrix"], dtype=np.float64),
            ego_from_camera=self._ego_from_device @ device_from_camera(state["extrinsic_matrix"]),
            timestamp_s=now_s,
        )

    def _lead(self, record: Mapping[str, Any]) -> tuple[LeadVehicle, ...]:
        if not record["has_lead"]:
            return ()
        return (
            LeadVehicle(
                position_m=np.array([record["lead_x"] + self._device_x_m, record["lead_y"]], dtype=np.float64),
                speed_mps=record["lead_speed_kmh"] / 3.6,
                acceleration_mps2=record["lead_a"],
                probability=record["lead_prob"],
            ),
        )


def _held_heading(velocity_mps: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N,) the direction of motion; a car that stands keeps its last one, or has its first one already."""
    moving = np.hypot(velocity_mps[:, 0], velocity_mps[:, 1]) >= _SLOWEST_WITH_HEADING_MPS
    if not moving.any():
        return np.zeros(len(velocity_mps))
    last_moving = np.maximum.accumulate(np.where(moving, np.arange(len(moving)), -1))
    source = np.where(last_moving < 0, int(np.argmax(moving)), last_moving)
    return np.asarray(np.arctan2(velocity_mps[source, 1], velocity_mps[source, 0]))


def _light(record: Mapping[str, Any]) -> LightInImage:
    shown = str(record["class"]).lower()
    if shown not in _LIGHTS and shown not in _ARROWS:
        raise unknown_name("traffic light class", shown, (*_LIGHTS, *_ARROWS))
    return LightInImage(
        camera=CAMERA,
        box_px=np.asarray(record["bbox"], dtype=np.float64),
        state=_LIGHTS.get(shown, LightState.UNKNOWN),
        arrows=frozenset({shown}) & _ARROWS,
    )


def _labels(record: Mapping[str, Any]) -> dict[str, str]:
    found = {name: field_of(record, *spellings) for name, spellings in _LABELS.items()}
    return {
        name: str(value).lower() if isinstance(value, bool) else str(value)
        for name, value in found.items()
        if value is not None
    }
