"""Pictures and films inside a page: as data, so that the page can be moved and mailed."""

import base64
import io
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drivevla.errors import DataError, require

__all__ = ["jpeg_uri", "mp4_uri", "picture_uri"]


def jpeg_uri(picture: NDArray[np.uint8], *, width_px: int, quality: int = 72) -> str:
    """An (H, W, 3) RGB picture as a JPEG in a ``data:`` address, never wider than asked for."""
    return _encoded(require("PIL.Image", "report").fromarray(picture), width_px, quality)


def picture_uri(path: Path, *, width_px: int, quality: int = 72) -> str:
    """A picture file as a JPEG in a ``data:`` address, never wider than asked for.

    Raises:
        DataError: The file is missing or no picture.
    """
    pil = require("PIL.Image", "report")
    try:
        with pil.open(path) as picture:
            return _encoded(picture.convert("RGB"), width_px, quality)
    except OSError as error:
        raise DataError(f"{path} is no picture that can be read: {error}") from error


def mp4_uri(path: Path) -> str:
    """A film as it is, in a ``data:`` address."""
    return "data:video/mp4;base64," + base64.b64encode(path.read_bytes()).decode()


def _encoded(picture: Any, width_px: int, quality: int) -> str:
    if picture.width > width_px:
        picture = picture.resize((width_px, max(round(picture.height * width_px / picture.width), 1)))
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=quality, optimize=True)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()
