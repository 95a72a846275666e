"""How many samples of the nano rig are read in a second, from a drive log and from shards.

Beside them, on the same frames: a plain reader, which opens a JPEG file for each camera and a NumPy file for the sweep
as a devkit does and makes nothing of them, and the JPEG decoder by itself, from memory.
"""

from __future__ import annotations

import io
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image

from drivevla.config.sensor_rig import load_rig
from drivevla.datasets.drivelog import DriveLogReader, DriveLogWriter
from drivevla.datasets.shards import ShardReader
from drivevla.datasets.shards.packing import pack_drive_log
from drivevla.planner.control import VehicleControl
from drivevla.sim.session import open_session
from drivevla.types import Observation, Provenance, Reader, Sample, Truth

__all__ = ["driven", "record_frames", "report"]

FRAMES = 120
PROCESSES = 2
_ROUNDS = 3
_SLOWLY = VehicleControl(throttle=0.25)


def report() -> str:
    """One line for each way to read."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        record_frames(root / "log", frames=FRAMES)
        log = DriveLogReader(root / "log")
        packed = pack_drive_log(log, root / "shards")
        _unpack(log, root / "files")
        rates = {
            "drive log": _rate(_read_log, root / "log"),
            "shards": _rate(_read_shards, root / "shards"),
            "plain JPEG and NumPy files": _rate(_read_files, root / "files"),
            "JPEG decoder alone": _rate(_decode, root / "files"),
        }
        per_frame = log.stored_bytes / FRAMES
    sizes = f"{per_frame:,.0f} bytes a frame in the log, {packed.bytes_per_frame:,.0f} in shards"
    lines = [f"samples of the nano rig by {PROCESSES} processes ({sizes}; truth: poses only)"]
    return "\n".join(lines + [f"  {name:<28} {rate:6.0f} samples/s" for name, rate in rates.items()])


def record_frames(root: Path, *, frames: int, town: str = "Gen_mixed_1") -> None:
    """A drive log of a car that rolls through a town of the embedded simulator."""
    with DriveLogWriter(root, rig=load_rig("nano")).episode("drive", map_name=town) as episode:
        for time_s, observation in driven(frames, town=town):
            pose = np.eye(4)
            pose[0, 3] = 5.0 * time_s  # where it drives makes no difference to how it is read
            episode.add(
                Sample(
                    source=Provenance(dataset="bench", scene="drive", token=str(episode.frames)),
                    observation=observation,
                    truth=Truth(timestamp_s=time_s, world_from_ego=pose),
                )
            )


def driven(frames: int, *, town: str = "Gen_mixed_1") -> Iterator[tuple[float, Observation]]:
    """What a car of the rig nano sees that rolls through a town of the embedded simulator, and when."""
    with open_session(load_rig("nano"), map_name=town) as session:
        seen = 0
        while seen < frames:
            session.apply(_SLOWLY)
            snapshot = session.tick()
            if snapshot.captured:
                seen += 1
                yield snapshot.time_s, session.observation(snapshot, instruction="follow the road")


def _rate(read: Callable[[Path, int], int], root: Path) -> float:
    """Samples a second, the best of a few rounds; processes are started before the clock."""
    with ProcessPoolExecutor(PROCESSES) as pool:
        jobs = [root] * PROCESSES
        list(pool.map(read, jobs, [1] * PROCESSES))
        rates = []
        for _ in range(_ROUNDS):
            began_s = time.perf_counter()
            count = sum(pool.map(read, jobs, [FRAMES] * PROCESSES))
            rates.append(count / (time.perf_counter() - began_s))
    return max(rates)


def _read_log(root: Path, count: int) -> int:
    return _read_all(DriveLogReader(root), count)


def _read_shards(root: Path, count: int) -> int:
    return _read_all(ShardReader(root), count)


def _read_all(reader: Reader, count: int) -> int:
    tokens = np.random.default_rng(0).permutation(reader.scenes[0].tokens)[:count]
    for token in tokens:
        reader.sample(str(token))
    return len(tokens)


def _unpack(log: DriveLogReader, root: Path) -> None:
    """The same frames as files, one for each sensor."""
    root.mkdir()
    for number, token in enumerate(log.scenes[0].tokens):
        _, pictures, _ = log.encoded(token)
        sweep = log.sample(token).observation.lidar
        assert sweep is not None
        np.save(root / f"{number:04d}.npy", sweep.points_m)
        for name, data in pictures.items():
            (root / f"{number:04d}_{name}.jpg").write_bytes(data)


def _read_files(root: Path, count: int) -> int:
    sweeps = sorted(root.glob("*.npy"))[:count]
    for path in sweeps:
        np.load(path)
        for picture in root.glob(f"{path.stem}_*.jpg"):
            _decoded(picture.read_bytes())
    return len(sweeps)


def _decode(root: Path, count: int) -> int:
    frames = [[each.read_bytes() for each in root.glob(f"{number:04d}_*.jpg")] for number in range(count)]
    for frame in frames:
        for data in frame:
            _decoded(data)
    return len(frames)


def _decoded(data: bytes) -> np.ndarray:  # type: ignore[type-arg]
    with Image.open(io.BytesIO(data)) as picture:
        return np.asarray(picture)
