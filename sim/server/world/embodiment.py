"""Between the table of actors and the physics of bodies: who has a body, and where it is now."""

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drivevla.sim.server.catalogue import PropSpec, VehicleSpec, WalkerSpec
from drivevla.sim.server.numba_import import kernel
from drivevla.sim.server.physics import PhysicsWorld
from drivevla.sim.server.physics.rows import Table
from drivevla.sim.server.pose import Pose
from drivevla.sim.server.wire.records import VEHICLE_RECORD
from drivevla.sim.server.world.actors import Actor, ActorTable
from drivevla.sim.server.world.signals import SignalActors

__all__ = ["Embodiment"]

Rows = NDArray[np.intp]
FloatArray = NDArray[np.float64]


def _no_rows() -> Rows:
    return np.zeros(0, dtype=np.intp)


@dataclass(slots=True)
class Embodiment:
    """Keeps the table in step with the physics.

    Attributes:
        table: All actors.
        physics: All bodies.
    """

    table: ActorTable
    physics: PhysicsWorld
    _version: int = -1
    _bodies: Rows = field(default_factory=_no_rows)
    _vehicles: Rows = field(default_factory=_no_rows)
    _walkers: Rows = field(default_factory=_no_rows)
    _props: Rows = field(default_factory=_no_rows)
    _carried: list[Actor] = field(default_factory=list)
    _center_m: FloatArray = field(default_factory=lambda: np.zeros((0, 3)))
    _half_m: FloatArray = field(default_factory=lambda: np.zeros((0, 3)))

    def add(self, actor: Actor, pose: Pose) -> None:
        """Give an actor its body, before it comes into the table."""
        if isinstance(actor.spec, VehicleSpec):
            self.physics.add_vehicle(actor.actor_id, actor.spec, pose)
        elif isinstance(actor.spec, WalkerSpec):
            mortal = actor.attributes["is_invincible"].lower() in ("false", "0")
            self.physics.add_walker(actor.actor_id, actor.spec, pose, mortal=mortal)
        elif isinstance(actor.spec, PropSpec):
            self.physics.add_prop(actor.actor_id, actor.spec, pose)
        if actor.parent is not None:
            self.physics.set_simulated(actor.actor_id, False)

    def follow(self, signals: SignalActors, step_s: float) -> None:
        """Write into the table where the bodies are after a step of the physics, and what governs the vehicles."""
        if self._version != self.table.version:
            self._renumber()
        if not len(self._bodies):
            return
        self._copy(self.physics.vehicles.rows, self._vehicles)
        self._copy(self.physics.walkers.rows, self._walkers)
        self._copy(self.physics.props.rows, self._props)
        if len(self._vehicles):
            self._write_vehicles(signals, step_s)
        if len(self._walkers):
            self._write_walkers()

    def carry(self) -> None:
        """Bring bodies that are attached to something to where it took them, after the table placed its children."""
        for actor in self._carried:
            self.physics.set_pose(actor.actor_id, self.table.pose(actor))

    def _renumber(self) -> None:
        self._version = self.table.version
        vehicles, walkers = self.table.of_kind("vehicle"), self.table.of_kind("walker")
        bodies = [*vehicles, *walkers, *self.table.of_kind("prop")]
        self._bodies = np.array([actor.row for actor in bodies], dtype=np.intp)
        self._vehicles, self._walkers, self._props = np.split(
            self._bodies, [len(vehicles), len(vehicles) + len(walkers)]
        )
        self._carried = [actor for actor in bodies if actor.parent is not None]
        self._center_m = np.array([actor.center_m for actor in vehicles]).reshape(-1, 3)
        self._half_m = np.array([actor.half_extent_m for actor in vehicles]).reshape(-1, 3)

    def _copy(self, bodies: Table, rows: Rows) -> None:
        if len(rows):
            table = self.table
            _move(
                bodies.records,
                rows,
                table.location_m,
                table.rotation_deg,
                table.velocity_mps,
                table.angular_velocity_dps,
                table.acceleration_mps2,
            )

    def _write_vehicles(self, signals: SignalActors, step_s: float) -> None:
        table, fleet, rows = self.table, self.physics.vehicles.rows, self._vehicles
        records, center_m = table.records.view(VEHICLE_RECORD), np.empty_like(self._center_m)
        _drive(fleet.records, rows, records, table.travelled_m, step_s, self._center_m, center_m)
        signals.govern(rows, center_m, fleet.rotation_deg[:, 1], self._half_m)

    def _write_walkers(self) -> None:
        records, crowd, rows = self.table.records, self.physics.walkers.rows, self._walkers
        records["walk_direction"][rows] = crowd.direction
        records["walk_speed"][rows] = crowd.speed_mps
        records["jump"][rows] = crowd.jump


@kernel
def _move(
    bodies: Any,
    rows: Rows,
    location_m: FloatArray,
    rotation_deg: FloatArray,
    velocity_mps: FloatArray,
    angular_velocity_dps: FloatArray,
    acceleration_mps2: FloatArray,
) -> None:
    """Write into the actors' rows where the bodies of one kind are and how they move."""
    for number in range(len(rows)):
        row, body = rows[number], bodies[number]
        for axis in range(3):
            location_m[row, axis] = body.location_m[axis]
            rotation_deg[row, axis] = body.rotation_deg[axis]
            velocity_mps[row, axis] = body.velocity_mps[axis]
            angular_velocity_dps[row, axis] = body.angular_velocity_dps[axis]
            acceleration_mps2[row, axis] = body.acceleration_mps2[axis]


@kernel
def _drive(
    vehicles: Any,
    rows: Rows,
    records: Any,
    travelled_m: FloatArray,
    step_s: float,
    box_center_m: FloatArray,
    center_m: FloatArray,
) -> None:
    """Write into the vehicles' records what their pedals are, add the way that they have driven, and place their boxes.

    ``box_center_m`` is in each vehicle's frame, ``center_m`` comes out in the world.
    """
    for number in range(len(rows)):
        row, vehicle = rows[number], vehicles[number]
        record = records[row]
        record.throttle, record.steer, record.brake = vehicle.throttle, vehicle.steer, vehicle.brake
        record.hand_brake, record.reverse = vehicle.hand_brake, vehicle.reverse
        record.manual_gear_shift, record.gear = vehicle.manual, vehicle.gear
        travelled_m[row] += math.hypot(vehicle.velocity_mps[0], vehicle.velocity_mps[1]) * step_s
        yaw, ahead = math.radians(vehicle.rotation_deg[1]), box_center_m[number, 0]
        center_m[number, 0] = vehicle.location_m[0] + ahead + (math.cos(yaw) - 1.0) * ahead
        center_m[number, 1] = vehicle.location_m[1] + box_center_m[number, 1] + math.sin(yaw) * ahead
        center_m[number, 2] = vehicle.location_m[2] + box_center_m[number, 2]
