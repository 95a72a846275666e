"""The dense route that criteria measure progress along."""

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from drivevla.errors import ContractError
from drivevla.evaluation.driving_score.tick import Point, along

__all__ = ["ScoredRoute"]


@dataclass(frozen=True)
class ScoredRoute:
    """Route points every metre or so, each with the direction of the lane there.

    Attributes:
        points_m: N positions, our world frame.
        forward: N unit vectors: the way the route's lane points there.
        travelled_m: N lengths of route before each point; made here.
    """

    points_m: tuple[Point, ...]
    forward: tuple[Point, ...]
    travelled_m: tuple[float, ...]

    def __init__(self, points_m: Sequence[Point], forward: Sequence[Point]) -> None:
        """Check the points and measure the way along them.

        Args:
            points_m: At least two positions.
            forward: As many directions.

        Raises:
            ContractError: The sizes disagree, there are fewer than two points, a number is not finite, or the route
                has no length.
        """
        if len(points_m) != len(forward) or len(points_m) < 2:
            raise ContractError(
                f"a route needs at least two points and one direction for each, got {len(points_m)} points "
                f"and {len(forward)} directions"
            )
        if not all(len(row) == 3 and all(map(math.isfinite, row)) for row in (*points_m, *forward)):
            raise ContractError("a route's points and directions must be three finite numbers each")
        travelled = [0.0]
        for before, after in itertools.pairwise(points_m):
            travelled.append(travelled[-1] + math.dist(before, after))
        if travelled[-1] == 0.0:
            raise ContractError("a route must lead somewhere: all its points are one place")
        object.__setattr__(self, "points_m", tuple((float(x), float(y), float(z)) for x, y, z in points_m))
        object.__setattr__(self, "forward", tuple((float(x), float(y), float(z)) for x, y, z in forward))
        object.__setattr__(self, "travelled_m", tuple(travelled))

    def __len__(self) -> int:
        return len(self.points_m)

    @property
    def length_m(self) -> float:
        """The length of the whole route."""
        return self.travelled_m[-1]

    def passed(self, index: int, position_m: Point) -> bool:
        """Whether a position lies beyond the plane through a route point, across the route's direction there."""
        x, y, z = self.points_m[index]
        return along((position_m[0] - x, position_m[1] - y, position_m[2] - z), self.forward[index]) > 0.0

    def last_passed(self, position_m: Point, *, start: int, look_ahead: int) -> int | None:
        """The last point passed among ``start`` and the next ``look_ahead`` ones; None when none is."""
        indices = range(start, min(start + look_ahead + 1, len(self)))
        return max((index for index in indices if self.passed(index, position_m)), default=None)

    def redirected(self, forward_at: Callable[[Point], Point]) -> "ScoredRoute":
        """The same points with directions looked up anew (leaderboard 1.0 takes them from the map)."""
        return ScoredRoute(self.points_m, [forward_at(point) for point in self.points_m])
