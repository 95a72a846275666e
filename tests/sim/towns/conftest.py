"""Generated towns are built once per test run."""

from collections.abc import Callable
from functools import lru_cache

import pytest

from drivevla.sim.towns.generate import generate_network, generate_town
from drivevla.sim.towns.network import Network

generate_network_once = lru_cache(maxsize=None)(lambda kind, seed: generate_network(kind, seed=seed))
generate_town_once = lru_cache(maxsize=None)(lambda kind, seed: generate_town(kind, seed=seed))


@pytest.fixture
def network_of() -> Callable[[str, int], Network]:
    """The network of a kind and seed."""
    return generate_network_once


@pytest.fixture
def text_of() -> Callable[[str, int], str]:
    """The OpenDRIVE text of a kind and seed."""
    return generate_town_once
