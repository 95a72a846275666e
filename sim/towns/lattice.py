"""A lattice of crossings that is thinned out and bent: the skeleton of most kinds of towns."""

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import pairwise

from drivevla.sim.towns.plan import Point

__all__ = ["Cell", "Chain", "Edge", "Lattice", "bricks", "rectangle"]

Cell = tuple[int, int]
Edge = tuple[Cell, Cell]
Chain = tuple[Cell, ...]
"""From crossing to crossing, over cells where only two edges meet, which are bends and no crossings."""

_LEAST_CROSSINGS = 5


@dataclass(frozen=True)
class Lattice:
    """Cells, where they lie, and which are joined.

    Attributes:
        points: Place of each cell, metres.
        edges: In a fixed order.
    """

    points: dict[Cell, Point]
    edges: tuple[Edge, ...]

    def thinned(self, rng: random.Random, count: int, *, keep_row: int | None = None) -> "Lattice":
        """The lattice without ``count`` edges (or as many as can go).

        What remains is sound: connected whichever further edge is closed, so that every street leads back into town.

        Args:
            rng: Draws which.
            count: How many edges to take away.
            keep_row: A row that stays whole.
        """
        candidates = [(a, b) for a, b in self.edges if keep_row is None or not a[1] == b[1] == keep_row]
        rng.shuffle(candidates)
        edges = list(self.edges)
        for edge in candidates:
            if count == 0:
                break
            fewer = [other for other in edges if other != edge]
            if _sound(fewer, len(self.points)):
                edges, count = fewer, count - 1
        return Lattice(self.points, tuple(edges))

    def moved(self, move: Callable[[Point], Point]) -> "Lattice":
        """The lattice with every point moved."""
        return Lattice({cell: move(point) for cell, point in self.points.items()}, self.edges)

    def jittered(self, rng: random.Random, reach_m: float) -> "Lattice":
        """The lattice with every point moved at random by up to ``reach_m`` in x and y."""
        return self.moved(
            lambda point: (point[0] + rng.uniform(-reach_m, reach_m), point[1] + rng.uniform(-reach_m, reach_m))
        )

    def centered(self) -> "Lattice":
        """The lattice with the middle of its bounds at the origin."""
        xs, ys = zip(*self.points.values(), strict=True)
        dx, dy = (min(xs) + max(xs)) / 2, (min(ys) + max(ys)) / 2
        return self.moved(lambda point: (point[0] - dx, point[1] - dy))

    def chains(self, *, keep: Iterable[Cell] = ()) -> list[Chain]:
        """The streets: chains of cells from crossing to crossing.

        Args:
            keep: Cells that count as crossings though only two edges meet there.
        """
        return _chains(self.edges, frozenset(keep))


def rectangle(rng: random.Random, *, columns: int, rows: int, block_m: tuple[float, float]) -> Lattice:
    """A grid whose column and row spacings are drawn from ``block_m``."""
    xs, ys = [0.0], [0.0]
    for _ in range(columns - 1):
        xs.append(xs[-1] + rng.uniform(*block_m))
    for _ in range(rows - 1):
        ys.append(ys[-1] + rng.uniform(*block_m))
    points = {(i, j): (x, y) for i, x in enumerate(xs) for j, y in enumerate(ys)}
    across = [((i, j), (i + 1, j)) for j in range(rows) for i in range(columns - 1)]
    along = [((i, j), (i, j + 1)) for i in range(columns) for j in range(rows - 1)]
    return Lattice(points, tuple(across + along)).centered()


def bricks(rng: random.Random, *, columns: int, rows: int, block_m: tuple[float, float]) -> Lattice:
    """A brick wall: through rows, and columns that stop at every row, so that all crossings are T-junctions."""
    full = rectangle(rng, columns=columns, rows=rows, block_m=block_m)
    edges = [(a, b) for a, b in full.edges if a[1] == b[1] or (a[0] + a[1]) % 2 == 0 or (a[0] in (0, columns - 1))]
    return Lattice(full.points, tuple(edges))


def _degrees(edges: Iterable[Edge]) -> dict[Cell, int]:
    degrees: dict[Cell, int] = {}
    for edge in edges:
        for cell in edge:
            degrees[cell] = degrees.get(cell, 0) + 1
    return degrees


def _sound(edges: list[Edge], cells: int) -> bool:
    degrees = _degrees(edges)
    if len(degrees) < cells or min(degrees.values()) < 2:
        return False
    if not all(_connected([other for other in edges if other != edge], cells) for edge in edges):
        return False
    if sum(degree > 2 for degree in degrees.values()) < _LEAST_CROSSINGS:
        return False
    return all(chain[0] != chain[-1] for chain in _chains(tuple(edges), frozenset()))


def _neighbours(edges: Iterable[Edge]) -> dict[Cell, list[Cell]]:
    neighbours: dict[Cell, list[Cell]] = {}
    for a, b in edges:
        neighbours.setdefault(a, []).append(b)
        neighbours.setdefault(b, []).append(a)
    return neighbours


def _connected(edges: list[Edge], cells: int) -> bool:
    neighbours = _neighbours(edges)
    reached = {edges[0][0]}
    frontier = list(reached)
    while frontier:
        for cell in neighbours[frontier.pop()]:
            if cell not in reached:
                reached.add(cell)
                frontier.append(cell)
    return len(reached) == cells


def _chains(edges: tuple[Edge, ...], keep: frozenset[Cell]) -> list[Chain]:
    neighbours = _neighbours(edges)
    crossings = {cell for cell, others in neighbours.items() if len(others) != 2 or cell in keep}
    chains = []
    walked: set[frozenset[Cell]] = set()
    for begin, second in ((a, b) for edge in edges for a, b in (edge, edge[::-1])):
        if begin not in crossings or frozenset((begin, second)) in walked:
            continue
        chain = [begin, second]
        while chain[-1] not in crossings:
            chain.append(next(cell for cell in neighbours[chain[-1]] if cell != chain[-2]))
        walked |= {frozenset(pair) for pair in pairwise(chain)}
        chains.append(tuple(chain))
    return chains
