"""Lights at night: street lamps of the scene and headlights of the vehicles."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from drivevla.sim.server.numba_import import inlined
from drivevla.sim.server.render.frame import DynamicFrame, RenderActor, VehicleLights
from drivevla.sim.server.render.pinhole import world_from
from drivevla.sim.server.render.vectors import Vector, dot
from drivevla.sim.server.scene.mesh import SceneMesh

__all__ = [
    "Headlight",
    "StreetLamps",
    "connected_parts",
    "find_street_lamps",
    "headlight_at",
    "headlights_of",
    "street_light_at",
]

MAX_HEADLIGHTS = 12
"""Vehicles whose beams light the street: the nearest to the cameras."""

_BEAM_REACH_M = 55.0
_MAX_CELLS = 4_000_000
_LAMP_REACH_M = 28.0


@dataclass(frozen=True, slots=True)
class Headlight:
    """The joint beam of a vehicle's two headlights.

    Attributes:
        origin_m: (3,) middle of the front, at lamp height.
        forward: (3,) unit vector.
        strength: 1 for low beam, more for high beam.
        aim_drop: How far the beam's axis falls on a metre: high beams look straight ahead.
    """

    origin_m: NDArray[np.float32]
    forward: NDArray[np.float32]
    strength: float
    aim_drop: float


@dataclass(frozen=True, slots=True)
class StreetLamps:
    """Light of all street lamps on the ground, in a grid seen from above.

    Attributes:
        origin_m: (2,) x and y of the grid's corner.
        cell_m: Side of a cell.
        light: (rows along y, columns along x) float32, 1 straight under a lamp.
    """

    origin_m: NDArray[np.float32]
    cell_m: float
    light: NDArray[np.float32]


def connected_parts(mesh: SceneMesh, chosen: NDArray[np.intp]) -> NDArray[np.int32]:
    """Which of the connected parts each of the chosen triangles belongs to; corners at one place are one corner."""
    corners = mesh.vertices_m[mesh.triangles[chosen].ravel()]
    _, corner = np.unique(np.rint(corners * 1000.0).astype(np.int64), axis=0, return_inverse=True)
    corner = corner.reshape(-1, 3)
    count = int(corner.max()) + 1 if len(corner) else 0
    pairs = np.concatenate([corner[:, :2], corner[:, 1:]])
    graph = coo_matrix((np.ones(len(pairs), np.int8), (pairs[:, 0], pairs[:, 1])), shape=(count, count))
    _, part_of_corner = connected_components(graph, directed=False)
    part: NDArray[np.int32] = part_of_corner[corner[:, 0]]
    return part


def find_street_lamps(mesh: SceneMesh) -> StreetLamps:
    """Light on the ground of everything that shines at night and is no window.

    Args:
        mesh: Static scene; lamps are its materials with an emission that are neither facades nor signal bulbs.
    """
    shines = np.array([m.emission > 0.0 and m.surface not in ("facade", "bulb", "sign") for m in mesh.materials], bool)
    chosen = np.flatnonzero(shines[mesh.material]) if len(shines) else np.empty(0, np.intp)
    if not len(chosen):
        return StreetLamps(np.zeros(2, np.float32), 1.0, np.zeros((0, 0), np.float32))
    part = connected_parts(mesh, chosen)
    center = mesh.vertices_m[mesh.triangles[chosen]].mean(axis=1)
    size = np.bincount(part)
    lamps = np.stack([np.bincount(part, center[:, axis]) / size for axis in range(3)], axis=1)
    return light_grid(lamps)


def light_grid(lamps_m: NDArray[np.floating[Any]]) -> StreetLamps:
    """Sum the lamps' light on the ground, each hanging about 6 m above it."""
    low = lamps_m[:, :2].min(axis=0) - _LAMP_REACH_M
    span = lamps_m[:, :2].max(axis=0) + _LAMP_REACH_M - low
    cell = max(0.5, float(np.sqrt(span[0] * span[1] / _MAX_CELLS)))
    shape = np.ceil(span[::-1] / cell).astype(int)
    light = np.zeros(shape, np.float32)
    reach = int(_LAMP_REACH_M / cell)
    offset = np.arange(-reach, reach + 1) * cell
    squared = offset[:, None] ** 2 + offset[None, :] ** 2
    pool = np.where(squared < _LAMP_REACH_M**2, (1.0 + squared / 36.0) ** -1.5, 0.0).astype(np.float32)
    for x, y in lamps_m[:, :2]:
        row, column = int((y - low[1]) / cell), int((x - low[0]) / cell)
        rows = slice(max(row - reach, 0), min(row + reach + 1, shape[0]))
        columns = slice(max(column - reach, 0), min(column + reach + 1, shape[1]))
        light[rows, columns] += pool[
            rows.start - row + reach : rows.stop - row + reach,
            columns.start - column + reach : columns.stop - column + reach,
        ]
    np.minimum(light, 1.4, out=light)
    return StreetLamps(low.astype(np.float32), cell, light)


