"""Where the files of a clip lie, and its annotations.

Source: Bench2Drive, docs/anno.md and docs/dataset.md; its recorder ``team_code/data_collect.py``.
"""

import gzip
import json
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from drivevla.errors import DataError

__all__ = ["CAMERAS", "RATE_HZ", "Clip", "find_clips"]

RATE_HZ = 10.0
CAMERAS = {
    "CAM_FRONT": "rgb_front",
    "CAM_FRONT_LEFT": "rgb_front_left",
    "CAM_FRONT_RIGHT": "rgb_front_right",
    "CAM_BACK": "rgb_back",
    "CAM_BACK_LEFT": "rgb_back_left",
    "CAM_BACK_RIGHT": "rgb_back_right",
}
"""The folder of each camera's pictures."""
LONGEST_ANNOTATION_BYTES = 64 * 2**20
"""Unpacked; a real one has a few hundred kilobytes."""
_NAME = re.compile(r"(?P<scenario>\w+?)_(?P<town>Town\w+?)_Route(?P<route>\d+)_Weather(?P<weather>\d+)")


class Clip:
    """One folder ``Scenario_TownXX_RouteN_WeatherM``.

    Args:
        root: The data set's folder.
        path: The clip's.
    """

    def __init__(self, root: Path, path: Path) -> None:
        self.root, self.path = root, path
        self.name = str(path.relative_to(root)) if path != root else path.name
        said = _NAME.fullmatch(path.name)
        self.scenario = said["scenario"] if said else None
        self.town = said["town"] if said else None
        self.weather = said["weather"] if said else None

    def frames(self) -> tuple[int, ...]:
        """The numbers of all annotations, in order."""
        return tuple(sorted(int(path.name[:5]) for path in (self.path / "anno").glob("[0-9]" * 5 + ".json.gz")))

    def annotation_file(self, frame: int) -> Path:
        """The annotation of a frame."""
        return self.path / "anno" / f"{frame:05d}.json.gz"

    def picture(self, camera: str, frame: int) -> Path:
        """The picture of a camera."""
        return self.path / "camera" / CAMERAS[camera] / f"{frame:05d}.jpg"

    def sweep(self, frame: int) -> Path:
        """The LiDAR sweep."""
        return self.path / "lidar" / f"{frame:05d}.laz"

    def annotation(self, frame: int) -> Mapping[str, Any]:
        """What stands in a frame's annotation.

        Raises:
            DataError: The file is missing, cut short, too long or no JSON object.
        """
        path = self.annotation_file(frame)
        try:
            with gzip.open(path, "rb") as file:
                text = file.read(LONGEST_ANNOTATION_BYTES + 1)
            content = json.loads(text) if len(text) <= LONGEST_ANNOTATION_BYTES else None
        except FileNotFoundError as error:
            raise DataError(f"{path} is missing") from error
        except (OSError, EOFError) as error:  # gzip's words for foreign and for cut files
            raise DataError(f"{path} is cut short or not packed with gzip: {error}") from error
        except ValueError as error:
            raise DataError(f"{path} is no JSON: {error}") from error
        if not isinstance(content, dict):
            raise DataError(f"{path} must hold a JSON object of at most {LONGEST_ANNOTATION_BYTES} bytes")
        return content


def find_clips(root: Path) -> tuple[Clip, ...]:
    """Every clip in a folder, or the one that the folder is."""
    paths = [path.parent for path in sorted([*root.glob("anno"), *root.glob("*/anno"), *root.glob("*/*/anno")])]
    return tuple(
        Clip(root, path)
        for path in paths
        if path.is_dir() and next((path / "anno").glob("*.json.gz"), None) is not None
    )


def known_number(content: Mapping[str, Any], name: str) -> float | None:
    """A number of an annotation, None where it is null or NaN, as its recorder writes what it does not know.

    Raises:
        DataError: It is missing or no number.
    """
    value = content.get(name, "missing")
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise DataError(f"{name} must be a number or null, got {value!r}")
    return float(value) if math.isfinite(value) else None
