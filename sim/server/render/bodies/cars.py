"""Four-wheeled bodies: saloons, SUVs, vans, trucks and buses, fitted into their bounding box."""

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from drivevla.sim.server.render.bodies.model import BodyBuilder

__all__ = ["CarShape", "build_bus", "build_car", "build_truck", "car_shape"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CarShape:
    """Proportions: x as a share of half the length (front +1), z as a share of the height, y of half the width.

    Attributes:
        profile: (x, top of the body below the windows) from rear to front.
        cabin_base: x where the glass house meets the body, rear and front.
        cabin_roof: x where its roof begins and ends.
        roof_width: Of the roof.
        belt: Height of the window sills.
        wheels: x of the rear and the front axle.
        wheel_radius_m: Of the tyres.
        pillars: x of the side windows' posts, besides the ends.
        windowless_behind: x behind which the sides have no glass (delivery vans).
    """

    profile: tuple[tuple[float, float], ...]
    cabin_base: tuple[float, float]
    cabin_roof: tuple[float, float]
    roof_width: float = 0.76
    belt: float = 0.60
    wheels: tuple[float, float] = (-0.60, 0.62)
    wheel_radius_m: float = 0.33
    pillars: tuple[float, ...] = (-0.08,)
    windowless_behind: float = -2.0


_SALOON = CarShape(
    profile=((-1.0, 0.50), (-0.95, 0.61), (-0.64, 0.64), (0.0, 0.61), (0.40, 0.60), (0.86, 0.50), (1.0, 0.40)),
    cabin_base=(-0.74, 0.46),
    cabin_roof=(-0.40, 0.10),
)
_HATCHBACK = replace(
    _SALOON,
    profile=((-1.0, 0.48), (-0.96, 0.60), (-0.7, 0.61), (0.0, 0.60), (0.50, 0.59), (0.88, 0.51), (1.0, 0.40)),
    cabin_base=(-0.95, 0.56),
    cabin_roof=(-0.74, 0.14),
    roof_width=0.78,
)
_SUV = replace(
    _HATCHBACK,
    profile=((-1.0, 0.46), (-0.97, 0.58), (-0.7, 0.59), (0.0, 0.58), (0.46, 0.58), (0.90, 0.52), (1.0, 0.40)),
    cabin_base=(-0.97, 0.50),
    cabin_roof=(-0.86, 0.18),
    roof_width=0.82,
    belt=0.58,
    wheel_radius_m=0.38,
    pillars=(-0.52, -0.10),
)
_VAN = CarShape(
    profile=((-1.0, 0.50), (-0.98, 0.55), (0.0, 0.55), (0.70, 0.52), (0.92, 0.44), (1.0, 0.32)),
    cabin_base=(-0.99, 0.84),
    cabin_roof=(-0.96, 0.52),
    roof_width=0.90,
    belt=0.54,
    wheels=(-0.58, 0.62),
    wheel_radius_m=0.35,
    pillars=(0.12, -0.45),
)


_WEDGE = replace(
    _SALOON,
    profile=((-1.0, 0.62), (-0.98, 0.66), (-0.3, 0.64), (0.30, 0.60), (0.92, 0.52), (1.0, 0.42)),
    cabin_base=(-0.90, 0.66),
    cabin_roof=(-0.16, -0.02),
    wheel_radius_m=0.44,
    windowless_behind=-0.45,
)

_SUVS = ("etron", "patrol", "wrangler", "grandtourer")


def car_shape(kind: str, type_id: str, length_m: float) -> CarShape:
    """The proportions of a model: by its family and name, and by its length for small cars."""
    if "cybertruck" in type_id:
        return _WEDGE
    if kind == "van":
        delivery = any(word in type_id for word in ("ambulance", "sprinter"))
        return replace(_VAN, windowless_behind=0.15) if delivery else _VAN
    if any(word in type_id for word in _SUVS):
        return _SUV
    return _HATCHBACK if length_m < 4.25 else _SALOON


def build_car(builder: BodyBuilder, shape: CarShape, half_m: tuple[float, float, float], steer_deg: float) -> None:
    """A body of four wheels in a box centred on the origin in x and y, standing on z = 0."""
    hx, hy, height = half_m[0], 0.94 * half_m[1], 2.0 * half_m[2]  # the box's width includes the mirrors
    radius = min(shape.wheel_radius_m, 0.27 * height)
    _lower_body(builder, shape, hx, hy, height)
    _glass_house(builder, shape, hx, hy, height)
    _wheels(builder, shape.wheels, hx, hy, radius, steer_deg)
    nose = shape.profile[-1][1] * height
    tail = shape.profile[0][1] * height
    _face(builder, hx, hy * 0.88, nose, front=True)
    _face(builder, -hx, hy * 0.90, tail, front=False)
    mirror_x = shape.cabin_base[1] * hx - 0.25
    for side in (-1.0, 1.0):
        builder.box("paint", [mirror_x, side * hy * 0.99, shape.belt * height + 0.08], [0.06, hy * 0.07, 0.06])


def _lower_body(builder: BodyBuilder, shape: CarShape, hx: float, hy: float, height: float) -> None:
    floor = 0.15 * height
    rings = []
    for x, top in shape.profile:
        taper = 1.0 - 0.13 * max(abs(x) - 0.70, 0.0) / 0.30
        width = hy * 0.965 * taper
        z = top * height
        sill, waist = floor + 0.06 * height, floor + 0.55 * (z - floor)
        side = [(0.90, floor), (0.97, sill), (1.0, waist), (0.955, z - 0.03 * height), (0.86, z)]
        right = [(x * hx, width * y, level) for y, level in side]
        rings.append(right + [(px, -py, pz) for px, py, pz in reversed(right)])
    builder.loft("paint", rings)
    # A dark skirt, so that the body does not seem to float.
    builder.box("trim", [0.0, 0.0, floor], [hx * 0.93, hy * 0.90, 0.03 * height])


def _glass_house(builder: BodyBuilder, shape: CarShape, hx: float, hy: float, height: float) -> None:
    rear, front = (x * hx for x in shape.cabin_base)
    roof_rear, roof_front = (x * hx for x in shape.cabin_roof)
    base, top = (shape.belt - 0.03) * height, 0.985 * height
    wide, narrow = hy * 0.90, hy * shape.roof_width

    def at(x: float, level: float) -> tuple[float, float, float]:
        """A point of the right flank: x along the belt, level 0 at the belt and 1 at the roof."""
        share = (x - rear) / (front - rear)
        return (
            x * (1 - level) + level * (roof_rear + share * (roof_front - roof_rear)),
            wide + level * (narrow - wide),
            base + level * (top - base),
        )

    corners = [at(rear, 0.0), at(front, 0.0), at(front, 1.0), at(rear, 1.0)]
    builder.pair("paint", *corners)
    crown = [(roof_rear + 0.1, 0.0, height), (roof_front - 0.1, 0.0, height)]
    for side in (1.0, -1.0):
        edge = [(x, side * y, z) for x, y, z in (at(rear, 1.0), at(front, 1.0))]
        builder.quad("paint", edge[0], edge[1], crown[1], crown[0])
    for x, inward in ((front, -1.0), (rear, 1.0)):
        low, high = np.array(at(x, 0.0)), np.array(at(x, 1.0))
        mirrored = [1.0, -1.0, 1.0]
        builder.quad("paint", low, high, high * mirrored, low * mirrored)
        out = np.array([-inward * 0.012, 0.0, 0.006])
        inner = [low + 0.10 * (high - low), low + 0.92 * (high - low)]
        inner = [point * [1.0, 0.93, 1.0] + out for point in inner]
        builder.quad("glass", inner[0], inner[1], inner[1] * mirrored, inner[0] * mirrored)
    posts = sorted([rear + 0.06 * (front - rear), *(x * hx for x in shape.pillars), front - 0.05 * (front - rear)])
    for start, end in pairwise(posts):
        if start < shape.windowless_behind * hx:
            continue
        window = [at(start + 0.05, 0.12), at(end - 0.05, 0.12), at(end - 0.05, 0.88), at(start + 0.05, 0.88)]
        builder.pair("glass", *[(x, y + 0.012, z) for x, y, z in window])


def _wheels(
    builder: BodyBuilder, axles: tuple[float, ...], hx: float, hy: float, radius: float, steer_deg: float
) -> None:
    width = min(0.24, 0.28 * hy)
    turn = np.linspace(0.0, np.pi, 7)
    for number, axle in enumerate(axles):
        x = axle * hx
        arch = np.stack(
            [x + 1.17 * radius * np.cos(turn), np.full(7, hy * 0.972), radius + 1.17 * radius * np.sin(turn)], 1
        )
        fan = np.stack([np.zeros(5, int), np.arange(1, 6), np.arange(2, 7)], 1)
        for side in (1.0, -1.0):
            builder.add("trim", arch * [1.0, side, 1.0], fan)
            steered = steer_deg if number == len(axles) - 1 else 0.0
            builder.wheel([x, side * (hy * 0.985 - width / 2), radius], radius, width, steer_deg=steered, faces=(side,))


def _face(builder: BodyBuilder, x: float, half_width: float, top: float, *, front: bool) -> None:
    """Lamps, grille and plate on the nose or the tail."""
    out = 0.015 if front else -0.015
    plane = x + out
    depth = 0.10 if front else -0.08

    def panel(slot: str, inner: float, outer: float, low: float, high: float) -> None:
        wrap = outer > 0.9  # lamps at the corner reach around the side
        corners = [
            (plane, inner * half_width, low * top),
            (plane - (depth if wrap else 0.0), outer * half_width * (1.03 if wrap else 1.0), low * top),
            (plane - (depth if wrap else 0.0), outer * half_width * (1.03 if wrap else 1.0), high * top),
            (plane, inner * half_width, high * top),
        ]
        if slot == "blinker":
            builder.pair("blinker_right", *corners, left_slot="blinker_left")
        else:
            builder.pair(slot, *corners)

    if front:
        panel("headlight", 0.56, 0.86, 0.74, 0.97)
        panel("blinker", 0.87, 1.0, 0.74, 0.97)
        panel("trim", 0.0, 0.50, 0.58, 0.90)
        panel("fog_light", 0.62, 0.80, 0.46, 0.54)
        panel("plate", 0.0, 0.22, 0.42, 0.56)
    else:
        panel("brake_light", 0.58, 0.80, 0.72, 0.93)
        panel("tail_light", 0.58, 0.80, 0.60, 0.71)
        panel("blinker", 0.81, 1.0, 0.60, 0.93)
        panel("reverse_light", 0.44, 0.57, 0.62, 0.72)
        panel("plate", 0.0, 0.22, 0.62, 0.80)


def build_truck(builder: BodyBuilder, half_m: tuple[float, float, float], steer_deg: float, *, cargo: str) -> None:
    """A cab over the front axle and a closed body behind it; ``cargo`` is the slot of that body."""
    hx, hy, height = half_m[0], half_m[1], 2.0 * half_m[2]
    radius = min(0.50, 0.17 * height)
    floor = 1.15 * radius
    cab = max(0.32 * 2.0 * hx, 1.9) if hx < 6.0 else 2.4
    back = hx - cab
    builder.box("trim", [0.0, 0.0, floor], [hx * 0.98, hy * 0.80, 0.12])
    builder.box(
        cargo,
        [(back - 0.12 - hx) / 2, 0.0, (height + floor) / 2],
        [(hx + back - 0.12) / 2, hy * 0.985, (height - floor) / 2],
    )
    builder.box(
        "stripe",
        [(back - 0.12 - hx) / 2, 0.0, floor + 0.28 * (height - floor)],
        [(hx + back - 0.12) / 2 * 0.999, hy * 0.99, 0.05 * height],
    )
    cab_top = min(0.86 * height, floor + 2.0)
    rings = []
    for x, low, high in (
        (back, floor * 0.6, cab_top),
        (hx - 0.35, floor * 0.6, cab_top),
        (hx - 0.02, floor * 0.6, 0.5 * (floor + cab_top)),
    ):
        right = [(x, hy * 0.92, low), (x, hy * 0.95, 0.5 * (low + high)), (x, hy * 0.88, high)]
        rings.append(right + [(px, -py, pz) for px, py, pz in reversed(right)])
    builder.loft("paint", rings)
    sill, head = floor + 0.48 * (cab_top - floor), cab_top - 0.12
    slope = (hx - 0.02, hx - 0.33)
    builder.quad(
        "glass",
        (slope[0] + 0.02, hy * 0.84, sill),
        (slope[1] + 0.02, hy * 0.80, head),
        (slope[1] + 0.02, -hy * 0.80, head),
        (slope[0] + 0.02, -hy * 0.84, sill),
    )
    builder.pair(
        "glass",
        (back + 0.5, hy * 0.96, sill),
        (hx - 0.35, hy * 0.96, sill),
        (hx - 0.45, hy * 0.93, head),
        (back + 0.5, hy * 0.93, head),
    )
    axles = (-0.62, 1.0 - 0.55 * cab / hx) if hx < 5.5 else (-0.74, -0.55, 1.0 - 0.55 * cab / hx)
    _wheels(builder, axles, hx, hy, radius, steer_deg)
    _face(builder, hx, hy * 0.92, floor + 0.42 * (cab_top - floor), front=True)
    _face(builder, -hx, hy * 0.95, floor * 1.45, front=False)


def build_bus(builder: BodyBuilder, half_m: tuple[float, float, float], steer_deg: float) -> None:
    """A long box with a band of windows, doors and a big windscreen."""
    hx, hy, height = half_m[0], half_m[1], 2.0 * half_m[2]
    radius = min(0.50, 0.16 * height)
    floor = 0.10 * height
    middle, tall = (height + floor) / 2, (height - floor) / 2
    builder.box("paint", [0.0, 0.0, middle], [hx * 0.995, hy * 0.97, tall])
    builder.box("roof", [0.0, 0.0, 0.985 * height], [hx * 0.9, hy * 0.80, 0.02 * height])
    sill, head = 0.44 * height, 0.84 * height
    panes = max(4, int(hx * 2.0 / 1.5))
    edges = np.linspace(-0.95 * hx, 0.93 * hx, panes + 1)
    for start, end in pairwise(edges):
        builder.pair(
            "glass",
            (start + 0.05, hy * 0.98, sill),
            (end - 0.05, hy * 0.98, sill),
            (end - 0.05, hy * 0.98, head),
            (start + 0.05, hy * 0.98, head),
        )
    for x in (0.80 * hx, -0.05 * hx):  # doors on the right
        builder.quad(
            "glass",
            (x - 0.5, hy * 0.985, floor + 0.1),
            (x + 0.5, hy * 0.985, floor + 0.1),
            (x + 0.5, hy * 0.985, head),
            (x - 0.5, hy * 0.985, head),
        )
    builder.quad(
        "glass",
        (hx * 1.0, -hy * 0.88, 0.34 * height),
        (hx * 1.0, hy * 0.88, 0.34 * height),
        (hx * 1.0, hy * 0.88, 0.80 * height),
        (hx * 1.0, -hy * 0.88, 0.80 * height),
    )
    builder.quad(
        "board",
        (hx * 1.0, -hy * 0.70, 0.84 * height),
        (hx * 1.0, hy * 0.70, 0.84 * height),
        (hx * 1.0, hy * 0.70, 0.94 * height),
        (hx * 1.0, -hy * 0.70, 0.94 * height),
    )
    builder.quad(
        "glass",
        (-hx * 1.0, -hy * 0.70, 0.50 * height),
        (-hx * 1.0, hy * 0.70, 0.50 * height),
        (-hx * 1.0, hy * 0.70, 0.82 * height),
        (-hx * 1.0, -hy * 0.70, 0.82 * height),
    )
    _wheels(builder, (-0.52, 0.66), hx, hy, radius, steer_deg)
    _face(builder, hx, hy * 0.94, 0.30 * height, front=True)
    _face(builder, -hx, hy * 0.94, 0.40 * height, front=False)
