"""Everybody else as arrays, in the ego frame."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from drivevla.types import ObjectTruth, Truth, VehicleLight

__all__ = ["Others", "read_others"]

_TWO_WHEELED = ("vehicle.bicycle", "vehicle.motorcycle")
_STANDING_MPS = 0.3
_HAZARD = frozenset({VehicleLight.LEFT_INDICATOR, VehicleLight.RIGHT_INDICATOR})
_OTHER_LEVEL_M = 4.5
_LOWEST_M = 0.3
"""What is no higher can be driven over, such as debris; the crash test of the benchmarks knows no such thing, but
boxes of this height are decals, not bodies."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Others:
    """Everybody and everything near, N of them.

    Attributes:
        truths: What they were made of.
        xy_m: (N, 2) the boxes' middles.
        yaw_rad: (N,).
        half_m: (N, 2) half length and half width.
        velocity_mps: (N, 2).
        speed_mps: (N,) along the own heading, negative in reverse.
        acceleration_mps2: (N,) along the own heading.
        yaw_rate_radps: (N,).
        is_walker: (N,) bool.
        is_vehicle: (N,) bool, two-wheelers included.
        is_bicycle: (N,) bool, pedalled or motored.
        is_pedalled: (N,) bool, of these the pedalled ones.
        stands: (N,) bool.
        will_stay: (N,) bool, stands and shows that it will: things, parked vehicles, hazard lights.
        emergency: (N,) bool, shows an emergency vehicle's lights.
        door_open: (N,) bool.
    """

    truths: tuple[ObjectTruth, ...]
    xy_m: NDArray[np.float64]
    yaw_rad: NDArray[np.float64]
    half_m: NDArray[np.float64]
    velocity_mps: NDArray[np.float64]
    speed_mps: NDArray[np.float64]
    acceleration_mps2: NDArray[np.float64]
    yaw_rate_radps: NDArray[np.float64]
    is_walker: NDArray[np.bool_]
    is_vehicle: NDArray[np.bool_]
    is_bicycle: NDArray[np.bool_]
    is_pedalled: NDArray[np.bool_]
    stands: NDArray[np.bool_]
    will_stay: NDArray[np.bool_]
    emergency: NDArray[np.bool_]
    door_open: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.truths)


def read_others(truth: Truth) -> Others:
    """Everybody of a truth on the ego's level."""
    objects = [each for each in truth.objects or () if _matters(each)]
    count = len(objects)
    pose = np.array([each.ego_from_object for each in objects]).reshape(count, 4, 4)
    yaw = np.arctan2(pose[:, 1, 0], pose[:, 0, 0])
    forward = np.stack([np.cos(yaw), np.sin(yaw)], axis=-1)
    velocity = _rows([each.velocity_mps for each in objects])
    speed = np.einsum("ij,ij->i", velocity, forward)
    is_walker = _flags(each.category.startswith("walker") for each in objects)
    is_vehicle = _flags(each.category.startswith("vehicle") for each in objects)
    emergency = _flags(VehicleLight.EMERGENCY in (each.lights or ()) for each in objects)
    door_open = _flags(each.door_open is True for each in objects)
    shows = _flags((each.lights or frozenset()) >= _HAZARD or each.parked is True for each in objects)
    stands = np.hypot(*velocity.T) < _STANDING_MPS
    return Others(
        truths=tuple(objects),
        xy_m=pose[:, :2, 3],
        yaw_rad=yaw,
        half_m=np.array([each.size_m[:2] for each in objects]).reshape(count, 2) / 2,
        velocity_mps=velocity,
        speed_mps=speed,
        acceleration_mps2=np.einsum("ij,ij->i", _rows([each.acceleration_mps2 for each in objects]), forward),
        yaw_rate_radps=np.array([each.yaw_rate_radps or 0.0 for each in objects]),
        is_walker=is_walker,
        is_vehicle=is_vehicle,
        is_bicycle=_flags(each.category in _TWO_WHEELED for each in objects),
        is_pedalled=_flags(each.category == "vehicle.bicycle" for each in objects),
        stands=stands,
        will_stay=stands & ~is_walker & (~is_vehicle | shows | emergency | door_open),
        emergency=emergency,
        door_open=door_open,
    )


def _matters(each: ObjectTruth) -> bool:
    return bool(abs(each.ego_from_object[2, 3] - each.size_m[2] / 2) < _OTHER_LEVEL_M and each.size_m[2] > _LOWEST_M)


def _rows(values: list[NDArray[np.float64] | None]) -> NDArray[np.float64]:
    return np.array([(0.0, 0.0) if each is None else each for each in values]).reshape(-1, 2)


def _flags(values: object) -> NDArray[np.bool_]:
    return np.array(list(values), dtype=np.bool_)  # type: ignore[call-overload]
