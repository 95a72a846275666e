"""Side forces of two axles: linear in the slip up to the grip, solved for the end of the step.

Because they are solved implicitly, the stiff tyres of PhysX need no small steps, and as the speed goes to zero the
vehicle becomes a kinematic bicycle: neither axle moves sideways.
"""

from typing import Any

from drivevla.sim.server.numba_import import kernel

__all__ = ["GRAVITY_MPS2", "SURFACE_FRICTION", "clipped", "side_impulses"]

GRAVITY_MPS2 = 9.81

SURFACE_FRICTION = 0.7
"""Of Unreal Engine's default physical material; the tyres' friction multiplies it. CARLA's 3.5 thus gives 2.45 g, in
keeping with the drifts at 80 km/h in Cai et al., High-Speed Autonomous Drifting with Deep RL (RA-L 2020)."""

_CREEP_MPS = 0.02
"""Below this speed slip is no longer an angle; keeps parked vehicles parked on a slope."""

Pair = tuple[float, float]


@kernel
def clipped(value: float, limit: float) -> float:
    """A value kept within a limit to both sides."""
    return min(max(value, -limit), limit)


@kernel
def side_impulses(
    v: Any, slip_mps: Pair, rolling_mps: float, cos_turn: float, stiffness_ns: Pair, limit_ns: Pair
) -> tuple[float, float, bool]:
    """Sideways impulses on the axles, along each axle's own side direction.

    Args:
        v: A record of ``VehicleRows``.
        slip_mps: Sideways speeds of the contact patches before the step, front and rear.
        rolling_mps: Speed along the vehicle.
        cos_turn: Cosine of the front axle's steering angle.
        stiffness_ns: Side force per slip angle times the step's length.
        limit_ns: Grip times the step's length that is left for side forces.

    Returns:
        Newton seconds on the front and on the rear axle, and whether one of them is beyond its grip.
    """
    by_mass, by_inertia = v.inverse[0], v.inverse[1]
    front_lever, rear_lever = v.arm_m[0] * cos_turn, v.arm_m[1]
    cross = cos_turn * by_mass + front_lever * rear_lever * by_inertia
    creeping = abs(rolling_mps) + _CREEP_MPS
    front_m = by_mass + front_lever * front_lever * by_inertia + creeping / max(stiffness_ns[0], 1e-9)
    rear_m = by_mass + rear_lever * rear_lever * by_inertia + creeping / max(stiffness_ns[1], 1e-9)
    rear = (cross * slip_mps[0] - front_m * slip_mps[1]) / (front_m * rear_m - cross * cross)
    rear = clipped(rear, limit_ns[1])
    # One sweep with the clipped rear: exact where nothing slides, and where one axle slides.
    front_free = -(slip_mps[0] + cross * rear) / front_m
    front = clipped(front_free, limit_ns[0])
    rear_free = -(slip_mps[1] + cross * front) / rear_m
    rear = clipped(rear_free, limit_ns[1])
    return front, rear, front != front_free or rear != rear_free
