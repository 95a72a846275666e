"""Everything that moves in one world: the step, the contacts, and what clients do to bodies."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from drivevla.errors import ContractError, SimulatorError
from drivevla.sim.server.catalogue import Box, PropSpec, VehicleSpec, WalkerSpec
from drivevla.sim.server.physics.bodies import PROP, VEHICLE, WALKER, Bodies, gather
from drivevla.sim.server.physics.boxes import Boxes, Overlaps, overlaps
from drivevla.sim.server.physics.collisions import Resolution, resolve
from drivevla.sim.server.physics.contacts import Contact
from drivevla.sim.server.physics.ground import Ground
from drivevla.sim.server.physics.meetings import Meetings
from drivevla.sim.server.physics.props import PropBodies, PropRows
from drivevla.sim.server.physics.triggers import FrictionTriggers
from drivevla.sim.server.physics.vehicle_rows import VehicleRows
from drivevla.sim.server.physics.vehicles import VehicleFleet
from drivevla.sim.server.physics.walkers import KNOCK_MPS, WalkerCrowd, WalkerRows
from drivevla.sim.server.pose import Pose
from drivevla.sim.server.scene.obstacles import StaticObstacles

__all__ = ["PhysicsWorld"]

Floats = NDArray[np.float64]
Index = NDArray[np.intp]
Vector = tuple[float, float, float]

_BEYOND_REASON = 1e9

LEAST_IMPULSE_NS = 1.0
"""Weaker touches are not reported: bodies that only rest against each other."""


class PhysicsWorld:
    """Vehicles, walkers and props among what does not move.

    Args:
        ground: What they stand on.
        obstacles: What they run into.
    """

    def __init__(self, ground: Ground, obstacles: StaticObstacles) -> None:
        self.vehicles = VehicleFleet(ground)
        self.walkers = WalkerCrowd(ground)
        self.props = PropBodies(ground)
        self.friction = FrictionTriggers()
        self.contacts: tuple[Contact, ...] = ()
        self._obstacles = obstacles
        self._obstacle_boxes = Boxes(obstacles.center_m, obstacles.half_extent_m, np.radians(obstacles.yaw_deg))
        self._meetings = Meetings(self._obstacle_boxes)
        self._solid: NDArray[np.bool_] | None = None

    def let_through(self, object_ids: frozenset[int]) -> None:
        """Let bodies pass through some things of the level, and only through those."""
        self._solid = ~np.isin(self._obstacles.object_id, list(object_ids)) if object_ids else None

    def add_vehicle(self, actor_id: int, spec: VehicleSpec, pose: Pose) -> None:
        """Put a vehicle into the world; see ``VehicleFleet.add``."""
        self.vehicles.add(actor_id, spec, _finite(pose))

    def add_walker(self, actor_id: int, spec: WalkerSpec, pose: Pose, *, mortal: bool = False) -> None:
        """Put a walker into the world; see ``WalkerCrowd.add``."""
        self.walkers.add(actor_id, spec, _finite(pose), mortal=mortal)

    def add_prop(self, actor_id: int, spec: PropSpec, pose: Pose) -> None:
        """Put a prop into the world; see ``PropBodies.add``."""
        self.props.add(actor_id, spec, _finite(pose))

    def __contains__(self, actor_id: int) -> bool:
        return any(actor_id in kind for kind in (self.vehicles, self.walkers, self.props))

    def remove(self, actor_id: int) -> None:
        """Take a body out of the world.

        Raises:
            SimulatorError: There is no such body.
        """
        self._kind(actor_id).remove(actor_id)

    def overlaps(self, pose: Pose, box: Box) -> bool:
        """Whether a body with ``box`` at ``pose`` would share space with anything: what refuses a spawn.

        Args:
            pose: Of the body's origin.
            box: Its box in its own frame.
        """
        world_from_body = _finite(pose).matrix()
        center = world_from_body[:3, :3] @ np.array(box.center_m) + world_from_body[:3, 3]
        new = Boxes(center[None], np.array([box.half_extent_m]), np.radians([pose.rotation_deg[1]]))
        there = gather(self.vehicles.rows, self.walkers.rows, self.props.rows).boxes
        everyone = np.arange(len(there))
        if len(overlaps(new, there, np.zeros_like(everyone), everyone)):
            return True
        reach = float(np.hypot(box.half_extent_m[0], box.half_extent_m[1]))
        first, second = self._of_solid(self._obstacles.near(center[None, :2], radius_m=reach))
        return len(overlaps(new, self._obstacle_boxes, first, second)) > 0

    def set_pose(self, actor_id: int, pose: Pose) -> None:
        """Put a body somewhere else; its velocity stays, as in CARLA."""
        rows, row = self._find(actor_id)
        rows.assign(row, location_m=_finite(pose).location_m, rotation_deg=pose.rotation_deg)
        if isinstance(rows, VehicleRows):
            rows.ride_rate[row] = 0.0
        if isinstance(rows, WalkerRows):
            rows.assign(row, was_m=pose.location_m, standing=False)

    def set_simulated(self, actor_id: int, simulated: bool) -> None:
        """Whether a body moves by itself; otherwise it stands still where it is put."""
        rows, row = self._find(actor_id)
        rows.simulated[row] = simulated
        if not simulated:
            rows.assign(row, velocity_mps=0.0, angular_velocity_dps=0.0, acceleration_mps2=0.0)
            if isinstance(rows, VehicleRows):
                rows.assign(row, yaw_rate_radps=0.0, ride_rate=0.0)

    def set_colliding(self, actor_id: int, colliding: bool) -> None:
        """Whether a body can be run into."""
        rows, row = self._find(actor_id)
        rows.colliding[row] = colliding

    def set_falling(self, actor_id: int, falling: bool) -> None:
        """Whether gravity pulls a body."""
        rows, row = self._find(actor_id)
        rows.falling[row] = falling

    def set_velocity(self, actor_id: int, velocity_mps: Vector) -> None:
        """Give a body a velocity in the world."""
        _finite_vector(velocity_mps)
        if actor_id in self.vehicles:
            self.vehicles.set_velocity(actor_id, velocity_mps)
        else:
            rows, row = self._find(actor_id)
            rows.velocity_mps[row] = velocity_mps

    def set_angular_velocity(self, actor_id: int, rate_dps: Vector) -> None:
        """Give a body an angular velocity about the world's axes, degrees per second."""
        _finite_vector(rate_dps)
        rows, row = self._find(actor_id)
        rows.angular_velocity_dps[row] = rate_dps
        if isinstance(rows, VehicleRows):
            rows.assign(row, yaw_rate_radps=np.radians(rate_dps[2]), sliding=True)

    def add_impulse(self, actor_id: int, impulse_ns: Vector) -> None:
        """Push a body once, newton seconds in the world frame, at its centre of mass."""
        _finite_vector(impulse_ns)
        rows, row = self._find(actor_id)
        if rows.simulated[row]:
            change = np.array(impulse_ns) / rows.mass_kg[row]
            rows.velocity_mps[row] += change
            if isinstance(rows, VehicleRows):
                rows.ride_rate[row, 0] += change[2]
                rows.sliding[row] = True

    def add_angular_impulse(self, actor_id: int, impulse: Vector) -> None:
        """Turn a body once, kg m2 degrees per second about the world's axes; only z has an effect."""
        _finite_vector(impulse)
        rows, row = self._find(actor_id)
        if isinstance(rows, VehicleRows) and rows.simulated[row]:
            rows.yaw_rate_radps[row] += np.radians(impulse[2]) / rows.inertia_kgm2[row]
            rows.sliding[row] = True

    def add_force(self, actor_id: int, force_n: Vector) -> None:
        """Push a vehicle during the next step, newtons in the world frame; other bodies do not feel it."""
        _finite_vector(force_n)
        rows, row = self._find(actor_id)
        if isinstance(rows, VehicleRows):
            rows.force_n[row] += force_n

    def add_torque(self, actor_id: int, torque: Vector) -> None:
        """Turn a vehicle during the next step, kg m2 degrees per second squared; only z has an effect."""
        _finite_vector(torque)
        rows, row = self._find(actor_id)
        if isinstance(rows, VehicleRows):
            rows.torque_nm[row] += np.radians(torque[2])

    def step(self, dt_s: float) -> None:
        """Move everything, resolve contacts, and list them in ``contacts``.

        Args:
            dt_s: Length of the step.

        Raises:
            ContractError: The step is not a positive time.
        """
        if not 0.0 < dt_s < 10.0:
            raise ContractError(f"a step must last more than 0 and less than 10 s, got {dt_s}")
        rows = self.vehicles.rows
        friction = self.friction.tire_friction(rows.location_m, rows.tire_friction) if len(self.friction) else None
        self.vehicles.step(dt_s, friction)
        self.walkers.step(dt_s)
        self.props.step(dt_s)
        self._collide(dt_s)

    def _kind(self, actor_id: int) -> VehicleFleet | WalkerCrowd | PropBodies:
        for kind in (self.vehicles, self.walkers, self.props):
            if actor_id in kind:
                return kind
        raise SimulatorError(f"actor {actor_id} has no body in this world")

    def _find(self, actor_id: int) -> tuple[VehicleRows | WalkerRows | PropRows, int]:
        kind = self._kind(actor_id)
        return kind.rows, kind.row(actor_id)

    def _of_solid(self, touches: tuple[Index, Index]) -> tuple[Index, Index]:
        """Of pairs of a body and an obstacle those in which the obstacle is not hidden."""
        if self._solid is None:
            return touches
        solid = self._solid[touches[1]]
        return touches[0][solid], touches[1][solid]

    def _collide(self, dt_s: float) -> None:
        bodies = gather(self.vehicles.rows, self.walkers.rows, self.props.rows)
        pairs, touches = self._meetings.between(bodies), self._of_solid(self._meetings.against(bodies))
        self.contacts = ()
        if not len(pairs[0]) and not len(touches[0]):
            return
        recent_s = 1.5 * dt_s
        between = overlaps(bodies.boxes, bodies.boxes, *pairs, recent_s=recent_s)
        against = overlaps(bodies.boxes, self._obstacle_boxes, *touches, recent_s=recent_s)
        resolved = resolve(bodies, between, against)
        self._move(bodies, resolved, dt_s)
        self.contacts = tuple(_contacts(bodies, between, against, resolved.impulse_ns))

    def _move(self, bodies: Bodies, resolved: Resolution, dt_s: float) -> None:
        change = resolved.velocity_mps - bodies.boxes.velocity_mps[resolved.body]
        for kind, rows in ((VEHICLE, self.vehicles.rows), (WALKER, self.walkers.rows), (PROP, self.props.rows)):
            of_kind = bodies.kind[resolved.body] == kind
            row = bodies.row[resolved.body[of_kind]]
            rows.velocity_mps[row, :2] += change[of_kind]
            rows.acceleration_mps2[row, :2] += change[of_kind] / dt_s
            rows.location_m[row, :2] += resolved.shift_m[of_kind]
            rows.angular_velocity_dps[row, 2] = np.degrees(resolved.yaw_rate_radps[of_kind])
            if isinstance(rows, VehicleRows):
                rows.yaw_rate_radps[row] = resolved.yaw_rate_radps[of_kind]
                rows.sliding[row] = True
            if isinstance(rows, WalkerRows):
                pushed = np.hypot(change[of_kind, 0], change[of_kind, 1])
                carried = np.hypot(rows.velocity_mps[row, 0], rows.velocity_mps[row, 1])
                self.walkers.knock(row[np.minimum(pushed, carried) > KNOCK_MPS])


