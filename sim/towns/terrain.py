"""Rolling land: a sum of long waves."""

import math
import random
from collections.abc import Callable

__all__ = ["Terrain", "faded", "rolling"]

Terrain = Callable[[float, float], float]


def rolling(rng: random.Random, *, grade: float, wave_m: tuple[float, float]) -> Terrain:
    """Land that is nowhere steeper than ``grade``, made of wave lengths drawn from ``wave_m``."""
    waves = []
    for share in (0.5, 0.3, 0.2):
        direction, phase = rng.uniform(0, math.tau), rng.uniform(0, math.tau)
        number = math.tau / rng.uniform(*wave_m)
        waves.append((share * grade / number, number * math.cos(direction), number * math.sin(direction), phase))

    def height(x_m: float, y_m: float) -> float:
        return sum(a * math.sin(kx * x_m + ky * y_m + phase) for a, kx, ky, phase in waves)

    return height


def faded(terrain: Terrain, *, inner_m: tuple[float, float], outer_m: tuple[float, float]) -> Terrain:
    """The terrain inside the half-sizes ``inner_m`` around the origin, flat outside ``outer_m``, smooth between."""

    def height(x_m: float, y_m: float) -> float:
        fade = 1.0
        for value, inner, outer in zip((abs(x_m), abs(y_m)), inner_m, outer_m, strict=True):
            share = min(max((value - inner) / (outer - inner), 0.0), 1.0)
            fade *= 1 - share * share * (3 - 2 * share)
        return fade * terrain(x_m, y_m)

    return height
