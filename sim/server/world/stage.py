"""What stands still: a scene, and what draws it. One stage serves every episode of its map."""

import threading
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from drivevla.sim.server.scene.mesh import SceneMesh
from drivevla.sim.server.scene.scene import Scene, SceneObject

if TYPE_CHECKING:
    from drivevla.sim.server.render.renderer import Renderer

__all__ = ["Stage"]


class Stage:
    """A scene of which things can be hidden.

    Args:
        scene: Everything static.
    """

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self._things = {thing.object_id: thing for thing in scene.objects}
        self._hidden: frozenset[int] = frozenset()
        self._renderers: dict[frozenset[int], Renderer] = {}
        self._building = threading.Lock()
        self._preparing = threading.Thread(target=lambda: self.renderer, name="prepare-renderer", daemon=True)

    def prepare(self) -> None:
        """Begin to build the renderer in the background, so that the first look need not wait for all of it."""
        if not self._preparing.ident:
            self._preparing.start()

    def close(self) -> None:
        """Wait for what goes on in the background."""
        if self._preparing.ident:
            self._preparing.join()

    @property
    def renderer(self) -> "Renderer":
        """What draws the stage as it is now."""
        with self._building:
            hidden = self._hidden
            if hidden not in self._renderers:
                from drivevla.sim.server.render.renderer import Renderer

                self._renderers[hidden] = Renderer(_without(self.scene.mesh, hidden))
            return self._renderers[hidden]

    def thing(self, object_id: int) -> SceneObject | None:
        """The thing of the level with that id."""
        return self._things.get(object_id)

    @property
    def hidden(self) -> frozenset[int]:
        """Ids of the things that are hidden now."""
        return self._hidden

    def show(self, object_ids: set[int], *, shown: bool) -> None:
        """Show or hide things for cameras and rays."""
        self._hide(self._hidden - object_ids if shown else self._hidden | object_ids)

    def show_everything(self) -> None:
        """Show whatever was hidden."""
        self._hide(frozenset())

    def _hide(self, hidden: frozenset[int]) -> None:
        if hidden != self._hidden:
            if self._hidden:  # the whole level's renderer is kept: what is hidden is mostly shown again
                self._renderers.pop(self._hidden, None)
            self._hidden = hidden


def _without(mesh: SceneMesh, hidden: frozenset[int]) -> SceneMesh:
    if not hidden:
        return mesh
    kept = ~np.isin(mesh.object_id, list(hidden))
    return replace(
        mesh,
        triangles=mesh.triangles[kept],
        material=mesh.material[kept],
        label=mesh.label[kept],
        object_id=mesh.object_id[kept],
    )
