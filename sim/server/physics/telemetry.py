"""What instruments on a vehicle would show."""

from dataclasses import dataclass

__all__ = ["VehicleTelemetry", "WheelTelemetry"]


@dataclass(frozen=True, slots=True, kw_only=True)
class WheelTelemetry:
    """One wheel, field for field the wire's WheelTelemetryData.

    Attributes:
        omega_radps: Its spin.
        tire_load_n: What it carries; ``normalized_tire_load`` relative to the load at rest.
        torque_nm: From engine and brakes; forces at the contact patch in newtons, normalised by the load.
    """

    tire_friction: float
    lat_slip_rad: float
    long_slip: float
    omega_radps: float
    tire_load_n: float
    normalized_tire_load: float
    torque_nm: float
    long_force_n: float
    lat_force_n: float
    normalized_long_force: float
    normalized_lat_force: float


@dataclass(frozen=True, slots=True, kw_only=True)
class VehicleTelemetry:
    """One vehicle, field for field the wire's VehicleTelemetryData.

    Attributes:
        speed_mps: Along its heading.
        steer: After the steering's delay, -1 to 1; throttle and brake likewise.
        drag_n: Air drag.
    """

    speed_mps: float
    steer: float
    throttle: float
    brake: float
    engine_rpm: float
    gear: int
    drag_n: float
    wheels: tuple[WheelTelemetry, ...]
