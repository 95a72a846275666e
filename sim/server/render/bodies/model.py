"""A body in its actor's frame, and the small kit that the bodies are built with."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from drivevla.sim.server.render.triangles import unit_normals

__all__ = ["BodyBuilder", "BodyModel"]


@dataclass(frozen=True, slots=True)
class BodyModel:
    """Triangles in the actor's frame.

    Attributes:
        vertices_m: (V, 3) float32.
        triangles: (T, 3) uint32.
        normal: (T, 3) float32 unit normals.
        slot: (T,) int32 index into ``slots``.
        rider: (T,) whether the triangle belongs to the rider of a two-wheeler.
        slots: Names of what the triangles are made of: "paint", "glass", "brake_light", ...
        bounds_m: (2, 3) smallest and largest coordinates of the vertices.
    """

    vertices_m: NDArray[np.float32]
    triangles: NDArray[np.uint32]
    normal: NDArray[np.float32]
    slot: NDArray[np.int32]
    rider: NDArray[np.bool_]
    slots: tuple[str, ...]
    bounds_m: NDArray[np.float32]


class BodyBuilder:
    """Collects quads, boxes, lofts and tubes; y is mirrored where a part comes in pairs."""

    def __init__(self) -> None:
        self._vertices: list[NDArray[np.float64]] = []
        self._triangles: list[NDArray[np.int64]] = []
        self._slots: list[str] = []
        self._slot_of: list[NDArray[np.int64]] = []
        self._rider_of: list[NDArray[np.bool_]] = []
        self._count = 0
        self.rider = False

    def build(self) -> BodyModel:
        """The finished body."""
        vertices = np.concatenate(self._vertices).astype(np.float32)
        triangles = np.concatenate(self._triangles).astype(np.uint32)
        return BodyModel(
            vertices_m=vertices,
            triangles=triangles,
            normal=unit_normals(vertices[triangles]),
            slot=np.concatenate(self._slot_of).astype(np.int32),
            rider=np.concatenate(self._rider_of),
            slots=tuple(self._slots),
            bounds_m=np.stack([vertices.min(axis=0), vertices.max(axis=0)]),
        )

    def add(self, slot: str, vertices: ArrayLike, triangles: ArrayLike) -> None:
        """Any mesh: (V, 3) vertices and (T, 3) triangles."""
        points, faces = np.asarray(vertices, np.float64), np.asarray(triangles, np.int64)
        if slot not in self._slots:
            self._slots.append(slot)
        self._vertices.append(points)
        self._triangles.append(faces + self._count)
        self._slot_of.append(np.full(len(faces), self._slots.index(slot)))
        self._rider_of.append(np.full(len(faces), self.rider))
        self._count += len(points)

    def quad(self, slot: str, a: ArrayLike, b: ArrayLike, c: ArrayLike, d: ArrayLike) -> None:
        """Four corners in order around."""
        self.add(slot, np.array([a, b, c, d], np.float64), [[0, 1, 2], [0, 2, 3]])

    def pair(self, slot: str, *corners: Sequence[float], left_slot: str | None = None) -> None:
        """A quad on the right (y > 0) and its mirror image on the left, of ``left_slot`` where that differs."""
        right = np.asarray(corners, np.float64)
        self.quad(slot, *right)
        self.quad(left_slot or slot, *(right * [1.0, -1.0, 1.0]))

    def box(self, slot: str, center: ArrayLike, half: ArrayLike) -> None:
        """An axis-aligned box."""
        signs = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], np.float64)
        self.add(slot, np.asarray(center) + signs * np.asarray(half), _BOX_FACES)

    def loft(self, slot: str, rings: ArrayLike, *, capped: bool = True) -> None:
        """A skin over (R rings, P points, 3), closed around and, when capped, at both ends."""
        points = np.asarray(rings, np.float64)
        count, around = points.shape[:2]
        ring, point = np.meshgrid(np.arange(count - 1), np.arange(around), indexing="ij")
        a = (ring * around + point).ravel()
        b = (ring * around + (point + 1) % around).ravel()
        faces = [np.stack([a, b, b + around], 1), np.stack([a, b + around, a + around], 1)]
        if capped:
            fan = np.stack([np.zeros(around - 2, int), np.arange(1, around - 1), np.arange(2, around)], 1)
            faces += [fan, fan + (count - 1) * around]
        self.add(slot, points.reshape(-1, 3), np.concatenate(faces))

    def tube(self, slot: str, path: ArrayLike, radii: ArrayLike, *, sides: int = 6, flat: float = 1.0) -> None:
        """Round rings of the given radii along a path of (K, 3) points; ``flat`` squeezes them front to back."""
        centers, sizes = np.asarray(path, np.float64), np.asarray(radii, np.float64)
        axis = centers[-1] - centers[0]
        axis = axis / max(float(np.linalg.norm(axis)), 1e-9)
        aside = np.array([0.0, 1.0, 0.0]) if abs(axis[1]) < 0.9 else np.array([1.0, 0.0, 0.0])
        front = np.cross(axis, aside)
        front = front / np.linalg.norm(front)
        side = np.cross(front, axis)
        turn = np.arange(sides) * (2.0 * np.pi / sides)
        ring = np.cos(turn)[:, None] * side + flat * np.sin(turn)[:, None] * front
        self.loft(slot, centers[:, None] + sizes[:, None, None] * ring)

    def wheel(
        self,
        center: ArrayLike,
        radius: float,
        width: float,
        *,
        steer_deg: float = 0.0,
        sides: int = 10,
        faces: tuple[float, ...] = (-1.0, 1.0),
    ) -> None:
        """A tyre that turns about y; ``steer_deg`` turns it to the right.

        Args:
            center: Of the wheel.
            radius: Of the tyre.
            width: Of the tyre.
            steer_deg: Steering angle.
            sides: Corners of the circle.
            faces: Which sides can be seen and have a rim: -1 the left, 1 the right.
        """
        turn = np.arange(sides) * (2.0 * np.pi / sides)
        circle = np.stack([np.cos(turn), np.zeros(sides), np.sin(turn)], 1)
        angle = np.radians(steer_deg)
        about_z = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1.0]])
        middle = np.asarray(center, np.float64)

        def ring(size: float, out: float) -> NDArray[np.float64]:
            placed: NDArray[np.float64] = (circle * size + [0.0, out, 0.0]) @ about_z.T + middle
            return placed

        self.loft("tyre", [ring(radius, -width / 2), ring(radius, width / 2)], capped=False)
        fan = np.stack([np.zeros(sides - 2, int), np.arange(1, sides - 1), np.arange(2, sides)], 1)
        for side in faces:
            self.add("tyre", ring(radius, side * width / 2), fan)
            self.add("rim", ring(radius * 0.62, side * width * 0.52), fan)


_BOX_FACES = np.array(
    [
        [0, 1, 3], [0, 3, 2], [4, 6, 7], [4, 7, 5], [0, 4, 5], [0, 5, 1],
        [2, 3, 7], [2, 7, 6], [1, 5, 7], [1, 7, 3], [0, 2, 6], [0, 6, 4],
    ]
)  # fmt: skip
