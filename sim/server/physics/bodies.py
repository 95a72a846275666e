"""Every body of the collision pass side by side: vehicles, then walkers, then props."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drivevla.sim.server.numba_import import kernel
from drivevla.sim.server.physics.boxes import BOX, Boxes
from drivevla.sim.server.physics.props import PropRows
from drivevla.sim.server.physics.vehicle_rows import VehicleRows
from drivevla.sim.server.physics.walkers import WalkerRows

__all__ = ["PROP", "VEHICLE", "WALKER", "Bodies", "gather"]

VEHICLE, WALKER, PROP = 0, 1, 2

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bodies:
    """What collides, at one instant.

    Attributes:
        actor_id: (N,).
        kind: (N,) VEHICLE, WALKER or PROP.
        row: (N,) in the table of its kind.
        boxes: Their boxes.
        mass_center_m: (N, 2) that they turn about.
        yaw_rate_radps: (N,).
        inverse_mass: (N,) 0 for what cannot be moved.
        inverse_inertia: (N,).
    """

    actor_id: NDArray[np.int64]
    kind: NDArray[np.int64]
    row: NDArray[np.int64]
    boxes: Boxes
    mass_center_m: Floats
    yaw_rate_radps: Floats
    inverse_mass: Floats
    inverse_inertia: Floats


_PART = np.dtype(
    [
        ("actor_id", np.int64),
        ("kind", np.int64),
        ("row", np.int64),
        ("mass_center_m", float, (2,)),
        ("yaw_rate_radps", float),
        ("inverse_mass", float),
        ("inverse_inertia", float),
    ]
)


def gather(vehicles: VehicleRows, walkers: WalkerRows, props: PropRows) -> Bodies:
    """Everything that collides now; walkers that lie on the ground do not."""
    most = len(vehicles) + len(walkers) + len(props)
    boxes, parts = np.empty(most, dtype=BOX), np.empty(most, dtype=_PART)
    count = _gather_vehicles(vehicles.records, boxes, parts)
    if len(walkers):  # calling a kernel takes longer than a dozen bodies
        count = _gather_walkers(walkers.records, boxes, parts, count)
    if len(props):
        count = _gather_props(props.records, boxes, parts, count)
    parts = parts[:count]
    return Bodies(boxes=Boxes.of(boxes[:count]), **{name: parts[name] for name in _PART.names or ()})


@kernel
def _gather_vehicles(vehicles: Any, boxes: Any, parts: Any) -> int:
    count = 0
    for row in range(len(vehicles)):
        v = vehicles[row]
        if v.colliding:
            box, part = boxes[count], parts[count]
            _place(box, v, v.body_center_m, v.body_half_m)
            _describe(part, v, VEHICLE, row, 1.0 / v.inverse[0], 1.0 / v.inverse[1])
            part.mass_center_m[0] = v.location_m[0] + box.cos * v.center_x_m
            part.mass_center_m[1] = v.location_m[1] + box.sin * v.center_x_m
            part.yaw_rate_radps = v.yaw_rate_radps
            count += 1
    return count


@kernel
def _gather_walkers(walkers: Any, boxes: Any, parts: Any, count: int) -> int:
    nowhere = np.zeros(3)
    for row in range(len(walkers)):
        w = walkers[row]
        if w.colliding and w.lying_s <= 0.0:
            box, part = boxes[count], parts[count]
            _place(box, w, nowhere, w.half_m)
            _describe(part, w, WALKER, row, w.mass_kg, np.inf)
            part.mass_center_m[0], part.mass_center_m[1] = box.center_m[0], box.center_m[1]
            count += 1
    return count


@kernel
def _gather_props(props: Any, boxes: Any, parts: Any, count: int) -> int:
    for row in range(len(props)):
        p = props[row]
        if p.colliding:
            box, part, half = boxes[count], parts[count], p.body_half_m
            _place(box, p, p.body_center_m, half)
            _describe(part, p, PROP, row, p.mass_kg, p.mass_kg * (half[0] ** 2 + half[1] ** 2) / 3.0)
            part.mass_center_m[0], part.mass_center_m[1] = box.center_m[0], box.center_m[1]
            part.yaw_rate_radps = math.radians(p.angular_velocity_dps[2])
            count += 1
    return count


@kernel
def _place(box: Any, body: Any, center_m: Floats, half_m: Floats) -> None:
    yaw = math.radians(body.rotation_deg[1])
    box.cos, box.sin = math.cos(yaw), math.sin(yaw)
    box.center_m[0] = body.location_m[0] + box.cos * center_m[0] - box.sin * center_m[1]
    box.center_m[1] = body.location_m[1] + box.sin * center_m[0] + box.cos * center_m[1]
    box.center_m[2] = body.location_m[2] + center_m[2]
    for axis in range(3):
        box.half_m[axis] = half_m[axis]
    box.velocity_mps[0], box.velocity_mps[1] = body.velocity_mps[0], body.velocity_mps[1]
    box.reach_m = math.sqrt(half_m[0] * half_m[0] + half_m[1] * half_m[1])


@kernel
def _describe(part: Any, body: Any, kind: int, row: int, mass_kg: float, inertia_kgm2: float) -> None:
    part.actor_id, part.kind, part.row, part.yaw_rate_radps = body.actor_id, kind, row, 0.0
    part.inverse_mass = 1.0 / mass_kg if body.simulated else 0.0
    part.inverse_inertia = 1.0 / inertia_kgm2 if body.simulated else 0.0
