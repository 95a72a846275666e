"""What a drive looked like: a strip of pictures for the report in any case, a film where one is asked for."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drivevla.errors import require
from drivevla.report.film import Film, chinese_font_file, drive_picture, left_to_right
from drivevla.runs.atomic import write_text_atomically
from drivevla.types import Observation, Plan, SensorRig

__all__ = ["STRIP_FILE", "VIDEO_FILE", "Pictures", "check_can_picture", "pictures_of"]

STRIP_FOLDER = "strip"
STRIP_FILE = f"{STRIP_FOLDER}/strip.json"
VIDEO_FILE = "video.mp4"
STRIP_EVERY_S = 5.0
JPEG_QUALITY = 80
VIDEO_HEIGHT_PX = 256
STRIP_HEIGHT_PX = 160


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Seen:
    observation: Observation
    plan: Plan
    lines: tuple[str, ...]


class Pictures:
    """Takes pictures of what a policy saw and planned. A rig without a camera gives none.

    Args:
        folder: The drive's folder.
        rig: Whose cameras; in its order, from left to right as they look.
        film: Grows by a frame at each capture, where one is asked for.
    """

    def __init__(self, folder: Path, rig: SensorRig, film: Film | None) -> None:
        self._folder, self._film = folder / STRIP_FOLDER, film
        self._order = left_to_right(rig)
        self._strip: list[dict[str, Any]] = []
        self._recent: deque[_Seen] = deque(maxlen=4)
        self._due_s = 0.0

    def see(self, observation: Observation, plan: Plan, lines: Sequence[str]) -> None:
        """Take one capture."""
        if not self._order:
            return
        seen = _Seen(observation=observation, plan=plan, lines=tuple(lines))
        self._recent.append(seen)
        if self._film is not None:
            self._film.add(self._picture(seen, VIDEO_HEIGHT_PX))
        if observation.timestamp_s >= self._due_s:
            self._due_s += STRIP_EVERY_S
            self._keep(seen, "interval", ())

    def infraction(self, time_s: float, messages: Sequence[str]) -> None:
        """Keep what was seen last before an infraction."""
        before = [seen for seen in self._recent if seen.observation.timestamp_s <= time_s]
        if before:
            self._keep(before[-1], "infraction", messages)

    def _keep(self, seen: _Seen, why: str, messages: Sequence[str]) -> None:
        name = f"{seen.observation.timestamp_s:08.2f}.jpg"
        lines = [*messages, *seen.lines]
        if all(kept["file"] != name for kept in self._strip):
            self._folder.mkdir(exist_ok=True)
            picture = require("PIL.Image", "report").fromarray(self._picture(seen, STRIP_HEIGHT_PX))
            picture.save(self._folder / name, quality=JPEG_QUALITY)
        self._strip.append({"file": name, "time_s": seen.observation.timestamp_s, "why": why, "lines": lines})

    def _picture(self, seen: _Seen, height_px: int) -> Any:
        lines = seen.lines if height_px == VIDEO_HEIGHT_PX else ()
        return drive_picture(seen.observation, order=self._order, lines=lines, plan=seen.plan, height_px=height_px)

    def finish(self) -> None:
        """Write the list of the strip."""
        if self._strip:
            content = json.dumps(self._strip, indent=2, ensure_ascii=False)
            write_text_atomically(self._folder.parent / STRIP_FILE, content)


@contextmanager
def pictures_of(folder: Path, rig: SensorRig, *, video: bool) -> Iterator[Pictures]:
    """The pictures of one drive, finished when the context ends."""
    with ExitStack() as stack:
        film = stack.enter_context(Film(folder / VIDEO_FILE, rate_hz=round(rig.capture_hz))) if video else None
        pictures = Pictures(folder, rig, film)
        try:
            yield pictures
        finally:
            pictures.finish()


def check_can_picture(rig: SensorRig, *, video: bool) -> None:
    """Make sure before a run that its pictures can be taken.

    Raises:
        MissingExtra: A package is missing.
    """
    if rig.cameras:
        require("PIL.Image", "report")
    if video:
        require("av", "report")
        chinese_font_file()
