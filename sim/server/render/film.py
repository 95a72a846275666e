"""From light to bytes: a film curve with a soft shoulder, then gamma 2.2."""

import numpy as np
from numpy.typing import NDArray

from drivevla.sim.server.numba_import import compiled

__all__ = ["WHITE", "develop"]

WHITE = 6.0
"""The light that gives the brightest byte."""

_STEPS = 4096


def _film_curve() -> NDArray[np.uint8]:
    light = np.arange(_STEPS) / (_STEPS - 1) * WHITE
    toned = 1.0 - np.exp(-1.35 * light)
    toned = toned / toned[-1]
    return np.rint(255.0 * toned ** (1.0 / 2.2)).astype(np.uint8)


_FILM = _film_curve()


@compiled
def develop(light: NDArray[np.float32]) -> NDArray[np.uint8]:
    """(N, 4) B, G, R, A bytes of (3, N) exposed linear light."""
    count = light.shape[1]
    pixels = np.empty((count, 4), np.uint8)
    for channel in range(3):
        for index in range(count):
            scaled = min(max(light[channel, index], 0.0), WHITE) * ((_STEPS - 1) / WHITE)
            pixels[index, 2 - channel] = _FILM[int(scaled)]
    pixels[:, 3] = 255
    return pixels
