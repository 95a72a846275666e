"""Films of drives: what the car saw, its LiDAR from above, its plan and a line of words, encoded as H.264."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from drivevla.errors import require
from drivevla.geometry import invert_rigid, transform_points
from drivevla.types import CameraFrame, Observation, Plan, SensorRig

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = [
    "Film",
    "camera_panel",
    "caption_font",
    "chinese_font_file",
    "drive_picture",
    "is_chinese",
    "left_to_right",
    "panel_from_above",
]

BEV_RANGE_M = 40.0
BACKGROUND, ROAD, RAISED, PLAN_COLOUR = (18, 20, 24), (105, 115, 130), (130, 190, 255), (255, 140, 40)
CAPTION_PX = 22
LETTER_PX = 15
FIRST_CHINESE = "\u2e80"
"""From here on Unicode holds the signs of Chinese, its punctuation and wide letters, which Pillow's own font lacks."""
SIMPLIFIED_FACE, REGULAR_WEIGHT = 2, 400
"""Noto Sans CJK is one file with a face for each way of writing; its default weight is the thinnest."""
SEAM_PX = 2
"""Between two cameras: their pictures overlap, and without a seam they read as one bent picture."""
CRF = "27"
"""H.264's quality: half the bytes of its default, 23, and no difference that shows in pictures of this size."""
PLAN_STEPS, NEAREST_M = 60, 0.5
RAISED_M = 0.3
"""Returns higher than this above the ground under the car are drawn bright: cars and walls stand out, kerbs do not."""


def drive_picture(
    observation: Observation,
    *,
    order: Sequence[str],
    lines: Sequence[str] = (),
    plan: Plan | None = None,
    height_px: int = 256,
) -> NDArray[np.uint8]:
    """One picture of an instant: cameras side by side, the LiDAR from above, lines of text below.

    Args:
        observation: What the car saw.
        order: Cameras from left to right.
        lines: What to write below.
        plan: Drawn on the road in every picture, and over the view from above.
        height_px: Height of the pictures; widths follow.

    Returns:
        (H, W, 3) uint8 RGB with even sides, as video encoders want them.
    """
    pil = require("PIL.Image", "report")
    panels = [camera_panel(observation.cameras[name], plan, height_px) for name in order]
    panels.append(panel_from_above(observation, plan, height_px))
    width = sum(panel.width for panel in panels) + SEAM_PX * len(order)
    picture = pil.new("RGB", (width + width % 2, height_px + CAPTION_PX * len(lines) + height_px % 2), BACKGROUND)
    x = 0
    for panel in panels:
        picture.paste(panel, (x, 0))
        x += panel.width + SEAM_PX
    _write(picture, lines, top_px=height_px)
    return np.asarray(picture, dtype=np.uint8)


def left_to_right(seen: SensorRig | Observation) -> tuple[str, ...]:
    """The cameras by where they look: what lies to the left of the car first, what lies behind it last."""

    def side(name: str) -> tuple[bool, float]:
        forward_x, forward_y = seen.cameras[name].ego_from_camera[:2, 2].tolist()
        return forward_x < -0.1, -forward_y

    return tuple(sorted(seen.cameras, key=side))


def chinese_font_file() -> Path:
    """The file of Noto Sans CJK, which a package carries.

    Raises:
        MissingExtra: The package is not installed.
    """
    (place,) = require("manimgx_fonts_cjk", "report").__path__
    return Path(place) / "NotoSansCJK-VF.otf.ttc"


def is_chinese(text: str) -> bool:
    """Whether a text holds signs that only the Chinese font has."""
    return any(sign >= FIRST_CHINESE for sign in text)


class Film:
    """An MP4 that grows frame by frame. A context: leaving it finishes the file.

    Args:
        path: Where to write.
        rate_hz: Frames a second.
    """

    def __init__(self, path: Path, *, rate_hz: int) -> None:
        self._av = require("av", "report")
        self._path, self._rate_hz = path, rate_hz
        self._container: Any = None

    def __enter__(self) -> Film:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._container is not None:
            for packet in self._stream.encode():
                self._container.mux(packet)
            self._container.close()

    def add(self, picture: NDArray[np.uint8]) -> None:
        """Append (H, W, 3) RGB; all frames have the size of the first."""
        if self._container is None:
            self._container = self._av.open(str(self._path), "w")
            self._stream = self._container.add_stream("libx264", rate=self._rate_hz, options={"crf": CRF})
            self._stream.height, self._stream.width = picture.shape[:2]
            self._stream.pix_fmt = "yuv420p"
        frame = self._av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
        for packet in self._stream.encode(frame):
            self._container.mux(packet)


