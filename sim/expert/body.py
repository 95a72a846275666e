"""The ego's own body, as the expert reckons with it: CARLA's Lincoln MKZ 2020, the usual ego."""

__all__ = ["FRONT_M", "HALF_LENGTH_M", "HALF_WIDTH_M", "MIDDLE_M", "REAR_M"]

HALF_LENGTH_M = 2.45
HALF_WIDTH_M = 1.06
"""Mirrors included, as in the bounding box that CARLA gives."""
MIDDLE_M = 1.42
"""The box's middle ahead of the rear axle."""
FRONT_M = MIDDLE_M + HALF_LENGTH_M
REAR_M = HALF_LENGTH_M - MIDDLE_M
