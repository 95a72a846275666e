"""Products of vectors of three numbers, for compiled loops."""

from typing import TypeAlias

from drivevla.sim.server.numba_import import inlined

__all__ = ["Vector", "blend", "dot", "scaled", "sum_of", "times"]

Vector: TypeAlias = tuple[float, float, float]


@inlined
def dot(a: Vector, b: Vector) -> float:
    """Scalar product."""
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


@inlined
def scaled(a: Vector, factor: float) -> Vector:
    """Each number times one factor."""
    return a[0] * factor, a[1] * factor, a[2] * factor


@inlined
def sum_of(a: Vector, b: Vector) -> Vector:
    """The vectors' sum."""
    return a[0] + b[0], a[1] + b[1], a[2] + b[2]


@inlined
def times(a: Vector, b: Vector) -> Vector:
    """Number by number, as light is coloured by a surface."""
    return a[0] * b[0], a[1] * b[1], a[2] * b[2]


@inlined
def blend(a: Vector, b: Vector, share: float) -> Vector:
    """``a`` at a share of 0, ``b`` at 1."""
    return a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share, a[2] + (b[2] - a[2]) * share
