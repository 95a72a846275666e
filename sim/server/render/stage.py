"""The static scene and what stands on it in the current frame: everything that sensors look at."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from drivevla.sim.server.render.bodies.placing import PlacedBodies, place_bodies
from drivevla.sim.server.render.bulbs import Bulbs, find_bulbs
from drivevla.sim.server.render.casting import RayCaster
from drivevla.sim.server.render.frame import DynamicFrame, RenderActor
from drivevla.sim.server.render.lamps import StreetLamps, find_street_lamps
from drivevla.sim.server.render.materials import FIRST_STATIC, MaterialTable
from drivevla.sim.server.render.sky import Sky, paint_sky
from drivevla.sim.server.render.textures import TextureAtlas, paint_atlas
from drivevla.sim.server.render.triangles import TriangleTable, rows_of_mesh
from drivevla.sim.server.scene.mesh import SceneMesh

__all__ = ["Stage"]


class Stage:
    """Holds one frame at a time; entering another replaces the moving bodies and the light.

    Attributes:
        caster: Both ray-casting scenes.
        triangles: What hits point into.
        materials: What triangles point into.
        atlas: What materials point into.
        bulbs: Lamps of the traffic lights.
        street_lamps: Light on the ground at night.
        frame: The current frame.
        bodies: Of the current frame.
        sky: Of the current frame.
        lit_bulbs: Which of the bulbs shine in the current frame.
    """

    def __init__(self, mesh: SceneMesh) -> None:
        """Build what does not move: search tree, tables, textures, lamps.

        Args:
            mesh: Static scene, CARLA's world frame.
        """
        texts = sorted({material.text or "" for material in mesh.materials if material.surface == "sign"})
        self.atlas: TextureAtlas = paint_atlas(tuple(texts))
        self.materials = MaterialTable(mesh, self.atlas)
        self.triangles = TriangleTable(rows_of_mesh(mesh, first_material=FIRST_STATIC))
        self.caster = RayCaster(
            np.ascontiguousarray(mesh.vertices_m, np.float32), np.ascontiguousarray(mesh.triangles, np.uint32)
        )
        self.bulbs: Bulbs = find_bulbs(mesh)
        self._mesh = mesh
        self._light_lamps(frozenset())
        self._furnish(DynamicFrame())

    def enter(self, frame: DynamicFrame) -> None:
        """Make a frame the current one; the same object again costs nothing."""
        if frame is not self.frame:
            self._furnish(frame)

    def actor(self, actor_id: int) -> RenderActor | None:
        """The actor of that id in the current frame."""
        return next((actor for actor in self.frame.actors if actor.actor_id == actor_id), None)

    def actor_index(self, row: NDArray[np.uint32]) -> NDArray[np.intp]:
        """(N,) which of the frame's actors each row belongs to, -1 for the static scene and the sky."""
        index = np.full(len(row), -1, np.intp)
        moving = np.flatnonzero(row >= self.triangles.first_dynamic)
        index[moving] = self.bodies.actor_index[row[moving] - self.triangles.first_dynamic]
        return index

    def velocity_mps(self, row: NDArray[np.uint32]) -> NDArray[np.float64]:
        """(N, 3) world velocity of what each row belongs to."""
        velocities = np.array([*(actor.velocity_mps for actor in self.frame.actors), (0.0, 0.0, 0.0)])
        return velocities[self.actor_index(row)]

    def _light_lamps(self, dark: frozenset[int]) -> None:
        mesh = without_light(self._mesh, dark)
        self.triangles.set_static_materials(mesh.material.astype(np.int32) + FIRST_STATIC)
        self.street_lamps: StreetLamps = find_street_lamps(mesh)
        self._dark_lamps = dark

    def _furnish(self, frame: DynamicFrame) -> None:
        if frame.dark_lamps != self._dark_lamps:
            self._light_lamps(frame.dark_lamps)
        bodies = place_bodies(frame.actors, frame.time_s, first_material=self.materials.first_dynamic)
        self.caster.set_bodies(bodies.vertices_m, bodies.triangles)
        self.triangles.set_dynamic(bodies.rows)
        self.materials.set_dynamic(bodies.materials)
        self.materials.set_lights(frame.light_states)
        self.bodies: PlacedBodies = bodies
        self.sky: Sky = paint_sky(frame.weather)
        self.lit_bulbs: NDArray[np.intp] = self.bulbs.lit(frame.light_states)
        self.frame: DynamicFrame = frame


def without_light(mesh: SceneMesh, dark: frozenset[int]) -> SceneMesh:
    """A mesh in which some objects have lost what shines: it has the material of the rest of the object instead."""
    if not dark:
        return mesh
    shines = np.array([material.emission > 0.0 for material in mesh.materials])[mesh.material]
    ours = np.isin(mesh.object_id, list(dark))
    unlit, material = np.flatnonzero(ours & ~shines), mesh.material.copy()
    known, first = np.unique(mesh.object_id[unlit], return_index=True)
    lanterns = np.flatnonzero(ours & shines)
    material[lanterns] = mesh.material[unlit[first[np.searchsorted(known, mesh.object_id[lanterns])]]]
    return replace(mesh, material=material)
