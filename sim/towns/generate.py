"""Generated towns: ``generate_town`` turns a kind and a seed into OpenDRIVE text."""

from drivevla.errors import unknown_name
from drivevla.sim.towns.kinds import TOWN_KINDS

__all__ = ["generate_town"]


def generate_town(kind: str, *, seed: int) -> str:
    """The OpenDRIVE text of a town; equal kinds and seeds give equal bytes.

    Args:
        kind: One of ``TOWN_KINDS``.
        seed: Any non-negative integer.

    Raises:
        UnknownName: There is no such kind.
    """
    if kind not in TOWN_KINDS:
        raise unknown_name("kind of town", kind, TOWN_KINDS)
    raise NotImplementedError(f"towns are being built (kind {kind}, seed {seed})")
