"""Where everything of a drive log lies: LeRobot v3's layout, and beside it what LeRobot has no place for.

::

    meta/info.json                              features, counts, path templates
    meta/stats.json                             statistics of every feature
    meta/tasks.parquet                          every instruction by number
    meta/episodes/chunk-000/file-000.parquet    an episode: name, length, where its rows are, its statistics
    meta/drivelog.json                          ours: version, rig, how sensors are stored
    data/chunk-000/file-000.parquet             frames: JPEG pictures, ego state, time, instruction's number
    truth/chunk-000/file-000.parquet            ours: what is true and what was said, a row a frame
    lidar/chunk-000/file-000.bin                ours: sweeps, one after the other; their places are in truth/
    motion/chunk-000/file-000.parquet           ours: poses between frames, where they were recorded
    staging/                                    ours: episodes that are being recorded

Facts of the layout: huggingface/lerobot, ``src/lerobot/datasets`` (``utils.py``, ``dataset_metadata.py``,
``io_utils.py``), codebase version v3.0. Several episodes may share a file there; the writer gives each its own, so that
one appears in a single step.
"""

from dataclasses import dataclass
from pathlib import Path

__all__ = [
    "DATA_PATH",
    "FILES_PER_CHUNK",
    "FORMAT",
    "INFO",
    "LEROBOT_VERSION",
    "MARK",
    "STAGING",
    "STATS",
    "TASKS",
    "EpisodeFiles",
    "episode_tables",
]

FORMAT = 1
"""Ours, of what lies beside LeRobot's tables."""

LEROBOT_VERSION = "v3.0"
FILES_PER_CHUNK = 1000
DATA_PATH = "data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet"

INFO, STATS, TASKS = Path("meta/info.json"), Path("meta/stats.json"), Path("meta/tasks.parquet")
MARK = Path("meta/drivelog.json")
STAGING = Path("staging")
_EPISODES = Path("meta/episodes")


@dataclass(frozen=True, slots=True)
class EpisodeFiles:
    """The files of the episode with a number, relative to the log's folder.

    Attributes:
        number: Counted from 0 over all episodes.
    """

    number: int

    @property
    def chunk(self) -> int:
        """Number of the sub-folder."""
        return self.number // FILES_PER_CHUNK

    @property
    def file(self) -> int:
        """Number within it."""
        return self.number % FILES_PER_CHUNK

    @property
    def episode(self) -> Path:
        """The row that makes it part of the log: written last."""
        return self._path(_EPISODES, "parquet")

    @property
    def data(self) -> Path:
        """Frames."""
        return self._path(Path("data"), "parquet")

    @property
    def truth(self) -> Path:
        """What is true."""
        return self._path(Path("truth"), "parquet")

    @property
    def lidar(self) -> Path:
        """Sweeps."""
        return self._path(Path("lidar"), "bin")

    @property
    def motion(self) -> Path:
        """Poses between frames."""
        return self._path(Path("motion"), "parquet")

    @property
    def contents(self) -> dict[str, Path]:
        """All but the episode's own row, by what they are called while they are staged."""
        return {
            "data.parquet": self.data,
            "truth.parquet": self.truth,
            "lidar.bin": self.lidar,
            "motion.parquet": self.motion,
        }

    def _path(self, folder: Path, suffix: str) -> Path:
        return folder / f"chunk-{self.chunk:03d}" / f"file-{self.file:03d}.{suffix}"


def episode_tables(root: Path) -> list[Path]:
    """The tables of episodes, in order."""
    return sorted((root / _EPISODES).glob("chunk-*/file-*.parquet"))
