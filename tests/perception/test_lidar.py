"""LiDAR encoders and the grid they share."""

from typing import Any

import pytest
import torch

from drivevla.errors import ConfigError
from drivevla.perception.lidar.grid import BevGrid
from drivevla.perception.lidar.pillars import PillarEncoder
from drivevla.perception.lidar.raster import RasterEncoder, height_raster
from drivevla.types import LidarBatch

SPAN: Any = {"ahead_m": (-8.0, 24.0), "aside_m": (-16.0, 16.0), "cell_m": 1.0}
GRID = BevGrid(**SPAN)


def sweep(points: list[list[float]]) -> LidarBatch:
    data = torch.tensor([points])
    return LidarBatch(points_BP4=data, keep_BP=torch.ones(data.shape[:2], dtype=torch.bool))


def test_a_point_falls_into_the_cell_around_it_and_cells_know_their_middles() -> None:
    cell, inside = GRID.cells(torch.tensor([[0.2, -0.3], [23.9, 15.9], [24.1, 0.0], [0.0, -16.1]]))
    assert inside.tolist() == [True, True, False, False]
    assert cell[0].item() == 8 * 32 + 15
    torch.testing.assert_close(GRID.centres().flatten(0, 1)[cell[0]], torch.tensor([0.5, -0.5]))
    assert GRID.coarser(4).shape == (8, 8)


def test_a_rectangle_that_cells_do_not_fill_is_refused() -> None:
    with pytest.raises(ConfigError, match="not filled by whole cells"):
        BevGrid(cell_m=0.7)


def test_the_raster_counts_points_by_height() -> None:
    points = [[0.5, 0.5, 0.0, 0.0]] * 2 + [[0.5, 0.5, 1.0, 0.0]] * 9 + [[0.5, 0.5, 9.0, 0.0]]
    raster = height_raster(sweep(points), GRID)
    assert raster.shape == (1, 4, 32, 32)
    assert raster[0, :, 8, 16].tolist() == pytest.approx([0.4, 0.0, 1.0, 0.0])
    assert raster.sum().item() == pytest.approx(1.4)


@pytest.mark.parametrize("kind", [PillarEncoder, RasterEncoder])
def test_the_order_of_points_and_padding_mean_nothing(kind: type[PillarEncoder | RasterEncoder]) -> None:
    encoder = kind(16, **SPAN).eval()
    points = torch.rand(1, 300, 4) * torch.tensor([30.0, 30.0, 2.0, 1.0]) - torch.tensor([8.0, 15.0, 0.3, 0.0])
    mixed = torch.cat([points[:, torch.randperm(300)], torch.full((1, 50, 4), 3.0)], dim=1)
    keep = torch.arange(350)[None] < 300
    with torch.no_grad():
        plain = encoder(LidarBatch(points_BP4=points, keep_BP=torch.ones(1, 300, dtype=torch.bool)))
        padded = encoder(LidarBatch(points_BP4=mixed, keep_BP=keep))
    assert plain.shape == (1, 16, 8, 8)
    torch.testing.assert_close(plain, padded)


@pytest.mark.parametrize("kind", [PillarEncoder, RasterEncoder])
def test_a_sample_alone_and_in_a_batch_give_the_same_grid(kind: type[PillarEncoder | RasterEncoder]) -> None:
    encoder = kind(16, **SPAN).eval()
    points = torch.rand(2, 100, 4) * torch.tensor([30.0, 30.0, 2.0, 1.0]) - torch.tensor([8.0, 15.0, 0.3, 0.0])
    keep = torch.ones(2, 100, dtype=torch.bool)
    with torch.no_grad():
        both = encoder(LidarBatch(points_BP4=points, keep_BP=keep))
        alone = encoder(LidarBatch(points_BP4=points[1:], keep_BP=keep[1:]))
    torch.testing.assert_close(both[1:], alone)


def test_moving_the_points_by_a_coarse_cell_moves_the_features_by_one() -> None:
    encoder = PillarEncoder(16, **SPAN, channels=8).eval()
    first = encoder.point[0]
    assert isinstance(first, torch.nn.Linear)
    torch.nn.init.zeros_(first.weight[:, :2])  # what a pillar says does not depend on where it stands
    points = torch.rand(1, 40, 4) * torch.tensor([4.0, 4.0, 2.0, 1.0]) + torch.tensor([6.0, -2.0, 0.0, 0.0])
    keep = torch.ones(1, 40, dtype=torch.bool)
    with torch.no_grad():
        here = encoder(LidarBatch(points_BP4=points, keep_BP=keep))
        there = encoder(LidarBatch(points_BP4=points + torch.tensor([4.0, 0.0, 0.0, 0.0]), keep_BP=keep))
    torch.testing.assert_close(here[:, :, 2:5, 2:6], there[:, :, 3:6, 2:6])
