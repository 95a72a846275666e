"""Segments of comma2k19 as samples: the motion that was driven. Its films are not read.

Source: commaai/comma2k19 README; the axes were checked on its example segment.
"""

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from drivevla.datasets.examining import fault, pose_faults
from drivevla.datasets.motion import DrivenPoses, Sampling
from drivevla.errors import DataError, unknown_name
from drivevla.geometry import matrix_from_quaternion, matrix_from_yaw, rigid
from drivevla.geometry.covla import RATE_HZ, enu_from_ecef
from drivevla.types import EgoState, Fault, FaultKind, Future, Observation, Provenance, Sample, Scene, Truth

__all__ = ["Comma2k19Reader"]

_WINDOW = 60  # points a future, the present one counted, as in CoVLA
_ARRAYS = ("frame_times", "frame_positions", "frame_orientations")
_SPEED = Path("processed_log/CAN/speed")


class Comma2k19Reader:
    """comma2k19 as unpacked, one sample for each frame with a whole window of 60 points at 20 Hz ahead.

    The ego frame is level and turned as the device is; pitch and roll of the device, which is not mounted straight, are
    left out.

    Args:
        root: A folder with segments ``ROUTE/NUMBER/global_pose`` at any depth.
        device_x_m: How far the device is ahead of the rear axle; the data set does not say.

    Raises:
        DataError: There is no segment.
    """

    def __init__(self, root: Path, *, device_x_m: float = 1.7) -> None:
        self._root, self._device_x_m = Path(root), device_x_m
        self._folders = {str(path.relative_to(self._root)): path for path in _segments(self._root)}
        if not self._folders:
            raise DataError(f"{root} holds no segment: no folder global_pose with frame_positions")
        self._sampling = Sampling(future_s=(_WINDOW - 1) / RATE_HZ, rate_hz=RATE_HZ)
        self._poses = lru_cache(maxsize=8)(self._read_poses)
        self._speeds = lru_cache(maxsize=8)(self._read_speeds)
        self._scenes = tuple(
            Scene(name=name, tokens=tuple(f"{name}/{frame:04d}" for frame in range(_windows(path))))
            for name, path in self._folders.items()
        )
        self._known = frozenset(token for scene in self._scenes for token in scene.tokens)

    @classmethod
    def recognises(cls, root: Path) -> bool:
        """Whether there is a segment in the folder."""
        return next(_segments(Path(root)), None) is not None

    @classmethod
    def find_faults(cls, root: Path) -> Iterator[Fault]:
        """Every fault of the poses and speeds."""
        for folder in _segments(Path(root)):
            yield from _segment_faults(Path(root), folder)

    @property
    def dataset(self) -> str:
        """comma2k19."""
        return "comma2k19"

    @property
    def scenes(self) -> tuple[Scene, ...]:
        """Every segment of a minute."""
        return self._scenes

    @property
    def device_xy_m(self) -> tuple[float, float]:
        """Where the recording device is in the ego frame."""
        return (self._device_x_m, 0.0)

    def sample(self, token: str) -> Sample:
        """The window of a token ``segment/frame``.

        Raises:
            DataError: A file is missing or broken.
            UnknownName: There is no such window.
        """
        if token not in self._known:
            raise unknown_name("comma2k19 window", token, ())
        name, _, digits = token.rpartition("/")
        poses, frame = self._poses(name), int(digits)
        now_s = float(poses.times_s[frame])
        moving = poses.ego_state(now_s)
        return Sample(
            source=Provenance(dataset=self.dataset, scene=name, token=token),
            observation=Observation(
                timestamp_s=now_s,
                ego=EgoState(
                    speed_mps=self._speed_mps(name, now_s, otherwise=moving.speed_mps),
                    acceleration_mps2=moving.acceleration_mps2,
                    yaw_rate_radps=moving.yaw_rate_radps,
                ),
                past=poses.past(now_s, self._sampling),
            ),
            truth=Truth(
                timestamp_s=now_s,
                world_from_ego=poses.world_from_ego[frame],
                future=_window_ahead(poses, frame),
            ),
        )

    def _read_poses(self, name: str) -> DrivenPoses:
        folder = self._folders[name]
        times_s, positions, orientations = (_array(folder / "global_pose" / array) for array in _ARRAYS)
        enu = enu_from_ecef(positions[0])
        forward = (enu @ matrix_from_quaternion(orientations))[:, :, 0]
        yaw = np.arctan2(forward[:, 1], forward[:, 0])
        places = (positions - positions[0]) @ enu.T
        device_from_ego = rigid(np.eye(3), np.array([-self._device_x_m, 0.0, 0.0]))
        return DrivenPoses(times_s - times_s[0], rigid(matrix_from_yaw(yaw), places) @ device_from_ego)

    def _read_speeds(self, name: str) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
        folder = self._folders[name]
        if not (folder / _SPEED).is_dir():
            return None
        start_s = float(_array(folder / "global_pose" / "frame_times")[0])
        return _array(folder / _SPEED / "t") - start_s, _array(folder / _SPEED / "value").reshape(-1)

    def _speed_mps(self, name: str, now_s: float, *, otherwise: float) -> float:
        """The speedometer's newest value; from the poses where the bus was not recorded yet."""
        speeds = self._speeds(name)
        if speeds is None:
            return otherwise
        newest = int(np.searchsorted(speeds[0], now_s, side="right")) - 1
        return otherwise if newest < 0 else float(speeds[1][newest])


