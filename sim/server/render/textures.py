"""Procedural textures, painted once with a fixed seed, in one flat array with their mip levels.

A texel is four bytes: R, G, B (sRGB; 188 is "leave the material's colour as it is", 0.5 in linear light) and a byte of
two nibbles, *own* (how much the texel's colour replaces the material's) and *shine* (how brightly it is lit at night).
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drivevla.sim.server.render.painting import Painter

__all__ = ["LEVELS", "SIDE", "TextureAtlas", "linear_from_srgb", "paint_atlas"]

SIDE = 256
LEVELS = 9
_LEVEL_START = np.cumsum([0] + [(SIDE >> level) ** 2 for level in range(LEVELS)])


@dataclass(frozen=True, slots=True)
class TextureAtlas:
    """All layers and their mip levels.

    Attributes:
        texels: (layers * texels of a pyramid,) uint32: R, G, B, nibbles, from the lowest byte up.
        names: Layer number of each texture's name.
        metres: (layers,) side of the tile in metres.
        level_start: (levels,) where each mip level begins within a layer.
        layer_size: Texels of one layer's pyramid.
    """

    texels: NDArray[np.uint32]
    names: dict[str, int]
    metres: NDArray[np.float32]
    level_start: NDArray[np.int32]
    layer_size: int


def linear_from_srgb(value: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
    """Linear light of sRGB values, 0 to 1 (IEC 61966-2-1)."""
    low = value / 12.92
    high = ((np.maximum(value, 0.0) + 0.055) / 1.055) ** 2.4
    return np.where(value <= 0.04045, low, high).astype(np.float32)


def _bytes_of_linear(steps: int) -> NDArray[np.uint8]:
    linear = np.arange(steps) / (steps - 1)
    srgb = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return np.rint(srgb * 255.0).astype(np.uint8)


_BYTE_OF_LINEAR = _bytes_of_linear(16_384)


@lru_cache(maxsize=4)
def paint_atlas(texts: tuple[str, ...]) -> TextureAtlas:
    """Paint every surface, and a face for each sign text.

    Args:
        texts: What the scene's signs show.
    """
    painter = Painter(SIDE)
    tiles = painter.surfaces() | {f"sign:{text}": painter.sign(text) for text in texts}
    pyramids = [_pyramid(tile.rgbo) for tile in tiles.values()]
    return TextureAtlas(
        texels=np.concatenate(pyramids),
        names={name: layer for layer, name in enumerate(tiles)},
        metres=np.array([tile.metres for tile in tiles.values()], np.float32),
        level_start=_LEVEL_START[:-1].astype(np.int32),
        layer_size=int(_LEVEL_START[-1]),
    )


def _pyramid(tile: NDArray[np.float32]) -> NDArray[np.uint32]:
    """Mip levels of a (SIDE, SIDE, 5) tile of linear R, G, B and own, shine; averaged in linear light."""
    levels = [_pack(tile)]
    while tile.shape[0] > 1:
        half = tile.shape[0] // 2
        tile = tile.reshape(half, 2, half, 2, 5).mean(axis=(1, 3))
        levels.append(_pack(tile))
    return np.concatenate(levels)


def _pack(tile: NDArray[np.float32]) -> NDArray[np.uint32]:
    flat = tile.reshape(-1, 5)
    linear = np.clip(flat[:, :3], 0.0, 1.0)
    nibbles = np.rint(np.clip(flat[:, 3:], 0.0, 1.0) * 15.0).astype(np.uint8)
    packed = np.empty((len(flat), 4), np.uint8)
    packed[:, :3] = _BYTE_OF_LINEAR.take((linear * (len(_BYTE_OF_LINEAR) - 1)).astype(np.int32))
    packed[:, 3] = nibbles[:, 0] * 16 + nibbles[:, 1]
    return packed.view("<u4").ravel()
