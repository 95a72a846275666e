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
from drivevla.sim.server.physics.ride import ride
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
        arms = rows.axle_x_m[row] - rows.center_x_m[row]
        share = np.array([-arms[1], arms[0]]) / (arms[0] - arms[1])
        wheels = []
        for wheel in physics.wheels:
            axle = 0 if wheel.position_m[0] > rows.center_x_m[row] else 1
            count = sum((other.position_m[0] > rows.center_x_m[row]) == (axle == 0) for other in physics.wheels)
            rest_n = physics.mass_kg * GRAVITY_MPS2 * float(share[axle]) / count
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
        fixed = np.flatnonzero(~rows.simulated)
        kept = [array[fixed] for array in _motion(rows)]
        move_pedals(rows, dt_s)
        before = rows.velocity_mps.copy()
        forward = self._planar(dt_s, friction)
        gravity_turn = np.arctan(forward * rows.yaw_rate_radps / GRAVITY_MPS2)
        ride(rows, self.ground, np.where(rows.leans, gravity_turn, 0.0), forward, dt_s)
        rows.velocity_mps[:, 2] = rows.ride_rate[:, 0]
        rows.acceleration_mps2 = (rows.velocity_mps - before) / dt_s
        _turn_rates(rows)
        for array, values in zip(_motion(rows), kept, strict=True):
            array[fixed] = values

    def _planar(self, dt_s: float, friction: Floats) -> Floats:
        """Move x, y and yaw; the speed along the vehicle comes back."""
        rows = self.rows
        yaw = np.radians(rows.rotation_deg[:, 1])
        turn = np.minimum(np.maximum(rows.yaw_rate_radps * dt_s, -_MOST_TURN_RAD), _MOST_TURN_RAD)
        cos, sin = np.cos(yaw + 0.5 * turn), np.sin(yaw + 0.5 * turn)
        vx, vy = rows.velocity_mps[:, 0], rows.velocity_mps[:, 1]
        forward, aside = cos * vx + sin * vy, cos * vy - sin * vx
        # Rolling tyres turn the velocity without taking from it what a straight step would cut off.
        forward = np.where(rows.sliding, forward, forward / np.cos(turn))
        forward, aside, rate, axle_n = self._pushed(forward, aside, cos, sin, dt_s, friction)
        forward, aside, rate = self._steered(forward, aside, rate, axle_n, dt_s, friction)
        held = rows.has_constant_velocity
        if held.any():
            forward = np.where(held, rows.constant_velocity_mps[:, 0], forward)
            aside = np.where(held, rows.constant_velocity_mps[:, 1], aside)
        vx, vy = cos * forward - sin * aside, sin * forward + cos * aside
        new_yaw = yaw + rate * dt_s
        center = rows.center_x_m
        rows.location_m[:, 0] += vx * dt_s + center * (np.cos(yaw) - np.cos(new_yaw))
        rows.location_m[:, 1] += vy * dt_s + center * (np.sin(yaw) - np.sin(new_yaw))
        rows.velocity_mps[:, 0], rows.velocity_mps[:, 1] = vx, vy
        rows.yaw_rate_radps = rate
        rows.rotation_deg[:, 1] = (np.degrees(new_yaw) + 180.0) % 360.0 - 180.0
        return forward

    def _pushed(
        self, forward: Floats, aside: Floats, cos: Floats, sin: Floats, dt_s: float, friction: Floats
    ) -> tuple[Floats, Floats, Floats, Floats]:
        """Everything but side forces: engine, brakes, drag, slope, outer forces."""
        rows = self.rows
        shift(rows, forward, dt_s)
        engine = drive(rows, forward)
        touching = rows.load > 0.0
        grip = self._grip_n(friction)
        push = np.where(touching, np.clip(engine.push_n, -grip.sum(axis=1), grip.sum(axis=1)), 0.0)
        pitch, roll = np.radians(rows.rotation_deg[:, 0]), np.radians(rows.rotation_deg[:, 2])
        weight = np.where(touching, rows.mass_kg * GRAVITY_MPS2, 0.0)
        downhill = -weight * np.sin(pitch) * np.cos(pitch)
        outer_x = cos * rows.force_n[:, 0] + sin * rows.force_n[:, 1]
        outer_y = cos * rows.force_n[:, 1] - sin * rows.force_n[:, 0]
        drag = np.where(touching, engine.drag, rows.air_drag * np.abs(forward))
        moved = (forward * engine.inertia_kg + dt_s * (push + downhill + outer_x)) / (engine.inertia_kg + dt_s * drag)
        hold = np.minimum(brakes(rows), grip)
        slowing = dt_s * hold.sum(axis=1) / engine.inertia_kg
        braked = np.sign(moved) * np.maximum(np.abs(moved) - slowing, 0.0)
        used = np.minimum(np.abs(moved) / np.maximum(slowing, 1e-9), 1.0) * np.sign(moved)
        rows.axle_forward_n = 0.5 * push[:, None] - hold * used[:, None]
        level = np.where(rows.leans, 0.0, roll)
        aside = aside + dt_s * (weight * np.sin(level) * np.cos(level) + outer_y) / rows.mass_kg
        rate = rows.yaw_rate_radps + dt_s * rows.torque_nm / rows.inertia_kgm2
        return braked, aside, rate, grip

    def _steered(
        self, forward: Floats, aside: Floats, rate: Floats, grip_n: Floats, dt_s: float, friction: Floats
    ) -> tuple[Floats, Floats, Floats]:
        """Side forces of the tyres."""
        rows = self.rows
        base = rows.axle_x_m[:, 0] - rows.axle_x_m[:, 1]
        inner = np.tan(STEERING_SHARE * self._inner_steer_rad(forward))
        angle = np.arctan(base * inner / (base + 0.5 * rows.track_m * np.abs(inner)))
        sin_turn = np.sin(angle)
        turn = np.stack([np.cos(angle), np.ones_like(angle)], axis=1)
        arm = rows.axle_x_m - rows.center_x_m[:, None]
        slip = (aside[:, None] + arm * rate[:, None]) * turn
        slip[:, 0] -= forward * sin_turn
        sideways = np.abs(slip) / (np.abs(slip) + np.abs(forward)[:, None] + 0.1)
        left = np.sqrt(np.maximum(grip_n**2 - rows.axle_forward_n**2, (grip_n * sideways) ** 2))
        stiffness = grip_n * (rows.cornering / (np.maximum(friction, 1e-3) * SURFACE_FRICTION))[:, None]
        inverse = np.stack([1.0 / rows.mass_kg, 1.0 / rows.inertia_kgm2], axis=1)
        impulse, rows.sliding = side_impulses(slip, forward, arm, turn, inverse, stiffness * dt_s, left * dt_s)
        rows.axle_side_n = impulse / dt_s
        across = impulse * turn
        forward = forward - impulse[:, 0] * sin_turn / rows.mass_kg
        aside = aside + (across[:, 0] + across[:, 1]) / rows.mass_kg
        rate = rate + (arm * across).sum(axis=1) / rows.inertia_kgm2
        return forward, aside, rate

    def _grip_n(self, friction: Floats) -> Floats:
        """(N, 2) the most force each axle's tyres transmit."""
        rows = self.rows
        arm = rows.axle_x_m - rows.center_x_m[:, None]
        share = np.stack([-arm[:, 1], arm[:, 0]], axis=1) / (arm[:, 0] - arm[:, 1])[:, None]
        whole = friction * SURFACE_FRICTION * rows.load * rows.mass_kg * GRAVITY_MPS2
        return whole[:, None] * share


def _motion(rows: VehicleRows) -> tuple[Floats, ...]:
    return (
        rows.location_m,
        rows.rotation_deg,
        rows.velocity_mps,
        rows.angular_velocity_dps,
        rows.acceleration_mps2,
        rows.yaw_rate_radps,
        rows.ride_rate,
    )


def _turn_rates(rows: VehicleRows) -> None:
    """Angular velocity about the world's axes; in CARLA's left-handed frame pitch and roll turn against y and x."""
    yaw = np.radians(rows.rotation_deg[:, 1])
    cos, sin = np.cos(yaw), np.sin(yaw)
    about_x, about_y = -rows.ride_rate[:, 2], -rows.ride_rate[:, 1]
    rates = np.stack([cos * about_x - sin * about_y, sin * about_x + cos * about_y, rows.yaw_rate_radps], axis=1)
    rows.angular_velocity_dps = np.degrees(rates)
