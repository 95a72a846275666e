"""CARLA's Ackermann controller: a steering angle, a speed and an acceleration instead of pedals."""

import math
from dataclasses import dataclass, field

__all__ = ["AckermannControl", "AckermannController", "AckermannSettings", "Pedals"]

_STANDING_MPS = 0.05
_LEAST_PEDAL = 0.01


@dataclass(frozen=True, slots=True)
class AckermannControl:
    """What is asked for, in the order of the wire's VehicleAckermannControl.

    Attributes:
        steer_rad: Angle of the front wheels, positive to the right.
        steer_speed_radps: How fast it is reached; 0: at once.
        speed_mps: Desired speed; negative backwards.
        acceleration_mps2: At most this, if not 0.
        jerk_mps3: At most this change of the acceleration, if not 0.
    """

    steer_rad: float = 0.0
    steer_speed_radps: float = 0.0
    speed_mps: float = 0.0
    acceleration_mps2: float = 0.0
    jerk_mps3: float = 0.0


@dataclass(frozen=True, slots=True)
class AckermannSettings:
    """Gains of its two loops, in the order of the wire; the defaults are CARLA's."""

    speed_kp: float = 0.15
    speed_ki: float = 0.0
    speed_kd: float = 0.25
    accel_kp: float = 0.01
    accel_ki: float = 0.0
    accel_kd: float = 0.01


@dataclass(frozen=True, slots=True)
class Pedals:
    """What the controller makes of it: all 0 to 1, steer -1 to 1."""

    throttle: float
    brake: float
    steer: float
    reverse: bool


@dataclass(slots=True)
class _Loop:
    integral: float = 0.0
    last_error: float | None = None

    def output(self, error: float, dt_s: float, kp: float, ki: float, kd: float) -> float:
        self.integral += error * dt_s
        slope = 0.0 if self.last_error is None else (error - self.last_error) / dt_s
        self.last_error = error
        return kp * error + ki * self.integral + kd * slope


@dataclass(slots=True)
class AckermannController:
    """Two nested loops, speed to acceleration and acceleration to pedals, as CARLA documents them.

    The gains are per control step of 0.05 s, CARLA's usual one; other steps are scaled to it.

    Attributes:
        target: What is asked for now.
        settings: Gains.
    """

    target: AckermannControl = field(default_factory=AckermannControl)
    settings: AckermannSettings = field(default_factory=AckermannSettings)
    _steer_rad: float = 0.0
    _acceleration_mps2: float = 0.0
    _pedal: float = 0.0
    _speed_loop: _Loop = field(default_factory=_Loop)
    _accel_loop: _Loop = field(default_factory=_Loop)

    def pedals(self, *, speed_mps: float, acceleration_mps2: float, max_steer_rad: float, dt_s: float) -> Pedals:
        """One control step.

        Args:
            speed_mps: Along the vehicle's heading.
            acceleration_mps2: Likewise.
            max_steer_rad: Wheel angle at full steering.
            dt_s: Time since the last one.
        """
        steer = self._steer(max_steer_rad, dt_s)
        target = self.target.speed_mps
        reverse = target < 0.0
        if abs(target) < _STANDING_MPS and abs(speed_mps) < 1.0:
            self._reset()
            return Pedals(throttle=0.0, brake=1.0, steer=steer, reverse=False)
        if abs(speed_mps) > _STANDING_MPS and (speed_mps < 0.0) != reverse:
            self._reset()
            return Pedals(throttle=0.0, brake=1.0, steer=steer, reverse=speed_mps < 0.0)
        self._pedal_step(abs(target), abs(speed_mps), -acceleration_mps2 if reverse else acceleration_mps2, dt_s)
        throttle, brake = max(self._pedal, 0.0), max(-self._pedal, 0.0)
        if brake < _LEAST_PEDAL:
            brake = 0.0
        return Pedals(throttle=throttle, brake=brake, steer=steer, reverse=reverse)

    def _steer(self, max_steer_rad: float, dt_s: float) -> float:
        wanted = min(max(self.target.steer_rad, -max_steer_rad), max_steer_rad)
        reach = self.target.steer_speed_radps * dt_s if self.target.steer_speed_radps > 0.0 else math.inf
        self._steer_rad += min(max(wanted - self._steer_rad, -reach), reach)
        return self._steer_rad / max_steer_rad if max_steer_rad > 0.0 else 0.0

    def _pedal_step(self, target_mps: float, speed_mps: float, acceleration_mps2: float, dt_s: float) -> None:
        gains, steps = self.settings, dt_s / 0.05
        delta = self._speed_loop.output(target_mps - speed_mps, dt_s, gains.speed_kp, gains.speed_ki, gains.speed_kd)
        if self.target.jerk_mps3 > 0.0:
            reach = self.target.jerk_mps3 * dt_s
            delta = min(max(delta, -reach), reach)
        limit = abs(self.target.acceleration_mps2) or 3.0 if target_mps > speed_mps else 8.0
        self._acceleration_mps2 = min(max(self._acceleration_mps2 + steps * delta, -8.0), limit)
        error = self._acceleration_mps2 - acceleration_mps2
        change = self._accel_loop.output(error, dt_s, gains.accel_kp, gains.accel_ki, gains.accel_kd * dt_s)
        self._pedal = min(max(self._pedal + steps * change, -1.0), 1.0)

    def _reset(self) -> None:
        self._acceleration_mps2, self._pedal = 0.0, 0.0
        self._speed_loop, self._accel_loop = _Loop(), _Loop()
