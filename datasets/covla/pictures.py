"""A frame's picture, however the release brings it: unpacked PNG, an archive of PNGs, or a film."""

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drivevla.datasets.covla.layout import Layout
from drivevla.datasets.pictures import read_picture
from drivevla.errors import DataError, require
from drivevla.geometry.covla import RATE_HZ

__all__ = ["frame_picture"]


def frame_picture(layout: Layout, scene: str, frame: int) -> NDArray[np.uint8]:
    """(H, W, 3) uint8 RGB.

    Raises:
        DataError: The scene has no pictures in any form, or this one is missing or broken.
        MissingExtra: Films need PyAV.
    """
    path = layout.picture(scene, frame)
    if path.parent.is_dir():
        return read_picture(path)
    packed = layout.picture_in_archive(scene, frame)
    if packed is not None:
        image: Any = require("PIL.Image", "data")
        try:
            with image.open(io.BytesIO(packed)) as picture:
                return np.array(picture.convert("RGB"), dtype=np.uint8)
        except (OSError, SyntaxError) as error:
            raise DataError(f"{layout.archive(scene)}: {frame:04d}.png is no picture: {error}") from error
    return _frame_of_film(layout, scene, frame)


def _frame_of_film(layout: Layout, scene: str, frame: int) -> NDArray[np.uint8]:
    path = layout.video(scene)
    if not path.exists():
        raise DataError(f"scene {scene} has no pictures: no {path}, no images; read without them with camera=False")
    av: Any = require("av", "data")
    try:
        with av.open(str(path)) as film:
            stream = film.streams.video[0]
            film.seek(int(frame / RATE_HZ / stream.time_base), stream=stream)
            for picture in film.decode(stream):
                if round(picture.time * RATE_HZ) == frame:
                    return np.asarray(picture.to_ndarray(format="rgb24"), dtype=np.uint8)
    except av.FFmpegError as error:
        raise DataError(f"{path} cannot be decoded at frame {frame}: {error}") from error
    raise DataError(f"{path} ends before frame {frame}")
