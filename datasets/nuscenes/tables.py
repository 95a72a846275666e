"""Writing nuScenes' tables: tokens, chains, and the records that every data set begins with.

Source: nuScenes documentation ("nuScenes schema").
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drivevla.datasets.nuscenes.layout import LIDAR, TABLES, VISIBILITY
from drivevla.errors import require
from drivevla.geometry.nuscenes import record_from_transform

__all__ = ["TableWriter", "token_of", "write_json", "write_picture"]

MAP_FILE = "maps/none.png"


def token_of(*parts: object) -> str:
    """32 hexadecimal digits, the same for the same parts."""
    return hashlib.md5("/".join(map(str, parts)).encode(), usedforsecurity=False).hexdigest()


class TableWriter:
    """Collects records and writes one file a table.

    Args:
        locations: Where the drives were; one log each.
        date: "2020-09-13".
    """

    def __init__(self, locations: Iterable[str], *, date: str) -> None:
        self.tables: dict[str, list[dict[str, Any]]] = {name: [] for name in TABLES}
        for location in locations:
            self.add(
                "log",
                token=token_of("log", location),
                logfile=f"n000-{date}-12-26-40+0000",
                vehicle="n000",
                date_captured=date,
                location=location,
            )
        logs = [record["token"] for record in self.tables["log"]]
        self.add("map", token=token_of("map"), category="semantic_prior", filename=MAP_FILE, log_tokens=logs)
        self.add("attribute", token=token_of("attribute"), name="vehicle.moving", description="It moves.")
        for token, level in enumerate(VISIBILITY, 1):
            self.add("visibility", token=str(token), level=level, description=level)

    def add(self, table: str, **record: Any) -> None:
        """Add one record."""
        self.tables[table].append(record)

    def chain(self, table: str, records: list[dict[str, Any]]) -> None:
        """Add records that name the one before and the one after."""
        for index, record in enumerate(records):
            record["prev"] = records[index - 1]["token"] if index else ""
            record["next"] = records[index + 1]["token"] if index + 1 < len(records) else ""
        self.tables[table].extend(records)

    def sensor(self, channel: str) -> str:
        """The token of a sensor, added when it is first named."""
        token = token_of("sensor", channel)
        if all(record["token"] != token for record in self.tables["sensor"]):
            self.add("sensor", token=token, channel=channel, modality="lidar" if channel == LIDAR else "camera")
        return token

    def calibration(
        self, token: str, channel: str, ego_from_sensor: NDArray[np.float64], intrinsics_px: NDArray[np.float64] | None
    ) -> None:
        """Add where a sensor is mounted; a LiDAR has no intrinsics."""
        translation, rotation = record_from_transform(ego_from_sensor)
        self.add(
            "calibrated_sensor",
            token=token,
            sensor_token=self.sensor(channel),
            translation=translation.tolist(),
            rotation=rotation.tolist(),
            camera_intrinsic=[] if intrinsics_px is None else intrinsics_px.tolist(),
        )

    def pose(self, token: str, timestamp_us: int, world_from_ego: NDArray[np.float64]) -> None:
        """Add where the car was."""
        translation, rotation = record_from_transform(world_from_ego)
        self.add(
            "ego_pose",
            token=token,
            timestamp=timestamp_us,
            rotation=rotation.tolist(),
            translation=translation.tolist(),
        )

    def write(self, root: Path, version: str, *, more: Mapping[str, Any]) -> None:
        """Write all tables, the map's picture that the devkit insists on, and further files beside the tables."""
        for name, records in [*self.tables.items(), *more.items()]:
            write_json(root / version / f"{name}.json", records)
        write_picture(root / MAP_FILE, np.zeros((8, 8, 3), dtype=np.uint8))


def write_json(path: Path, value: object) -> None:
    """One JSON file; its folder is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value))


def write_picture(path: Path, image: NDArray[np.uint8]) -> None:
    """One picture, its format by the file's ending; its folder is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    quality = {"quality": 95} if path.suffix == ".jpg" else {}
    require("PIL.Image", "data").fromarray(image).save(path, **quality)
