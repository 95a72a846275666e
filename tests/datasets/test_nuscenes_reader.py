import shutil
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from drivevla.datasets.nuscenes import (
    NuScenesReader,
    bevplanner_entry,
    command_from_lateral_m,
    stp3_word,
    uniad_index,
    vad_one_hot,
)
from drivevla.datasets.nuscenes.fixture import write_nuscenes_fixture
from drivevla.errors import ContractError, DataError, UnknownName
from drivevla.geometry import invert_rigid, project_points, transform_points
from drivevla.testing import check_reader
from drivevla.types import CameraFrame, Command, ObjectTruth, Visibility

pytest.importorskip("nuscenes", reason="the extra nuscenes is not installed")


@pytest.fixture(scope="module")
def reader(nuscenes_root: Path) -> NuScenesReader:
    return NuScenesReader(nuscenes_root)


def test_the_reader_keeps_the_contract(reader: NuScenesReader) -> None:
    assert check_reader(reader, samples_per_scene=5, tolerance_m=0.02) == 10


def test_scenes_come_with_their_official_splits(reader: NuScenesReader) -> None:
    assert [(scene.name, scene.split, len(scene.tokens)) for scene in reader.scenes] == [
        ("scene-0061", "mini_train", 9),
        ("scene-0103", "mini_val", 9),
    ]


def test_the_future_lies_on_the_circle_that_was_driven_and_ends_with_the_scene(reader: NuScenesReader) -> None:
    sample = reader.sample(reader.scenes[0].tokens[5])  # 1.5 s before the end
    future = sample.truth.future
    assert future is not None
    assert future.times_s[future.valid].max() == pytest.approx(1.5)
    turned = 0.08 * 1.5
    radius = 6.0 / 0.08
    at_end = future.poses[future.valid][-1]
    assert at_end == pytest.approx([radius * np.sin(turned), radius * (1 - np.cos(turned)), turned], abs=1e-3)


def test_speed_and_yaw_rate_come_from_the_way_driven_so_far(reader: NuScenesReader) -> None:
    for token in reader.scenes[1].tokens[:3]:
        ego = reader.sample(token).observation.ego
        assert (ego.speed_mps, ego.yaw_rate_radps) == pytest.approx((6.0, -0.08), abs=1e-3)


def test_boxes_have_track_velocity_visibility_and_hits(reader: NuScenesReader) -> None:
    first, second = (reader.truth(token) for token in reader.scenes[0].tokens[3:5])
    assert first.objects is not None
    assert second.objects is not None
    lorry, car, _ = first.objects
    assert [each.category for each in first.objects] == ["vehicle.truck", "vehicle.car", "human.pedestrian.adult"]
    assert [each.track_id for each in first.objects] == [each.track_id for each in second.objects]
    assert lorry.size_m.tolist() == [8.0, 2.5, 3.0]
    assert lorry.velocity_mps == pytest.approx([0.0, 0.0], abs=1e-9)
    yaw = 0.08 * 1.5  # the car drives along the world's x axis, the ego has turned to the left of it
    assert car.velocity_mps == pytest.approx([5.0 * np.cos(yaw), -5.0 * np.sin(yaw)])
    assert (lorry.visibility, lorry.lidar_points) == (Visibility.UP_TO_100_PERCENT, 180)


def test_sweeps_are_brought_to_one_instant(nuscenes_root: Path, reader: NuScenesReader) -> None:
    token = reader.scenes[0].tokens[4]
    sample = NuScenesReader(nuscenes_root, sweeps=5, cameras=()).sample(token)
    one = reader.sample(token).observation.lidar
    many = sample.observation.lidar
    assert one is not None
    assert many is not None
    assert len(many.points_m) == 5 * len(one.points_m)
    assert sample.truth.objects is not None
    parked = sample.truth.objects[0]  # each of the five sweeps hits the sides of the lorry
    assert inside(parked, above_road(many.points_m)).sum() == 5 * inside(parked, above_road(one.points_m)).sum() == 900
    assert one.intensity is not None
    assert one.intensity == pytest.approx(0.2)


