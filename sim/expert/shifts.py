"""How far beside the route the car drives, and where."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Hold", "Shift", "smooth"]


def smooth(share: NDArray[np.float64]) -> NDArray[np.float64]:
    """From 0 to 1 without a kink at either end; constant outside."""
    inside = np.clip(share, 0.0, 1.0)
    return inside * inside * (3.0 - 2.0 * inside)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """Away from the route and back to it, by distance along the whole route.

    Attributes:
        left_m: How far, to the left.
        begin_m: It begins here ...
        full_m: ... is whole from here ...
        back_m: ... to here ...
        end_m: ... and over here.
    """

    left_m: float
    begin_m: float
    full_m: float
    back_m: float
    end_m: float

    def at(self, distance_m: NDArray[np.float64]) -> NDArray[np.float64]:
        """How far to the left at places along the route."""
        out = smooth((distance_m - self.begin_m) / max(self.full_m - self.begin_m, 0.1))
        back = smooth((distance_m - self.back_m) / max(self.end_m - self.back_m, 0.1))
        return self.left_m * (out - back)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """Staying on the old lane though the route changes, until it is released.

    Attributes:
        left_m: Where the old lane is beside the new one, positive to the left.
        change_m: The route's change begins here ...
        changed_m: ... and is over here.
        released_m: From here on the car changes; None while it waits.
        settled_m: There it has changed.
    """

    left_m: float
    change_m: float
    changed_m: float
    released_m: float | None = None
    settled_m: float | None = None

    def at(self, distance_m: NDArray[np.float64]) -> NDArray[np.float64]:
        """How far to the left of the route at places along it."""
        held = self.left_m * smooth((distance_m - self.change_m) / max(self.changed_m - self.change_m, 0.1))
        if self.released_m is None or self.settled_m is None:
            return held
        return held * (1.0 - smooth((distance_m - self.released_m) / max(self.settled_m - self.released_m, 0.1)))