def camera_panel(frame: CameraFrame, plan: Plan | None, height_px: int) -> Image:
    """One camera's picture with the plan on the road, as far as it lies in sight; a Pillow image."""
    pil, draw_module = require("PIL.Image", "report"), require("PIL.ImageDraw", "report")
    picture = pil.fromarray(frame.image)
    scale = height_px / picture.height
    picture = picture.resize((round(picture.width * scale), height_px))
    if plan is not None:
        line = _on_picture(frame, plan) * scale
        if len(line) > 1:
            draw_module.Draw(picture).line([tuple(point) for point in line.tolist()], fill=PLAN_COLOUR, width=3)
    return picture


def _on_picture(frame: CameraFrame, plan: Plan) -> NDArray[np.float64]:
    """(N, 2) pixels of the plan on level ground, from where it comes into sight."""
    way = np.concatenate([np.zeros((1, 2)), plan.waypoints[:, :2]])
    even = np.linspace(0, len(way) - 1, PLAN_STEPS)
    ground = np.stack([*(np.interp(even, np.arange(len(way)), column) for column in way.T), np.zeros(PLAN_STEPS)], -1)
    seen = transform_points(invert_rigid(frame.ego_from_camera), ground)
    pixels = seen[seen[:, 2] > NEAREST_M] @ frame.intrinsics_px.T
    return pixels[:, :2] / pixels[:, 2:]


def panel_from_above(observation: Observation, plan: Plan | None, size_px: int) -> Image:
    """The LiDAR with the car in the middle, forward up, and the plan over it; a square Pillow image."""
    pil, draw_module = require("PIL.Image", "report"), require("PIL.ImageDraw", "report")
    canvas = np.full((size_px, size_px, 3), BACKGROUND, dtype=np.uint8)
    if observation.lidar is not None:
        points = observation.lidar.points_m
        row, column = _pixels(points[:, :2], size_px)
        inside = (row >= 0) & (row < size_px) & (column >= 0) & (column < size_px)
        raised = points[:, 2] > RAISED_M
        for chosen, colour in ((inside & ~raised, ROAD), (inside & raised, RAISED)):
            canvas[row[chosen], column[chosen]] = colour
    picture = pil.fromarray(canvas)
    draw = draw_module.Draw(picture)
    if plan is not None:
        row, column = _pixels(np.concatenate([np.zeros((1, 2)), plan.waypoints[:, :2]]), size_px)
        draw.line(list(zip(column.tolist(), row.tolist(), strict=True)), fill=PLAN_COLOUR, width=3)
    corners_row, corners_column = _pixels(np.array([[-1.0, 0.9], [3.9, -0.9]]), size_px)
    draw.rectangle((corners_column[0], corners_row[1], corners_column[1], corners_row[0]), fill=(240, 240, 240))
    return picture


def _pixels(xy_m: NDArray[Any], size_px: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    scale = size_px / (2 * BEV_RANGE_M)
    row = np.floor((BEV_RANGE_M - xy_m[:, 0]) * scale).astype(np.int64)
    column = np.floor((BEV_RANGE_M - xy_m[:, 1]) * scale).astype(np.int64)
    return row, column


def _write(picture: Image, lines: Sequence[str], *, top_px: int) -> None:
    draw = require("PIL.ImageDraw", "report").Draw(picture)
    for number, line in enumerate(lines):
        middle_px = top_px + CAPTION_PX * (number + 0.5)
        font = caption_font(chinese=is_chinese(line))
        draw.text((8, middle_px), line, fill=(235, 235, 235), font=font, anchor="lm")


@lru_cache
def caption_font(*, chinese: bool, size_px: int = LETTER_PX) -> Any:
    """The font of words in pictures: Pillow's own, or one that has the signs of Chinese."""
    font_module = require("PIL.ImageFont", "report")
    if not chinese:
        return font_module.load_default(size=size_px)
    font = font_module.truetype(str(chinese_font_file()), size_px, index=SIMPLIFIED_FACE)
    font.set_variation_by_axes([REGULAR_WEIGHT])
    return font