def test_boxes_fall_on_their_pictures(reader: NuScenesReader) -> None:
    """The fixture paints the lorry in a colour of its own, at the instant of each picture."""
    sample = reader.sample(reader.scenes[0].tokens[2])
    front = sample.observation.cameras["CAM_FRONT"]
    assert sample.truth.objects is not None
    middle, _ = project_points(
        invert_rigid(front.ego_from_camera), front.intrinsics_px, sample.truth.objects[0].ego_from_object[None, :3, 3]
    )
    column, row = middle[0].astype(int)
    assert front.image[row, column] == pytest.approx([200, 160, 60], abs=30)


def test_commands_follow_the_last_future_keyframe(reader: NuScenesReader) -> None:
    left, right = reader.scenes
    assert reader.command(left.tokens[0]) is Command.LEFT
    assert reader.command(right.tokens[0]) is Command.RIGHT
    assert reader.command(right.tokens[0], axes="ego") is Command.RIGHT
    assert reader.command(left.tokens[-1]) is Command.STRAIGHT, "no future"
    plan = reader.lidar_plan_m(left.tokens[0])
    assert plan.shape == (6, 2)
    assert plan[-1, 0] < -2.0 < 15.0 < plan[-1, 1], "x is right, y forward"


@pytest.mark.parametrize(
    ("right_m", "command", "index", "word", "swapped"),
    [
        (2.0, Command.RIGHT, 0, "RIGHT", 1),
        (-2.0, Command.LEFT, 1, "LEFT", 0),
        (1.99, Command.STRAIGHT, 2, "FORWARD", 2),
        (None, Command.STRAIGHT, 2, "FORWARD", 2),
    ],
)
def test_every_convention_of_commands(
    right_m: float | None, command: Command, index: int, word: str, swapped: int
) -> None:
    assert command_from_lateral_m(right_m) is command
    assert uniad_index(command) == index
    assert vad_one_hot(command).tolist() == np.eye(3)[index].tolist()
    assert (stp3_word(command), bevplanner_entry(command)) == (word, swapped)


def test_a_command_that_planners_on_nuscenes_do_not_know_is_refused() -> None:
    with pytest.raises(ContractError, match="right, left and straight"):
        uniad_index(Command.CHANGE_LANE_LEFT)


def test_can_bus_speeds_win_over_poses(tmp_path: Path) -> None:
    write_nuscenes_fixture(tmp_path, keyframes=3, can_bus=True)
    path = tmp_path / "can_bus" / "scene-0061_pose.json"
    path.write_text(path.read_text().replace('"vel": [6.0', '"vel": [7.5'))
    reader = NuScenesReader(tmp_path, cameras=())
    assert reader.sample(reader.scenes[0].tokens[1]).observation.ego.speed_mps == 7.5
    path.unlink()
    assert NuScenesReader(tmp_path, cameras=()).sample(reader.scenes[0].tokens[1]).observation.ego.speed_mps < 6.1


def test_a_missing_picture_is_an_error_and_never_black(nuscenes_copy: Path) -> None:
    shutil.rmtree(nuscenes_copy / "samples" / "CAM_BACK")
    reader = NuScenesReader(nuscenes_copy)
    with pytest.raises(DataError, match=r"CAM_BACK.*is missing.*cameras="):
        reader.sample(reader.scenes[0].tokens[0])
    without = NuScenesReader(nuscenes_copy, cameras=("CAM_FRONT",), lidar=False)
    sample = without.sample(reader.scenes[0].tokens[0])
    assert list(sample.observation.cameras) == ["CAM_FRONT"]
    assert sample.observation.lidar is None


def test_a_sweep_that_was_cut_short_is_an_error(nuscenes_copy: Path) -> None:
    path = next((nuscenes_copy / "samples" / "LIDAR_TOP").glob("*scene-0061*"))
    path.write_bytes(path.read_bytes()[:-7])
    reader = NuScenesReader(nuscenes_copy, cameras=())
    with pytest.raises(DataError, match="cut short"):
        [reader.sample(token) for token in reader.scenes[0].tokens]


