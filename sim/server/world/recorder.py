"""Recordings of the world: every snapshot as clients receive it, one after the other.

The file begins with ``MAGIC``; then for each tick a uint32 length (little-endian) and the world message: sensor header,
world header, actor records (``drivevla.sim.server.wire.records``). It is not CARLA's own log, and cannot be replayed.
"""

import struct
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from drivevla.config.places import home
from drivevla.errors import SimulatorError

__all__ = ["MAGIC", "Recorder", "recordings_folder"]

MAGIC = b"DriveVLA world states 1\n"


def recordings_folder() -> Path:
    """Where recordings are written."""
    return home() / "recordings"


class Recorder:
    """One recording.

    Args:
        name: File name, or a path below the recordings folder.

    Raises:
        SimulatorError: The name leads out of the folder, or the file cannot be written.
    """

    def __init__(self, name: str) -> None:
        relative = PurePosixPath(name)
        if not name or relative.is_absolute() or ".." in relative.parts:
            raise SimulatorError(f"recordings are written below {recordings_folder()}; give a name in it, not {name!r}")
        self.path = recordings_folder() / relative
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self.path.open("wb")
        except OSError as error:
            raise SimulatorError(f"cannot record to {self.path}: {error}") from error
        self._file.write(MAGIC)

    def write(self, message: Sequence[bytes]) -> None:
        """Add one tick's world message."""
        self._file.write(struct.pack("<I", sum(len(part) for part in message)))
        for part in message:
            self._file.write(part)

    def close(self) -> None:
        """End the recording."""
        self._file.close()
