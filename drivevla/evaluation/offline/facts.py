"""What is kept of a sample once it has been read: the groups it falls into, and a digest of what was to be seen."""

import hashlib
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drivevla.errors import DataError
from drivevla.language import Instruction, Language, ParseFailure, parse_instruction
from drivevla.types import Future, Observation, Sample

__all__ = [
    "EITHER_TURN",
    "GROUPINGS",
    "TURNING",
    "SampleFacts",
    "facts_from_dict",
    "facts_of",
    "kind_of",
    "manoeuvre_of",
    "speed_group",
]

GROUPINGS = ("command", "speed", "manoeuvre", "weather", "instruction")
"""The breakdowns, by the name of the field."""

TURNING, EITHER_TURN = ("turning left", "turning right"), "turning either way"
"""The manoeuvres that are also looked at together, and what both are called then."""

NOT_KNOWN = "not known"
_LOOK_S = 3.0
_STANDING_MPS, _TURN_RAD, _ASIDE_M, _CHANGE_MPS = 0.5, np.deg2rad(15.0), 2.0, 2.0
_SPEEDS_MPS = (0.5, 5.0, 10.0, 15.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleFacts:
    """One sample without its pictures.

    Attributes:
        token: Its name.
        command: The discrete command, or "none".
        speed: Its speed's range, in words.
        manoeuvre: What was driven in the next 3 s.
        weather: In the data set's word.
        instruction: The kind of the instruction in force, or "none".
        sentence: The instruction as it was said.
        data_digest: Of ego state, past, command, instruction and truth.
        sensor_digest: Of pictures and LiDAR; "" where none was read.
        cameras: Names of the cameras.
        has_lidar: Whether there was a sweep.
        alternatives: How many other instructions the sample knows the answer to.
    """

    token: str
    command: str
    speed: str
    manoeuvre: str
    weather: str
    instruction: str
    sentence: str | None
    data_digest: str
    sensor_digest: str
    cameras: tuple[str, ...]
    has_lidar: bool
    alternatives: int

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


def facts_from_dict(content: dict[str, Any]) -> SampleFacts:
    """Read ``to_dict`` back.

    Raises:
        DataError: Something is missing.
    """
    try:
        return SampleFacts(**{**content, "cameras": tuple(content["cameras"])})
    except (KeyError, TypeError) as error:
        raise DataError(f"no facts of a sample: {error!r}") from error


def facts_of(sample: Sample) -> SampleFacts:
    """Everything that the result needs to know of a sample."""
    seen, truth = sample.observation, sample.truth
    return SampleFacts(
        token=sample.source.token,
        command="none" if seen.command is None else seen.command.value,
        speed=speed_group(seen.ego.speed_mps),
        manoeuvre=manoeuvre_of(truth.future, seen.ego.speed_mps),
        weather=(sample.labels or {}).get("weather", NOT_KNOWN),
        instruction=kind_of(seen.instruction, truth.instruction),
        sentence=seen.instruction,
        data_digest=_data_digest(sample),
        sensor_digest=_sensor_digest(seen),
        cameras=tuple(sorted(seen.cameras)),
        has_lidar=seen.lidar is not None,
        alternatives=len(sample.alternatives or ()),
    )


def speed_group(speed_mps: float) -> str:
    """The range that a speed falls into."""
    if speed_mps < _SPEEDS_MPS[0]:
        return "standing"
    below = next((bound for bound in _SPEEDS_MPS if speed_mps < bound), None)
    if below is None:
        return f"{_SPEEDS_MPS[-1]:g} m/s and more"
    return f"{_SPEEDS_MPS[_SPEEDS_MPS.index(below) - 1]:g} to {below:g} m/s"


def manoeuvre_of(future: Future | None, speed_mps: float) -> str:
    """What was driven within 3 s, by simple bounds.

    Standing: never faster than 0.5 m/s. Turns: the heading changes by 15 degrees. Aside: 2 m to the side without that.
    Else setting off, stopping (the last half second is below 1 m/s on average), speeding up or slowing down (by 2 m/s),
    or going straight on.
    """
    if future is None:
        return NOT_KNOWN
    valid = future.valid & (future.times_s <= _LOOK_S + 1e-6)
    if not valid.any() or future.times_s[valid][-1] < _LOOK_S - 0.1:
        return NOT_KNOWN
    times = np.concatenate([[0.0], future.times_s[valid]])
    poses = np.concatenate([np.zeros((1, 3)), future.poses[valid]])
    begins_mps, ends_mps = speed_mps, _speed_at_end(times, poses)
    turned, aside = float(np.unwrap(poses[:, 2])[-1]), float(poses[-1, 1])
    if np.linalg.norm(poses[-1, :2]) < _STANDING_MPS * _LOOK_S and max(begins_mps, ends_mps) < 2 * _STANDING_MPS:
        return "standing"
    if abs(turned) >= _TURN_RAD:
        return TURNING[0] if turned > 0 else TURNING[1]
    if abs(aside) >= _ASIDE_M:
        return "moving left" if aside > 0 else "moving right"
    if begins_mps < _STANDING_MPS:
        return "setting off"
    if ends_mps < 2 * _STANDING_MPS:
        return "stopping"
    if abs(ends_mps - begins_mps) >= _CHANGE_MPS:
        return "speeding up" if ends_mps > begins_mps else "slowing down"
    return "straight on"


def kind_of(sentence: str | None, instruction: Instruction | None) -> str:
    """The kind of an instruction, from its slots or else read off the sentence; for tables alone."""
    if instruction is not None:
        return instruction.kind.value
    if not sentence:
        return "none"
    readings = (parse_instruction(sentence, language=language) for language in Language)
    return next((each.kind.value for each in readings if not isinstance(each, ParseFailure)), "in free words")


def _speed_at_end(times_s: NDArray[np.float64], poses: NDArray[np.float64]) -> float:
    last = times_s >= times_s[-1] - 0.5 - 1e-6
    return float(np.linalg.norm(np.diff(poses[last][[0, -1], :2], axis=0)) / np.ptp(times_s[last]))


def _data_digest(sample: Sample) -> str:
    seen, truth = sample.observation, sample.truth
    digest = hashlib.blake2b(digest_size=16)
    ego = (seen.ego.speed_mps, seen.ego.acceleration_mps2, seen.ego.yaw_rate_radps, seen.ego.steering_rad)
    said = (seen.instruction, None if seen.command is None else seen.command.value, ego)
    digest.update(f"{sample.source}\n{said!r}\n".encode())
    arrays: list[NDArray[Any] | None] = [seen.target_points_m]
    arrays += [] if seen.past is None else [seen.past.times_s, seen.past.poses]
    arrays += [] if truth.future is None else [truth.future.times_s, truth.future.poses, truth.future.valid]
    for array in arrays:
        digest.update(b"-" if array is None else np.ascontiguousarray(array).tobytes())
    for thing in truth.objects or ():
        digest.update(thing.category.encode() + thing.ego_from_object.tobytes() + thing.size_m.tobytes())
    return digest.hexdigest()


def _sensor_digest(seen: Observation) -> str:
    if not seen.cameras and seen.lidar is None:
        return ""
    digest = hashlib.blake2b(digest_size=16)
    for name in sorted(seen.cameras):
        frame = seen.cameras[name]
        digest.update(f"{name} {frame.image.shape}".encode())
        digest.update(np.ascontiguousarray(frame.image).data)
        digest.update(frame.intrinsics_px.tobytes() + frame.ego_from_camera.tobytes())
    if seen.lidar is not None:
        digest.update(np.ascontiguousarray(seen.lidar.points_m).data)
    return digest.hexdigest()
