"""Lights at night: street lamps of the scene and headlights of the vehicles."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from drivevla.sim.server.render.frame import DynamicFrame, RenderActor, VehicleLights
from drivevla.sim.server.render.pinhole import world_from
from drivevla.sim.server.render.planar import dot
from drivevla.sim.server.scene.mesh import SceneMesh

__all__ = [
    "Headlight",
    "StreetLamps",
    "connected_parts",
    "find_street_lamps",
    "headlight_illumination",
    "headlights_of",
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

    def illumination(self, point_m: NDArray[np.float32], normal: NDArray[np.float32]) -> NDArray[np.float32]:
        """(N,) light on (3, N) points with (3, N) normals; walls get a part of what the ground before them gets."""
        rows, columns = self.light.shape
        if not rows:
            return np.zeros(point_m.shape[1], np.float32)
        column = ((point_m[0] - self.origin_m[0]) / self.cell_m).astype(np.int32)
        row = ((point_m[1] - self.origin_m[1]) / self.cell_m).astype(np.int32)
        np.clip(column, 0, columns - 1, out=column)
        np.clip(row, 0, rows - 1, out=row)
        light = self.light.ravel().take(row * columns + column)
        light *= 0.45 + 0.55 * np.maximum(normal[2], 0.0)
        return light


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


def headlight_illumination(
    headlights: tuple[Headlight, ...], point_m: NDArray[np.float32], normal: NDArray[np.float32]
) -> NDArray[np.float32]:
    """(3, N) light of all beams on (3, N) points with (3, N) unit normals."""
    total = np.zeros(point_m.shape[1], np.float32)
    for lamp in headlights:
        offset = point_m - lamp.origin_m[:, None]
        ahead = dot(lamp.forward, offset)
        lit = np.flatnonzero((ahead > 0.3) & (ahead < _BEAM_REACH_M))
        if not len(lit):
            continue
        offset, ahead = offset[:, lit], ahead[lit]
        squared = np.einsum("kn,kn->n", offset, offset)
        distance = np.sqrt(squared)
        sideways = np.maximum(squared - ahead * ahead, 0.0) / (ahead * ahead)
        rise = offset[2] / ahead - lamp.forward[2] + lamp.aim_drop
        cone = np.exp(-3.2 * sideways) / (1.0 + np.exp(np.minimum(30.0 * (rise - 0.03), 50.0)))
        incidence = np.maximum(-np.einsum("kn,kn->n", offset, normal[:, lit]) / distance, 0.0)
        # A road is lit at a grazing angle; the floor of 0.12 stands for its roughness.
        fade = lamp.strength * 90.0 / (squared + 60.0) * np.clip(2.0 - distance / (_BEAM_REACH_M / 2.0), 0.0, 1.0)
        total[lit] += fade * cone * (0.12 + 0.88 * incidence)
    return np.array([[1.0], [0.96], [0.86]], np.float32) * total
