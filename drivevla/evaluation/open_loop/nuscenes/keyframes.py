"""From the keyframes of a drive to the truth that the nuScenes protocols read."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

from drivevla.errors import ContractError
from drivevla.evaluation.open_loop.nuscenes.objects import KEYFRAMES
from drivevla.evaluation.open_loop.nuscenes.steps import STEP_TIMES_S
from drivevla.evaluation.open_loop.truth import OpenLoopTruth
from drivevla.geometry import invert_rigid, yaw_from_matrix
from drivevla.types import ObjectTruth, Truth, Visibility

__all__ = ["joined_truth", "truth_of_scene"]


def truth_of_scene(tokens: Sequence[str], keyframes: Sequence[Truth], *, ego_from_lidar: ArrayLike) -> OpenLoopTruth:
    """The truth about every keyframe of one scene.

    The protocols count keyframes, not seconds: the i-th keyframe to come stands for i x 0.5 s, as in the official code,
    though nuScenes' are 0.45 s to 0.55 s apart.

    Args:
        tokens: One a keyframe.
        keyframes: In the order of time, half a second apart.
        ego_from_lidar: (4, 4) calibration.

    Returns:
        Future poses, and where every keyframe knows its objects: ``boxes``, ``boxes_present``, ``boxes_category``,
        ``boxes_tracked`` and, where every box has them, ``boxes_lidar_points`` and ``boxes_seen``. ``past_keyframes``
        counts those before.

    Raises:
        ContractError: The numbers of tokens and keyframes differ, or there is none.
    """
    if len(tokens) != len(keyframes) or not keyframes:
        raise ContractError(f"one token a keyframe and at least one, got {len(tokens)} and {len(keyframes)}")
    count, steps = len(keyframes), KEYFRAMES - 1
    poses, valid = np.zeros((count, steps, 3)), np.zeros((count, steps), dtype=np.bool_)
    world_from_ego = np.stack([keyframe.world_from_ego for keyframe in keyframes])
    for index in range(count):
        later = world_from_ego[index + 1 : index + KEYFRAMES]
        ego_from_later = invert_rigid(world_from_ego[index]) @ later
        poses[index, : len(later), :2] = ego_from_later[:, :2, 3]
        poses[index, : len(later), 2] = yaw_from_matrix(ego_from_later[:, :3, :3])
        valid[index, : len(later)] = True
    details: dict[str, NDArray[np.generic]] = {
        "ego_from_lidar": np.broadcast_to(np.asarray(ego_from_lidar, dtype=np.float64), (count, 4, 4)).copy(),
        "past_keyframes": np.arange(count),
    }
    objects = [keyframe.objects for keyframe in keyframes if keyframe.objects is not None]
    if len(objects) == count:
        details |= _boxes(world_from_ego, objects)
    return OpenLoopTruth(tokens=tuple(tokens), times_s=STEP_TIMES_S, poses=poses, valid=valid, details=details)


def joined_truth(truths: Sequence[OpenLoopTruth]) -> OpenLoopTruth:
    """The truths of several scenes as one; boxes are filled up to the same number.

    Raises:
        ContractError: There is none, their times differ, or they hold different arrays.
    """
    if not truths or any(not np.array_equal(each.times_s, truths[0].times_s) for each in truths):
        raise ContractError("truths to be joined must be at least one and have the same times")
    names = set(truths[0].details)
    if any(set(each.details) != names for each in truths):
        raise ContractError("truths to be joined must hold the same arrays; one scene knows less than another")
    return OpenLoopTruth(
        tokens=tuple(token for each in truths for token in each.tokens),
        times_s=truths[0].times_s,
        poses=np.concatenate([each.poses for each in truths]),
        valid=np.concatenate([each.valid for each in truths]),
        details={name: _stacked([each.details[name] for each in truths]) for name in sorted(names)},
    )


def _boxes(
    world_from_ego: NDArray[np.float64], objects: Sequence[tuple[ObjectTruth, ...]]
) -> dict[str, NDArray[np.generic]]:
    count = len(objects)
    windows = [range(index, min(index + KEYFRAMES, count)) for index in range(count)]
    tracks = [list(dict.fromkeys(each.track_id for later in window for each in objects[later])) for window in windows]
    width = max(map(len, tracks))
    boxes = np.zeros((count, KEYFRAMES, width, 7))
    present = np.zeros((count, KEYFRAMES, width), dtype=np.bool_)
    category = np.full((count, width), "", dtype="U64")
    points = np.zeros((count, width), dtype=np.int64)
    for index, window in enumerate(windows):
        slot = {track: place for place, track in enumerate(tracks[index])}
        ego_from_world = invert_rigid(world_from_ego[index])
        for step, later in enumerate(window):
            for each in objects[later]:
                place = slot[each.track_id]
                ego_from_box = ego_from_world @ world_from_ego[later] @ each.ego_from_object
                yaw = yaw_from_matrix(ego_from_box[:3, :3])
                boxes[index, step, place] = (*ego_from_box[:3, 3], *each.size_m, yaw)
                present[index, step, place] = True
                category[index, place] = each.category
                if step == 0:
                    points[index, place] = each.lidar_points or 0
    details: dict[str, NDArray[np.generic]] = {
        "boxes": boxes,
        "boxes_present": present,
        "boxes_category": category,
        "boxes_tracked": np.full(count, _are_tracked(objects)),
    }
    if all(each.lidar_points is not None for frame in objects for each in frame):
        details["boxes_lidar_points"] = points
    if all(each.visibility is not None for frame in objects for each in frame):
        details["boxes_seen"] = _seen(objects, tracks)
    return details


def _are_tracked(objects: Sequence[tuple[ObjectTruth, ...]]) -> bool:
    """Whether any object is known again at the next keyframe; where none is, names of tracks are names of boxes."""
    names = [{each.track_id for each in frame} for frame in objects if frame]
    return len(names) < 2 or any(now & later for now, later in pairwise(names))


def _seen(objects: Sequence[tuple[ObjectTruth, ...]], tracks: Sequence[Sequence[str]]) -> NDArray[np.bool_]:
    """(N, M) whether the cameras saw 40 % of an object now or at one of the two keyframes before, as ST-P3 asks."""
    visible = [
        {each.track_id for each in frame if each.visibility not in (None, Visibility.BELOW_40_PERCENT)}
        for frame in objects
    ]
    seen = np.zeros((len(objects), max(map(len, tracks))), dtype=np.bool_)
    for index, names in enumerate(tracks):
        recent = set().union(*visible[max(index - 2, 0) : index + 1])
        seen[index, : len(names)] = [name in recent for name in names]
    return seen


def _stacked(arrays: Sequence[NDArray[np.generic]]) -> NDArray[np.generic]:
    shape = [max(sizes) for sizes in zip(*(array.shape[1:] for array in arrays), strict=True)]
    filled = []
    for array in arrays:
        wide = np.zeros((len(array), *shape), dtype=array.dtype)  # False and "" stand for what is not there
        wide[tuple(map(slice, array.shape))] = array
        filled.append(wide)
    return np.concatenate(filled)
