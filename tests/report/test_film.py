"""Films: the size of the picture, what is drawn where, and a file that decodes to what went in."""

from pathlib import Path

import numpy as np
import pytest

from drivevla.config.sensor_rig import load_rig
from drivevla.report import Film, drive_picture
from drivevla.report.film import left_to_right
from drivevla.testing import sample_observation
from drivevla.types import EgoState, LidarSweep, Observation, Plan

av = pytest.importorskip("av", reason="the extra 'report' is not installed")


def test_a_picture_holds_every_camera_the_view_from_above_and_the_lines() -> None:
    observation = sample_observation(load_rig("nano"), rng=np.random.default_rng(0))
    picture = drive_picture(observation, order=("left", "front", "right"), lines=("one", "two"), height_px=160)
    assert picture.shape == (160 + 2 * 22, 3 * (320 + 2) + 160, 3)
    np.testing.assert_array_equal(picture[:160, 322:642], observation.cameras["front"].image)


def test_a_wall_on_the_left_is_drawn_on_the_left_and_the_road_darker() -> None:
    points = np.array([[0.0, 20.0, 1.0], [20.0, 0.0, 0.0]], dtype=np.float32)
    observation = Observation(
        timestamp_s=0.0, ego=EgoState(speed_mps=0.0), lidar=LidarSweep(points_m=points, timestamp_s=0.0)
    )
    picture = drive_picture(observation, order=(), height_px=160).astype(int)
    wall, road = picture[80, 40], picture[40, 80]  # 20 m to the left, 20 m ahead; 0.5 m a pixel
    assert wall.sum() > road.sum() > picture[10, 10].sum()


def test_the_plan_is_drawn_ahead_of_the_car() -> None:
    observation = Observation(timestamp_s=0.0, ego=EgoState(speed_mps=8.0))
    plan = Plan(waypoints=np.stack([8.0 * np.arange(1, 17) * 0.25, np.zeros(16), np.zeros(16)], axis=-1))
    without = drive_picture(observation, order=(), height_px=160)
    changed = np.argwhere((drive_picture(observation, order=(), plan=plan, height_px=160) != without).any(-1))
    assert changed[:, 0].max() <= 82
    assert abs(changed[:, 1].mean() - 80) < 2


def test_the_plan_lies_on_the_road_in_front_of_the_camera() -> None:
    observation = sample_observation(load_rig("front"), rng=np.random.default_rng(0))
    plan = Plan(waypoints=np.stack([8.0 * np.arange(1, 17) * 0.25, np.zeros(16), np.zeros(16)], axis=-1))
    without = drive_picture(observation, order=("front",), height_px=160)[:, :320]
    changed = np.argwhere(
        (drive_picture(observation, order=("front",), plan=plan, height_px=160)[:, :320] != without).any(-1)
    )
    # Focal length 160 / tan(32.5 deg) = 251 px, 1.65 m up, 1.5 m ahead of the ego's origin: the plan's end, 32 m ahead,
    # is seen 251 * 1.65 / 30.5 = 13.6 px below the horizon in the middle of the picture; nearer points lie lower.
    assert changed[:, 0].min() == pytest.approx(80 + 13.6, abs=2.5)
    assert changed[:, 0].max() == 159
    assert np.abs(changed[:, 1] - 160).max() <= 2


def test_chinese_words_are_written_in_their_own_signs() -> None:
    """A font without them draws the same box for every one."""
    observation = Observation(timestamp_s=0.0, ego=EgoState(speed_mps=0.0))
    left, right, latin = (
        drive_picture(observation, order=(), lines=(line,), height_px=160)[160:] for line in ("左", "右", "a")
    )
    assert (left != right).any()
    for written in (left, right, latin):
        bright = np.argwhere(written.max(-1) > 120)
        assert len(bright) > 10
        assert 0 < bright[:, 0].min() < bright[:, 0].max() < 21  # within its line


def test_cameras_stand_from_left_to_right_whatever_their_order() -> None:
    assert left_to_right(load_rig("nano")) == ("left", "front", "right")


def test_a_film_decodes_to_the_frames_that_went_in(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    shades = (40, 120, 200)
    with Film(path, rate_hz=5) as film:
        for shade in shades:
            film.add(np.full((64, 96, 3), shade, dtype=np.uint8))
    with av.open(str(path)) as container:
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
        assert float(container.streams.video[0].average_rate) == 5.0
    assert [frame.shape for frame in frames] == [(64, 96, 3)] * 3
    np.testing.assert_allclose([frame.mean() for frame in frames], shades, atol=3)
