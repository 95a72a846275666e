"""Free places beside the road."""

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from drivevla.sim.server.scene.footprints import LaneFootprints
from drivevla.sim.server.scene.ground import GroundSurface

__all__ = ["Site"]

_STEP_M = 0.25


@dataclass(frozen=True, slots=True)
class Site:
    """Where things can stand: the paved lanes that must stay free, and the ground under everything.

    Attributes:
        paved: Every lane that wheels use, hard shoulders and parking lanes included.
        ground: Height queries.
    """

    paved: LaneFootprints
    ground: GroundSurface

    def free_spot(
        self, start_m: NDArray[np.float64], direction: NDArray[np.float64], *, clearance_m: float, reach_m: float
    ) -> NDArray[np.float64] | None:
        """First place from ``start_m`` (3,) along ``direction`` that is ``clearance_m`` off every paved lane.

        Returns:
            Its point on the ground, None when there is none within ``reach_m``.
        """
        steps = np.arange(0.0, reach_m + _STEP_M, _STEP_M)
        candidates = start_m + steps[:, None] * direction
        blocked = self.paved.meets(np.asarray(shapely.points(candidates[:, :2])), margin_m=clearance_m)
        free = np.flatnonzero(~blocked)
        return self.on_ground(candidates[free[:1]])[0] if len(free) else None

    def on_ground(self, points_m: NDArray[np.float64]) -> NDArray[np.float64]:
        """The points (N, 3) set on the ground nearest to their height; unchanged where there is none."""
        z, _ = self.ground.query(points_m[:, :2], points_m[:, 2])
        return np.column_stack([points_m[:, :2], np.where(np.isfinite(z), z, points_m[:, 2])])
