"""Everything with an id: environment objects, and which of them are solid."""

from dataclasses import dataclass, field

import numpy as np

from drivevla.sim.server.pose import Pose
from drivevla.sim.server.scene.mesh import Label
from drivevla.sim.server.scene.obstacles import StaticObstacles
from drivevla.sim.server.scene.scene import SceneObject

__all__ = ["ObjectRegistry"]


@dataclass(slots=True)
class ObjectRegistry:
    """Hands out object ids, counted from 1 in the order of creation."""

    objects: list[SceneObject] = field(default_factory=list)
    _solids: list[tuple[Pose, tuple[float, float, float], int, Label]] = field(default_factory=list)
    _counts: dict[str, int] = field(default_factory=dict)

    def add(
        self,
        kind: str,
        *,
        label: Label,
        center_m: tuple[float, float, float],
        half_extent_m: tuple[float, float, float],
        yaw_deg: float = 0.0,
        is_solid: bool = True,
        landmark: str | None = None,
    ) -> int:
        """Register an object; ``is_solid`` when its box is what vehicles hit."""
        object_id, pose = len(self.objects) + 1, Pose(center_m, (0.0, yaw_deg, 0.0))
        self._counts[kind] = self._counts.get(kind, 0) + 1
        name = f"{kind}_{self._counts[kind]:04d}"
        self.objects.append(
            SceneObject(
                object_id=object_id, name=name, label=label, pose=pose, half_extent_m=half_extent_m, landmark=landmark
            )
        )
        if is_solid:
            self.add_solid(object_id, center_m=center_m, half_extent_m=half_extent_m, yaw_deg=yaw_deg)
        return object_id

    def add_solid(
        self,
        object_id: int,
        *,
        center_m: tuple[float, float, float],
        half_extent_m: tuple[float, float, float],
        yaw_deg: float = 0.0,
    ) -> None:
        """Give a registered object one more solid box, for objects of several parts (the posts of a canopy)."""
        label = self.objects[object_id - 1].label
        self._solids.append((Pose(center_m, (0.0, yaw_deg, 0.0)), half_extent_m, object_id, label))

    def obstacles(self) -> StaticObstacles:
        """All solid boxes."""
        solids = self._solids
        return StaticObstacles(
            center_m=np.array([pose.location_m for pose, *_ in solids], dtype=np.float64).reshape(-1, 3),
            half_extent_m=np.array([half for _, half, *_ in solids], dtype=np.float64).reshape(-1, 3),
            yaw_deg=np.array([pose.rotation_deg[1] for pose, *_ in solids], dtype=np.float64),
            object_id=np.array([object_id for *_, object_id, _ in solids], dtype=np.uint32),
            label=np.array([label for *_, label in solids], dtype=np.uint8),
        )
