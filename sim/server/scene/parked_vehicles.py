"""Parked cars and buses that belong to the scenery: the bodies of those that drive, with their lamps off."""

import numpy as np

from drivevla.sim.server.pose import Pose
from drivevla.sim.server.render.bodies.catalogue import body_of, materials_of
from drivevla.sim.server.render.frame import BodyKind, RenderActor
from drivevla.sim.server.scene.mesh import Material, Surface
from drivevla.sim.server.scene.solids import Solid

__all__ = ["bus_parts", "car_parts"]

Part = tuple[Solid, Material]

_SURFACES: dict[str, Surface] = {"paint": "metal", "glass": "glass"}


def car_parts(size_m: tuple[float, float, float], rgb: tuple[float, float, float]) -> list[Part]:
    """A car of length, width, height, standing on the origin and looking along x."""
    return _parts("car", size_m, rgb)


def bus_parts(size_m: tuple[float, float, float], rgb: tuple[float, float, float]) -> list[Part]:
    """A city bus of length, width, height, standing on the origin and looking along x."""
    return _parts("bus", size_m, rgb)


def _parts(kind: BodyKind, size_m: tuple[float, float, float], rgb: tuple[float, float, float]) -> list[Part]:
    length, width, height = size_m
    actor = RenderActor(
        actor_id=0,
        type_id=f"parked.{kind}",
        kind=kind,
        pose=Pose((0.0, 0.0, 0.0)),
        half_extent_m=(length / 2, width / 2, height / 2),
        rgb=rgb,
    )
    model = body_of(actor)
    parts = []
    for number, (slot, look) in enumerate(zip(model.slots, materials_of(actor, model, 0.0), strict=True)):
        triangles = model.triangles[model.slot == number].astype(np.int64)
        used, corners = np.unique(triangles, return_inverse=True)
        vertices = model.vertices_m[used].astype(np.float64)
        material = Material(surface=_SURFACES.get(slot, "plain"), rgb=look.rgb)
        parts.append((Solid(vertices, corners.reshape(-1, 3), vertices[:, :2].copy()), material))
    return parts
