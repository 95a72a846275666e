"""All sensors together: what changes the tokens, and what must not."""

from dataclasses import replace

import pytest
import torch

from drivevla.errors import ContractError
from drivevla.perception.cameras.convolutional import ConvolutionalEncoder
from drivevla.perception.history import MemoryBank
from drivevla.perception.lidar.grid import BevGrid
from drivevla.perception.lidar.pillars import PillarEncoder
from drivevla.perception.lifting import lift_cameras
from drivevla.perception.scene import Scene, SceneEncoder
from drivevla.types import SensorBatch

WIDTH = 16


def made(*, lift: bool = False, lidar: bool = True, halved: tuple[str, ...] = ()) -> SceneEncoder:
    cameras = ConvolutionalEncoder(WIDTH, channels=(8, 8, 16), blocks=(1, 1, 1))
    grid = BevGrid(cell_m=1.0)
    return SceneEncoder(
        WIDTH,
        cameras=cameras,
        lidar=PillarEncoder(WIDTH, cell_m=1.0) if lidar else None,
        lift=lift,
        grid=grid.coarser(4),
        halved=halved,
    ).eval()


def kept(scene: Scene, index: int) -> torch.Tensor:
    """The tokens of a sample as a set: sorted, since their order means nothing."""
    tokens = scene.tokens_BSD[index][scene.keep_BS[index]]
    return tokens[tokens[:, 0].argsort()]


@pytest.mark.parametrize("lift", [False, True])
def test_swapping_two_cameras_with_their_calibrations_changes_nothing(lift: bool, batch: SensorBatch) -> None:
    encoder = made(lift=lift)
    swapped = replace(batch, cameras={**batch.cameras, "left": batch.cameras["right"], "right": batch.cameras["left"]})
    with torch.no_grad():
        before, after = encoder(batch), encoder(swapped)
    torch.testing.assert_close(kept(before, 0), kept(after, 0), atol=1e-5, rtol=1e-4)
    if lift:
        assert before.bev_BDXY is not None
        torch.testing.assert_close(before.bev_BDXY, after.bev_BDXY, atol=1e-5, rtol=1e-4)


def test_a_car_without_eyes_passes_pictures_over(batch: SensorBatch) -> None:
    blind = SceneEncoder(WIDTH, cameras=None, lidar=PillarEncoder(WIDTH, cell_m=1.0)).eval()
    with torch.no_grad():
        assert torch.equal(blind(batch).tokens_BSD, blind(replace(batch, cameras={})).tokens_BSD)


def test_a_halved_camera_is_one_of_half_the_resolution(batch: SensorBatch) -> None:
    left = batch.cameras["left"]
    small = left.images_B3HW[..., ::2, ::2]
    coarse = replace(left, images_B3HW=small.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3))
    half = replace(left, images_B3HW=small, intrinsics_B33=left.intrinsics_B33 * torch.tensor([0.5, 0.5, 1.0])[:, None])
    whole, halved = made(), made(halved=("left",))
    halved.load_state_dict(whole.state_dict())
    with torch.no_grad():
        here = halved(replace(batch, cameras={**batch.cameras, "left": coarse}))
        there = whole(replace(batch, cameras={**batch.cameras, "left": half}))
    torch.testing.assert_close(here.tokens_BSD, there.tokens_BSD, atol=1e-5, rtol=1e-4)


def test_swapping_the_pictures_alone_does_change_the_tokens(batch: SensorBatch) -> None:
    left, right = batch.cameras["left"], batch.cameras["right"]
    swapped = replace(
        batch,
        cameras={
            **batch.cameras,
            "left": replace(left, images_B3HW=right.images_B3HW),
            "right": replace(right, images_B3HW=left.images_B3HW),
        },
    )
    encoder = made()
    with torch.no_grad():
        assert not torch.allclose(kept(encoder(batch), 0), kept(encoder(swapped), 0), atol=1e-3)


def test_an_absent_camera_is_the_same_as_one_that_was_never_there(batch: SensorBatch) -> None:
    encoder = made(lift=True)
    gone = replace(batch.cameras["left"], present_B=torch.zeros(3, dtype=torch.bool))
    without = {name: camera for name, camera in batch.cameras.items() if name != "left"}
    with torch.no_grad():
        absent = encoder(replace(batch, cameras={**batch.cameras, "left": gone}))
        never = encoder(replace(batch, cameras=without))
    torch.testing.assert_close(kept(absent, 1), kept(never, 1), atol=1e-5, rtol=1e-4)


def test_a_sample_does_not_depend_on_its_neighbours(batch: SensorBatch) -> None:
    encoder = made()
    other = replace(batch, ego_BE=batch.ego_BE + torch.tensor([[0.0], [5.0], [5.0]]))
    with torch.no_grad():
        assert torch.equal(encoder(batch).tokens_BSD[0], encoder(other).tokens_BSD[0])
        assert not torch.equal(encoder(batch).tokens_BSD[1], encoder(other).tokens_BSD[1])


def test_without_lidar_its_tokens_are_padding(batch: SensorBatch) -> None:
    encoder = made()
    with torch.no_grad():
        scene = encoder(replace(batch, lidar=None))
    pictures = 20 * 10 + 2 * 16 * 8
    assert scene.keep_BS.sum(dim=1).tolist() == [pictures + 1 + int(keep.sum()) for keep in batch.past_keep_BS]


def test_a_model_that_only_sees_says_so_when_it_gets_nothing_to_see(batch: SensorBatch) -> None:
    with pytest.raises(ContractError, match="cameras alone, and the observation has none"):
        made(lidar=False)(replace(batch, cameras={}))


def test_lifting_puts_what_a_camera_sees_where_it_stands(batch: SensorBatch) -> None:
    front = batch.cameras["front"]
    feature = torch.zeros(3, 1, 10, 20)
    feature[..., 5:, :10] = 1.0  # the lower left of the picture
    grid = BevGrid(cell_m=2.0)
    lifted = lift_cameras({"front": [feature]}, {"front": front}, grid, heights_m=(0.0,))[0, 0]
    x, y = grid.centres().unbind(-1)
    assert lifted[(x > 8) & (x < 20) & (y > 2) & (y < 0.4 * x)].min() > 0.5
    assert lifted[(x > 8) & (y < -2)].max() == 0
    assert lifted[x < 1].max() == 0


def test_a_memory_forgets_the_oldest_keeps_no_gradient_and_can_be_cleared() -> None:
    bank = MemoryBank(3)
    assert bank.read() is None
    for step in range(5):
        bank.write(torch.full((1, 2, 4), float(step), requires_grad=True))
    held = bank.read()
    assert held is not None
    assert held[0, :, 0].tolist() == [2.0, 2.0, 3.0, 3.0, 4.0, 4.0]
    assert not held.requires_grad
    bank.clear()
    assert len(bank) == 0
