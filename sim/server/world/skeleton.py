"""The bones of a pedestrian, for clients that pose them: a standing rest pose, what they set, and the blend of the two.

The names are those of CARLA's pedestrians (CARLA documentation, "Walker Bone Control"); the proportions are those of a
standing adult and scale with the height of the walker. The limbs that cameras see follow the gait and not these bones.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from drivevla.sim.server.pose import Pose

__all__ = ["BONES", "Bone", "Skeleton"]

BONES: Mapping[str, tuple[str | None, tuple[float, float, float]]] = {
    "crl_root": (None, (0.0, 0.0, 0.0)),
    "crl_hips__C": ("crl_root", (0.0, 0.0, 0.53)),
    "crl_spine__C": ("crl_hips__C", (0.0, 0.0, 0.08)),
    "crl_spine01__C": ("crl_spine__C", (0.0, 0.0, 0.10)),
    "crl_neck__C": ("crl_spine01__C", (0.0, 0.0, 0.12)),
    "crl_Head__C": ("crl_neck__C", (0.0, 0.0, 0.05)),
    "crl_shoulder__L": ("crl_spine01__C", (0.0, -0.03, 0.10)),
    "crl_arm__L": ("crl_shoulder__L", (0.0, -0.08, 0.0)),
    "crl_foreArm__L": ("crl_arm__L", (0.0, 0.0, -0.17)),
    "crl_hand__L": ("crl_foreArm__L", (0.0, 0.0, -0.15)),
    "crl_shoulder__R": ("crl_spine01__C", (0.0, 0.03, 0.10)),
    "crl_arm__R": ("crl_shoulder__R", (0.0, 0.08, 0.0)),
    "crl_foreArm__R": ("crl_arm__R", (0.0, 0.0, -0.17)),
    "crl_hand__R": ("crl_foreArm__R", (0.0, 0.0, -0.15)),
    "crl_thigh__L": ("crl_hips__C", (0.0, -0.05, -0.02)),
    "crl_leg__L": ("crl_thigh__L", (0.0, 0.0, -0.25)),
    "crl_foot__L": ("crl_leg__L", (0.0, 0.0, -0.22)),
    "crl_thigh__R": ("crl_hips__C", (0.0, 0.05, -0.02)),
    "crl_leg__R": ("crl_thigh__R", (0.0, 0.0, -0.25)),
    "crl_foot__R": ("crl_leg__R", (0.0, 0.0, -0.22)),
}
"""Bone to its parent and its place from there, in shares of the walker's height: x forward, y right, z up."""


@dataclass(frozen=True, slots=True)
class Bone:
    """Where one bone is.

    Attributes:
        name: As in ``BONES``.
        component: From the walker's feet.
        relative: From the parent bone.
    """

    name: str
    component: Pose
    relative: Pose


@dataclass(slots=True)
class Skeleton:
    """One walker's bones.

    Attributes:
        height_m: The walker's height.
        posed: What a client set, by bone, relative to the parent bone.
        blend: Share of the client's pose: 0 the rest pose, 1 the client's.
    """

    height_m: float
    posed: dict[str, Pose] = field(default_factory=dict)
    blend: float = 0.0

    def set(self, bones: Mapping[str, Pose]) -> None:
        """Pose bones relative to their parents; names that no walker has are passed over, as CARLA does."""
        self.posed.update({name: pose for name, pose in bones.items() if name in BONES})

    def take_animation(self) -> None:
        """Make the standing animation the client's pose, to start from."""
        self.posed = {name: self._rest(name) for name in BONES}

    def bones(self) -> Iterator[Bone]:
        """Every bone, parents first."""
        component: dict[str, NDArray[np.float64]] = {}
        for name, (parent, _) in BONES.items():
            relative = self._blended(name)
            component[name] = (component[parent] if parent else np.eye(4)) @ relative.matrix()
            yield Bone(name, Pose.from_matrix(component[name]), relative)

    def _rest(self, name: str) -> Pose:
        x, y, z = BONES[name][1]
        return Pose((x * self.height_m, y * self.height_m, z * self.height_m))

    def _blended(self, name: str) -> Pose:
        rest, posed = self._rest(name), self.posed.get(name)
        if posed is None or self.blend == 0.0:
            return rest
        place = _between(rest.location_m, posed.location_m, self.blend)
        return Pose(place, _between(rest.rotation_deg, posed.rotation_deg, self.blend))


def _between(
    start: tuple[float, float, float], end: tuple[float, float, float], share: float
) -> tuple[float, float, float]:
    x, y, z = ((1.0 - share) * a + share * b for a, b in zip(start, end, strict=True))
    return x, y, z
