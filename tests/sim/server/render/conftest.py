"""A straight street, built by hand, so that the renderer's tests need no map."""

import numpy as np
import pytest
from numpy.typing import ArrayLike, NDArray

from drivevla.sim.server.render.renderer import Renderer
from drivevla.sim.server.scene.mesh import Label, Material, SceneMesh

BULB_HEIGHTS_M = {"red": 5.45, "yellow": 5.15, "green": 4.85}
HEAD_X_M, HEAD_Y_M = 40.0, 5.2


class Sketch:
    """Collects quads into a SceneMesh."""

    def __init__(self) -> None:
        self._corners: list[NDArray[np.float32]] = []
        self._uv: list[NDArray[np.float32]] = []
        self._material: list[int] = []
        self._label: list[int] = []
        self._object: list[int] = []
        self._materials: list[Material] = []

    def quad(
        self, material: Material, label: Label, corners: ArrayLike, uv: ArrayLike | None = None, object_id: int = 0
    ) -> None:
        points = np.asarray(corners, np.float32)
        if uv is None:
            uv = points[:, :2]
        if material not in self._materials:
            self._materials.append(material)
        self._corners.append(points)
        self._uv.append(np.asarray(uv, np.float32))
        self._material += [self._materials.index(material)] * 2
        self._label += [label] * 2
        self._object += [object_id] * 2

    def floor(self, material: Material, label: Label, low: ArrayLike, high: ArrayLike, z: float) -> None:
        (x0, y0), (x1, y1) = np.asarray(low, float), np.asarray(high, float)
        self.quad(material, label, [(x0, y0, z), (x1, y0, z), (x1, y1, z), (x0, y1, z)])

    def box(self, material: Material, label: Label, low: ArrayLike, high: ArrayLike, object_id: int = 0) -> None:
        (x0, y0, z0), (x1, y1, z1) = np.asarray(low, float), np.asarray(high, float)
        ring = [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]
        start = 0.0
        for (ax, ay), (bx, by) in zip(ring, [*ring[1:], ring[0]], strict=True):
            end = start + abs(bx - ax) + abs(by - ay)
            corners = [(ax, ay, z0), (bx, by, z0), (bx, by, z1), (ax, ay, z1)]
            uv = [(start, 0.0), (end, 0.0), (end, z1 - z0), (start, z1 - z0)]
            self.quad(material, label, corners, uv, object_id)
            start = end
        self.quad(material, label, [(x0, y0, z1), (x1, y0, z1), (x1, y1, z1), (x0, y1, z1)], object_id=object_id)

    def mesh(self) -> SceneMesh:
        first = 4 * np.arange(len(self._corners))[:, None, None]
        return SceneMesh(
            vertices_m=np.concatenate(self._corners),
            uv_m=np.concatenate(self._uv),
            triangles=(first + np.array([[0, 1, 2], [0, 2, 3]])).reshape(-1, 3).astype(np.uint32),
            material=np.array(self._material, np.uint16),
            label=np.array(self._label, np.uint8),
            object_id=np.array(self._object, np.uint32),
            materials=tuple(self._materials),
        )


def draw_light_head(sketch: Sketch, signal_id: str, x: float, y: float) -> None:
    """A head over the right kerb that faces along -x, on a pole."""
    black = Material(surface="plain", rgb=(0.05, 0.05, 0.05))
    sketch.box(black, Label.TRAFFIC_LIGHT, (x, y - 0.18, 4.65), (x + 0.2, y + 0.18, 5.65), object_id=9)
    steel = Material(surface="metal", rgb=(0.4, 0.4, 0.4))
    sketch.box(steel, Label.POLES, (x + 0.25, y - 0.06, 0.0), (x + 0.37, y + 0.06, 5.7), object_id=9)
    for bulb, z in BULB_HEIGHTS_M.items():
        rgb = {"red": (0.95, 0.10, 0.08), "yellow": (0.98, 0.75, 0.10), "green": (0.10, 0.90, 0.40)}[bulb]
        lamp = Material(surface="bulb", rgb=rgb, signal_id=signal_id, bulb=bulb)  # type: ignore[arg-type]
        size = 0.1
        corners = [(x - 0.02, y + dy * size, z + dz * size) for dy, dz in ((-1, -1), (-1, 1), (1, 1), (1, -1))]
        sketch.quad(lamp, Label.TRAFFIC_LIGHT, corners, [(c[1] - y, c[2] - z) for c in corners], object_id=9)


def draw_street() -> SceneMesh:
    sketch = Sketch()
    asphalt = Material(surface="asphalt", rgb=(0.29, 0.29, 0.30))
    sketch.floor(asphalt, Label.ROADS, (-100, -4), (300, 4), 0.0)
    white = Material(surface="paint", rgb=(0.93, 0.93, 0.91))
    for start in range(-100, 300, 6):
        sketch.floor(white, Label.ROAD_LINES, (start, -0.07), (start + 3, 0.07), 0.01)
    sketch.floor(white, Label.ROAD_LINES, (33.0, 0.2), (33.5, 3.9), 0.01)
    slabs, grass = Material(surface="concrete", rgb=(0.62, 0.6, 0.56)), Material(surface="grass", rgb=(0.3, 0.44, 0.18))
    sketch.floor(grass, Label.TERRAIN, (-400, -400), (600, 400), -0.1)
    for side in (-1.0, 1.0):
        low, high = sorted((4.0 * side, 7.0 * side))
        sketch.box(slabs, Label.SIDEWALKS, (-100, low, -0.1), (300, high, 0.15))
    rng = np.random.default_rng(0)
    for number in range(24):
        side = -1.0 if number % 2 else 1.0
        x, height = -60.0 + 14.0 * (number // 2), float(rng.integers(2, 7)) * 3.0
        tint = rng.uniform(0.45, 0.85, 3)
        wall = Material(surface="facade", rgb=(float(tint[0]), float(tint[1]), float(tint[2])), seed=number)
        low, high = sorted((9.0 * side, 20.0 * side))
        sketch.box(wall, Label.BUILDINGS, (x, low, 0.0), (x + 12.0, high, height), object_id=100 + number)
        bark, leaves = (
            Material(surface="bark", rgb=(0.34, 0.25, 0.17)),
            Material(surface="foliage", rgb=(0.2, 0.4, 0.14)),
        )
        y = 6.2 * side
        sketch.box(bark, Label.VEGETATION, (x + 6, y - 0.12, 0.0), (x + 6.24, y + 0.12, 2.6))
        sketch.box(leaves, Label.VEGETATION, (x + 4.6, y - 1.3, 2.4), (x + 7.6, y + 1.3, 5.6))
        lamp = Material(surface="plain", rgb=(1.0, 0.9, 0.7), emission=1.0)
        if number % 4 < 2:
            sketch.box(
                Material(surface="metal", rgb=(0.4, 0.4, 0.4)),
                Label.POLES,
                (x, 4.4 * side - 0.05, 0),
                (x + 0.1, 4.4 * side + 0.05, 6.5),
            )
            sketch.box(lamp, Label.POLES, (x - 0.2, 3.2 * side - 0.3, 6.4), (x + 0.3, 3.2 * side + 0.9, 6.5))
    draw_light_head(sketch, "17", HEAD_X_M, HEAD_Y_M)
    return sketch.mesh()


@pytest.fixture(scope="session")
def street_mesh() -> SceneMesh:
    return draw_street()


@pytest.fixture(scope="session")
def street(street_mesh: SceneMesh) -> Renderer:
    return Renderer(street_mesh)
