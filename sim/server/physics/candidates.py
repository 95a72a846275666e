"""Which pairs are near enough to be worth a test, found anew only when something has moved a little way."""

import numpy as np
from numpy.typing import NDArray

from drivevla.sim.server.physics.bodies import PROP, VEHICLE, WALKER, Bodies
from drivevla.sim.server.scene.obstacles import StaticObstacles

__all__ = ["Candidates"]

Index = NDArray[np.intp]

MARGIN_M = 3.0
"""How much farther than touching a pair may be; half of it is what a body may move before pairs are found anew."""


class Candidates:
    """Near pairs of bodies, and of bodies and obstacles.

    Args:
        obstacles: What does not move.
    """

    def __init__(self, obstacles: StaticObstacles) -> None:
        self._obstacles = obstacles
        self._found_at: NDArray[np.float64] | None = None
        self._found_for: NDArray[np.int64] | None = None
        self.pairs: tuple[Index, Index] = (np.zeros(0, dtype=np.intp), np.zeros(0, dtype=np.intp))
        self.against: tuple[Index, Index] = self.pairs

    def refresh(self, bodies: Bodies) -> None:
        """Find the pairs anew if other bodies are there than last time, or one has moved by half the margin."""
        places = bodies.boxes.center_m[:, :2]
        if (
            self._found_at is not None
            and self._found_for is not None
            and np.array_equal(self._found_for, bodies.actor_id)
        ):
            moved = places - self._found_at
            if (moved[:, 0] ** 2 + moved[:, 1] ** 2).max(initial=0.0) < (0.5 * MARGIN_M) ** 2:
                return
        self._found_at, self._found_for = places.copy(), bodies.actor_id
        self.pairs = _near_pairs(bodies)
        self.against = self._near_obstacles(bodies)

    def _near_obstacles(self, bodies: Bodies) -> tuple[Index, Index]:
        movers = np.flatnonzero(bodies.kind != PROP)
        if not len(movers) or not len(self._obstacles):
            nothing = np.zeros(0, dtype=np.intp)
            return nothing, nothing
        radius_m = float(bodies.boxes.reach_m[movers].max()) + MARGIN_M
        body, obstacle = self._obstacles.near(bodies.boxes.center_m[movers, :2], radius_m=radius_m)
        return movers[body], obstacle


def _near_pairs(bodies: Bodies) -> tuple[Index, Index]:
    """Vehicles with anything, walkers with props; each pair once, in order of creation within a kind."""
    count = len(bodies.kind)
    first, second = np.triu_indices(count, k=1)
    vehicle = bodies.kind[first] == VEHICLE
    wanted = vehicle | ((bodies.kind[first] == WALKER) & (bodies.kind[second] == PROP))
    first, second = first[wanted], second[wanted]
    apart = bodies.boxes.center_m[first, :2] - bodies.boxes.center_m[second, :2]
    limit = bodies.boxes.reach_m[first] + bodies.boxes.reach_m[second] + MARGIN_M
    near = np.flatnonzero(apart[:, 0] ** 2 + apart[:, 1] ** 2 < limit * limit)
    return first[near], second[near]
