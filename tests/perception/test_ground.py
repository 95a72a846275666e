"""Pictures laid on the ground: a mark on the road is found in the cell where it lies."""

import dataclasses

import pytest
import torch

from drivevla.errors import ConfigError
from drivevla.perception.cameras.projection import project_points
from drivevla.perception.ground import GroundEncoder, pictures_on_ground
from drivevla.perception.lidar.grid import BevGrid
from drivevla.perception.lifting import lift_cameras
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


def of_sample(camera: CameraBatch, row: int) -> CameraBatch:
    """One sample's part of a batch."""
    return CameraBatch(
        images_B3HW=camera.images_B3HW[row : row + 1],
        intrinsics_B33=camera.intrinsics_B33[row : row + 1],
        ego_from_camera_B44=camera.ego_from_camera_B44[row : row + 1],
        present_B=camera.present_B[row : row + 1],
    )


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
        cameras = {name: of_sample(camera, 1) for name, camera in batch.cameras.items()}
        alone = encoder(cameras, LidarBatch(points_BP4=lidar.points_BP4[1:2], keep_BP=lidar.keep_BP[1:2]))
        blind = encoder({}, lidar)
    assert encoder.grid.shape == (16, 16)
    assert all_three.shape == (3, 8, 16, 16)
    torch.testing.assert_close(all_three[1:2], alone)
    assert blind.shape == all_three.shape
    assert not torch.allclose(blind, all_three)


def test_a_changed_calibration_is_not_answered_from_memory(batch: SensorBatch) -> None:
    front = of_sample(batch.cameras["front"], 0)
    front = dataclasses.replace(front, images_B3HW=torch.randint_like(front.images_B3HW, 256))
    turned, closer = front.ego_from_camera_B44.clone(), front.intrinsics_B33.clone()
    turned[:, :2, 3] += 0.5
    closer[:, :2, :2] *= 1.5
    changes: list[dict[str, torch.Tensor]] = [
        {"ego_from_camera_B44": turned},
        {"intrinsics_B33": closer},
        {"images_B3HW": front.images_B3HW[..., :200]},
        {"present_B": torch.zeros_like(front.present_B)},
    ]
    seen = [pictures_on_ground({"front": front}, GRID)]
    for change in changes:
        changed = dataclasses.replace(front, **change)
        seen.append(pictures_on_ground({"front": changed}, GRID))
        twice = CameraBatch(
            **{field.name: torch.cat([getattr(changed, field.name)] * 2) for field in dataclasses.fields(changed)}
        )  # what lies beside another in a batch is not remembered
        torch.testing.assert_close(seen[-1], pictures_on_ground({"front": twice}, GRID)[:1])
    assert torch.equal(pictures_on_ground({"front": front}, GRID), seen[0])
    assert all(not torch.equal(one, other) for index, one in enumerate(seen) for other in seen[:index])


def test_what_was_remembered_while_driving_serves_learning(batch: SensorBatch) -> None:
    front = of_sample(batch.cameras["front"], 0)
    feature = torch.randn(1, 2, 10, 20, requires_grad=True)
    odd = BevGrid(ahead_m=(3.0, 11.0), aside_m=(-3.0, 3.0), cell_m=1.0)
    with torch.inference_mode():
        driven = lift_cameras({"front": [feature]}, {"front": front}, odd)
    learned = lift_cameras({"front": [feature]}, {"front": front}, odd)
    learned.sum().backward()
    torch.testing.assert_close(learned, driven.clone())
    assert feature.grad is not None


def test_a_rectangle_that_the_larger_cells_do_not_fill_is_refused() -> None:
    with pytest.raises(ConfigError, match="not filled by whole cells"):
        GroundEncoder(16, ahead_m=(0.0, 16.5), cell_m=0.5)
