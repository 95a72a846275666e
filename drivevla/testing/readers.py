"""Does a reader keep the contract of ``drivevla.types.Reader``?"""

from dataclasses import replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from drivevla.errors import UserError
from drivevla.geometry import interpolate_poses, invert_rigid, yaw_from_matrix
from drivevla.types import Observation, Reader, Sample, Scene, SparesSensors

__all__ = ["check_reader"]


def check_reader(reader: Reader, *, samples_per_scene: int = 4, tolerance_m: float = 0.2) -> int:
    """Hold a reader to the contract on the first samples of each scene.

    Args:
        reader: What is checked.
        samples_per_scene: How many are read of each.
        tolerance_m: How well futures and poses must agree.

    Returns:
        How many samples were read.

    Raises:
        AssertionError: There is no scene, a token belongs to two, a sample is read differently the second time, says
            that it comes from elsewhere or is out of order, a token that does not exist gives something, a sample
            that was read without its sensors differs in something else, or the future of a sample is not where later
            samples are (mirrored axes, degrees, another rate).
    """
    name = type(reader).__name__
    if not isinstance(reader, Reader):
        raise AssertionError(f"{name} must have dataset, scenes and sample(token)")
    if not reader.scenes:
        raise AssertionError(f"{name}.scenes must name at least one scene")
    owners: dict[str, str] = {}
    for scene in reader.scenes:
        for token in scene.tokens:
            if owners.setdefault(token, scene.name) != scene.name:
                raise AssertionError(f"token {token!r} belongs to scenes {owners[token]!r} and {scene.name!r}")
    _check_unknown_token(reader)
    count = 0
    for scene in reader.scenes:
        samples = [_read_twice(reader, scene, token) for token in scene.tokens[:samples_per_scene]]
        if isinstance(reader, SparesSensors):
            for sample in samples:
                _check_spared(sample, reader.sample_without_sensors(sample.source.token))
        for earlier, later in pairwise(samples):
            _check_pair(earlier, later, tolerance_m)
        count += len(samples)
    return count


def _check_unknown_token(reader: Reader) -> None:
    try:
        reader.sample("there is no such token")
    except UserError:
        return
    raise AssertionError(f"{type(reader).__name__}.sample must raise UnknownName for a token that does not exist")


def _read_twice(reader: Reader, scene: Scene, token: str) -> Sample:
    sample, again = reader.sample(token), reader.sample(token)
    source = sample.source
    if (source.dataset, source.scene, source.token, source.split) != (
        reader.dataset,
        scene.name,
        token,
        scene.split,
    ):
        raise AssertionError(f"sample {token!r} of {scene.name!r} says that it is {source}, split {source.split!r}")
    if not _same(sample.observation, again.observation) or not np.array_equal(
        sample.truth.world_from_ego, again.truth.world_from_ego
    ):
        raise AssertionError(f"{source} was read differently the second time")
    return sample


def _check_spared(whole: Sample, spared: Sample) -> None:
    if not _same(spared.observation, replace(whole.observation, cameras={}, lidar=None)):
        raise AssertionError(f"{whole.source} moves differently without its sensors, or still has some")
    future, other = whole.truth.future, spared.truth.future
    unlike = (future is None) != (other is None) or (
        future is not None and other is not None and not np.array_equal(future.poses, other.poses)
    )
    said = (whole.source, whole.observation.instruction, whole.refused, whole.target_speed_mps)
    if unlike or said != (spared.source, spared.observation.instruction, spared.refused, spared.target_speed_mps):
        raise AssertionError(f"{whole.source} was driven differently without its sensors")


def _same(first: Observation, second: Observation) -> bool:
    if first.timestamp_s != second.timestamp_s or first.ego != second.ego or set(first.cameras) != set(second.cameras):
        return False
    if not all(np.array_equal(first.cameras[name].image, second.cameras[name].image) for name in first.cameras):
        return False
    if first.lidar is None or second.lidar is None:
        return first.lidar is second.lidar
    return np.array_equal(first.lidar.points_m, second.lidar.points_m)


def _check_pair(earlier: Sample, later: Sample, tolerance_m: float) -> None:
    lasts_s = later.truth.timestamp_s - earlier.truth.timestamp_s
    if lasts_s <= 0:
        raise AssertionError(f"{later.source} comes {lasts_s:g} s after {earlier.source}: a scene's tokens are in time")
    moved = invert_rigid(earlier.truth.world_from_ego) @ later.truth.world_from_ego
    future = earlier.truth.future
    if future is not None:
        times_s, poses = np.append(0.0, future.times_s), np.concatenate([np.zeros((1, 3)), future.poses])
        known = int(np.argmin(np.append(future.valid, False))) + 1
        if lasts_s <= times_s[known - 1]:
            expected = interpolate_poses(times_s[:known], poses[:known], [lasts_s])[0]
            _compare(f"the future of {earlier.source}", expected, later, moved, tolerance_m)
    past = later.observation.past
    if past is not None and -lasts_s >= past.times_s[0]:
        expected = interpolate_poses(past.times_s, past.poses, [-lasts_s])[0]
        _compare(f"the past of {later.source}", expected, earlier, invert_rigid(moved), tolerance_m)


def _compare(
    what: str, expected: NDArray[np.float64], other: Sample, ego_from_other: NDArray[np.float64], tolerance_m: float
) -> None:
    gap_m = float(np.hypot(*(expected[:2] - ego_from_other[:2, 3])))
    turned_rad = float(yaw_from_matrix(ego_from_other[:3, :3]))
    gap_rad = abs(float(np.angle(np.exp(1j * (expected[2] - turned_rad)))))
    if gap_m > tolerance_m or gap_rad > 0.1:
        raise AssertionError(
            f"{what} and the pose of {other.source} differ by {gap_m:.2f} m and {gap_rad:.2f} rad: "
            f"{np.round(expected, 2).tolist()} and "
            f"{np.round([*ego_from_other[:2, 3], turned_rad], 2).tolist()} (x, y, yaw)"
        )
