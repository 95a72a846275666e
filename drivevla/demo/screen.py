"""One picture of the drive: cameras above, the view from above and the words below; a frame of the film."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from drivevla.errors import require
from drivevla.report.film import camera_panel, caption_font, is_chinese, panel_from_above

if TYPE_CHECKING:
    from PIL.Image import Image

    from drivevla.types import Observation, Plan

__all__ = ["Line", "Panels", "panels_of", "screen_picture"]

WIDTH_PX, CAMERA_PX, LOWER_PX = 1280, 212, 320
BACKGROUND = (18, 20, 24)
INK, QUIET, GOOD, BAD, ACCENT = (238, 238, 238), (150, 156, 165), (98, 200, 130), (240, 110, 100), (255, 160, 70)
COLOURS = {"": INK, "quiet": QUIET, "good": GOOD, "bad": BAD, "accent": ACCENT}
_MARGIN_PX, _GAP_PX = 20, 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of words.

    Attributes:
        text: What it says; cut where it is too long.
        size_px: Height of its letters.
        tone: A name of ``COLOURS``.
    """

    text: str
    size_px: int = 16
    tone: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Panels:
    """The pictures of one instant, as Pillow images.

    Attributes:
        cameras: Side by side from left to right, with the plan on the road; None for a rig without cameras.
        above: The LiDAR from above, with the plan.
    """

    cameras: Image | None
    above: Image


def panels_of(observation: Observation, plan: Plan | None, *, order: Sequence[str]) -> Panels:
    """Draw what the car sees and plans.

    Args:
        observation: What it saw.
        plan: What it plans.
        order: Cameras from left to right.
    """
    above = panel_from_above(observation, plan, LOWER_PX)
    if not order:
        return Panels(cameras=None, above=above)
    pil = require("PIL.Image", "report")
    shown = [camera_panel(observation.cameras[name], plan, CAMERA_PX) for name in order]
    strip = pil.new("RGB", (sum(each.width for each in shown) + 2 * (len(shown) - 1), CAMERA_PX), BACKGROUND)
    x = 0
    for each in shown:
        strip.paste(each, (x, 0))
        x += each.width + 2
    return Panels(cameras=strip, above=above)


def screen_picture(panels: Panels, lines: Sequence[Line]) -> NDArray[np.uint8]:
    """The whole frame.

    Args:
        panels: What the car sees.
        lines: Words beside the view from above.

    Returns:
        (532, 1280, 3) uint8 RGB; without cameras (320, 1280, 3).
    """
    pil, draw_module = require("PIL.Image", "report"), require("PIL.ImageDraw", "report")
    top = 0 if panels.cameras is None else CAMERA_PX
    picture = pil.new("RGB", (WIDTH_PX, top + LOWER_PX), BACKGROUND)
    if panels.cameras is not None:
        strip = panels.cameras
        if strip.width > WIDTH_PX:
            strip = strip.resize((WIDTH_PX, round(strip.height * WIDTH_PX / strip.width)))
        picture.paste(strip, ((WIDTH_PX - strip.width) // 2, 0))
    picture.paste(panels.above, (0, top))
    draw = draw_module.Draw(picture)
    y = top + _MARGIN_PX
    for line in lines:
        font = caption_font(chinese=is_chinese(line.text), size_px=line.size_px)
        room_px = WIDTH_PX - LOWER_PX - 2 * _MARGIN_PX
        draw.text(
            (LOWER_PX + _MARGIN_PX, y), _cut(line.text, font, room_px), fill=COLOURS[line.tone], font=font, anchor="la"
        )
        y += line.size_px + _GAP_PX
    return np.asarray(picture, dtype=np.uint8)


def _cut(text: str, font: Any, room_px: int) -> str:
    if font.getlength(text) <= room_px:
        return text
    while text and font.getlength(text + "…") > room_px:
        text = text[:-1]
    return text + "…"
