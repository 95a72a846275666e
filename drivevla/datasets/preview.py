"""A sheet to judge a sample by eye: what the cameras saw with plan and boxes drawn in, and the same from above."""

import textwrap
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drivevla.errors import require
from drivevla.geometry import invert_rigid, project_points, transform_points
from drivevla.types import CameraFrame, LidarSweep, ObjectTruth, Sample

__all__ = ["preview_sheet"]

_PANEL_PX = 480
_REACH_M = 40.0  # from above: so far ahead, behind and to the sides
_NEAREST_M = 1.0  # nearer to a camera's plane, projected lines run wild
_LINES_OF_TEXT = 4
_FUTURE, _PAST, _BOX, _BOX_FRONT, _EGO = (60, 220, 90), (250, 170, 40), (250, 220, 60), (255, 90, 60), (255, 255, 255)
_EDGES = ((0, 1), (1, 2), (2, 3), (3, 0), (4, 5), (5, 6), (6, 7), (7, 4), (0, 4), (1, 5), (2, 6), (3, 7))
_FRONT_EDGES = ((0, 3), (3, 7), (7, 4), (4, 0))


def preview_sheet(sample: Sample) -> NDArray[np.uint8]:
    """Draw a sample.

    Green is where the car went, orange where it came from, yellow a box with its front in red; LiDAR points run from
    red (near) to blue (far).

    Returns:
        (H, W, 3) uint8 RGB.

    Raises:
        MissingExtra: Pillow is not installed.
    """
    image: Any = require("PIL.Image", "data")
    frames = sample.observation.cameras
    panels = [_camera_panel(name, frame, sample) for name, frame in frames.items()]
    panels.append(_above_panel(sample))
    columns = min(3, len(panels))
    rows = [panels[start : start + columns] for start in range(0, len(panels), columns)]
    heights = [max(panel.height for panel in row) for row in rows]
    words = _words(sample, columns)
    sheet = image.new("RGB", (columns * _PANEL_PX, sum(heights) + 14 * len(words) + 8), (20, 20, 24))
    top = 0
    for row, height in zip(rows, heights, strict=True):
        for column, panel in enumerate(row):
            sheet.paste(panel, (column * _PANEL_PX, top))
        top += height
    canvas = _canvas(sheet)
    for line, text in enumerate(words):
        canvas.text((6, top + 4 + 14 * line), text, fill=(230, 230, 230))
    return np.array(sheet, dtype=np.uint8)


def _canvas(image: Any) -> Any:
    return require("PIL.ImageDraw", "data").Draw(image)


def _camera_panel(name: str, frame: CameraFrame, sample: Sample) -> Any:
    picture = require("PIL.Image", "data").fromarray(frame.image)
    scale = _PANEL_PX / picture.width
    panel = picture.resize((_PANEL_PX, round(picture.height * scale)))
    canvas = _canvas(panel)
    camera_from_ego, intrinsics = invert_rigid(frame.ego_from_camera), frame.intrinsics_px.copy()
    intrinsics[:2] *= scale
    if sample.observation.lidar is not None:
        _draw_points(canvas, camera_from_ego, intrinsics, sample.observation.lidar, panel.size)
    for thing in sample.truth.objects or ():
        for start, end, colour in _box_lines(thing):
            _draw_line(canvas, camera_from_ego, intrinsics, np.stack([start, end]), colour)
    if sample.truth.future is not None:
        way = sample.truth.future.poses[sample.truth.future.valid, :2]
        points = np.concatenate([np.zeros((1, 3)), np.pad(way, ((0, 0), (0, 1)))])
        _draw_line(canvas, camera_from_ego, intrinsics, points, _FUTURE, width=3)
    for light in sample.lights_in_image or ():
        if light.camera == name:
            canvas.rectangle((np.asarray(light.box_px) * scale).tolist(), outline=_BOX_FRONT)
            canvas.text((float(light.box_px[0]) * scale, float(light.box_px[3]) * scale), light.state.value)
    canvas.text((6, 4), name, fill=(255, 255, 255))
    return panel


def _draw_points(
    canvas: Any,
    camera_from_ego: NDArray[np.float64],
    intrinsics: NDArray[np.float64],
    sweep: LidarSweep,
    size: tuple[int, int],
) -> None:
    pixels, depth = project_points(camera_from_ego, intrinsics, sweep.points_m.astype(np.float64))
    seen = (depth > _NEAREST_M) & (pixels >= 0).all(axis=1) & (pixels < size).all(axis=1)
    for (x, y), far in zip(pixels[seen].tolist(), depth[seen].tolist(), strict=True):
        canvas.point((x, y), fill=_colour(far))


def _colour(distance_m: float) -> tuple[int, int, int]:
    share = min(distance_m / _REACH_M, 1.0)
    return (round(255 * (1 - share)), round(255 * min(2 * share, 2 - 2 * share)), round(255 * share))


