"""What the leaderboard computes, by its own formula."""

import math
from collections.abc import Callable

import pytest

EARTH_M = 6378137.0


@pytest.fixture(scope="session")
def leaderboard_fix() -> Callable[[tuple[float, float], float, float], tuple[float, float]]:
    """Latitude and longitude of a place in CARLA's frame, as a route's plan has them: spherical, north is -y."""

    def fix(reference: tuple[float, float], x_m: float, y_m: float) -> tuple[float, float]:
        scale = math.cos(math.radians(reference[0]))
        north = EARTH_M * scale * math.log(math.tan(math.pi / 4 + math.radians(reference[0]) / 2)) - y_m
        latitude = 2 * math.atan(math.exp(north / (EARTH_M * scale))) - math.pi / 2
        return math.degrees(latitude), reference[1] + math.degrees(x_m / (EARTH_M * scale))

    return fix
