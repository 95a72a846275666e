"""The table of materials that shading gathers from: textures, colours, gloss, and what shines."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from drivevla.errors import ContractError
from drivevla.sim.server.render.frame import LightColour
from drivevla.sim.server.render.textures import SIDE, TextureAtlas, linear_from_srgb
from drivevla.sim.server.scene.mesh import Material, SceneMesh

__all__ = ["FIRST_STATIC", "MATERIAL", "BodyMaterial", "MaterialTable"]

MATERIAL = np.dtype(
    [
        ("rgb", np.float32, 3),  # linear reflectance
        ("glow", np.float32, 3),  # light of its own, always
        ("night_glow", np.float32, 3),  # light of its own, at night
        ("window_glow", np.float32),  # how brightly a facade's windows are lit at night
        ("gloss", np.float32),  # mirror reflectivity at normal incidence
        ("retro", np.float32),  # whether it throws headlights back
        ("wettable", np.float32),  # how much of the rain stays on it
        ("soft", np.float32),  # how much of the sun it takes whichever way it faces
        ("texels_per_m", np.float32, 2),
        ("shift", np.float32, 2),  # of the texture, in texels
        ("ground_floor_m", np.float32),  # below this height a facade has the next layer's texture
        ("layer", np.int32),  # of the texture atlas
    ]
)
"""One row of the table; shading reads a row at once."""

FIRST_STATIC = 1
"""Row 0 belongs to the sky."""

_FACADE_STYLES = 4
_FLOOR_M = 3.0

# Mirror reflectivity at normal incidence, times what the eye expects of a street.
_GLOSS = {"glass": 0.30, "metal": 0.10, "sign": 0.01, "bulb": 0.03}
_RETRO = {"paint": 1.0, "sign": 1.0}
_WETTABLE = {"asphalt": 1.0, "concrete": 0.8, "paint": 1.0, "grass": 0.3, "plain": 0.2, "roof": 0.5}
_SOFT = {"foliage": 0.35, "grass": 0.1}

UNLIT_LAMP = 0.10
LIT_LAMP = 1.8


@dataclass(frozen=True, slots=True)
class BodyMaterial:
    """A material of a moving body: one colour, gloss and light of its own.

    Attributes:
        rgb: sRGB base colour.
        gloss: Mirror reflectivity at normal incidence.
        glow: Linear light that the surface sends out by itself.
        retro: Whether it throws headlights back.
    """

    rgb: tuple[float, float, float]
    gloss: float = 0.0
    glow: tuple[float, float, float] = (0.0, 0.0, 0.0)
    retro: float = 0.0


class MaterialTable:
    """Rows by material: row 0 the sky, then the scene's materials, then those of the frame's bodies.

    Attributes:
        rows: (capacity,) of ``MATERIAL``.
        first_dynamic: Where the bodies' rows begin.
    """

    def __init__(self, mesh: SceneMesh, atlas: TextureAtlas) -> None:
        """Fill the scene's rows.

        Args:
            mesh: Whose materials these are; its uv give the size of sign faces.
            atlas: Textures of all surfaces and signs of the mesh.
        """
        self._atlas = atlas
        self.first_dynamic = FIRST_STATIC + len(mesh.materials)
        self._allocate(self.first_dynamic + 1024)
        bounds = _uv_bounds(mesh)
        for index, material in enumerate(mesh.materials):
            self._write_static(FIRST_STATIC + index, material, bounds[index])
        self._bulbs = [
            (FIRST_STATIC + index, material, linear_from_srgb(np.asarray(material.rgb)))
            for index, material in enumerate(mesh.materials)
            if material.surface == "bulb"
        ]

    def set_lights(self, states: Mapping[str, LightColour]) -> None:
        """Light the bulbs that the traffic lights show and darken the others."""
        for row, material, colour in self._bulbs:
            lit = material.bulb is not None and states.get(material.signal_id or "") == material.bulb
            self.rows["rgb"][row] = colour * (1.0 if lit else UNLIT_LAMP)
            self.rows["glow"][row] = colour * LIT_LAMP if lit else 0.0

    def set_dynamic(self, materials: Iterable[BodyMaterial]) -> None:
        """Replace the rows of the moving bodies."""
        rows = list(materials)
        needed = self.first_dynamic + len(rows)
        if needed > len(self.rows):
            old = self.rows[: self.first_dynamic]
            self._allocate(needed + needed // 4)
            self.rows[: self.first_dynamic] = old
        if not rows:
            return
        chosen = self.rows[self.first_dynamic : needed]
        chosen["layer"] = self._atlas.names["plain"]
        chosen["texels_per_m"] = SIDE / self._atlas.metres[self._atlas.names["plain"]]
        chosen["rgb"] = linear_from_srgb(np.array([row.rgb for row in rows]))
        chosen["gloss"] = [row.gloss for row in rows]
        chosen["glow"] = [row.glow for row in rows]
        chosen["retro"] = [row.retro for row in rows]

    def _write_static(self, row: int, material: Material, uv_bounds: NDArray[np.float32]) -> None:
        self._choose_texture(row, material, uv_bounds)
        rows, colour = self.rows, linear_from_srgb(np.asarray(material.rgb))
        rows["rgb"][row] = colour
        rows["gloss"][row] = _GLOSS.get(material.surface, 0.0)
        rows["retro"][row] = _RETRO.get(material.surface, 0.0)
        rows["wettable"][row] = _WETTABLE.get(material.surface, 0.0)
        rows["soft"][row] = _SOFT.get(material.surface, 0.0)
        if material.surface == "facade":
            rows["window_glow"][row] = material.emission
        else:
            rows["night_glow"][row] = colour * material.emission * 2.0

    def _choose_texture(self, row: int, material: Material, uv_bounds: NDArray[np.float32]) -> None:
        names, rows = self._atlas.names, self.rows
        if material.surface == "sign":
            span = np.maximum(uv_bounds[1] - uv_bounds[0], 1e-3)
            rows["layer"][row] = names[f"sign:{material.text or ''}"]
            rows["texels_per_m"][row] = (SIDE - 0.01) / span
            rows["shift"][row] = -uv_bounds[0] * rows["texels_per_m"][row]
            return
        name = material.surface if material.surface != "facade" else f"facade{material.seed % _FACADE_STYLES}"
        if name not in names:
            raise ContractError(f"no texture for surface {material.surface!r} (known: {', '.join(sorted(names))})")
        rows["layer"][row] = names[name]
        rows["texels_per_m"][row] = SIDE / self._atlas.metres[names[name]]
        if material.surface == "facade":
            rows["ground_floor_m"][row] = _FLOOR_M
            # Whole windows, so that floors and columns stay aligned.
            rows["shift"][row] = [material.seed // 4 % 4 * (SIDE // 4), material.seed // 16 % 4 * (SIDE // 4)]
        else:
            rows["shift"][row] = [material.seed * 37 % SIDE, material.seed * 91 % SIDE]

    def _allocate(self, capacity: int) -> None:
        self.rows = np.zeros(capacity, MATERIAL)
        self.rows["texels_per_m"] = 1.0
        self.rows["ground_floor_m"] = -np.inf


def _uv_bounds(mesh: SceneMesh) -> NDArray[np.float32]:
    """(materials, 2 ends, 2) smallest and largest uv of each material's triangles."""
    bounds = np.zeros((len(mesh.materials), 2, 2), np.float32)
    bounds[:, 0], bounds[:, 1] = np.inf, -np.inf
    uv = mesh.uv_m[mesh.triangles]
    np.minimum.at(bounds[:, 0], mesh.material, uv.min(axis=1))
    np.maximum.at(bounds[:, 1], mesh.material, uv.max(axis=1))
    return bounds
