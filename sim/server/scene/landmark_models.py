"""What the landmarks of generated towns look like: petrol stations, bus stops, churches, coloured houses, parked cars.

A landmark's frame has x along its front, y to the right of who looks out of it, the origin at the centre of its foot.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from drivevla.errors import unknown_name
from drivevla.sim.maps.landmarks import Landmark
from drivevla.sim.server.scene.buildings import add_building
from drivevla.sim.server.scene.materials import KERB, PARKING, STEEL
from drivevla.sim.server.scene.mesh import Label, Material
from drivevla.sim.server.scene.mesh_builder import MeshBuilder
from drivevla.sim.server.scene.parked_vehicles import bus_parts, car_parts
from drivevla.sim.server.scene.registry import ObjectRegistry
from drivevla.sim.server.scene.solids import Solid, box, disc, gable_roof, placed, prism

__all__ = ["COLOR_RGB", "add_landmarks"]

RGB = tuple[float, float, float]

COLOR_RGB: dict[str, RGB] = {
    "red": (0.80, 0.08, 0.07),
    "orange": (0.92, 0.45, 0.05),
    "yellow": (0.95, 0.80, 0.10),
    "green": (0.12, 0.50, 0.20),
    "blue": (0.10, 0.25, 0.75),
    "purple": (0.45, 0.18, 0.60),
    "pink": (0.95, 0.55, 0.68),
    "brown": (0.42, 0.27, 0.16),
    "white": (0.95, 0.95, 0.95),
    "silver": (0.70, 0.72, 0.74),
    "grey": (0.48, 0.49, 0.50),
    "gray": (0.48, 0.49, 0.50),
    "black": (0.05, 0.05, 0.06),
    "beige": (0.85, 0.78, 0.62),
}
"""What the colour words of landmarks look like."""

_STONE: RGB = (0.80, 0.76, 0.68)
_SLATE = Material(surface="roof", rgb=(0.27, 0.29, 0.33))
_WHITE = Material(surface="plain", rgb=(0.94, 0.94, 0.93))
_GLASS = Material(surface="glass", rgb=(0.55, 0.66, 0.70))
_LIT = Material(surface="plain", rgb=(1.0, 0.98, 0.90), emission=0.8)
_GOLD = Material(surface="metal", rgb=(0.85, 0.68, 0.25))


@dataclass(frozen=True, slots=True)
class _Plot:
    """One landmark while it is built."""

    builder: MeshBuilder
    registry: ObjectRegistry
    landmark: Landmark
    rng: np.random.Generator

    @property
    def rgb(self) -> RGB:
        color = self.landmark.color
        if color is None:
            return _STONE
        if color not in COLOR_RGB:
            raise unknown_name("landmark colour", color, COLOR_RGB)
        return COLOR_RGB[color]

    def world(self, at_m: Sequence[float]) -> tuple[float, float, float]:
        """A point of the landmark's frame in the world."""
        yaw = np.radians(self.landmark.yaw_deg)
        x0, y0, z0 = self.landmark.location_m
        x, y, z = at_m
        return (
            float(x0 + np.cos(yaw) * x - np.sin(yaw) * y),
            float(y0 + np.sin(yaw) * x + np.cos(yaw) * y),
            float(z0 + z),
        )

    def register(
        self, kind: str, label: Label, at_m: Sequence[float], size_m: Sequence[float], *, is_solid: bool = True
    ) -> int:
        """An object whose foot is at ``at_m``."""
        length, width, height = size_m
        return self.registry.add(
            kind,
            label=label,
            center_m=self.world((at_m[0], at_m[1], at_m[2] + height / 2)),
            half_extent_m=(length / 2, width / 2, height / 2),
            yaw_deg=self.landmark.yaw_deg,
            is_solid=is_solid,
            landmark=self.landmark.id,
        )

    def add(self, solid: Solid, material: Material, label: Label, object_id: int) -> None:
        """Add a solid given in the landmark's frame."""
        moved = placed(solid, self.landmark.location_m, self.landmark.yaw_deg)
        self.builder.add_solid(moved, material=material, label=label, object_id=object_id)

    def add_box(
        self, kind: str, label: Label, material: Material, at_m: Sequence[float], size_m: Sequence[float]
    ) -> int:
        """A solid box that is an object of its own."""
        object_id = self.register(kind, label, at_m, size_m)
        self.add(placed(box(size_m), at_m), material, label, object_id)
        return object_id


