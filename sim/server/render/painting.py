"""Paints the tiles of ``textures.py``: asphalt, slabs, brick, windows, leaves, sign faces."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drivevla.sim.server.render.sign_faces import paint_sign

__all__ = ["NEUTRAL", "Painter", "Tile", "smooth_noise"]

NEUTRAL = 0.5
"""Linear value that leaves the material's colour as it is."""


@dataclass(frozen=True, slots=True)
class Tile:
    """A square that repeats.

    Attributes:
        rgbo: (side, side, 5) linear R, G, B, own, shine; row 0 is v = 0, the foot of a wall.
        metres: Side length.
    """

    rgbo: NDArray[np.float32]
    metres: float


def smooth_noise(rng: np.random.Generator, side: int, cells: int, octaves: int = 1) -> NDArray[np.float32]:
    """(side, side) periodic noise of mean about 0 and values in about -1 to 1."""
    total = np.zeros((side, side), np.float64)
    weight = 1.0
    for _ in range(octaves):
        lattice = rng.uniform(-1.0, 1.0, (cells, cells))
        position = np.arange(side) * cells / side
        low = position.astype(int)
        blend = position - low
        blend = blend * blend * (3.0 - 2.0 * blend)
        high = (low + 1) % cells
        rows = lattice[low] * (1 - blend)[:, None] + lattice[high] * blend[:, None]
        total += weight * (rows[:, low] * (1 - blend) + rows[:, high] * blend)
        weight *= 0.5
        cells = min(cells * 2, side)
    return total.astype(np.float32)


