"""Pictures from files: whole ones, or an error that names the file."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drivevla.errors import DataError, require

__all__ = ["read_picture"]


def read_picture(path: Path, *, hint: str = "") -> NDArray[np.uint8]:
    """A JPEG or PNG as (H, W, 3) uint8 RGB.

    Args:
        path: The file.
        hint: What to do where it is missing.

    Raises:
        DataError: The file is missing, cut short or no picture.
    """
    image: Any = require("PIL.Image", "data")
    try:
        with image.open(path) as picture:
            return np.array(picture.convert("RGB"), dtype=np.uint8)
    except FileNotFoundError as error:
        raise DataError(f"{path} is missing" + (f"; {hint}" if hint else "")) from error
    except (OSError, SyntaxError, ValueError) as error:  # Pillow's words for a cut or foreign file
        raise DataError(f"{path} cannot be read as a picture: {error}") from error
