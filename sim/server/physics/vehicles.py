"""All vehicles of a world as one table, and the step that moves them.

The model is a bicycle model with an engine, gears, brakes and a grip limit, on springs above the ground:
``docs/vehicle-model.md`` has the equations, the constants with their sources, and what they give.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from drivevla.errors import ContractError
from drivevla.sim.server.catalogue import VehiclePhysics, VehicleSpec
from drivevla.sim.server.physics.ackermann import AckermannControl, AckermannController, AckermannSettings
from drivevla.sim.server.physics.drivetrain import press_pedals, suited_gear
from drivevla.sim.server.physics.ground import Ground
from drivevla.sim.server.physics.motion import roll_on, settle
from drivevla.sim.server.physics.rows import Kind
from drivevla.sim.server.physics.telemetry import VehicleTelemetry, WheelTelemetry
from drivevla.sim.server.physics.tyres import GRAVITY_MPS2
from drivevla.sim.server.physics.vehicle_rows import VehicleRows, mechanics_row
from drivevla.sim.server.pose import Pose

__all__ = ["VehicleControl", "VehicleFleet"]

Floats = NDArray[np.float64]

LONGEST_STEP_S = 0.05
"""Longer ticks are divided."""

IDLE_RPM = 800.0


@dataclass(frozen=True, slots=True)
class VehicleControl:
    """Pedals and levers, in the order of the wire's VehicleControl."""

    throttle: float = 0.0
    steer: float = 0.0
    brake: float = 0.0
    hand_brake: bool = False
    reverse: bool = False
    manual_gear_shift: bool = False
    gear: int = 0


FIELDS = len(fields(VehicleControl))


