"""Pictures laid on the ground: a mark on the road is found in the cell where it lies."""

import dataclasses

import pytest
import torch

from drivevla.errors import ConfigError
from drivevla.perception.cameras.projection import project_points
from drivevla.perception.ground import GroundEncoder, pictures_on_ground
from drivevla.perception.lidar.grid import BevGrid
from drivevla.types import CameraBatch, LidarBatch, SensorBatch

GRID = BevGrid(ahead_m=(4.0, 12.0), aside_m=(-4.0, 4.0), cell_m=0.5)


def marked(camera: CameraBatch, x_m: float, y_m: float) -> CameraBatch:
    """A black picture with a white square of 10 pixels where a point of the road is seen."""
    where, _, visible = project_points(camera, torch.tensor([[x_m, y_m, 0.0]]))
    assert visible.all()
    height, width = camera.images_B3HW.shape[2:]
    column, row = ((where[0, 0] + 1) / 2 * torch.tensor([width, height])).round().long().tolist()
    images = torch.zeros_like(camera.images_B3HW)
    images[:, :, row - 5 : row + 5, column - 5 : column + 5] = 255
    return dataclasses.replace(camera, images_B3HW=images)


@pytest.mark.parametrize(("x_m", "y_m"), [(7.25, 0.25), (9.75, -1.25), (8.25, 1.75)])
def test_a_mark_on_the_road_lies_in_its_cell(batch: SensorBatch, x_m: float, y_m: float) -> None:
    seen = pictures_on_ground({"front": marked(batch.cameras["front"], x_m, y_m)}, GRID)
    for red_of_size in (0, 3):  # the pictures at a half of their size, and at a quarter
        brightest = GRID.centres().flatten(0, 1)[seen[0, red_of_size].flatten().argmax()]
        assert brightest.tolist() == pytest.approx([x_m, y_m], abs=0.51)


def test_where_no_camera_looks_there_is_nothing(batch: SensorBatch) -> None:
    behind = BevGrid(ahead_m=(-8.0, -4.0), aside_m=(-1.0, 1.0), cell_m=0.5)
    front = batch.cameras["front"]
    assert not pictures_on_ground({"front": front}, behind).any()
    absent = dataclasses.replace(front, present_B=torch.zeros_like(front.present_B))
    assert not pictures_on_ground({"front": absent}, GRID).any()


def test_the_map_has_cells_of_twice_the_size_and_is_a_samples_own(batch: SensorBatch) -> None:
    encoder = GroundEncoder(16, ahead_m=(0.0, 16.0), aside_m=(-8.0, 8.0), cell_m=0.5, channels=(8, 8, 8)).eval()
    assert batch.lidar is not None
    lidar = batch.lidar
    with torch.no_grad():
        all_three = encoder(batch.cameras, lidar)
        cameras = {
            name: CameraBatch(
                images_B3HW=camera.images_B3HW[1:2],
                intrinsics_B33=camera.intrinsics_B33[1:2],
                ego_from_camera_B44=camera.ego_from_camera_B44[1:2],
                present_B=camera.present_B[1:2],
            )
            for name, camera in batch.cameras.items()
        }
        alone = encoder(cameras, LidarBatch(points_BP4=lidar.points_BP4[1:2], keep_BP=lidar.keep_BP[1:2]))
        blind = encoder({}, lidar)
    assert encoder.grid.shape == (16, 16)
    assert all_three.shape == (3, 8, 16, 16)
    torch.testing.assert_close(all_three[1:2], alone)
    assert blind.shape == all_three.shape
    assert not torch.allclose(blind, all_three)


def test_a_rectangle_that_the_larger_cells_do_not_fill_is_refused() -> None:
    with pytest.raises(ConfigError, match="not filled by whole cells"):
        GroundEncoder(16, ahead_m=(0.0, 16.5), cell_m=0.5)