def headlights_of(frame: DynamicFrame, around_m: NDArray[np.floating[Any]]) -> tuple[Headlight, ...]:
    """The beams that matter near a place.

    Args:
        frame: Whose vehicles have their lights on or off.
        around_m: (3,) where the cameras are.
    """
    shining = [actor for actor in frame.actors if actor.lights & (VehicleLights.LOW_BEAM | VehicleLights.HIGH_BEAM)]
    away = [float(np.hypot(*(np.asarray(actor.pose.location_m[:2]) - around_m[:2]))) for actor in shining]
    order = sorted(range(len(shining)), key=lambda index: (away[index], index))
    return tuple(_beam(shining[index]) for index in order[:MAX_HEADLIGHTS] if away[index] < 120.0)


def _beam(actor: RenderActor) -> Headlight:
    world_from_actor = world_from(actor.pose)
    front = np.array(actor.center_m) + np.array(actor.half_extent_m) * [1.02, 0.0, -0.25]
    high = bool(actor.lights & VehicleLights.HIGH_BEAM)
    return Headlight(
        origin_m=(world_from_actor[:3, :3] @ front + world_from_actor[:3, 3]).astype(np.float32),
        forward=world_from_actor[:3, 0].astype(np.float32),
        strength=1.6 if high else 1.0,
        aim_drop=0.0 if high else 0.035,
    )


@inlined
def street_light_at(
    point_m: Vector,
    normal: Vector,
    light: NDArray[np.float32],
    origin_m: NDArray[np.float32],
    cell_m: float,
) -> float:
    """The street lamps' light on a surface; walls get a part of what the ground before them gets."""
    rows, columns = light.shape
    if rows == 0:
        return 0.0
    row = min(max(int((point_m[1] - origin_m[1]) / cell_m), 0), rows - 1)
    column = min(max(int((point_m[0] - origin_m[0]) / cell_m), 0), columns - 1)
    return light[row, column] * (0.45 + 0.55 * max(normal[2], 0.0))


@inlined
def headlight_at(beams: NDArray[np.float32], point_m: Vector, normal: Vector) -> float:
    """All headlights' light on a surface.

    Args:
        beams: (H, 8) origin, forward, strength and drop of the aim of each ``Headlight``.
        point_m: World.
        normal: Unit.
    """
    total = 0.0
    for beam in beams:
        offset = (point_m[0] - beam[0], point_m[1] - beam[1], point_m[2] - beam[2])
        forward = (beam[3], beam[4], beam[5])
        ahead = dot(forward, offset)
        if ahead <= 0.3 or ahead >= _BEAM_REACH_M:
            continue
        squared = dot(offset, offset)
        distance = np.sqrt(squared)
        sideways = max(squared - ahead * ahead, 0.0) / (ahead * ahead)
        if sideways > 4.0:  # less than 3e-6 of the light goes there
            continue
        rise = offset[2] / ahead - forward[2] + beam[7]
        cone = np.exp(-3.2 * sideways) / (1.0 + np.exp(min(30.0 * (rise - 0.03), 50.0)))
        incidence = max(-dot(offset, normal) / distance, 0.0)
        fade = beam[6] * 90.0 / (squared + 60.0) * min(max(2.0 - distance / (_BEAM_REACH_M / 2.0), 0.0), 1.0)
        # A road is lit at a grazing angle; the floor of 0.12 stands for its roughness.
        total += fade * cone * (0.12 + 0.88 * incidence)
    return total
