"""From overlaps to impulses: bodies stop entering each other, slide along each other, and are pushed apart.

Sequential impulses without restitution and with Coulomb friction (Catto, Iterative Dynamics with Temporal Coherence,
GDC 2005); overlap is resolved by moving bodies, not by speeding them up, so nothing explodes. Contacts are few, so
this is plain Python on plain numbers, which is faster than arrays of a few elements.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from drivevla.sim.server.physics.bodies import Bodies
from drivevla.sim.server.physics.boxes import Overlaps

__all__ = ["Resolution", "resolve"]

Floats = NDArray[np.float64]

SWEEPS = 16
PARTING_SWEEPS = 4
BODY_FRICTION = 0.4
"""Sheet metal on sheet metal."""

PUSHED_SHARE = 0.8
ALLOWED_M = 0.005
"""Of an overlap beyond what is allowed, so much is taken away in a sweep."""

_SETTLED_NS = 1e-3


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolution:
    """What a step's contacts do to the bodies that they touch.

    Attributes:
        body: (T,) the bodies that are touched, each once.
        velocity_mps: (T, 2) after the contacts.
        yaw_rate_radps: (T,) after the contacts.
        shift_m: (T, 2) by which bodies are moved apart.
        impulse_ns: (P, 2) on the second of each pair, those between bodies first; the first of the pair gets the
            opposite.
    """

    body: NDArray[np.intp]
    velocity_mps: Floats
    yaw_rate_radps: Floats
    shift_m: Floats
    impulse_ns: Floats


def resolve(bodies: Bodies, between: Overlaps, against: Overlaps) -> Resolution:
    """Resolve all contacts of a step.

    Args:
        bodies: What collides.
        between: Pairs of bodies.
        against: Pairs of a body and something that does not move.
    """
    touched = np.unique(np.concatenate([between.first, between.second, against.first]))
    moving = {body: _Moving(bodies, body) for body in touched.tolist()}
    still = _Moving(None, 0)
    contacts = [
        _Touch(between, place, moving[first], moving[second])
        for place, (first, second) in enumerate(zip(between.first.tolist(), between.second.tolist(), strict=True))
    ]
    contacts += [_Touch(against, place, moving[first], still) for place, first in enumerate(against.first.tolist())]
    for _ in range(SWEEPS):
        if max([contact.push() for contact in contacts]) < _SETTLED_NS:
            break
    for _ in range(PARTING_SWEEPS):
        for contact in contacts:
            contact.part()
    return Resolution(
        body=touched,
        velocity_mps=np.array([(body.vx, body.vy) for body in moving.values()]),
        yaw_rate_radps=np.array([body.rate for body in moving.values()]),
        shift_m=np.array([(body.shift_x, body.shift_y) for body in moving.values()]),
        impulse_ns=np.array([contact.total() for contact in contacts]),
    )


class _Moving:
    """One body in plain numbers; without ``bodies``, what does not move."""

    __slots__ = ("by_inertia", "by_mass", "center_x", "center_y", "rate", "shift_x", "shift_y", "vx", "vy")

    def __init__(self, bodies: Bodies | None, index: int) -> None:
        self.by_mass = self.by_inertia = self.rate = self.vx = self.vy = self.center_x = self.center_y = 0.0
        self.shift_x = self.shift_y = 0.0
        if bodies is not None:
            self.by_mass, self.by_inertia = float(bodies.inverse_mass[index]), float(bodies.inverse_inertia[index])
            self.rate = float(bodies.yaw_rate_radps[index])
            self.vx, self.vy = bodies.boxes.velocity_mps[index].tolist()
            self.center_x, self.center_y = bodies.mass_center_m[index].tolist()

    def push(self, x: float, y: float, lever: float, impulse: float) -> None:
        self.vx += x * impulse * self.by_mass
        self.vy += y * impulse * self.by_mass
        self.rate += lever * impulse * self.by_inertia


class _Touch:
    """One contact: a normal from a to b, the levers of both, and what has been exchanged so far."""

    __slots__ = ("a", "across", "along", "ax", "ay", "b", "bx", "by", "depth", "nx", "ny", "pressed", "rubbed")

    def __init__(self, overlaps: Overlaps, place: int, a: _Moving, b: _Moving) -> None:
        self.a, self.b = a, b
        self.nx, self.ny = overlaps.normal[place].tolist()
        self.depth = float(overlaps.depth_m[place])
        x, y = overlaps.point_m[place].tolist()
        self.ax, self.ay, self.bx, self.by = x - a.center_x, y - a.center_y, x - b.center_x, y - b.center_y
        self.along, self.across = self._inverse(self.nx, self.ny), self._inverse(-self.ny, self.nx)
        self.pressed = self.rubbed = 0.0

    def push(self) -> float:
        """One sweep: no closing speed along the normal, friction across it; how much it still changed."""
        if self.along <= 0.0:
            return 0.0
        x, y = self._relative()
        pressed = max(self.pressed - (x * self.nx + y * self.ny) / self.along, 0.0)
        self._exchange(self.nx, self.ny, pressed - self.pressed)
        change, self.pressed = abs(pressed - self.pressed), pressed
        x, y = self._relative()
        limit = BODY_FRICTION * pressed
        rubbed = min(max(self.rubbed - (y * self.nx - x * self.ny) / self.across, -limit), limit)
        self._exchange(-self.ny, self.nx, rubbed - self.rubbed)
        change, self.rubbed = change + abs(rubbed - self.rubbed), rubbed
        return change

    def part(self) -> None:
        """Move the bodies apart, the lighter one farther."""
        mobile = self.a.by_mass + self.b.by_mass
        x, y = self.b.shift_x - self.a.shift_x, self.b.shift_y - self.a.shift_y
        left = self.depth - x * self.nx - y * self.ny - ALLOWED_M
        if mobile > 0.0 and left > 0.0:
            way = PUSHED_SHARE * left / mobile
            self.a.shift_x -= self.nx * way * self.a.by_mass
            self.a.shift_y -= self.ny * way * self.a.by_mass
            self.b.shift_x += self.nx * way * self.b.by_mass
            self.b.shift_y += self.ny * way * self.b.by_mass

    def total(self) -> tuple[float, float]:
        """The impulse on b."""
        return self.nx * self.pressed - self.ny * self.rubbed, self.ny * self.pressed + self.nx * self.rubbed

    def _inverse(self, x: float, y: float) -> float:
        lever_a, lever_b = self.ax * y - self.ay * x, self.bx * y - self.by * x
        turning = self.a.by_inertia * lever_a**2 + self.b.by_inertia * lever_b**2
        return self.a.by_mass + self.b.by_mass + turning

    def _relative(self) -> tuple[float, float]:
        a, b = self.a, self.b
        x = b.vx - b.rate * self.by - a.vx + a.rate * self.ay
        y = b.vy + b.rate * self.bx - a.vy - a.rate * self.ax
        return x, y

    def _exchange(self, x: float, y: float, impulse: float) -> None:
        self.a.push(x, y, self.ax * y - self.ay * x, -impulse)
        self.b.push(x, y, self.bx * y - self.by * x, impulse)