def add_landmarks(
    builder: MeshBuilder, registry: ObjectRegistry, landmarks: Sequence[Landmark], rng: np.random.Generator
) -> None:
    """Build every landmark.

    Raises:
        UnknownName: A kind or colour that has no model.
    """
    for landmark in landmarks:
        if landmark.kind not in _MODELS:
            raise unknown_name("landmark kind", landmark.kind, _MODELS)
        _MODELS[landmark.kind](_Plot(builder, registry, landmark, rng))


def _add_house(plot: _Plot) -> None:
    add_building(
        plot.builder,
        plot.registry,
        foot_m=plot.landmark.location_m,
        size_m=plot.landmark.size_m,
        yaw_deg=plot.landmark.yaw_deg,
        wall_rgb=plot.rgb,
        has_gable=False,
        rng=plot.rng,
        landmark=plot.landmark.id,
        name="LandmarkBuilding",
    )


def _add_church(plot: _Plot) -> None:
    """Nave with a gabled roof, a tower with a spire at the front."""
    depth, width, height = plot.landmark.size_m
    side = min(0.45 * width, 0.3 * depth)
    wall = Material(surface="plain", rgb=plot.rgb)
    nave_size, tower_size = (depth - side, width, 0.38 * height), (side, side, 0.62 * height)
    back = -side / 2
    nave = plot.add_box("ChurchNave", Label.BUILDINGS, wall, (back, 0.0, 0.0), nave_size)
    planes, gables = gable_roof(nave_size[0], width, 0.24 * height)
    for solid, material in ((planes, _SLATE), (gables, wall)):
        plot.add(placed(solid, (back, 0.0, nave_size[2])), material, Label.BUILDINGS, nave)
    for x in np.arange(-nave_size[0] / 2 + 2.0, nave_size[0] / 2 - 1.0, 3.5):
        window = placed(box((1.0, width + 0.06, 0.22 * height)), (back + x, 0.0, 0.09 * height))
        plot.add(window, _GLASS, Label.BUILDINGS, nave)
    front = depth / 2 - side / 2
    tower = plot.add_box("ChurchTower", Label.BUILDINGS, wall, (front, 0.0, 0.0), tower_size)
    spire = placed(prism(0.72 * side, 0.33 * height, sides=4, top_radius_m=0.02), (0.0, 0.0, 0.0), 45.0)
    plot.add(placed(spire, (front, 0.0, tower_size[2])), _SLATE, Label.BUILDINGS, tower)
    door = placed(box((0.1, 0.4 * side, 3.0)), (depth / 2 + 0.02, 0.0, 0.0))
    plot.add(door, Material(surface="plain", rgb=(0.30, 0.20, 0.13)), Label.BUILDINGS, tower)
    for z in (0.45, 0.55):
        plot.add(
            placed(disc(0.12 * side, corners=12), (depth / 2 + 0.03, 0.0, z * height)), _GOLD, Label.BUILDINGS, tower
        )
    for size, lift in (((0.12, 0.12, 1.6), 0.0), ((0.12, 0.9, 0.12), 1.0)):
        plot.add(placed(box(size), (front, 0.0, 0.94 * height + lift)), _GOLD, Label.BUILDINGS, tower)


def _add_petrol_station(plot: _Plot) -> None:
    """A shop at the back, pumps under a canopy with a coloured rim at the front, a lit price sign."""
    depth, width, height = plot.landmark.size_m
    color = Material(surface="plain", rgb=plot.rgb if plot.landmark.color else COLOR_RGB["red"])
    forecourt = plot.register("PetrolForecourt", Label.GROUND, (0.0, 0.0, 0.0), (depth, width, 0.03), is_solid=False)
    plot.add(placed(box((depth, width, 0.03)), (0.0, 0.0, 0.0)), PARKING, Label.GROUND, forecourt)
    shop_depth = 0.35 * depth
    shop = plot.add_box(
        "PetrolShop",
        Label.BUILDINGS,
        _WHITE,
        (-depth / 2 + shop_depth / 2, 0.0, 0.0),
        (shop_depth, 0.8 * width, min(3.6, height)),
    )
    shop_front = -depth / 2 + shop_depth + 0.03
    plot.add(placed(box((0.06, 0.6 * width, 2.0)), (shop_front, 0.0, 0.5)), _GLASS, Label.BUILDINGS, shop)
    plot.add(placed(box((0.10, 0.8 * width, 0.6)), (shop_front, 0.0, 2.9)), color, Label.BUILDINGS, shop)
    middle, roof = shop_depth / 2 + 0.3, (depth - shop_depth - 1.5, 0.9 * width, 0.7)
    clear = max(4.4, height - roof[2])
    canopy = plot.register("PetrolCanopy", Label.BUILDINGS, (middle, 0.0, clear), roof, is_solid=False)
    plot.add(placed(box(roof), (middle, 0.0, clear)), color, Label.BUILDINGS, canopy)
    plot.add(
        placed(box((roof[0] - 0.6, roof[1] - 0.6, 0.08)), (middle, 0.0, clear - 0.08)), _LIT, Label.BUILDINGS, canopy
    )
    for x in (-0.35, 0.35):
        for y in (-0.38, 0.38):
            foot = (middle + x * roof[0], y * roof[1], 0.0)
            plot.add_box("PetrolPost", Label.POLES, _WHITE, foot, (0.35, 0.35, clear))
    for y in np.linspace(-0.26, 0.26, 3) * width:
        plot.add_box("PetrolIsland", Label.STATIC, KERB, (middle, float(y), 0.0), (3.2, 1.0, 0.15))
        for x in (-0.9, 0.9):
            pump = plot.add_box("PetrolPump", Label.STATIC, color, (middle + x, float(y), 0.15), (0.9, 0.5, 1.6))
            plot.add(placed(box((0.7, 0.54, 0.4)), (middle + x, float(y), 1.2)), _LIT, Label.STATIC, pump)
    sign = (depth / 2 - 0.5, -width / 2 + 0.6, 0.0)
    board = plot.add_box("PetrolSign", Label.STATIC, color, sign, (0.35, 1.6, 5.5))
    plot.add(placed(box((0.40, 1.2, 2.2)), (sign[0], sign[1], 2.8)), _LIT, Label.STATIC, board)


