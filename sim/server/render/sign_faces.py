"""Faces of traffic signs, painted as pixels: shape, border, word or number."""

import re

import numpy as np
from numpy.typing import NDArray

__all__ = ["paint_sign"]

# Digits and letters on a grid of 5 x 7 dots, one string of rows each, top to bottom.
_GLYPHS = {
    "0": "01110 10001 10011 10101 11001 10001 01110",
    "1": "00100 01100 00100 00100 00100 00100 01110",
    "2": "01110 10001 00001 00110 01000 10000 11111",
    "3": "11110 00001 00001 01110 00001 00001 11110",
    "4": "00010 00110 01010 10010 11111 00010 00010",
    "5": "11111 10000 11110 00001 00001 10001 01110",
    "6": "01110 10000 10000 11110 10001 10001 01110",
    "7": "11111 00001 00010 00100 01000 01000 01000",
    "8": "01110 10001 10001 01110 10001 10001 01110",
    "9": "01110 10001 10001 01111 00001 00001 01110",
    "S": "01111 10000 10000 01110 00001 00001 11110",
    "T": "11111 00100 00100 00100 00100 00100 00100",
    "O": "01110 10001 10001 10001 10001 10001 01110",
    "P": "11110 10001 10001 11110 10000 10000 10000",
    "B": "11110 10001 10001 11110 10001 10001 11110",
    "U": "10001 10001 10001 10001 10001 10001 01110",
}

_RED, _WHITE, _BLACK, _BLUE = (0.45, 0.01, 0.015), (0.8, 0.8, 0.8), (0.01, 0.01, 0.01), (0.01, 0.06, 0.35)
_YELLOW = (0.75, 0.45, 0.01)


def paint_sign(text: str, side: int) -> NDArray[np.float32]:
    """(side, side, 5) linear R, G, B, own, shine of a face; row 0 is its foot. Unknown texts give a plain warning sign.

    Args:
        text: "stop", "yield", "speed_30" and other limits, "bus_stop", "parking"; anything else.
        side: Texels along each side.
    """
    up, across = np.meshgrid(*[(np.arange(side) + 0.5) / side * 2.0 - 1.0] * 2, indexing="ij")
    tile = np.zeros((side, side, 5), np.float32)
    tile[..., 3] = 1.0
    radius = np.hypot(up, across)
    limit = re.fullmatch(r"speed(?:_limit)?_(\d+)", text)
    if text == "stop":
        edge = np.maximum(np.maximum(np.abs(up), np.abs(across)), (np.abs(up) + np.abs(across)) / np.sqrt(2.0))
        _fill(tile, edge < 2.0, _RED)
        _fill(tile, (edge > 0.86) & (edge < 0.95), _WHITE)
        _write(tile, "STOP", _WHITE, height=0.62)
    elif text == "yield":
        # A triangle on its tip: distance from the nearest edge, positive inside.
        inside = np.minimum(0.95 - up, (up + 0.95) / np.sqrt(5.0) * 1.12 - np.abs(across))
        _fill(tile, inside > -9.0, _RED)
        _fill(tile, inside > 0.28, _WHITE)
    elif limit:
        _fill(tile, radius < 2.0, _WHITE)
        _fill(tile, (radius > 0.74) & (radius < 0.97), _RED)
        _write(tile, limit[1], _BLACK, height=0.8)
    elif text in ("bus_stop", "parking"):
        _fill(tile, radius < 2.0, _BLUE)
        _write(tile, "BUS" if text == "bus_stop" else "P", _WHITE, height=0.7 if text == "bus_stop" else 1.3)
    else:
        _fill(tile, radius < 2.0, _YELLOW)
        _fill(tile, (np.abs(across) < 0.1) & (up > -0.15) & (up < 0.6), _BLACK)
        _fill(tile, (np.abs(across) < 0.1) & (up > -0.55) & (up < -0.35), _BLACK)
    return tile


def _fill(tile: NDArray[np.float32], where: NDArray[np.bool_], rgb: tuple[float, float, float]) -> None:
    tile[where, :3] = rgb


def _write(tile: NDArray[np.float32], word: str, rgb: tuple[float, float, float], *, height: float) -> None:
    """Write a word in the middle; ``height`` is the share of half the tile's side."""
    side = tile.shape[0]
    rows = [glyph.split() for glyph in (_GLYPHS[letter] for letter in word)]
    bitmap = np.array([[int(dot) for dot in "0".join(glyph[line] for glyph in rows)] for line in range(7)], bool)
    tall = int(side * height / 2.0)
    wide = min(int(tall * bitmap.shape[1] / 7 * 0.85), int(side * 0.82))
    line = np.arange(tall) * 7 // tall
    column = np.arange(wide) * bitmap.shape[1] // wide
    enlarged = bitmap[line][:, column][::-1]  # row 0 is the foot
    bottom, left = (side - tall) // 2, (side - wide) // 2
    tile[bottom : bottom + tall, left : left + wide][enlarged, :3] = rgb
