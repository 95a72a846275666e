"""Things that stand in the street: CARLA's common props by name, the others as a box of their size."""

from collections.abc import Callable
from itertools import pairwise

import numpy as np

from drivevla.sim.server.render.bodies.model import BodyBuilder

__all__ = ["build_prop"]

Half = tuple[float, float, float]


def build_prop(builder: BodyBuilder, name: str, half_m: Half) -> None:
    """A prop in a box centred on the origin in x and y, standing on z = 0.

    Args:
        builder: Takes the parts.
        name: The last part of the blueprint id, e.g. "constructioncone".
        half_m: Half extents of the box.
    """
    for word, build in _BY_WORD:
        if word in name:
            build(builder, half_m)
            return
    _plain_box(builder, half_m)


def _plain_box(builder: BodyBuilder, half: Half) -> None:
    builder.box("plain", [0, 0, half[2]], half)


def _cone(builder: BodyBuilder, half: Half) -> None:
    height, foot = 2.0 * half[2], min(half[0], half[1])
    builder.box("orange", [0, 0, 0.025], [foot, foot, 0.025])
    levels = np.array([0.04, 0.34, 0.34, 0.56, 0.56, 1.0]) * height
    radii = foot * (0.80 - 0.68 * levels / height)
    for start, slot in ((0, "orange"), (2, "reflector"), (4, "orange")):
        path = [[0, 0, z] for z in levels[start : start + 2]]
        builder.tube(slot, path, radii[start : start + 2], sides=10)


def _striped_board(builder: BodyBuilder, x: float, half_width: float, low: float, high: float) -> None:
    """A board across y with slanted red and white stripes on both sides."""
    stripes = max(3, round(half_width * 2.0 / 0.22))
    edges = np.linspace(-half_width, half_width, stripes + 1)
    for number, (start, end) in enumerate(pairwise(edges)):
        slot = "red" if number % 2 == 0 else "reflector"
        for face in (x - 0.02, x + 0.02):
            builder.quad(slot, (face, start, low), (face, end, low), (face, end, high), (face, start, high))
    builder.box("red", [x, 0, (low + high) / 2], [0.018, half_width, (high - low) / 2])


def _turned(half: Half) -> tuple[Half, bool]:
    """The longer horizontal side along y, and whether the box was turned for it."""
    return ((half[1], half[0], half[2]), True) if half[0] > half[1] else (half, False)


def _across(builder: BodyBuilder, half: Half, build: Callable[[BodyBuilder, Half], None]) -> None:
    """Build something that spreads along y, then turn it so that it spreads along the box's longer side."""
    turned, is_turned = _turned(half)
    part = BodyBuilder()
    build(part, turned)
    model = part.build()
    points = model.vertices_m[:, [1, 0, 2]] if is_turned else model.vertices_m
    for number, slot in enumerate(model.slots):
        builder.add(slot, points, model.triangles[model.slot == number])


def _street_barrier(builder: BodyBuilder, half: Half) -> None:
    def build(part: BodyBuilder, size: Half) -> None:
        height = 2.0 * size[2]
        _striped_board(part, 0.0, size[1], 0.62 * height, height)
        _striped_board(part, 0.0, size[1], 0.22 * height, 0.42 * height)
        for side in (-0.8, 0.8):
            part.box("metal", [0, side * size[1], height / 2], [0.03, 0.03, height / 2])
            part.box("metal", [0, side * size[1], 0.03], [size[0], 0.05, 0.03])

    _across(builder, half, build)


def _chain_barrier(builder: BodyBuilder, half: Half) -> None:
    def build(part: BodyBuilder, size: Half) -> None:
        height = 2.0 * size[2]
        ends = [0.0] if size[1] < 0.2 else [-size[1] + 0.06, size[1] - 0.06]
        for y in ends:
            for number in range(5):
                slot = "red" if number % 2 == 0 else "reflector"
                part.tube(slot, [[0, y, number * height / 5], [0, y, (number + 1) * height / 5]], [0.05, 0.05])
        if len(ends) == 2:
            sag = np.linspace(-1.0, 1.0, 7)
            path = np.stack([0 * sag, sag * (size[1] - 0.06), height * (0.60 + 0.25 * sag**2)], 1)
            for start, end in pairwise(path):
                part.tube("red", [start, end], [0.025, 0.025], sides=5)

    _across(builder, half, build)


