"""Generated towns: ``generate_town`` turns a kind and a seed into OpenDRIVE text."""

import random

from drivevla.errors import ContractError, unknown_name
from drivevla.sim.towns.build import build_network
from drivevla.sim.towns.kinds import TOWN_KINDS
from drivevla.sim.towns.landmark_places import place_landmarks
from drivevla.sim.towns.network import Network
from drivevla.sim.towns.opendrive import opendrive_text
from drivevla.sim.towns.plan import Plan

__all__ = ["generate_network", "generate_town"]


def generate_town(kind: str, *, seed: int) -> str:
    """The OpenDRIVE text of a town; equal kinds and seeds give equal bytes.

    Args:
        kind: One of ``TOWN_KINDS``.
        seed: Any non-negative integer.

    Raises:
        UnknownName: There is no such kind.
        ContractError: The seed is negative.
        MissingExtra: ``scenariogeneration`` is not installed.
    """
    plan, network = _build(kind, seed)
    return opendrive_text(network, name=f"Gen_{kind}_{seed}", origin_deg=plan.origin_deg)


def generate_network(kind: str, *, seed: int) -> Network:
    """The same town in plain data, for pictures and for looking into.

    Raises:
        UnknownName: There is no such kind.
        ContractError: The seed is negative.
    """
    return _build(kind, seed)[1]


def _build(kind: str, seed: int) -> tuple[Plan, Network]:
    if kind not in TOWN_KINDS:
        raise unknown_name("kind of town", kind, TOWN_KINDS)
    if seed < 0:
        raise ContractError(f"the seed of a town must not be negative, got {seed}")
    # Python's generator and not NumPy's: its streams are fixed for good, and a town is its seed
    rng = random.Random(f"{kind} {seed}")
    plan = TOWN_KINDS[kind](rng)
    plan.origin_deg = (round(rng.uniform(-55, 55), 4), round(rng.uniform(-170, 170), 4))
    network = build_network(plan)
    place_landmarks(network, rng)
    return plan, network