class VehicleFleet(Kind[VehicleRows]):
    """All vehicles; every array of ``rows`` is in order of creation.

    Args:
        ground: What they stand on.
    """

    def __init__(self, ground: Ground) -> None:
        super().__init__(ground, VehicleRows(), "vehicle")
        self._spec: dict[int, VehicleSpec] = {}
        self._physics: dict[int, VehiclePhysics] = {}
        self._ackermann: dict[int, AckermannController] = {}
        self._ackermann_settings: dict[int, AckermannSettings] = {}
        self._wheels = _Wheels(0)

    def add(self, actor_id: int, spec: VehicleSpec, pose: Pose) -> None:
        """Put a vehicle into the world, standing still in first gear.

        Args:
            actor_id: Its id; the order of adding, not the id, decides its place.
            spec: What it is.
            pose: Where it is; it falls to the ground by itself.
        """
        self._spec[actor_id], self._physics[actor_id] = spec, spec.physics
        self._append(
            actor_id,
            location_m=pose.location_m,
            rotation_deg=pose.rotation_deg,
            load=1.0,
            simulated=True,
            colliding=True,
            falling=True,
            gear=1,
            **mechanics_row(spec, spec.physics),
        )

    def remove(self, actor_id: int) -> None:
        """Take a vehicle out of the world."""
        super().remove(actor_id)
        self._ackermann.pop(actor_id, None)
        self._ackermann_settings.pop(actor_id, None)
        del self._spec[actor_id], self._physics[actor_id]

    def set_control(self, actor_id: int, control: VehicleControl) -> None:
        """Press the pedals; they stay so until the next control. Values out of range are limited, as in CARLA.

        Raises:
            ContractError: Throttle, steer or brake is not a number.
        """
        if not math.isfinite(control.throttle + control.steer + control.brake):
            raise ContractError(f"throttle, steer and brake must be finite, got {control}")
        self._ackermann.pop(actor_id, None)
        self._press(self.row(actor_id), control)

    def set_controls(self, actor_ids: Sequence[int], controls: Sequence[Sequence[float]]) -> None:
        """Press the pedals of many vehicles, as ``set_control`` does for one.

        Args:
            actor_ids: Whose; of several controls for one vehicle the last one holds.
            controls: Fields of a ``VehicleControl`` in order, as numbers.

        Raises:
            SimulatorError: One is no vehicle of this world; then nothing is changed.
            ContractError: Throttle, steer or brake is not a number; then nothing is changed.
        """
        rows = np.array([self.row(actor_id) for actor_id in actor_ids], dtype=np.intp)
        wanted = np.fromiter(chain.from_iterable(controls), np.float64, FIELDS * len(rows)).reshape(-1, FIELDS)
        if not press_pedals(self.rows.records, rows, wanted):
            raise ContractError("throttle, steer and brake must be finite")
        if self._ackermann:
            for actor_id in actor_ids:
                self._ackermann.pop(actor_id, None)

    def control(self, actor_id: int) -> VehicleControl:
        """The commands that hold now; with an automatic gearbox ``gear`` is the one that is in."""
        rows, row = self.rows, self.row(actor_id)
        return VehicleControl(
            throttle=float(rows.throttle[row]),
            steer=float(rows.steer[row]),
            brake=float(rows.brake[row]),
            hand_brake=bool(rows.hand_brake[row]),
            reverse=bool(rows.reverse[row]),
            manual_gear_shift=bool(rows.manual[row]),
            gear=int(rows.gear[row]),
        )

    def set_ackermann_control(self, actor_id: int, control: AckermannControl) -> None:
        """Let the Ackermann controller press the pedals until the next plain control."""
        self.row(actor_id)
        controller = self._ackermann.setdefault(actor_id, AckermannController())
        controller.settings = self.ackermann_settings(actor_id)
        controller.target = control

    def ackermann_settings(self, actor_id: int) -> AckermannSettings:
        """Gains of the vehicle's Ackermann controller."""
        self.row(actor_id)
        return self._ackermann_settings.get(actor_id, AckermannSettings())

    def set_ackermann_settings(self, actor_id: int, settings: AckermannSettings) -> None:
        """Change the gains of the vehicle's Ackermann controller."""
        self.row(actor_id)
        self._ackermann_settings[actor_id] = settings
        if actor_id in self._ackermann:
            self._ackermann[actor_id].settings = settings

    def physics(self, actor_id: int) -> VehiclePhysics:
        """The mechanics as they are now."""
        self.row(actor_id)
        return self._physics[actor_id]

    def set_physics(self, actor_id: int, physics: VehiclePhysics) -> None:
        """Change the mechanics.

        Raises:
            ContractError: No wheels, or a mass, radius or engine speed that is not positive.
        """
        row = self.row(actor_id)
        positive = (physics.mass_kg, physics.max_rpm, *(wheel.radius_m for wheel in physics.wheels))
        if len(physics.wheels) < 2 or not all(value > 0.0 for value in positive):
            raise ContractError("physics need two wheels or more, and positive mass, engine speed and wheel radii")
        self.rows.assign(row, **mechanics_row(self._spec[actor_id], physics))
        self._physics[actor_id] = physics

    def set_constant_velocity(self, actor_id: int, velocity_mps: tuple[float, float, float] | None) -> None:
        """Hold a velocity in the vehicle's own frame whatever the pedals say; None ends it."""
        row = self.row(actor_id)
        self.rows.has_constant_velocity[row] = velocity_mps is not None
        self.rows.constant_velocity_mps[row] = velocity_mps or 0.0
        self._choose_gear(row)

    def set_velocity(self, actor_id: int, velocity_mps: tuple[float, float, float]) -> None:
        """Give it a velocity in the world, and the gear for it."""
        row = self.row(actor_id)
        self.rows.velocity_mps[row] = velocity_mps
        self.rows.ride_rate[row, 0] = velocity_mps[2]
        self.rows.sliding[row] = True
        self._choose_gear(row)

    def forward_speed_mps(self, actor_id: int) -> float:
        """Speed along the heading; negative backwards."""
        row = self.row(actor_id)
        yaw = math.radians(self.rows.rotation_deg[row, 1])
        vx, vy = self.rows.velocity_mps[row, :2]
        return float(vx * math.cos(yaw) + vy * math.sin(yaw))

    def wheel_steer_deg(self) -> Floats:
        """(N,) angle of the inner front wheel of every vehicle, positive to the right."""
        result: Floats = np.degrees(self.rows.inner_steer_rad)
        return result

    def step(self, dt_s: float, tire_friction: Floats | None = None) -> None:
        """Move all vehicles.

        Args:
            dt_s: Length of the step.
            tire_friction: (N,) what the tyres' friction is where each vehicle stands; None: its own.
        """
        if not len(self):
            return
        records = self.rows.records
        friction = np.ascontiguousarray(self.rows.tire_friction if tire_friction is None else tire_friction)
        if len(self._wheels.near_m) != len(records):
            self._wheels = _Wheels(len(records))
        wheels = self._wheels
        parts = max(1, math.ceil(dt_s / LONGEST_STEP_S - 1e-6))
        for part in range(1, parts + 1):
            if self._ackermann:
                self._follow_ackermann(dt_s / parts)
            roll_on(records, friction, dt_s / parts, wheels.place_m, wheels.near_m, wheels.before_mps)
            z, _ = self.ground.query(wheels.place_m.reshape(-1, 2), wheels.near_m.reshape(-1))
            settle(records, z.reshape(-1, 4), wheels.before_mps, dt_s / parts, part == parts)

    def telemetry(self, actor_id: int) -> VehicleTelemetry:
        """What its instruments show."""
        rows, row, physics = self.rows, self.row(actor_id), self.physics(actor_id)
        speed = self.forward_speed_mps(actor_id)
        ratio = float(rows.engaged_ratio[row])
        wheels = []
        for wheel in physics.wheels:
            axle = 0 if wheel.position_m[0] > rows.center_x_m[row] else 1
            count = sum((other.position_m[0] > rows.center_x_m[row]) == (axle == 0) for other in physics.wheels)
            rest_n = physics.mass_kg * GRAVITY_MPS2 * float(rows.share[row, axle]) / count
            load_n = rest_n * float(rows.load[row])
            forward_n, side_n = (
                float(rows.axle_forward_n[row, axle]) / count,
                float(rows.axle_side_n[row, axle]) / count,
            )
            wheels.append(
                WheelTelemetry(
                    tire_friction=wheel.tire_friction,
                    lat_slip_rad=-side_n / max(wheel.lat_stiff_value * load_n, 1.0),
                    long_slip=forward_n / max(wheel.long_stiff_value * GRAVITY_MPS2, 1.0),
                    omega_radps=speed / wheel.radius_m,
                    tire_load_n=load_n,
                    normalized_tire_load=float(rows.load[row]),
                    torque_nm=forward_n * wheel.radius_m,
                    long_force_n=forward_n,
                    lat_force_n=side_n,
                    normalized_long_force=forward_n / max(load_n, 1.0),
                    normalized_lat_force=side_n / max(load_n, 1.0),
                )
            )
        return VehicleTelemetry(
            speed_mps=speed,
            steer=float(rows.pedal[row, 2]),
            throttle=float(rows.pedal[row, 0]),
            brake=float(rows.pedal[row, 1]),
            engine_rpm=max(abs(speed * ratio) * 30.0 / math.pi, IDLE_RPM),
            gear=int(rows.gear[row]),
            drag_n=float(rows.air_drag[row]) * speed * abs(speed),
            wheels=tuple(wheels),
        )

    def _press(self, row: int, control: VehicleControl) -> None:
        self.rows.assign(
            row,
            throttle=min(max(control.throttle, 0.0), 1.0),
            steer=min(max(control.steer, -1.0), 1.0),
            brake=min(max(control.brake, 0.0), 1.0),
            hand_brake=control.hand_brake,
            reverse=control.reverse,
            manual=control.manual_gear_shift,
            manual_gear=min(max(control.gear, -1), int(self.rows.last_gear[row])),
        )

    def _choose_gear(self, row: int) -> None:
        rows = self.rows
        if rows.autobox[row] and not rows.manual[row] and not rows.reverse[row]:
            held = rows.constant_velocity_mps[row] if rows.has_constant_velocity[row] else rows.velocity_mps[row]
            rows.gear[row] = suited_gear(rows, row, math.hypot(held[0], held[1]))
            rows.switching_s[row] = rows.latency_s[row] = 0.0

    def _follow_ackermann(self, dt_s: float) -> None:
        for actor_id, controller in self._ackermann.items():
            row = self._row[actor_id]
            yaw = math.radians(self.rows.rotation_deg[row, 1])
            ax, ay = self.rows.acceleration_mps2[row, :2]
            pedals = controller.pedals(
                speed_mps=self.forward_speed_mps(actor_id),
                acceleration_mps2=float(ax * math.cos(yaw) + ay * math.sin(yaw)),
                max_steer_rad=float(self.rows.max_steer_rad[row]),
                dt_s=dt_s,
            )
            self._press(row, VehicleControl(pedals.throttle, pedals.steer, pedals.brake, reverse=pedals.reverse))


class _Wheels:
    """What one half of a step hands to the other."""

    __slots__ = ("before_mps", "near_m", "place_m")

    def __init__(self, vehicles: int) -> None:
        self.place_m, self.near_m = np.empty((vehicles, 4, 2)), np.empty((vehicles, 4))
        self.before_mps = np.empty((vehicles, 3))