def _contacts(bodies: Bodies, between: Overlaps, against: Overlaps, impulse_ns: Floats) -> Iterator[Contact]:
    for place, (x, y) in enumerate(impulse_ns.tolist()):
        if x * x + y * y < LEAST_IMPULSE_NS**2:
            continue
        if place < len(between):
            first = int(bodies.actor_id[between.first[place]])
            second = int(bodies.actor_id[between.second[place]])
            yield Contact(actor_id=first, other_id=second, obstacle=None, impulse_ns=(-x, -y, 0.0))
            yield Contact(actor_id=second, other_id=first, obstacle=None, impulse_ns=(x, y, 0.0))
        else:
            row = place - len(between)
            actor_id, obstacle = int(bodies.actor_id[against.first[row]]), int(against.second[row])
            yield Contact(actor_id=actor_id, other_id=None, obstacle=obstacle, impulse_ns=(-x, -y, 0.0))


def _finite(pose: Pose) -> Pose:
    _finite_vector(pose.location_m)
    _finite_vector(pose.rotation_deg)
    return pose


def _finite_vector(values: Vector) -> None:
    if not all(abs(value) < _BEYOND_REASON for value in values):
        raise ContractError(f"vectors and poses must be finite and below {_BEYOND_REASON:g}, got {values}")
