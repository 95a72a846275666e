"""Falling rain, drawn over the finished picture: bright streaks, slanted by the wind."""

import numpy as np
from numpy.typing import NDArray

from drivevla.sim.server.render.weather import Weather

__all__ = ["draw_rain"]


def draw_rain(light: NDArray[np.float32], weather: Weather, time_s: float, haze_rgb: NDArray[np.float32]) -> None:
    """Add streaks to (3, H, W) exposed linear light in place; their places follow from the simulated time alone."""
    if weather.precipitation <= 0.0:
        return
    _, height, width = light.shape
    rng = np.random.default_rng(round(time_s * 1000.0) % 2**32)
    count = int(weather.precipitation / 100.0 * width * height / 260.0)
    length = rng.uniform(0.02, 0.07, count) * height
    row, column = rng.uniform(-0.05, 1.0, count) * height, rng.uniform(0.0, 1.0, count) * width
    opacity = rng.uniform(0.05, 0.16, count).astype(np.float32)
    slant = 0.05 + 0.35 * weather.wind_intensity / 100.0
    steps = np.arange(max(2, int(0.07 * height)))
    rows = (row[:, None] + steps).astype(int)
    columns = (column[:, None] + slant * steps).astype(int)
    drawn = (steps < length[:, None]) & (rows >= 0) & (rows < height) & (columns < width)
    flat = (rows * width + columns)[drawn]
    amount = np.zeros(height * width, np.float32)
    amount[flat] = np.broadcast_to(opacity[:, None], drawn.shape)[drawn]
    share = amount.reshape(height, width)
    light += share * (haze_rgb[:, None, None] * 1.25 - light)
