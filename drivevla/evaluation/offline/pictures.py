"""The worst cases, drawn: what the camera saw and the scene from above, with what was driven and what was planned."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drivevla.errors import require
from drivevla.geometry import invert_rigid, transform_points
from drivevla.types import CameraFrame, ObjectTruth, Sample

__all__ = ["DRIVEN_COLOUR", "PLAN_COLOURS", "case_picture"]

DRIVEN_COLOUR = (60, 200, 100)
PLAN_COLOURS = ((255, 140, 40), (130, 170, 255), (200, 120, 220))
"""The judged policy's, then others' in the order in which they are given."""
_BACKGROUND, _BOX, _LANE, _POINT, _EGO = (18, 20, 24), (235, 205, 90), (72, 78, 92), (90, 105, 125), (240, 240, 240)
_SIDE_PX, _NEAREST_M, _LEAST_REACH_M, _BEHIND = 360, 0.5, 15.0, 0.2
_EVEN = 80


def case_picture(sample: Sample, plans: Mapping[str, NDArray[np.float64]]) -> NDArray[np.uint8]:
    """Draw a sample: the camera that looks ahead, where there is one, beside the scene from above.

    Args:
        sample: With pictures and truth.
        plans: (T, 3) by name, the judged policy's first; the driven way is the sample's own.

    Returns:
        (H, W, 3) uint8 RGB.

    Raises:
        MissingExtra: Pillow is not installed.
    """
    ways = _ways(sample, plans)
    panels = [_from_above(sample, ways)]
    ahead = _camera_ahead(sample)
    if ahead is not None:
        panels.insert(0, _in_camera(ahead, ways))
    image = require("PIL.Image", "report")
    sheet = image.new("RGB", (sum(panel.width for panel in panels) + 4 * (len(panels) - 1), _SIDE_PX), _BACKGROUND)
    left = 0
    for panel in panels:
        sheet.paste(panel, (left, 0))
        left += panel.width + 4
    return np.asarray(sheet, dtype=np.uint8)


def _ways(
    sample: Sample, plans: Mapping[str, NDArray[np.float64]]
) -> list[tuple[NDArray[np.float64], tuple[int, int, int]]]:
    """(N, 2) lines from the car on, the judged policy's last so that it lies on top."""
    ways = list(zip((poses[:, :2] for poses in plans.values()), PLAN_COLOURS, strict=False))[::-1]
    future = sample.truth.future
    if future is not None and future.valid.any():
        ways.insert(0, (future.poses[future.valid, :2], DRIVEN_COLOUR))
    return [(np.concatenate([np.zeros((1, 2)), way]), colour) for way, colour in ways]


def _camera_ahead(sample: Sample) -> CameraFrame | None:
    frames = sample.observation.cameras.values()
    return max(frames, key=lambda frame: float(frame.ego_from_camera[0, 2]), default=None)


def _in_camera(frame: CameraFrame, ways: list[tuple[NDArray[np.float64], tuple[int, int, int]]]) -> Any:
    picture = require("PIL.Image", "report").fromarray(frame.image)
    scale = _SIDE_PX / picture.height
    picture = picture.resize((round(picture.width * scale), _SIDE_PX))
    draw = require("PIL.ImageDraw", "report").Draw(picture)
    camera_from_ego = invert_rigid(frame.ego_from_camera)
    for way, colour in ways:
        even = np.linspace(0, len(way) - 1, _EVEN)
        ground = np.stack([*(np.interp(even, np.arange(len(way)), axis) for axis in way.T), np.zeros(_EVEN)], axis=-1)
        seen = transform_points(camera_from_ego, ground)
        pixels = seen[seen[:, 2] > _NEAREST_M] @ frame.intrinsics_px.T
        line = pixels[:, :2] / pixels[:, 2:] * scale
        if len(line) > 1:
            draw.line([tuple(point) for point in line.tolist()], fill=colour, width=_width_px(colour))
    return picture


def _from_above(sample: Sample, ways: list[tuple[NDArray[np.float64], tuple[int, int, int]]]) -> Any:
    """Forward is up; as much as the ways need, a fifth of it behind the car."""
    reach_m = max(_LEAST_REACH_M, *(1.15 * float(np.abs(way).max()) for way, _ in ways), 0.0)
    scale = _SIDE_PX * (1 - _BEHIND) / reach_m

    def pixels(xy_m: NDArray[Any]) -> list[tuple[float, float]]:
        points = np.asarray(xy_m, dtype=np.float64)
        across, down = _SIDE_PX / 2 - points[:, 1] * scale, _SIDE_PX * (1 - _BEHIND) - points[:, 0] * scale
        return list(zip(across.tolist(), down.tolist(), strict=True))

    picture = require("PIL.Image", "report").new("RGB", (_SIDE_PX, _SIDE_PX), _BACKGROUND)
    draw = require("PIL.ImageDraw", "report").Draw(picture)
    for lane in sample.truth.lanes or ():
        draw.line(pixels(lane.centerline_m), fill=_LANE, width=2)
    if sample.observation.lidar is not None:
        draw.point(pixels(sample.observation.lidar.points_m[::4, :2]), fill=_POINT)
    for thing in sample.truth.objects or ():
        draw.polygon(pixels(_outline(thing)), outline=_BOX)
    draw.polygon(pixels(np.array([[3.9, 0.9], [-1.0, 0.9], [-1.0, -0.9], [3.9, -0.9]])), outline=_EGO)
    for way, colour in ways:
        draw.line(pixels(way), fill=colour, width=_width_px(colour))
        (x, y), half = pixels(way)[-1], _width_px(colour)
        draw.ellipse((x - half, y - half, x + half, y + half), fill=colour)
    step_m = next(each for each in (5, 10, 20, 50, 100) if each * scale >= 40 or each == 100)
    draw.line([(10, _SIDE_PX - 10), (10 + step_m * scale, _SIDE_PX - 10)], fill=_EGO, width=2)
    draw.text((10, _SIDE_PX - 26), f"{step_m} m", fill=_EGO)
    return picture


def _width_px(colour: tuple[int, int, int]) -> int:
    """What was driven is a broad band beneath the plans: a plan that covers it is seen to do so."""
    return 9 if colour == DRIVEN_COLOUR else 3


def _outline(thing: ObjectTruth) -> NDArray[np.float64]:
    corners = np.array([(1, 1, 0), (-1, 1, 0), (-1, -1, 0), (1, -1, 0)], dtype=np.float64) * thing.size_m / 2.0
    return transform_points(thing.ego_from_object, corners)[:, :2]
