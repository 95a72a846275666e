"""From readers to the truth that a protocol needs."""

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drivevla.errors import DataError
from drivevla.evaluation.offline.selection import SampleSet
from drivevla.evaluation.open_loop import Definition, OpenLoopTruth
from drivevla.evaluation.open_loop.nuscenes.keyframes import joined_truth, truth_of_scene
from drivevla.language import Refuse
from drivevla.types import Future, Reader, Sample

__all__ = ["dataset_truth", "driven_truth", "futures_table", "join_drives", "keyframe_truth", "needs_keyframes"]

_KEYFRAME_DETAILS = {"boxes", "ego_from_lidar", "past_keyframes"}
_TIMES_AGREE_S = 0.005
"""Recordings of 10 or 20 Hz are so but for a millisecond or two; the i-th frame stands for its time."""


def needs_keyframes(definition: Definition) -> bool:
    """Whether a protocol counts nuScenes' keyframes and looks at their boxes."""
    return bool(_KEYFRAME_DETAILS & set(definition.details))


def keyframe_truth(samples: SampleSet, *, needed_by: str) -> OpenLoopTruth:
    """The truth at keyframes, read without sensor files.

    Raises:
        DataError: The reader has no keyframes with a calibrated LiDAR: it is not nuScenes.
    """
    reader: Any = samples.reader
    if not all(hasattr(reader, name) for name in ("truth", "ego_from_lidar")):
        raise DataError(
            f"{needed_by} counts nuScenes' keyframes, and {reader.dataset} has none; take displacement, or write the "
            "data set as nuScenes first (drivevla data --help)"
        )
    whole = {scene.name: scene.tokens for scene in reader.scenes}
    parts = []
    for scene in samples.scenes:
        tokens = whole[scene.name]
        truth = truth_of_scene(
            tokens, [reader.truth(token) for token in tokens], ego_from_lidar=reader.ego_from_lidar(tokens[0])
        )
        chosen = set(scene.tokens)
        parts.append(truth.take(np.array([index for index, token in enumerate(tokens) if token in chosen])))
    return join_drives(parts)


def driven_truth(samples: Sequence[Sample], reader: Reader) -> OpenLoopTruth:
    """The truth of one drive's samples: the future as the reader gives it, and what protocols of words need.

    Details are given where every sample has them: ``must_refuse``, ``commentary`` (slots), ``references`` (sentences)
    and ``device_xy_m``; ``speed_mps`` always.

    Raises:
        DataError: The samples' futures differ in their times by more than 5 ms.
    """
    times_s, poses, valid = futures_table([sample.truth.future for sample in samples])
    count = len(samples)
    details: dict[str, NDArray[Any]] = {"speed_mps": np.array([sample.observation.ego.speed_mps for sample in samples])}
    refused = [_refused(sample) for sample in samples]
    if all(each is not None for each in refused):
        details["must_refuse"] = np.array(refused, dtype=np.bool_)
    explained = [sample.explanation for sample in samples]
    if all(each is not None for each in explained):
        details["commentary"] = np.array([json.dumps(each.to_dict()) for each in explained if each is not None])
    if all(sample.commentary for sample in samples):
        details["references"] = np.array([[sample.commentary] for sample in samples])
    device = getattr(reader, "device_xy_m", None)
    if device is not None:
        details["device_xy_m"] = np.tile(np.asarray(device, dtype=np.float64), (count, 1))
    tokens = tuple(sample.source.token for sample in samples)
    return OpenLoopTruth(tokens=tokens, times_s=times_s, poses=poses, valid=valid, details=details)


def futures_table(
    futures: Sequence[Future | None],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
    """(T,) times, (N, T, 3) poses and (N, T) whether they are known; no times where nobody has a future.

    Raises:
        DataError: The futures differ in their number of times, or in one of them by more than 5 ms.
    """
    known = [future for future in futures if future is not None and len(future.times_s)]
    if not known:
        return np.zeros(0), np.zeros((len(futures), 0, 3)), np.zeros((len(futures), 0), dtype=np.bool_)
    times_s = _nominal(known[0].times_s)
    poses = np.zeros((len(futures), len(times_s), 3))
    valid = np.zeros((len(futures), len(times_s)), dtype=np.bool_)
    for index, future in enumerate(futures):
        if future is None or not len(future.times_s):
            continue
        if len(future.times_s) != len(times_s) or np.abs(future.times_s - times_s).max() > _TIMES_AGREE_S:
            raise DataError(
                f"sample {index} knows the future at other times than the first ({len(future.times_s)} and "
                f"{len(times_s)} times); a data set is judged at the same times everywhere"
            )
        poses[index], valid[index] = future.poses, future.valid
    return times_s, poses, valid


def dataset_truth(definition: Definition, samples: SampleSet) -> OpenLoopTruth:
    """The truth of a whole data set under a protocol, for predictions that were made elsewhere.

    Raises:
        DataError: The data set cannot be judged by the protocol, or a sample cannot be read.
    """
    if needs_keyframes(definition):
        return keyframe_truth(samples, needed_by=definition.name)
    reader = samples.reader
    return join_drives(
        [driven_truth([reader.sample(token) for token in scene.tokens], reader) for scene in samples.scenes]
    )


def join_drives(parts: Sequence[OpenLoopTruth]) -> OpenLoopTruth:
    """The truths of several drives as one, with the details that all of them have."""
    shared = set.intersection(*(set(part.details) for part in parts))
    return joined_truth(
        [
            OpenLoopTruth(
                tokens=part.tokens,
                times_s=part.times_s,
                poses=part.poses,
                valid=part.valid,
                details={name: part.details[name] for name in shared},
            )
            for part in parts
        ]
    )


def _nominal(times_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """The times as multiples of an even step, where they are so but for a few milliseconds."""
    step_s = times_s[-1] / len(times_s)
    rate_hz = round(1.0 / step_s, 1)
    even = np.arange(1, len(times_s) + 1) / rate_hz
    return even if np.abs(even - times_s).max() <= _TIMES_AGREE_S else times_s


def _refused(sample: Sample) -> bool | None:
    if sample.refused is not None:
        return sample.refused
    return None if sample.truth.goal is None else isinstance(sample.truth.goal, Refuse)