def _segments(root: Path) -> Iterator[Path]:
    for path in sorted(root.glob("**/global_pose/frame_positions")):
        yield path.parent.parent


def _windows(folder: Path) -> int:
    return max(len(_array(folder / "global_pose" / "frame_times")) - _WINDOW + 1, 0)


def _window_ahead(poses: DrivenPoses, frame: int) -> Future:
    """The frames themselves: their times are 20 Hz but for a millisecond or so."""
    ahead = slice(frame + 1, frame + _WINDOW)
    now_s = float(poses.times_s[frame])
    return Future(
        times_s=poses.times_s[ahead] - now_s,
        poses=poses.planar_from(now_s)[ahead],
        valid=np.ones(_WINDOW - 1, dtype=np.bool_),
    )


def _array(path: Path) -> NDArray[np.float64]:
    """A ``.npy`` file without suffix.

    Raises:
        DataError: It is missing, cut short or no array.
    """
    try:
        with path.open("rb") as file:
            return np.asarray(np.load(file, allow_pickle=False), dtype=np.float64)
    except FileNotFoundError as error:
        raise DataError(f"{path} is missing") from error
    except (ValueError, EOFError) as error:
        raise DataError(f"{path} is cut short or no NumPy array: {error}") from error


def _segment_faults(root: Path, folder: Path) -> Iterator[Fault]:
    arrays = {}
    for name in _ARRAYS:
        path = folder / "global_pose" / name
        file = str(path.relative_to(root))
        try:
            arrays[name] = _array(path)
        except DataError as error:
            kind = FaultKind.TRUNCATED if path.exists() else FaultKind.MISSING
            yield fault(kind, file, str(error))
            continue
        if not np.isfinite(arrays[name]).all():
            yield fault(FaultKind.CORRUPT, file, "there are numbers that are not finite")
            del arrays[name]
    if len(arrays) < len(_ARRAYS):
        return
    times_s, positions, orientations = (arrays[name] for name in _ARRAYS)
    file = str((folder / "global_pose").relative_to(root))
    if not len(times_s) == len(positions) == len(orientations) > 1:
        message = f"{len(times_s)} times, {len(positions)} positions and {len(orientations)} orientations"
        yield fault(FaultKind.INCONSISTENT, file, message)
        return
    if not (np.diff(times_s) > 0).all():
        yield fault(FaultKind.INCONSISTENT, f"{file}/frame_times", "the times do not increase")
        return
    if np.abs(np.linalg.norm(orientations, axis=1) - 1.0).max() > 1e-3:
        yield fault(FaultKind.CORRUPT, f"{file}/frame_orientations", "a quaternion is not of unit length")
        return
    enu = enu_from_ecef(positions[0])
    forward = (enu @ matrix_from_quaternion(orientations))[:, :2, 0]
    places = ((positions - positions[0]) @ enu.T)[:, :2]
    yield from pose_faults(file, [f"frame {index}" for index in range(len(times_s))], times_s, places, forward)