def _add_bus_stop(plot: _Plot) -> None:
    """A glass shelter with a bench, open to the front, and a sign."""
    depth, width, height = plot.landmark.size_m
    depth, width, height = min(depth, 2.2), min(width, 6.0), min(max(height, 2.3), 2.8)
    shelter = plot.register("BusShelter", Label.STATIC, (-depth / 2, 0.0, 0.0), (0.1, width, height))
    plot.add(placed(box((0.06, width, height - 0.4)), (-depth / 2, 0.0, 0.2)), _GLASS, Label.STATIC, shelter)
    roof = Material(surface="metal", rgb=plot.rgb if plot.landmark.color else (0.25, 0.30, 0.36))
    plot.add(placed(box((depth + 0.3, width + 0.3, 0.14)), (0.0, 0.0, height)), roof, Label.STATIC, shelter)
    for side in (-1.0, 1.0):
        wall = placed(box((depth * 0.6, 0.06, height - 0.4)), (-0.2 * depth, side * width / 2, 0.2))
        plot.add(wall, _GLASS, Label.STATIC, shelter)
        plot.add_box("BusShelterPost", Label.POLES, STEEL, (depth / 2 - 0.1, side * width / 2, 0.0), (0.1, 0.1, height))
    bench = (-depth / 2 + 0.35, 0.0, 0.42)
    plot.add(
        placed(box((0.4, 0.6 * width, 0.06)), bench),
        Material(surface="plain", rgb=(0.45, 0.32, 0.2)),
        Label.STATIC,
        shelter,
    )
    at = (depth / 2, width / 2 + 0.8, 0.0)
    post = plot.add_box("BusStopSignPost", Label.POLES, STEEL, at, (0.07, 0.07, 2.6))
    face = Material(surface="sign", rgb=(0.10, 0.30, 0.75), text="bus_stop")
    plot.add(placed(disc(0.35, corners=16), (at[0] + 0.06, at[1], 2.6)), face, Label.TRAFFIC_SIGNS, post)


def _add_vehicle(
    plot: _Plot,
    kind: str,
    label: Label,
    parts: Callable[[tuple[float, float, float], RGB], list[tuple[Solid, Material]]],
) -> None:
    vehicle = plot.register(kind, label, (0.0, 0.0, 0.0), plot.landmark.size_m)
    for solid, material in parts(plot.landmark.size_m, plot.rgb):
        plot.add(solid, material, label, vehicle)


def _add_parked_car(plot: _Plot) -> None:
    _add_vehicle(plot, "ParkedCar", Label.CAR, car_parts)


def _add_parked_bus(plot: _Plot) -> None:
    _add_vehicle(plot, "ParkedBus", Label.BUS, bus_parts)


_MODELS: dict[str, Callable[[_Plot], None]] = {
    "petrol_station": _add_petrol_station,
    "bus_stop": _add_bus_stop,
    "bus": _add_parked_bus,
    "parked_bus": _add_parked_bus,
    "church": _add_church,
    "building": _add_house,
    "parked_car": _add_parked_car,
}
