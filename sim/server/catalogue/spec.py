"""What the server knows of a kind of actor beyond its blueprint: sizes, masses, mechanics.

Lengths in metres in the actor's own frame: x forward, y right, z up. A vehicle's or prop's origin is on the ground
below it, a walker's in the middle of its body, as in CARLA.
"""

from dataclasses import dataclass
from typing import Literal

from drivevla.sim.server.scene.mesh import Label

__all__ = ["BaseType", "Box", "Gear", "PropSpec", "VehiclePhysics", "VehicleSpec", "WalkerSpec", "WheelPhysics"]

BaseType = Literal["car", "van", "truck", "bus", "motorcycle", "bicycle"]

_LABELS: dict[BaseType, Label] = {
    "car": Label.CAR,
    "van": Label.CAR,
    "truck": Label.TRUCK,
    "bus": Label.BUS,
    "motorcycle": Label.MOTORCYCLE,
    "bicycle": Label.BICYCLE,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A box along the actor's axes.

    Attributes:
        center_m: Its centre in the actor's frame.
        half_extent_m: Half its length, width and height.
    """

    center_m: tuple[float, float, float]
    half_extent_m: tuple[float, float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Gear:
    """One forward gear; the ratios of revolutions to the maximum at which the automatic gearbox leaves it."""

    ratio: float
    down_ratio: float
    up_ratio: float


@dataclass(frozen=True, slots=True, kw_only=True)
class WheelPhysics:
    """One wheel, field for field the wire's WheelPhysicsControl (lengths in metres here).

    Attributes:
        position_m: Centre of the wheel in the vehicle's frame.
    """

    tire_friction: float
    damping_rate: float
    max_steer_deg: float
    radius_m: float
    max_brake_torque_nm: float
    max_handbrake_torque_nm: float
    lat_stiff_max_load: float
    lat_stiff_value: float
    long_stiff_value: float
    position_m: tuple[float, float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class VehiclePhysics:
    """Mechanics of a vehicle, field for field the wire's VehiclePhysicsControl.

    Attributes:
        torque_curve: (revolutions per minute, Nm) at full throttle.
        damping_full_throttle: Drag of the engine, Nm s/rad, likewise with the throttle closed, clutch in and out.
        steering_curve: (km/h, fraction of the steering that is left at that speed).
        wheels: Front left, front right, rear left, rear right; front and rear for two-wheelers.
    """

    torque_curve: tuple[tuple[float, float], ...]
    max_rpm: float
    moi_kgm2: float
    damping_full_throttle: float
    damping_zero_throttle_clutch_engaged: float
    damping_zero_throttle_clutch_disengaged: float
    use_gear_autobox: bool
    gear_switch_time_s: float
    clutch_strength: float
    final_ratio: float
    forward_gears: tuple[Gear, ...]
    mass_kg: float
    drag_coefficient: float
    center_of_mass_m: tuple[float, float, float]
    steering_curve: tuple[tuple[float, float], ...]
    wheels: tuple[WheelPhysics, ...]
    use_sweep_wheel_collision: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class VehicleSpec:
    """A kind of vehicle.

    Attributes:
        id: Blueprint id.
        base_type: CARLA's family.
        special_type: "emergency", "taxi", "electric" or empty.
        generation: CARLA's generation of models, 1 or 2.
        has_lights: Whether its lamps can be lit.
        has_dynamic_doors: Whether its doors open.
        box: The bounding box that CARLA reports.
        body: What collides: ``box``, but for models whose box is much larger than the body.
        physics: Mechanics when nothing has been changed.
        rgb: Paint when no colour is chosen, sRGB, 0 to 255.
        colors: Recommended colours; empty when the paint is fixed.
    """

    id: str
    base_type: BaseType
    special_type: str
    generation: int
    has_lights: bool
    has_dynamic_doors: bool
    box: Box
    body: Box
    physics: VehiclePhysics
    rgb: tuple[int, int, int]
    colors: tuple[tuple[int, int, int], ...]

    @property
    def number_of_wheels(self) -> int:
        """Four, or two for motorcycles and bicycles."""
        return len(self.physics.wheels)

    @property
    def label(self) -> Label:
        """CARLA's semantic label of the whole actor; a two-wheeler's rider is labelled RIDER besides."""
        return _LABELS[self.base_type]


@dataclass(frozen=True, slots=True, kw_only=True)
class WalkerSpec:
    """A kind of pedestrian.

    Attributes:
        id: Blueprint id.
        age: "adult", "teenager" or "child".
        gender: "female" or "male".
        generation: CARLA's generation of models, 1 to 3.
        can_use_wheelchair: Whether the wheelchair may be asked for.
        box: The bounding box, centred on the actor's origin in the middle of the body.
        speeds_mps: Standing, walking and running.
        mass_kg: For collisions.
    """

    id: str
    age: str
    gender: str
    generation: int
    can_use_wheelchair: bool
    box: Box
    speeds_mps: tuple[float, float, float]
    mass_kg: float

    @property
    def label(self) -> Label:
        """CARLA's semantic label."""
        return Label.PEDESTRIANS


@dataclass(frozen=True, slots=True, kw_only=True)
class PropSpec:
    """A kind of prop.

    Attributes:
        id: Blueprint id.
        size: CARLA's word: "tiny", "small", "medium", "big", "huge" or "unknown".
        box: The bounding box.
        body: What collides: ``box``, but for a tree its trunk.
        mass_kg: What is pushed aside by a vehicle; None stays where it is.
        solid: Whether it collides at all; what is not solid is driven over.
    """

    id: str
    size: str
    box: Box
    body: Box
    mass_kg: float | None
    solid: bool

    @property
    def label(self) -> Label:
        """CARLA's semantic label: DYNAMIC for what can be pushed, else STATIC."""
        return Label.STATIC if self.mass_kg is None else Label.DYNAMIC
