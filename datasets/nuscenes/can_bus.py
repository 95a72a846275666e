"""The car's own sensors, where the CAN bus expansion lies beside the data."""

from pathlib import Path
from typing import Any

import numpy as np

from drivevla.errors import DataError, require
from drivevla.types import EgoState

__all__ = ["CanBus"]

_OLDEST_S = 0.1  # messages come every 20 ms


class CanBus:
    """Messages of the folder ``can_bus``, one scene kept at a time.

    Args:
        root: The data set's folder.
    """

    def __init__(self, root: Path) -> None:
        self._api: Any = require("nuscenes.can_bus.can_bus_api", "nuscenes").NuScenesCanBus(dataroot=str(root))
        self._scene = ""
        self._messages: list[dict[str, Any]] = []

    def ego_state(self, scene: str, timestamp_us: int) -> EgoState | None:
        """How the car moved, by the newest message up to then; None where the scene or the instant has none.

        The steering is left out: the bus reports the steering wheel, and the gear to the road wheels is not known.

        Raises:
            DataError: The scene's file is broken.
        """
        if scene != self._scene:
            self._messages, self._scene = self._read(scene), scene
        times_us = np.array([int(message["utime"]) for message in self._messages], dtype=np.int64)
        newest = int(np.searchsorted(times_us, timestamp_us, side="right")) - 1
        if newest < 0 or timestamp_us - times_us[newest] > _OLDEST_S * 1e6:
            return None
        message = self._messages[newest]
        return EgoState(
            speed_mps=message["vel"][0],
            acceleration_mps2=message["accel"][0],
            yaw_rate_radps=message["rotation_rate"][2],
        )

    def _read(self, scene: str) -> list[dict[str, Any]]:
        if int(scene[-4:]) in self._api.can_blacklist:
            return []
        path = Path(self._api.can_dir) / f"{scene}_pose.json"
        if not path.exists():
            return []
        try:
            messages: list[dict[str, Any]] = self._api.get_messages(scene, "pose")
        except (ValueError, KeyError) as error:
            raise DataError(f"{path} is no list of CAN messages: {error}") from error
        return sorted(messages, key=lambda message: int(message["utime"]))