class Painter:
    """Paints tiles of one size; the same seed for every scene, so that equal materials look equal everywhere."""

    def __init__(self, side: int) -> None:
        """Fix the size.

        Args:
            side: Texels along each side.
        """
        self._side = side
        self._rng = np.random.default_rng(20_260)

    def surfaces(self) -> dict[str, Tile]:
        """Every tile but the signs; a facade's ground floor follows its upper floors directly."""
        return {
            "plain": Tile(self._blank(), 4.0),
            "asphalt": Tile(self._asphalt(), 6.4),
            "concrete": Tile(self._slabs(), 4.0),
            "paint": Tile(self._worn_paint(), 4.0),
            "grass": Tile(self._grass(), 8.0),
            "roof": Tile(self._roof(), 8.0),
            "foliage": Tile(self._foliage(), 4.0),
            "bark": Tile(self._bark(), 2.0),
            "metal": Tile(self._grain(0.04, 32), 4.0),
            "glass": Tile(self._glass(), 4.0),
            "bulb": Tile(self._blank(), 1.0),
            "facade0": Tile(self._facade("punched"), 12.0),
            "shop0": Tile(self._ground_floor(shop=False), 12.0),
            "facade1": Tile(self._facade("brick"), 12.0),
            "shop1": Tile(self._ground_floor(shop=True), 12.0),
            "facade2": Tile(self._facade("strip"), 12.0),
            "shop2": Tile(self._ground_floor(shop=True), 12.0),
            "facade3": Tile(self._facade("glass"), 12.0),
            "shop3": Tile(self._ground_floor(shop=False), 12.0),
        }

    def sign(self, text: str) -> Tile:
        """The face of a traffic sign."""
        return Tile(paint_sign(text, self._side), 1.0)

    def _blank(self) -> NDArray[np.float32]:
        tile = np.zeros((self._side, self._side, 5), np.float32)
        tile[..., :3] = NEUTRAL
        return tile

    def _shaded(self, brightness: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
        tile = self._blank()
        tile[..., :3] *= np.clip(brightness, 0.0, 2.0)[..., None]
        return tile

    def _grain(self, strength: float, cells: int) -> NDArray[np.float32]:
        return self._shaded(1.0 + strength * smooth_noise(self._rng, self._side, cells, 3))

    def _asphalt(self) -> NDArray[np.float32]:
        rng, side = self._rng, self._side
        grain = 1.0 + 0.13 * rng.standard_normal((side, side)) + 0.12 * smooth_noise(rng, side, 4, 4)
        for _ in range(5):  # cracks wander through the tile
            row, column = rng.integers(side), rng.integers(side)
            heading = rng.uniform(0, 2 * np.pi)
            for _ in range(int(rng.integers(40, 140))):
                grain[int(row) % side, int(column) % side] = 0.55
                heading += rng.normal(0.0, 0.35)
                row, column = row + np.sin(heading), column + np.cos(heading)
        return self._shaded(grain)

    def _slabs(self) -> NDArray[np.float32]:
        rng, side = self._rng, self._side
        slab = side // 4
        tone = np.kron(rng.normal(1.0, 0.06, (4, 4)), np.ones((slab, slab)))
        tone = tone + 0.05 * rng.standard_normal((side, side))
        line = np.arange(side) % slab < 2
        tone[line] *= 0.66
        tone[:, line] *= 0.66
        return self._shaded(tone)

    def _worn_paint(self) -> NDArray[np.float32]:
        wear = smooth_noise(self._rng, self._side, 16, 4)
        return self._shaded(np.where(wear > 0.95, 0.6, 1.0 - 0.06 * np.abs(wear)))

    def _grass(self) -> NDArray[np.float32]:
        rng, side = self._rng, self._side
        tile = self._shaded(1.0 + 0.25 * rng.standard_normal((side, side)) + 0.25 * smooth_noise(rng, side, 8, 4))
        dry = np.clip(0.5 + smooth_noise(rng, side, 4, 3), 0.0, 1.0) * 0.25
        tile[..., 0] *= 1.0 + dry
        return tile

    def _roof(self) -> NDArray[np.float32]:
        tone = 1.0 + 0.06 * self._rng.standard_normal((self._side, self._side))
        tone[np.arange(self._side) % 12 < 2] *= 0.7
        return self._shaded(tone)

    def _foliage(self) -> NDArray[np.float32]:
        rng, side = self._rng, self._side
        clumps = smooth_noise(rng, side, 10, 2)
        leaves = smooth_noise(rng, side, 48, 2)
        tile = self._shaded(1.0 + 0.45 * clumps + 0.4 * leaves)
        tile[..., 0] *= 1.0 + 0.25 * np.clip(leaves, 0.0, 1.0)
        return tile

    def _bark(self) -> NDArray[np.float32]:
        streaks = np.repeat(self._rng.normal(1.0, 0.22, (1, self._side)), self._side, axis=0)
        return self._shaded(streaks + 0.12 * self._rng.standard_normal((self._side, self._side)))

    def _glass(self) -> NDArray[np.float32]:
        return self._blank()

    def _facade(self, style: str) -> NDArray[np.float32]:
        rng, side = self._rng, self._side
        tile = self._shaded(1.0 + 0.05 * rng.standard_normal((side, side)))
        if style == "brick":
            courses = np.arange(side) % 4 == 0
            joints = (np.arange(side)[None, :] + 4 * (np.arange(side)[:, None] // 4 % 2)) % 8 == 0
            tile[courses, :, :3] *= 1.25
            tile[..., :3] *= np.where(joints & ~courses[:, None], 1.2, 1.0)[..., None]
        cell = side // 4
        # Left, right, foot and head of the glass within a cell of 3 m x 3 m, as fractions.
        left, right, foot, head = {
            "punched": (0.28, 0.72, 0.28, 0.80),
            "brick": (0.22, 0.60, 0.30, 0.82),
            "strip": (0.02, 0.98, 0.36, 0.84),
            "glass": (0.04, 0.96, 0.10, 0.96),
        }[style]
        for row in range(4):
            for column in range(4):
                rows = slice(int((row + foot) * cell), int((row + head) * cell))
                columns = slice(int((column + left) * cell), int((column + right) * cell))
                self._window(tile, rows, columns, framed=style != "glass")
        if style == "punched":
            tile[np.arange(side) % cell < 2, :, :3] *= 0.8  # a cornice on every floor
        return tile

    def _window(
        self, tile: NDArray[np.float32], rows: slice, columns: slice, *, framed: bool, lit_share: float = 0.35
    ) -> None:
        rng = self._rng
        if framed:  # frame and sill, in light paint
            tile[rows.start - 2 : rows.stop + 2, columns.start - 2 : columns.stop + 2, :3] = 0.62
            tile[rows.start - 4 : rows.start - 2, columns.start - 4 : columns.stop + 4, :3] = 0.45
            tile[rows.start - 4 : rows.stop + 2, columns.start - 2 : columns.stop + 2, 3] = 0.7
        height, width = rows.stop - rows.start, columns.stop - columns.start
        shade = np.linspace(0.05, 0.16, height)[:, None] * np.array([0.75, 0.95, 1.15])
        pane = np.broadcast_to(shade[:, None, :], (height, width, 3)).copy()
        if rng.random() < 0.4:  # a curtain in the upper or side part
            pane[int(height * rng.uniform(0.3, 0.7)) :, :, :] = rng.uniform(0.25, 0.5)
        tile[rows, columns, :3] = pane
        tile[rows, columns, 3] = 1.0
        if rng.random() < lit_share:
            tile[rows, columns, 4] = rng.uniform(0.5, 1.0)
        middle = (columns.start + columns.stop) // 2
        if framed:
            tile[rows, middle : middle + 2, :3] = 0.55
            tile[rows, middle : middle + 2, 4] = 0.0

    def _ground_floor(self, *, shop: bool) -> NDArray[np.float32]:
        rng, side = self._rng, self._side
        tile = self._shaded(0.85 + 0.05 * rng.standard_normal((side, side)))
        cell = side // 4
        for row in range(4):
            for column in range(4):
                foot, start = row * cell, column * cell
                is_door = (column + row) % 4 == 1
                if is_door:
                    rows, columns = slice(foot, foot + int(0.72 * cell)), slice(start + 20, start + 44)
                    tile[rows, columns, :3] = rng.choice([[0.10, 0.05, 0.03], [0.03, 0.08, 0.12], [0.12, 0.12, 0.12]])
                    tile[rows, columns, 3] = 1.0
                    tile[foot + 22 : foot + 25, start + 39 : start + 41, :3] = 0.6
                elif shop:
                    rows = slice(foot + int(0.14 * cell), foot + int(0.68 * cell))
                    columns = slice(start + 4, start + cell - 4)
                    self._window(tile, rows, columns, framed=True, lit_share=0.8)
                else:
                    rows = slice(foot + int(0.30 * cell), foot + int(0.78 * cell))
                    self._window(tile, rows, slice(start + 18, start + 46), framed=True)
                if shop:  # an awning or name board over the shop window
                    board = slice(foot + int(0.74 * cell), foot + int(0.92 * cell))
                    palette = [[0.35, 0.03, 0.03], [0.03, 0.12, 0.30], [0.04, 0.22, 0.08], [0.45, 0.30, 0.05]]
                    tile[board, start + 1 : start + cell - 1, :3] = rng.choice(palette)
                    tile[board, start + 1 : start + cell - 1, 3] = 1.0
        return tile