def _warning_triangle(builder: BodyBuilder, half: Half) -> None:
    height, wide = 2.0 * half[2], half[1]
    foot = 0.25 * height
    for x, grow, slot in ((0.0, 1.0, "red"), (0.03, 0.72, "reflector"), (-0.03, 0.72, "reflector")):
        middle = foot + 0.38 * (height - foot)
        corners = np.array([[x, -wide, foot], [x, wide, foot], [x, 0.0, height]])
        inner = [x, 0.0, middle] + (corners - [x, 0.0, middle]) * [1.0, grow, grow]
        builder.add(slot, inner, [[0, 1, 2]])
    for x in (-0.045, 0.045):
        builder.box("trim", [x, 0, foot + 0.42 * (height - foot)], [0.004, 0.05, 0.13 * (height - foot)])
        builder.box("trim", [x, 0, foot + 0.20 * (height - foot)], [0.004, 0.05, 0.04 * (height - foot)])
    for side in (-0.6, 0.6):
        builder.box("metal", [0, side * wide, foot / 2], [half[0] * 0.6, 0.02, 0.02])
        builder.box("metal", [0, side * wide, foot / 2], [0.02, 0.02, foot / 2])


def _arrow_trailer(builder: BodyBuilder, half: Half) -> None:
    """The trailer with a lit arrow that closes a lane."""
    height, wide = 2.0 * half[2], half[1]
    builder.box("orange", [0, 0, 0.55], [half[0] * 0.9, wide * 0.75, 0.14])
    for side in (-1.0, 1.0):
        builder.wheel([0, side * wide * 0.82, 0.30], 0.30, 0.18)
    low = 0.42 * height
    builder.box("trim", [0, 0, (low + height) / 2], [0.05, wide * 0.95, (height - low) / 2])
    builder.box("metal", [0, 0, low / 2 + 0.3], [0.06, 0.06, low / 2])
    middle = (low + height) / 2
    reach, thick = wide * 0.75, 0.09
    for x in (-0.06, 0.06):
        bar = [
            (x, -reach, middle - thick),
            (x, reach * 0.4, middle - thick),
            (x, reach * 0.4, middle + thick),
            (x, -reach, middle + thick),
        ]
        builder.quad("amber_lamp", *bar)
        builder.add(
            "amber_lamp",
            [(x, reach * 0.3, middle - 0.42), (x, reach, middle), (x, reach * 0.3, middle + 0.42)],
            [[0, 1, 2]],
        )
    for number in range(4):
        side = -wide + (2 * number + 1) * wide / 4
        for x in (-half[0] * 0.91, half[0] * 0.91):
            slot = "red" if number % 2 else "reflector"
            builder.quad(
                slot,
                (x, side - wide / 4, 0.42),
                (x, side + wide / 4, 0.42),
                (x, side + wide / 4, 0.68),
                (x, side - wide / 4, 0.68),
            )


def _debris(builder: BodyBuilder, half: Half) -> None:
    rng = np.random.default_rng(3)
    for _ in range(26):
        x, y = rng.uniform(-0.9, 0.9, 2) * half[:2]
        size = rng.uniform(0.03, 0.14)
        builder.tube("dirt", [[x, y, 0.0], [x, y, min(size, 2 * half[2])]], [size * 1.5, size * 0.4], sides=5)
    turn = np.arange(9) * 2 * np.pi / 9
    rim = np.stack([half[0] * np.cos(turn), half[1] * np.sin(turn), np.full(9, 0.012)], 1) * rng.uniform(
        0.6, 0.95, (9, 1)
    )
    rim[:, 2] = 0.012
    builder.add("dirt", np.concatenate([[[0, 0, 0.03]], rim]), [[0, 1 + k, 1 + (k + 1) % 9] for k in range(9)])


def _vending_machine(builder: BodyBuilder, half: Half) -> None:
    height = 2.0 * half[2]
    builder.box("red", [0, 0, half[2]], half)
    x = half[0] * 1.01
    builder.quad(
        "shop_window",
        (x, -0.8 * half[1], 0.35 * height),
        (x, 0.45 * half[1], 0.35 * height),
        (x, 0.45 * half[1], 0.92 * height),
        (x, -0.8 * half[1], 0.92 * height),
    )
    for row in range(4):
        for column in range(4):
            y, z = -0.68 * half[1] + column * 0.33 * half[1], (0.40 + 0.13 * row) * height
            slot = ("reflector", "orange", "green", "blue")[(row + column) % 4]
            builder.box(slot, [x, y, z + 0.05], [0.01, 0.045, 0.06])
    builder.quad(
        "trim",
        (x, -0.6 * half[1], 0.08 * height),
        (x, 0.4 * half[1], 0.08 * height),
        (x, 0.4 * half[1], 0.2 * height),
        (x, -0.6 * half[1], 0.2 * height),
    )
    builder.box("trim", [x, 0.7 * half[1], 0.6 * height], [0.01, 0.1 * half[1], 0.12 * height])


