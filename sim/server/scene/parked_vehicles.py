"""Parked cars and buses that belong to the scenery: plain bodies that read as vehicles of one colour."""

import numpy as np
from numpy.typing import NDArray

from drivevla.sim.server.scene.mesh import Material
from drivevla.sim.server.scene.solids import Solid, box, placed

__all__ = ["bus_parts", "car_parts"]

Part = tuple[Solid, Material]

_GLASS = Material(surface="glass", rgb=(0.10, 0.13, 0.16))
_TYRE = Material(surface="plain", rgb=(0.06, 0.06, 0.06))
_LAMP_WHITE = Material(surface="plain", rgb=(0.92, 0.92, 0.88))
_LAMP_RED = Material(surface="plain", rgb=(0.60, 0.06, 0.06))
_TYRE_RADIUS_M, _TYRE_WIDTH_M = 0.33, 0.22


def car_parts(size_m: tuple[float, float, float], rgb: tuple[float, float, float]) -> list[Part]:
    """A saloon of length, width, height, standing on the origin and looking along x."""
    length, width, height = size_m
    paint = Material(surface="metal", rgb=rgb)
    waist = 0.58 * height
    hull = _loft([(0.20 * height, 1.0, 0.94), (0.38 * height, 1.0, 1.0), (waist, 0.97, 0.96)], length, width)
    cabin = placed(_loft([(waist, 0.58, 0.92), (height - 0.05, 0.38, 0.76)], length, width), (-0.06 * length, 0, 0))
    roof = placed(box((0.385 * length, 0.77 * width, 0.05)), (-0.06 * length, 0.0, height - 0.05))
    return [
        (hull, paint),
        (cabin, _GLASS),
        (roof, paint),
        *_wheels(length, width),
        *_lamps(length, width, 0.45 * height),
    ]


def bus_parts(size_m: tuple[float, float, float], rgb: tuple[float, float, float]) -> list[Part]:
    """A city bus of length, width, height, standing on the origin and looking along x."""
    length, width, height = size_m
    paint = Material(surface="metal", rgb=rgb)
    low, high = 0.38 * height, 0.78 * height
    skirt = placed(box((length, width, low - 0.30)), (0.0, 0.0, 0.30))
    windows = placed(box((length - 0.06, width - 0.06, high - low), walls_only=True), (0.0, 0.0, low))
    top = placed(box((length, width, height - high)), (0.0, 0.0, high))
    pillars = [
        (placed(box((0.14, width + 0.01, high - low)), (x, 0.0, low)), paint)
        for x in np.linspace(-0.5, 0.5, 7)[1:-1] * length
    ]
    lamps = _lamps(length, width, 0.26 * height)
    return [(skirt, paint), (windows, _GLASS), (top, paint), *pillars, *_wheels(length, width, 0.48), *lamps]


def _loft(levels: list[tuple[float, float, float]], length_m: float, width_m: float) -> Solid:
    """Rectangles above each other (height, share of length, share of width), joined by walls and closed on top."""
    signs = np.array([(1, -1), (1, 1), (-1, 1), (-1, -1)], dtype=np.float64)
    rings: list[NDArray[np.float64]] = [
        np.column_stack([signs * (a * length_m / 2, b * width_m / 2), np.full(4, z)]) for z, a, b in levels
    ]
    vertices = np.concatenate(rings)
    index = np.arange(4)
    triangles = [np.array([[-4, -3, -2], [-4, -2, -1]]) + len(vertices)]
    for level in range(len(rings) - 1):
        a, b = 4 * level + index, 4 * level + (index + 1) % 4
        triangles.append(np.concatenate([np.stack([a, b, b + 4], axis=-1), np.stack([a, b + 4, a + 4], axis=-1)]))
    return Solid(vertices, np.concatenate(triangles), vertices[:, :2].copy())


def _wheels(length_m: float, width_m: float, radius_m: float = _TYRE_RADIUS_M) -> list[Part]:
    axle, track = 0.31 * length_m, width_m / 2 - _TYRE_WIDTH_M / 2 + 0.01
    return [(placed(_wheel(radius_m), (x, y, radius_m)), _TYRE) for x in (-axle, axle) for y in (-track, track)]


def _wheel(radius_m: float) -> Solid:
    corners = 10
    angle = np.arange(corners) * 2 * np.pi / corners
    circle = radius_m * np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    sides = [np.column_stack([circle[:, 0], np.full(corners, y), circle[:, 1]]) for y in (-0.5, 0.5)]
    vertices = np.concatenate(sides) * (1.0, _TYRE_WIDTH_M, 1.0)
    a, b = np.arange(corners), (np.arange(corners) + 1) % corners
    tread = np.concatenate([np.stack([a, b, b + corners], -1), np.stack([a, b + corners, a + corners], -1)])
    fan = np.arange(1, corners - 1)
    face = np.stack([np.zeros_like(fan), fan, fan + 1], axis=-1)
    return Solid(vertices, np.concatenate([tread, face, face + corners]), vertices[:, [0, 2]].copy())


def _lamps(length_m: float, width_m: float, z_m: float) -> list[Part]:
    side, half = width_m / 2 - 0.22, length_m / 2
    lamp = box((0.06, 0.30, 0.14))
    ends = ((half, _LAMP_WHITE), (-half, _LAMP_RED))
    return [(placed(lamp, (x, y, z_m)), material) for x, material in ends for y in (-side, side)]
