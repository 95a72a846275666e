"""From our values to MessagePack structs: arrays of fields in CARLA's order."""

from collections.abc import Iterable, Sequence

from drivevla.sim.server.pose import Pose

__all__ = ["bounding_box", "optional", "transform", "vector"]


def vector(xyz: Iterable[float]) -> list[float]:
    """Vector3D or Location."""
    return [float(value) for value in xyz]


def transform(pose: Pose) -> list[list[float]]:
    """Transform: location in metres, rotation as pitch, yaw, roll in degrees."""
    return [vector(pose.location_m), vector(pose.rotation_deg)]


def bounding_box(
    center_m: Sequence[float],
    half_extent_m: Sequence[float],
    rotation_deg: Sequence[float] = (0.0, 0.0, 0.0),
    *,
    actor_id: int = 0,
) -> list[object]:
    """BoundingBox: centre and half extents in metres, in the frame of whatever it belongs to."""
    return [vector(center_m), vector(half_extent_m), vector(rotation_deg), actor_id]


def optional(value: float | None) -> list[object]:
    """Optional: ``[false]`` or ``[true, value]``."""
    return [False] if value is None else [True, value]
