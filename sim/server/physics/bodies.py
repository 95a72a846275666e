"""Every body of the collision pass side by side: vehicles, then walkers, then props."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drivevla.sim.server.physics.boxes import Boxes
from drivevla.sim.server.physics.props import PropRows
from drivevla.sim.server.physics.rows import columns
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
    kind: NDArray[np.int8]
    row: NDArray[np.intp]
    boxes: Boxes
    mass_center_m: Floats
    yaw_rate_radps: Floats
    inverse_mass: Floats
    inverse_inertia: Floats


def gather(vehicles: VehicleRows, walkers: WalkerRows, props: PropRows) -> Bodies:
    """Everything that collides now; walkers that lie on the ground do not."""
    present: list[tuple[int, NDArray[np.intp], tuple[NDArray[Any], ...]]] = []
    if len(vehicles):
        chosen = np.nonzero(vehicles.colliding)[0]
        present.append((VEHICLE, chosen, _of_vehicles(vehicles, chosen)))
    if len(walkers) or not len(vehicles):
        chosen = np.nonzero(walkers.colliding & (walkers.lying_s <= 0.0))[0]
        present.append((WALKER, chosen, _of_walkers(walkers, chosen)))
    if len(props):
        chosen = np.nonzero(props.colliding)[0]
        present.append((PROP, chosen, _of_props(props, chosen)))
    actor_id, center, half, yaw, velocity, mass_center, rate, by_mass, by_inertia = (
        parts[0] if len(parts) == 1 else np.concatenate(parts)
        for parts in zip(*(part for _, _, part in present), strict=True)
    )
    kinds = np.array([kind for kind, _, _ in present], dtype=np.int8)
    return Bodies(
        actor_id=actor_id,
        kind=np.repeat(kinds, [len(rows) for _, rows, _ in present]),
        row=np.concatenate([rows for _, rows, _ in present]),
        boxes=Boxes(center, half, yaw, velocity),
        mass_center_m=mass_center,
        yaw_rate_radps=rate,
        inverse_mass=by_mass,
        inverse_inertia=by_inertia,
    )


def _placed(location_m: Floats, yaw_rad: Floats, center_m: Floats) -> Floats:
    cos, sin = np.cos(yaw_rad), np.sin(yaw_rad)
    placed = location_m + center_m
    placed[:, 0] += (cos - 1.0) * center_m[:, 0] - sin * center_m[:, 1]
    placed[:, 1] += sin * center_m[:, 0] + (cos - 1.0) * center_m[:, 1]
    return placed


def _of_vehicles(rows: VehicleRows, chosen: NDArray[np.intp]) -> tuple[NDArray[Any], ...]:
    location, yaw = rows.location_m[chosen], np.radians(rows.rotation_deg[chosen, 1])
    movable = rows.simulated[chosen]
    ahead = rows.center_x_m[chosen]
    return (
        rows.actor_id[chosen],
        _placed(location, yaw, rows.body_center_m[chosen]),
        rows.body_half_m[chosen],
        yaw,
        rows.velocity_mps[chosen, :2],
        location[:, :2] + columns(np.cos(yaw) * ahead, np.sin(yaw) * ahead),
        rows.yaw_rate_radps[chosen],
        movable * rows.inverse[chosen, 0],
        movable * rows.inverse[chosen, 1],
    )


def _of_walkers(rows: WalkerRows, chosen: NDArray[np.intp]) -> tuple[NDArray[Any], ...]:
    location, nothing = rows.location_m[chosen], np.zeros(len(chosen))
    return (
        rows.actor_id[chosen],
        location,
        rows.half_m[chosen],
        np.radians(rows.rotation_deg[chosen, 1]),
        rows.velocity_mps[chosen, :2],
        location[:, :2],
        nothing,
        np.where(rows.simulated[chosen], 1.0 / rows.mass_kg[chosen], 0.0),
        nothing,
    )


def _of_props(rows: PropRows, chosen: NDArray[np.intp]) -> tuple[NDArray[Any], ...]:
    location, yaw = rows.location_m[chosen], np.radians(rows.rotation_deg[chosen, 1])
    half, mass = rows.body_half_m[chosen], rows.mass_kg[chosen]
    center = _placed(location, yaw, rows.body_center_m[chosen])
    inertia = mass * (half[:, 0] ** 2 + half[:, 1] ** 2) / 3.0
    movable = rows.simulated[chosen]
    return (
        rows.actor_id[chosen],
        center,
        half,
        yaw,
        rows.velocity_mps[chosen, :2],
        center[:, :2],
        np.radians(rows.angular_velocity_dps[chosen, 2]),
        np.where(movable, 1.0 / mass, 0.0),
        np.where(movable, 1.0 / inertia, 0.0),
    )
