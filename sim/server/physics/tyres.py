"""Side forces of two axles: linear in the slip up to the grip, solved for the end of the step.

Because they are solved implicitly, the stiff tyres of PhysX need no small steps, and as the speed goes to zero the
vehicle becomes a kinematic bicycle: neither axle moves sideways.
"""

import numpy as np
from numpy.typing import NDArray

from drivevla.sim.server.physics.rows import columns

__all__ = ["GRAVITY_MPS2", "SURFACE_FRICTION", "side_impulses"]

Floats = NDArray[np.float64]

GRAVITY_MPS2 = 9.81

SURFACE_FRICTION = 0.7
"""Of Unreal Engine's default physical material; the tyres' friction multiplies it. CARLA's 3.5 thus gives 2.45 g, in
keeping with the drifts at 80 km/h in Cai et al., High-Speed Autonomous Drifting with Deep RL (RA-L 2020)."""

_CREEP_MPS = 0.02
"""Below this speed slip is no longer an angle; keeps parked vehicles parked on a slope."""


def side_impulses(
    slip_mps: Floats,
    rolling_mps: Floats,
    arm_m: Floats,
    turn: Floats,
    inverse: Floats,
    stiffness_ns: Floats,
    limit_ns: Floats,
) -> tuple[Floats, NDArray[np.bool_]]:
    """Sideways impulses on the axles, along each axle's own side direction.

    Args:
        slip_mps: (N, 2) sideways speeds of the contact patches before the step, front and rear.
        rolling_mps: (N,) speed along the vehicle.
        arm_m: (N, 2) from the centre of mass to the axles, positive ahead.
        turn: (N, 2) cosines of the axles' steering angles.
        inverse: (N, 2) one over mass, one over moment of inertia.
        stiffness_ns: (N, 2) side force per slip angle times the step's length.
        limit_ns: (N, 2) grip times the step's length that is left for side forces.

    Returns:
        Impulses (N, 2) in newton seconds, and whether an axle is beyond its grip (N,).
    """
    lever = arm_m * turn
    by_mass, by_inertia = inverse[:, 0], inverse[:, 1]
    self_m = by_mass[:, None] + lever * lever * by_inertia[:, None]
    cross = turn[:, 0] * by_mass + lever[:, 0] * lever[:, 1] * by_inertia
    compliance = (np.abs(rolling_mps)[:, None] + _CREEP_MPS) / np.maximum(stiffness_ns, 1e-9)
    front_m, rear_m = (self_m + compliance).T
    front_w, rear_w = slip_mps.T
    determinant = front_m * rear_m - cross * cross
    front_limit, rear_limit = limit_ns[:, 0], limit_ns[:, 1]
    rear = (cross * front_w - front_m * rear_w) / determinant
    rear = np.minimum(np.maximum(rear, -rear_limit), rear_limit)
    # One sweep with the clipped rear: exact where nothing slides, and where one axle slides.
    front_free = -(front_w + cross * rear) / front_m
    front = np.minimum(np.maximum(front_free, -front_limit), front_limit)
    rear_free = -(rear_w + cross * front) / rear_m
    rear = np.minimum(np.maximum(rear_free, -rear_limit), rear_limit)
    return columns(front, rear), (front != front_free) | (rear != rear_free)
