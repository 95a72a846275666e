"""Props: they stay where they are put, unless their physics are switched on."""

import numpy as np

from drivevla.sim.server.catalogue import PropSpec
from drivevla.sim.server.physics.ground import Ground
from drivevla.sim.server.physics.rows import Flags, Kind, Numbers, Table, Vectors
from drivevla.sim.server.physics.tyres import GRAVITY_MPS2
from drivevla.sim.server.pose import Pose

__all__ = ["PropBodies", "PropRows"]

SLIDING_FRICTION = 0.6
UNKNOWN_MASS_KG = 100.0
"""Of props without a mass in the catalogue, once their physics are switched on."""


class PropRows(Table):
    """Props in order of creation."""

    location_m: Vectors
    rotation_deg: Vectors
    velocity_mps: Vectors
    angular_velocity_dps: Vectors
    acceleration_mps2: Vectors
    mass_kg: Numbers
    body_center_m: Vectors
    body_half_m: Vectors
    simulated: Flags
    colliding: Flags
    falling: Flags


class PropBodies(Kind[PropRows]):
    """All props.

    Args:
        ground: What they fall on.
    """

    def __init__(self, ground: Ground) -> None:
        super().__init__(ground, PropRows(), "prop")

    def add(self, actor_id: int, spec: PropSpec, pose: Pose) -> None:
        """Put a prop into the world; as in CARLA it stays where it is put until its physics are switched on."""
        self._append(
            actor_id,
            location_m=pose.location_m,
            rotation_deg=pose.rotation_deg,
            mass_kg=spec.mass_kg or UNKNOWN_MASS_KG,
            body_center_m=spec.body.center_m,
            body_half_m=spec.body.half_extent_m,
            colliding=spec.solid,
            falling=True,
        )

    def step(self, dt_s: float) -> None:
        """Let props with physics fall, slide and come to rest.

        Args:
            dt_s: Length of the step.
        """
        rows = self.rows
        if not rows.simulated.any():
            return
        free = rows.simulated
        before = rows.velocity_mps.copy()
        z, _ = self.ground.query(rows.location_m[:, :2], rows.location_m[:, 2])
        resting = rows.location_m[:, 2] <= z + 0.01
        slowing = np.where(resting & free, SLIDING_FRICTION * GRAVITY_MPS2 * dt_s, 0.0)
        speed = np.hypot(rows.velocity_mps[:, 0], rows.velocity_mps[:, 1])
        share = np.maximum(speed - slowing, 0.0) / np.maximum(speed, 1e-9)
        rows.velocity_mps[:, :2] *= share[:, None]
        reach = np.maximum(0.3 * np.hypot(rows.body_half_m[:, 0], rows.body_half_m[:, 1]), 0.05)
        spin = rows.angular_velocity_dps[:, 2]
        calmed = np.maximum(np.abs(spin) - np.degrees(slowing / reach), 0.0) * np.sign(spin)
        rows.angular_velocity_dps[:, 2] = np.where(free, calmed, spin)
        rows.velocity_mps[:, 2] -= np.where(rows.falling & free, GRAVITY_MPS2 * dt_s, 0.0)
        moved = rows.location_m + rows.velocity_mps * dt_s
        landed = moved[:, 2] <= z
        moved[:, 2] = np.where(landed, z, moved[:, 2])
        rows.velocity_mps[:, 2] = np.where(landed, 0.0, rows.velocity_mps[:, 2])
        rows.location_m[:] = np.where(free[:, None], moved, rows.location_m)
        turned = rows.rotation_deg[:, 1] + rows.angular_velocity_dps[:, 2] * dt_s
        rows.rotation_deg[:, 1] = np.where(free, (turned + 180.0) % 360.0 - 180.0, rows.rotation_deg[:, 1])
        rows.acceleration_mps2[:] = (rows.velocity_mps - before) / dt_s
