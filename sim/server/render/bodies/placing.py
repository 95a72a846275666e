"""All bodies of a frame in the world: one mesh for the ray caster, one block of rows for the tables."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from drivevla.errors import ContractError
from drivevla.sim.server.pose import rotation_matrices
from drivevla.sim.server.render.bodies.catalogue import body_of, materials_of
from drivevla.sim.server.render.frame import RenderActor
from drivevla.sim.server.render.materials import BodyMaterial
from drivevla.sim.server.render.triangles import TriangleRows
from drivevla.sim.server.scene.mesh import Label

__all__ = ["PlacedBodies", "place_bodies"]


@dataclass(frozen=True, slots=True)
class PlacedBodies:
    """Every moving body of a frame.

    Attributes:
        vertices_m: (V, 3) float32 world.
        triangles: (T, 3) uint32.
        rows: What the tables say of the triangles.
        materials: Rows for the material table.
        actor_index: (T,) which of the actors each triangle belongs to.
        hull_m: (A, 8, 3) corners in the world of boxes that hold every vertex, beacons and limbs too; z changes
            fastest, then y, then x.
        world_from_box: (A, 3, 4) float32 axes and centres of the boxes.
        half_extent_m: (A, 3) float32.
    """

    vertices_m: NDArray[np.float32]
    triangles: NDArray[np.uint32]
    rows: TriangleRows
    materials: list[BodyMaterial]
    actor_index: NDArray[np.intp]
    hull_m: NDArray[np.float32]
    world_from_box: NDArray[np.float32]
    half_extent_m: NDArray[np.float32]


_SIGNS = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], np.float64)


def place_bodies(actors: tuple[RenderActor, ...], time_s: float, *, first_material: int) -> PlacedBodies:
    """Build and place every actor's body.

    Args:
        actors: Of the frame.
        time_s: Simulated time, for blinking lamps.
        first_material: Row of the material table where the bodies' materials begin.

    Raises:
        ContractError: An actor's pose or size is not finite; the ray caster would not survive it.
    """
    if not actors:
        return _nobody()
    rotation = rotation_matrices([actor.pose.rotation_deg for actor in actors])
    location = np.array([actor.pose.location_m for actor in actors], np.float64)
    center = np.array([actor.center_m for actor in actors], np.float64)
    half = np.array([actor.half_extent_m for actor in actors], np.float64)
    for index in np.flatnonzero(~np.isfinite(np.hstack([rotation.reshape(-1, 9), location, center, half])).all(axis=1)):
        raise ContractError(f"actor {actors[index].actor_id} must have finite pose and size, got {actors[index]}")
    foot = center - half * [0.0, 0.0, 1.0]
    models = [body_of(actor) for actor in actors]
    vertices, triangles, normals, material_rows, labels = [], [], [], [], []
    materials: list[BodyMaterial] = []
    vertex_count = 0
    for index, (actor, model) in enumerate(zip(actors, models, strict=True)):
        turn = rotation[index].astype(np.float32)
        offset = (rotation[index] @ foot[index] + location[index]).astype(np.float32)
        vertices.append(model.vertices_m @ turn.T + offset)
        triangles.append(model.triangles + np.uint32(vertex_count))
        normals.append(model.normal @ turn.T)
        material_rows.append(model.slot + np.int32(first_material + len(materials)))
        materials.extend(materials_of(actor, model, time_s))
        labels.append(np.where(model.rider, Label.RIDER, actor.label).astype(np.uint8))
        vertex_count += len(model.vertices_m)
    actor_index = np.repeat(np.arange(len(actors)), [len(model.triangles) for model in models])
    ids = np.array([actor.actor_id for actor in actors], np.uint32)
    rows = TriangleRows(
        normal=np.concatenate(normals),
        uv_m=np.zeros((len(actor_index), 6), np.float32),
        material=np.concatenate(material_rows),
        label=np.concatenate(labels),
        object_id=np.zeros(len(actor_index), np.uint32),
        actor_id=ids[actor_index],
    )
    low, high = (np.array([model.bounds_m[end] for model in models]) for end in (0, 1))
    local = foot[:, None] + np.where(_SIGNS > 0, high[:, None], low[:, None])
    hulls = local @ rotation.transpose(0, 2, 1) + location[:, None]
    middle = np.einsum("aij,aj->ai", rotation, center) + location
    return PlacedBodies(
        vertices_m=np.concatenate(vertices),
        triangles=np.concatenate(triangles),
        rows=rows,
        materials=materials,
        actor_index=actor_index,
        hull_m=hulls.astype(np.float32),
        world_from_box=np.concatenate([rotation, middle[..., None]], axis=2).astype(np.float32),
        half_extent_m=half.astype(np.float32),
    )


def _nobody() -> PlacedBodies:
    rows = TriangleRows(
        np.zeros((0, 3), np.float32),
        np.zeros((0, 6), np.float32),
        np.zeros(0, np.int32),
        np.zeros(0, np.uint8),
        np.zeros(0, np.uint32),
        np.zeros(0, np.uint32),
    )
    empty = np.zeros((0, 3))
    return PlacedBodies(
        empty.astype(np.float32),
        empty.astype(np.uint32),
        rows,
        [],
        np.zeros(0, np.intp),
        np.zeros((0, 8, 3), np.float32),
        np.zeros((0, 3, 4), np.float32),
        np.zeros((0, 3), np.float32),
    )
