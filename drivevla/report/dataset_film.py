"""Films of recorded scenes, from any data set."""

import math
from pathlib import Path

from drivevla.errors import DataError, UserError
from drivevla.report.film import Film, drive_picture, left_to_right
from drivevla.types import Reader, Sample, Scene

__all__ = ["film_scene"]


def film_scene(reader: Reader, scene: Scene, path: Path, *, height_px: int = 256) -> int:
    """Write what the cameras and the LiDAR saw in a scene, with the words about it, as an MP4.

    It runs as fast as it was recorded, to a whole number of frames a second and at least one. Of several samples of one
    instant, such as the displaced views for recovery, only the first is shown.

    Args:
        reader: Where the scene is from.
        scene: One of the reader's.
        path: The file to write; ends in ``.mp4``.
        height_px: Height of the pictures; widths follow.

    Returns:
        How many frames there are.

    Raises:
        DataError: A file is missing or broken, or the cameras change within the scene.
        MissingExtra: The extra ``report`` is not installed.
        UserError: The scene has no sample or no camera.
    """
    times_s = _instants(reader, scene)
    if not times_s:
        raise UserError(f"{scene.name} has no sample to film")
    order = left_to_right(reader.sample(scene.tokens[0]).observation)
    if not order:
        raise UserError(f"{scene.name} has no camera to film")
    with Film(path, rate_hz=_rate_hz(list(times_s.values()))) as film:
        for token in times_s:
            sample = reader.sample(token)
            seen = sample.observation
            if set(seen.cameras) != set(order):
                raise DataError(
                    f"{token} has the cameras {sorted(seen.cameras)}, {scene.tokens[0]} has {sorted(order)}"
                )
            film.add(drive_picture(seen, order=order, lines=_lines(scene, sample), height_px=height_px))
    return len(times_s)


def _instants(reader: Reader, scene: Scene) -> dict[str, float]:
    """The times of the samples to show. They give the film its rate, so they are read ahead of it."""
    times_s: dict[str, float] = {}
    latest_s = -math.inf
    for token in scene.tokens:
        time_s = reader.sample(token).observation.timestamp_s
        if time_s > latest_s:
            times_s[token] = latest_s = time_s
    return times_s


def _rate_hz(times_s: list[float]) -> int:
    if len(times_s) == 1:
        return 1
    return max(1, round((len(times_s) - 1) / (times_s[-1] - times_s[0])))


def _lines(scene: Scene, sample: Sample) -> tuple[str, str, str]:
    """Always three, as all pictures of a film are equally high."""
    seen = sample.observation
    now = f"{scene.name}   {seen.timestamp_s:.1f} s   {seen.ego.speed_mps:.1f} m/s"
    return now, seen.instruction or "", sample.commentary or ""
