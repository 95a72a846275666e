"""Patches of road with another friction: ``static.trigger.friction``."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from drivevla.errors import ContractError
from drivevla.sim.server.pose import Pose, rotation_matrices

__all__ = ["FrictionTriggers"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _Patch:
    location_m: Floats
    patch_from_world: Floats
    half_m: Floats
    friction: float


@dataclass(slots=True)
class FrictionTriggers:
    """The patches, in order of creation; where two overlap the later one holds."""

    _patches: dict[int, _Patch] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self._patches)

    def __contains__(self, actor_id: int) -> bool:
        return actor_id in self._patches

    def add(self, actor_id: int, pose: Pose, half_extent_m: tuple[float, float, float], friction: float) -> None:
        """Put a patch down.

        Args:
            actor_id: Of the trigger.
            pose: Its middle and direction.
            half_extent_m: Half its size.
            friction: What tyres' friction is inside.

        Raises:
            ContractError: A negative friction or size, or one that is no number.
        """
        if not (0.0 <= friction < np.inf and all(0.0 <= half < np.inf for half in half_extent_m)):
            raise ContractError(f"friction and extents must be 0 or more, got {friction} and {half_extent_m}")
        self._patches[actor_id] = _Patch(
            np.array(pose.location_m), rotation_matrices(pose.rotation_deg).T, np.array(half_extent_m), friction
        )

    def remove(self, actor_id: int) -> None:
        """Take a patch away."""
        del self._patches[actor_id]

    def tire_friction(self, location_m: Floats, own: Floats) -> Floats:
        """The friction of vehicles' tyres where they are.

        Args:
            location_m: (N, 3) of the vehicles.
            own: (N,) their friction on ordinary ground.
        """
        friction = own
        for patch in self._patches.values():
            inside = (np.abs((location_m - patch.location_m) @ patch.patch_from_world.T) <= patch.half_m).all(axis=1)
            friction = np.where(inside, patch.friction, friction)
        return friction