def _draw_line(
    canvas: Any,
    camera_from_ego: NDArray[np.float64],
    intrinsics: NDArray[np.float64],
    points_m: NDArray[np.float64],
    colour: tuple[int, int, int],
    width: int = 1,
) -> None:
    """A line through points of the ego frame, cut where it comes too near the camera's plane."""
    optical = transform_points(camera_from_ego, points_m)
    for start, end in pairwise(optical):
        start, end = start.copy(), end.copy()
        if max(start[2], end[2]) < _NEAREST_M:
            continue
        for near, other in ((start, end), (end, start)):
            if near[2] < _NEAREST_M:
                near += (other - near) * (_NEAREST_M - near[2]) / (other[2] - near[2])
        pixels = np.stack([start, end]) @ intrinsics.T
        canvas.line((pixels[:, :2] / pixels[:, 2:]).ravel().tolist(), fill=colour, width=width)


def _box_lines(
    thing: ObjectTruth,
) -> Iterator[tuple[NDArray[np.float64], NDArray[np.float64], tuple[int, int, int]]]:
    corners = _corners(thing)
    for start, end in _EDGES:
        front = (start, end) in _FRONT_EDGES or (end, start) in _FRONT_EDGES
        yield corners[start], corners[end], _BOX_FRONT if front else _BOX


def _corners(thing: ObjectTruth) -> NDArray[np.float64]:
    """(8, 3): the bottom's front left, rear left, rear right, front right, then the top's."""
    signs = np.array([(1, 1), (-1, 1), (-1, -1), (1, -1)] * 2, dtype=np.float64)
    heights = np.repeat([-1.0, 1.0], 4)[:, None]
    return transform_points(thing.ego_from_object, np.hstack([signs, heights]) * thing.size_m / 2.0)


def _above_panel(sample: Sample) -> Any:
    panel = require("PIL.Image", "data").new("RGB", (_PANEL_PX, _PANEL_PX), (0, 0, 0))
    canvas = _canvas(panel)
    if sample.observation.lidar is not None:
        points = sample.observation.lidar.points_m
        near = points[(np.abs(points[:, :2]) < _REACH_M).all(axis=1)]
        for x, y in _pixels_from_above(near[:, :2]).tolist():
            canvas.point((x, y), fill=(90, 110, 140))
    for thing in sample.truth.objects or ():
        corners = _pixels_from_above(_corners(thing)[:4, :2])
        canvas.polygon(corners.ravel().tolist(), outline=_BOX)
        canvas.line(corners[[0, 3]].ravel().tolist(), fill=_BOX_FRONT)
    for lane in sample.truth.lanes or ():
        canvas.line(_pixels_from_above(lane.centerline_m).ravel().tolist(), fill=(70, 70, 120))
    if sample.truth.future is not None:
        way = sample.truth.future.poses[sample.truth.future.valid, :2]
        canvas.line(_pixels_from_above(np.vstack([[0.0, 0.0], way])).ravel().tolist(), fill=_FUTURE, width=2)
    if sample.observation.past is not None:
        canvas.line(_pixels_from_above(sample.observation.past.poses[:, :2]).ravel().tolist(), fill=_PAST, width=2)
    for vehicle in sample.lead or ():
        x, y = _pixels_from_above(vehicle.position_m[None])[0].tolist()
        canvas.rectangle([x - 4, y - 4, x + 4, y], outline=_BOX_FRONT)
    ego = _pixels_from_above(np.array([[3.9, 0.9], [-1.0, 0.9], [-1.0, -0.9], [3.9, -0.9]]))
    canvas.polygon(ego.ravel().tolist(), outline=_EGO)
    canvas.text((6, 4), f"from above, {2 * _REACH_M:.0f} m", fill=(255, 255, 255))
    return panel


def _pixels_from_above(xy_m: NDArray[Any]) -> NDArray[np.float64]:
    """Forward is up, left is left."""
    return (_REACH_M - np.asarray(xy_m, dtype=np.float64)[:, [1, 0]]) * (_PANEL_PX / (2 * _REACH_M))


def _words(sample: Sample, columns: int) -> list[str]:
    ego, seen = sample.observation.ego, sample.observation
    known = "no future" if sample.truth.future is None else f"{int(sample.truth.future.valid.sum())} future poses"
    lines = [
        f"{sample.source}  split {sample.source.split or '-'}  t {seen.timestamp_s:.2f} s",
        f"{ego.speed_mps:.1f} m/s  {ego.acceleration_mps2:+.1f} m/s2  {np.degrees(ego.yaw_rate_radps):+.1f} deg/s  "
        f"command {seen.command.value if seen.command else '-'}  {known}",
    ]
    questions = [f"Q {each.question}  A {each.answer}" for each in (sample.questions or ())[:2]]
    for text in (seen.instruction, sample.commentary, *questions):
        if text:
            lines += textwrap.wrap(text, width=78 * columns)[:_LINES_OF_TEXT]
    return [line.encode("ascii", "replace").decode() for line in lines]  # Pillow's own font has no more
