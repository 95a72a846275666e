"""All vehicles of a world as one table, and the step that moves them.

The model is a bicycle model with an engine, gears, brakes and a grip limit, on springs above the ground:
``docs/vehicle-model.md`` has the equations, the constants with their sources, and what they give.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from drivevla.errors import ContractError, SimulatorError
from drivevla.sim.server.catalogue import VehiclePhysics, VehicleSpec
from drivevla.sim.server.physics.ackermann import AckermannControl, AckermannController, AckermannSettings
from drivevla.sim.server.physics.curves import evaluate
from drivevla.sim.server.physics.drivetrain import brakes, drive, engaged_ratio, move_pedals, shift, suited_gear
from drivevla.sim.server.physics.ground import Ground
from drivevla.sim.server.physics.ride import Heading, ride
from drivevla.sim.server.physics.rows import columns
from drivevla.sim.server.physics.telemetry import VehicleTelemetry, WheelTelemetry
from drivevla.sim.server.physics.tyres import GRAVITY_MPS2, SURFACE_FRICTION, side_impulses
from drivevla.sim.server.physics.vehicle_rows import VehicleRows, mechanics_row
from drivevla.sim.server.pose import Pose

__all__ = ["VehicleControl", "VehicleFleet"]

Floats = NDArray[np.float64]

LONGEST_STEP_S = 0.05
"""Longer ticks are divided."""

IDLE_RPM = 800.0

STEERING_SHARE = 0.73
"""Of the wheels' nominal angle that turns the vehicle. CARLA's 70 degrees alone would give 0.38 per metre of curvature
for full steering at 25 km/h; the vehicle model that World on Rails identified in CARLA (and TransFuser++ and PDM-Lite
forecast with) gives 0.28."""

_MOST_TURN_RAD = 0.5


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


class VehicleFleet:
    """All vehicles; every array of ``rows`` is in order of creation.

    Args:
        ground: What they stand on.
    """

    def __init__(self, ground: Ground) -> None:
        self.ground = ground
        self.rows = VehicleRows()
        self._row: dict[int, int] = {}
        self._spec: dict[int, VehicleSpec] = {}
        self._physics: dict[int, VehiclePhysics] = {}
        self._ackermann: dict[int, AckermannController] = {}
        self._ackermann_settings: dict[int, AckermannSettings] = {}

    def __len__(self) -> int:
        return len(self._row)

    def __contains__(self, actor_id: int) -> bool:
        return actor_id in self._row

    def row(self, actor_id: int) -> int:
        """Where in ``rows`` the vehicle is.

        Raises:
            SimulatorError: There is no such vehicle.
        """
        if actor_id not in self._row:
            raise SimulatorError(f"actor {actor_id} is no vehicle of this world")
        return self._row[actor_id]

    def add(self, actor_id: int, spec: VehicleSpec, pose: Pose) -> None:
        """Put a vehicle into the world, standing still in first gear.

        Args:
            actor_id: Its id; the order of adding, not the id, decides its place.
            spec: What it is.
            pose: Where it is; it falls to the ground by itself.
        """
        self._row[actor_id] = len(self.rows)
        self._spec[actor_id], self._physics[actor_id] = spec, spec.physics
        self.rows.append(
            actor_id=actor_id,
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
        self.rows.delete(self.row(actor_id))
        self._ackermann.pop(actor_id, None)
        self._ackermann_settings.pop(actor_id, None)
        del self._row[actor_id], self._spec[actor_id], self._physics[actor_id]
        self._row = {int(other): row for row, other in enumerate(self.rows.actor_id)}

    def set_control(self, actor_id: int, control: VehicleControl) -> None:
        """Press the pedals; they stay so until the next control. Values out of range are limited, as in CARLA.

        Raises:
            ContractError: Throttle, steer or brake is not a number.
        """
        if not math.isfinite(control.throttle + control.steer + control.brake):
            raise ContractError(f"throttle, steer and brake must be finite, got {control}")
        self._ackermann.pop(actor_id, None)
        self._press(self.row(actor_id), control)

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
        result: Floats = np.degrees(self._inner_steer_rad(self._forward_mps()))
        return result

    def step(self, dt_s: float, tire_friction: Floats | None = None) -> None:
        """Move all vehicles.

        Args:
            dt_s: Length of the step.
            tire_friction: (N,) what the tyres' friction is where each vehicle stands; None: its own.
        """
        if not len(self):
            return
        friction = self.rows.tire_friction if tire_friction is None else tire_friction
        parts = max(1, math.ceil(dt_s / LONGEST_STEP_S - 1e-6))
        for _ in range(parts):
            if self._ackermann:
                self._follow_ackermann(dt_s / parts)
            self._part(dt_s / parts, friction)
        self.rows.force_n[:] = 0.0
        self.rows.torque_nm[:] = 0.0

    def telemetry(self, actor_id: int) -> VehicleTelemetry:
        """What its instruments show."""
        rows, row, physics = self.rows, self.row(actor_id), self.physics(actor_id)
        speed = self.forward_speed_mps(actor_id)
        ratio = float(engaged_ratio(rows)[row])
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

    def _forward_mps(self) -> Floats:
        yaw = np.radians(self.rows.rotation_deg[:, 1])
        velocity = self.rows.velocity_mps
        forward: Floats = velocity[:, 0] * np.cos(yaw) + velocity[:, 1] * np.sin(yaw)
        return forward

    def _inner_steer_rad(self, forward_mps: Floats) -> Floats:
        left = evaluate(self.rows.steering_curve, np.abs(forward_mps) * 3.6)
        return self.rows.pedal[:, 2] * left * self.rows.max_steer_rad

    def _part(self, dt_s: float, friction: Floats) -> None:
        rows = self.rows
        fixed = np.nonzero(~rows.simulated)[0]
        kept = [getattr(rows, name)[fixed] for name in _MOTION] if len(fixed) else []
        move_pedals(rows, dt_s)
        before = rows.velocity_mps.copy()
        forward, cos, sin = self._planar(dt_s, friction)
        lean = np.where(rows.leans, np.arctan(forward * rows.yaw_rate_radps / GRAVITY_MPS2), 0.0)
        ride(rows, self.ground, Heading(forward, cos, sin), lean, dt_s)
        rows.velocity_mps[:, 2] = rows.ride_rate[:, 0]
        rows.acceleration_mps2 = (rows.velocity_mps - before) / dt_s
        # In CARLA's left-handed frame pitch and roll turn against y and x.
        about_x, about_y = -rows.ride_rate[:, 2], -rows.ride_rate[:, 1]
        rates = columns(cos * about_x - sin * about_y, sin * about_x + cos * about_y, rows.yaw_rate_radps)
        rows.angular_velocity_dps = np.degrees(rates)
        for name, values in zip(_MOTION, kept, strict=False):
            getattr(rows, name)[fixed] = values

    def _planar(self, dt_s: float, friction: Floats) -> tuple[Floats, Floats, Floats]:
        """Move x, y and yaw; speed along the vehicle, cosine and sine of the new yaw come back."""
        rows = self.rows
        yaw = np.radians(rows.rotation_deg[:, 1])
        turn = np.minimum(np.maximum(rows.yaw_rate_radps * dt_s, -_MOST_TURN_RAD), _MOST_TURN_RAD)
        middle = yaw + 0.5 * turn
        cos, sin = np.cos(middle), np.sin(middle)
        vx, vy = rows.velocity_mps[:, 0], rows.velocity_mps[:, 1]
        forward, aside = cos * vx + sin * vy, cos * vy - sin * vx
        # Rolling tyres turn the velocity without taking from it what a straight step would cut off.
        forward = np.where(rows.sliding, forward, forward / np.cos(turn))
        grip = self._grip_n(friction)
        forward, aside, rate = self._pushed(forward, aside, Heading(forward, cos, sin), grip, dt_s)
        forward, aside, rate = self._steered(forward, aside, rate, grip, dt_s)
        held = rows.has_constant_velocity
        if held.any():
            forward = np.where(held, rows.constant_velocity_mps[:, 0], forward)
            aside = np.where(held, rows.constant_velocity_mps[:, 1], aside)
        vx, vy = cos * forward - sin * aside, sin * forward + cos * aside
        new_yaw = yaw + rate * dt_s
        cos, sin = np.cos(new_yaw), np.sin(new_yaw)
        rows.location_m[:, 0] += vx * dt_s + rows.center_x_m * (np.cos(yaw) - cos)
        rows.location_m[:, 1] += vy * dt_s + rows.center_x_m * (np.sin(yaw) - sin)
        rows.velocity_mps[:, 0], rows.velocity_mps[:, 1] = vx, vy
        rows.yaw_rate_radps = rate
        rows.rotation_deg[:, 1] = (np.degrees(new_yaw) + 180.0) % 360.0 - 180.0
        return forward, cos, sin

    def _pushed(
        self, forward: Floats, aside: Floats, heading: Heading, grip_n: Floats, dt_s: float
    ) -> tuple[Floats, Floats, Floats]:
        """Everything but side forces: engine, brakes, drag, slope, outer forces."""
        rows = self.rows
        shift(rows, forward, dt_s)
        engine = drive(rows, forward)
        touching = rows.load > 0.0
        most = grip_n[:, 0] + grip_n[:, 1]
        push = np.where(touching, np.minimum(np.maximum(engine.push_n, -most), most), 0.0)
        speed = np.abs(forward)
        dragged = np.minimum(engine.drag, most / np.maximum(speed, 1e-3))
        drag = dragged + rows.air_drag * speed
        slope = np.sin(np.radians(2.0 * rows.rotation_deg))
        weight = np.where(touching, 0.5 * GRAVITY_MPS2 * rows.mass_kg, 0.0)
        along_n = push - weight * slope[:, 0]
        across_n = np.where(rows.leans, 0.0, weight * slope[:, 2])
        if rows.force_n.any():
            along_n += heading.cos * rows.force_n[:, 0] + heading.sin * rows.force_n[:, 1]
            across_n += heading.cos * rows.force_n[:, 1] - heading.sin * rows.force_n[:, 0]
        moved = (forward * engine.inertia_kg + dt_s * along_n) / (engine.inertia_kg + dt_s * drag)
        hold = np.minimum(brakes(rows), np.maximum(grip_n - (0.5 * dragged * speed)[:, None], 0.0))
        slowing = dt_s * (hold[:, 0] + hold[:, 1]) / engine.inertia_kg
        used = np.minimum(np.maximum(moved / np.maximum(slowing, 1e-9), -1.0), 1.0)
        rows.axle_forward_n = (0.5 * (push - dragged * forward))[:, None] - hold * used[:, None]
        rate = rows.yaw_rate_radps + dt_s * rows.torque_nm * rows.inverse[:, 1]
        return moved - used * slowing, aside + dt_s * across_n * rows.inverse[:, 0], rate

    def _steered(
        self, forward: Floats, aside: Floats, rate: Floats, grip_n: Floats, dt_s: float
    ) -> tuple[Floats, Floats, Floats]:
        """Side forces of the tyres."""
        rows = self.rows
        inner = np.tan(STEERING_SHARE * self._inner_steer_rad(forward))
        # Ackermann: the inner wheel stands at the nominal angle, the middle of the axle turns about the same point.
        tangent = rows.base_m * inner / (rows.base_m + 0.5 * rows.track_m * np.abs(inner))
        cos_turn = 1.0 / np.sqrt(1.0 + tangent * tangent)
        sin_turn = tangent * cos_turn
        turn = columns(cos_turn, np.ones_like(cos_turn))
        slip = (aside[:, None] + rows.arm_m * rate[:, None]) * turn
        slip[:, 0] -= forward * sin_turn
        size = np.abs(slip)
        sideways = grip_n * size / (size + np.abs(forward)[:, None] + 0.1)
        left = np.sqrt(np.maximum(grip_n * grip_n - rows.axle_forward_n**2, sideways * sideways))
        stiffness = rows.share * (rows.load * rows.mass_kg * (GRAVITY_MPS2 * dt_s) * rows.cornering)[:, None]
        impulse, rows.sliding = side_impulses(slip, forward, rows.arm_m, turn, rows.inverse, stiffness, left * dt_s)
        rows.axle_side_n = impulse / dt_s
        across = impulse * turn
        by_mass, by_inertia = rows.inverse[:, 0], rows.inverse[:, 1]
        lever = rows.arm_m * across
        return (
            forward - impulse[:, 0] * sin_turn * by_mass,
            aside + (across[:, 0] + across[:, 1]) * by_mass,
            rate + (lever[:, 0] + lever[:, 1]) * by_inertia,
        )

    def _grip_n(self, friction: Floats) -> Floats:
        """(N, 2) the most force each axle's tyres transmit."""
        rows = self.rows
        whole = friction * rows.load * rows.mass_kg * (SURFACE_FRICTION * GRAVITY_MPS2)
        return rows.share * whole[:, None]


_MOTION = (
    "location_m",
    "rotation_deg",
    "velocity_mps",
    "angular_velocity_dps",
    "acceleration_mps2",
    "yaw_rate_radps",
    "ride_rate",
)
"""Columns that do not change while a vehicle's physics are off."""
