import numpy as np
import pytest
from numpy.typing import NDArray

from drivevla.evaluation.open_loop.polygon_fill import filled_cells, line_cells


def drawn(corners: list[list[int]], size: int = 8) -> list[str]:
    cells = filled_cells(np.array([corners]), size=size)
    grid = np.full((size, size), ".")
    grid[cells.row, cells.column] = "#"
    return ["".join(row) for row in grid]


def test_the_outline_belongs_to_the_polygon() -> None:
    assert drawn([[1, 1], [3, 1], [3, 3], [1, 3]], size=5) == [".....", ".###.", ".###.", ".###.", "....."]


def test_a_diamond_is_filled_between_its_edges() -> None:
    assert drawn([[2, 0], [4, 2], [2, 4], [0, 2]], size=5) == ["..#..", ".###.", "#####", ".###.", "..#.."]


def test_half_a_step_across_counts_only_once_it_is_passed() -> None:
    cells = line_cells(np.array([[0, 0]]), np.array([[4, 2]]), size=5)
    assert sorted(zip(cells.column.tolist(), cells.row.tolist(), strict=True)) == [
        (0, 0),
        (1, 0),
        (2, 1),
        (3, 1),
        (4, 2),
    ]


def test_what_lies_outside_is_not_drawn() -> None:
    assert drawn([[-3, -3], [1, -3], [1, 1], [-3, 1]], size=4) == ["##..", "##..", "....", "...."]
    assert not len(filled_cells(np.array([[[-9, -9], [-5, -9], [-5, -5]]]), size=4).row)


def test_a_polygon_that_shrank_to_a_point_covers_its_cell() -> None:
    assert drawn([[2, 1]] * 4, size=3) == ["...", "..#", "..."]


def test_every_polygon_is_drawn_as_if_alone() -> None:
    corners = np.array([[[0, 0], [2, 0], [2, 2], [0, 2]], [[1, 1], [5, 2], [4, 6], [0, 5]]])
    together = filled_cells(corners, size=8)
    for index, polygon in enumerate(corners):
        alone = filled_cells(polygon[None], size=8)
        mine = together.shape == index
        assert set(zip(together.row[mine].tolist(), together.column[mine].tolist(), strict=True)) == set(
            zip(alone.row.tolist(), alone.column.tolist(), strict=True)
        )


@pytest.mark.parametrize("kind", ["boxes", "anything"])
def test_opencv_draws_the_same_cells(kind: str) -> None:
    cv2 = pytest.importorskip("cv2", reason="OpenCV comes with the extra nuscenes")
    rng, count, size = np.random.default_rng(0), 3000, 60
    corners = boxes(rng, count) if kind == "boxes" else rng.integers(-20, 80, (count, 4, 2))
    cells = filled_cells(corners, size=size)
    ours = np.zeros((count, size, size), dtype=np.uint8)
    ours[cells.shape, cells.row, cells.column] = 1

    for grid, polygon in zip(ours, corners, strict=True):
        theirs = np.zeros((size, size), dtype=np.uint8)
        cv2.fillPoly(theirs, [polygon.astype(np.int32)], 1)
        assert np.array_equal(grid, theirs), polygon.tolist()


def boxes(rng: np.random.Generator, count: int) -> NDArray[np.int64]:
    """Turned boxes, a third of them across the grid's border."""
    angle = rng.uniform(-np.pi, np.pi, count)
    half = rng.uniform([0.1, 0.1], [13.0, 4.0], (count, 2))
    corner = half[:, None] * np.array([[1, 1], [1, -1], [-1, -1], [-1, 1]])
    cos, sin = np.cos(angle)[:, None], np.sin(angle)[:, None]
    turned = np.stack([cos * corner[..., 0] - sin * corner[..., 1], sin * corner[..., 0] + cos * corner[..., 1]], -1)
    return np.round(turned + rng.uniform(-10, 70, (count, 1, 2))).astype(np.int64)
