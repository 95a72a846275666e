"""Data sets' words for things on the road, brought to the few kinds that a small model tells apart."""

from __future__ import annotations

__all__ = ["CYCLIST", "OBJECT_CLASSES", "OBSTACLE", "VEHICLE", "WALKER", "object_class"]

VEHICLE, CYCLIST, WALKER, OBSTACLE = range(4)
OBJECT_CLASSES = ("vehicle", "cyclist", "walker", "obstacle")
_CYCLES = ("vehicle.bicycle", "vehicle.motorcycle")


def object_class(category: str) -> int:
    """The index in ``OBJECT_CLASSES`` of a category in CARLA's or nuScenes' words; what is neither is an obstacle."""
    if category.startswith(_CYCLES):
        return CYCLIST
    if category.startswith("vehicle"):
        return VEHICLE
    if category.startswith(("walker", "human.pedestrian")):
        return WALKER
    return OBSTACLE