def _container(builder: BodyBuilder, half: Half) -> None:
    """A waste skip: ribbed, open at the top."""
    height = 2.0 * half[2]
    builder.box("green", [0, 0, 0.45 * height], [half[0] * 0.94, half[1] * 0.94, 0.45 * height])
    for x in np.linspace(-0.85, 0.85, 5):
        builder.box("green", [x * half[0], 0, 0.46 * height], [0.03, half[1], 0.40 * height])
    builder.box("trim", [0, 0, 0.94 * height], [half[0], half[1], 0.06 * height])


def _bin(builder: BodyBuilder, half: Half) -> None:
    height, radius = 2.0 * half[2], min(half[0], half[1])
    builder.tube("green", [[0, 0, 0.0], [0, 0, 0.85 * height]], [0.85 * radius, radius], sides=10)
    builder.tube("trim", [[0, 0, 0.85 * height], [0, 0, height]], [1.02 * radius, 0.6 * radius], sides=10)


def _barrel(builder: BodyBuilder, half: Half) -> None:
    height, radius = 2.0 * half[2], min(half[0], half[1])
    for number in range(5):
        slot = "orange" if number % 2 == 0 else "reflector"
        builder.tube(slot, [[0, 0, number * height / 5], [0, 0, (number + 1) * height / 5]], [radius, radius], sides=10)


def _bench(builder: BodyBuilder, half: Half) -> None:
    def build(part: BodyBuilder, size: Half) -> None:
        seat = min(0.45, 1.6 * size[2])
        part.box("wood", [0.1 * size[0], 0, seat], [0.8 * size[0], size[1], 0.03])
        if 2.0 * size[2] > 0.6:
            part.box(
                "wood",
                [-0.85 * size[0], 0, (seat + 2 * size[2]) / 2 + 0.06],
                [0.03, size[1], (2 * size[2] - seat) / 2 - 0.06],
            )
        for side in (-0.8, 0.8):
            part.box("metal", [0, side * size[1], seat / 2], [0.7 * size[0], 0.03, seat / 2])

    _across(builder, half, build)


def _tree(builder: BodyBuilder, half: Half) -> None:
    height, reach = 2.0 * half[2], min(half[0], half[1])
    builder.tube("wood", [[0.0, 0.0, 0.0], [0.0, 0.0, 0.6 * height]], [0.05 * reach + 0.1, 0.08], sides=8)
    levels, radii = np.array([0.32, 0.5, 0.7, 0.88, 1.0]), np.array([0.45, 0.95, 1.0, 0.7, 0.1])
    builder.tube("leaves", levels[:, None] * np.array([0.0, 0.0, height]), radii * reach, sides=10)


def _pot(builder: BodyBuilder, half: Half) -> None:
    height = 2.0 * half[2]
    builder.box("clay", [0, 0, 0.3 * height], [half[0], half[1], 0.3 * height])
    levels, radii = np.array([0.55, 0.8, 1.0]), np.array([0.8, 0.9, 0.3])
    path = levels[:, None] * np.array([0.0, 0.0, height])
    builder.tube("leaves", path, radii * min(half[0], half[1]), sides=8)


def _shelter(builder: BodyBuilder, half: Half) -> None:
    def build(part: BodyBuilder, size: Half) -> None:
        height = 2.0 * size[2]
        part.box("metal", [0, 0, height - 0.05], [size[0], size[1], 0.05])
        part.box("glass", [-0.9 * size[0], 0, 0.5 * height], [0.01, size[1], 0.42 * height])
        for y in (-0.95, 0.95):
            for x in (-0.9, 0.8):
                part.box("metal", [x * size[0], y * size[1], height / 2], [0.04, 0.04, height / 2])
        part.box("wood", [-0.5 * size[0], 0, 0.45], [0.2, 0.8 * size[1], 0.03])

    _across(builder, half, build)


def _street_sign(builder: BodyBuilder, half: Half) -> None:
    height = 2.0 * half[2]
    builder.box("metal", [0, 0, half[2]], [0.04, 0.04, half[2]])
    builder.box("blue", [0, 0, 0.86 * height], [half[0], max(half[1] * 0.4, 0.02), 0.13 * height])


_BY_WORD: tuple[tuple[str, Callable[[BodyBuilder, Half], None]], ...] = (
    ("cone", _cone),
    ("streetbarrier", _street_barrier),
    ("chainbarrier", _chain_barrier),
    ("trafficwarning", _arrow_trailer),
    ("warning", _warning_triangle),
    ("dirtdebris", _debris),
    ("vendingmachine", _vending_machine),
    ("container", _container),
    ("trashcan", _bin),
    ("bin", _bin),
    ("barrel", _barrel),
    ("bench", _bench),
    ("tree", _tree),
    ("palm", _tree),
    ("plantpot", _pot),
    ("busstop", _shelter),
    ("streetsign", _street_sign),
)
"""First match wins."""