def test_unknown_names_are_refused(nuscenes_root: Path, reader: NuScenesReader, tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match="CAM_FRONT"):
        NuScenesReader(nuscenes_root, cameras=("CAM_FORNT",))
    with pytest.raises(UnknownName):
        reader.sample("nothing")
    with pytest.raises(DataError, match=r"v1.0-mini"):
        NuScenesReader(nuscenes_root, version="v1.0-trainval")
    with pytest.raises(DataError, match=r"no folder v1.0"):
        NuScenesReader(tmp_path)


@pytest.mark.real_data
def test_the_real_keyframe_has_the_devkits_figures(shared_real: Path) -> None:
    reader = NuScenesReader(shared_real / "nuscenes")
    sample = reader.sample("ca9a282c9e77460f8360f564131a8af5")
    lidar, front = sample.observation.lidar, sample.observation.cameras["CAM_FRONT"]
    assert lidar is not None
    assert sample.truth.objects is not None
    assert (len(lidar.points_m), len(sample.truth.objects), len(sample.observation.cameras)) == (34_688, 68, 6)
    pixels, depth = project_points(
        invert_rigid(front.ego_from_camera), front.intrinsics_px, lidar.points_m.astype(np.float64)
    )
    assert int(in_picture(pixels, depth, margin_px=1).sum()) == 3_053
    assert sum(seen_by(front, thing) for thing in sample.truth.objects) == 47


@pytest.mark.real_data
def test_the_real_scenes_have_the_devkits_figures(shared_real: Path) -> None:
    reader = NuScenesReader(shared_real / "nuscenes", cameras=(), lidar=False)
    assert sum(len(scene.tokens) for scene in reader.scenes) == 82
    assert len(reader.devkit.sample_data) == 1_280
    assert check_reader(reader, samples_per_scene=6) == 13
    for scene, (length_m, speed_mps) in zip(reader.scenes[1:], [(117.9, 6.1), (93.4, 4.7)], strict=True):
        truths = [reader.truth(token) for token in scene.tokens]
        places = np.array([truth.world_from_ego[:3, 3] for truth in truths])
        driven_m = np.linalg.norm(np.diff(places, axis=0), axis=1).sum()
        assert driven_m == pytest.approx(length_m, abs=0.05)
        assert driven_m / (truths[-1].timestamp_s - truths[0].timestamp_s) == pytest.approx(speed_mps, abs=0.05)
    assert sum(len(reader.lidar_plan_m(token)) == 6 for scene in reader.scenes for token in scene.tokens) == 69
    assert sum(len(reader.truth(token).objects or ()) for scene in reader.scenes[1:] for token in scene.tokens) == 4_514


def in_picture(pixels: NDArray[np.float64], depth: NDArray[np.float64], *, margin_px: float) -> NDArray[np.bool_]:
    """The devkit's rule: a metre ahead at least, and within a margin of the picture's border."""
    return (depth > 1.0) & (pixels > margin_px).all(axis=-1) & (pixels < np.array([1600, 900]) - margin_px).all(axis=-1)


def seen_by(frame: CameraFrame, thing: ObjectTruth) -> bool:
    """The devkit's ``BoxVisibility.ANY``: a corner in the picture, and none behind the camera."""
    signs = np.array(np.meshgrid([-0.5, 0.5], [-0.5, 0.5], [-0.5, 0.5])).reshape(3, -1).T
    corners = transform_points(thing.ego_from_object, signs * thing.size_m)
    pixels, depth = project_points(invert_rigid(frame.ego_from_camera), frame.intrinsics_px, corners)
    return bool(in_picture(pixels, depth, margin_px=0).any() and (depth > 0.1).all())


def inside(thing: ObjectTruth, points_m: NDArray[np.float32]) -> NDArray[np.bool_]:
    local = transform_points(invert_rigid(thing.ego_from_object), points_m.astype(np.float64))
    return (np.abs(local) <= thing.size_m / 2 + 0.02).all(axis=1)


def above_road(points_m: NDArray[np.float32]) -> NDArray[np.float32]:
    return points_m[points_m[:, 2] > 0.1]
