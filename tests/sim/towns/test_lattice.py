"""Lattices: thinning keeps every street useful."""

import random
from itertools import pairwise

import pytest

from drivevla.sim.towns.lattice import Lattice, bricks, rectangle


def square() -> Lattice:
    return rectangle(random.Random(1), columns=4, rows=3, block_m=(80, 120))


def test_a_grid_has_all_its_edges_and_spacings() -> None:
    lattice = square()
    assert len(lattice.edges) == 3 * 3 + 4 * 2
    columns = sorted(lattice.points[i, 0][0] for i in range(4))
    assert all(80 <= b - a <= 120 for a, b in pairwise(columns))


def test_corners_of_a_grid_are_bends() -> None:
    chains = square().chains()
    assert sorted(len(chain) for chain in chains).count(3) == 4
    assert all((0, 0) not in (chain[0], chain[-1]) for chain in chains)
    assert any(chain[0] == (0, 0) or chain[-1] == (0, 0) for chain in square().chains(keep=[(0, 0)]))


@pytest.mark.parametrize("seed", range(20))
def test_a_thinned_lattice_survives_closing_any_street(seed: int) -> None:
    thinned = square().thinned(random.Random(seed), 4, keep_row=1)
    assert len(thinned.edges) < 17
    assert {((i, 1), (i + 1, 1)) for i in range(3)} <= set(thinned.edges)
    for closed in thinned.edges:
        reached, frontier = {(0, 0)}, [(0, 0)]
        while frontier:
            here = frontier.pop()
            for edge in thinned.edges:
                if edge != closed and here in edge:
                    other = edge[1] if edge[0] == here else edge[0]
                    if other not in reached:
                        reached.add(other)
                        frontier.append(other)
        assert len(reached) == 12
    assert all(chain[0] != chain[-1] for chain in thinned.chains())


def test_bricks_meet_in_threes() -> None:
    lattice = bricks(random.Random(3), columns=5, rows=4, block_m=(80, 100))
    degrees = [sum(cell in edge for edge in lattice.edges) for cell in lattice.points]
    assert max(degrees) == 3
