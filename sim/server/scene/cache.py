"""Built scenes on disk: arrays and JSON in one ``.npz`` under ``$DRIVEVLA_HOME``, nothing that is executed.

The key is a hash of the map's text, the seed and the source of this package, so that a change of either builds anew. A
damaged or foreign file counts as absent; files are written beside their place and moved into it.
"""

import hashlib
import json
import logging
import os
import zipfile
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drivevla.config.places import cache_folder
from drivevla.sim.maps.source import MapSource
from drivevla.sim.server.pose import Pose
from drivevla.sim.server.scene.ground import GroundSurface
from drivevla.sim.server.scene.mesh import Label, Material, SceneMesh
from drivevla.sim.server.scene.obstacles import StaticObstacles
from drivevla.sim.server.scene.scene import LightGroup, SceneObject, Signal, StreetLight, TriggerBox

__all__ = ["SceneParts", "cache_path", "load_parts", "store_parts"]

_MOST_FILES = 32
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class SceneParts:
    """A scene without its map: what building it costs time for."""

    mesh: SceneMesh
    ground: GroundSurface
    obstacles: StaticObstacles
    signals: tuple[Signal, ...]
    light_groups: tuple[LightGroup, ...]
    spawn_points: tuple[Pose, ...]
    navmesh: bytes
    objects: tuple[SceneObject, ...]
    street_lights: tuple[StreetLight, ...]


_ARRAYS = {
    "mesh": ("vertices_m", "uv_m", "triangles", "material", "label", "object_id"),
    "ground": ("vertices_m", "triangles", "is_land"),
    "obstacles": ("center_m", "half_extent_m", "yaw_deg", "object_id", "label"),
}


def cache_path(source: MapSource, *, seed: int) -> Path:
    """Where the scene of this map and seed is kept."""
    digest = hashlib.sha256()
    for part in (source.name, source.opendrive, str(seed), _code_digest()):
        digest.update(part.encode())
        digest.update(b"\0")
    return cache_folder() / "scenes" / f"{digest.hexdigest()[:32]}.npz"


@lru_cache(maxsize=1)
def _code_digest() -> str:
    """Hash of the sources that shape a scene."""
    here = Path(__file__).parent
    bodies = sorted((here.parent / "render" / "bodies").glob("*.py"))
    roads = sorted((here.parents[1] / "maps").glob("*.py"))
    files = [*sorted(here.glob("*.py")), *bodies, here.parent / "pose.py", *roads]
    digest = hashlib.sha256(np.__version__.encode())
    for file in files:
        digest.update(file.read_bytes())
    return digest.hexdigest()


def store_parts(path: Path, parts: SceneParts) -> None:
    """Write a scene; where the folder cannot be written to, say so in the log and go on without."""
    arrays: dict[str, Any] = {"navmesh": np.frombuffer(parts.navmesh, dtype=np.uint8)}
    for owner, names in _ARRAYS.items():
        arrays |= {f"{owner}.{name}": getattr(getattr(parts, owner), name) for name in names}
    tables = {
        "materials": [asdict(material) for material in parts.mesh.materials],
        "signals": [asdict(signal) for signal in parts.signals],
        "light_groups": [asdict(group) for group in parts.light_groups],
        "spawn_points": [asdict(pose) for pose in parts.spawn_points],
        "objects": [asdict(thing) for thing in parts.objects],
        "street_lights": [asdict(light) for light in parts.street_lights],
    }
    arrays["tables"] = np.frombuffer(json.dumps(tables).encode(), dtype=np.uint8)
    unfinished = path.with_suffix(f".{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with unfinished.open("wb") as file:
            np.savez(file, **arrays)
        unfinished.replace(path)
        _forget_oldest(path.parent)
    except OSError as error:
        if unfinished.exists():
            unfinished.unlink()
        _log.warning("the built scene is not kept for the next start: %s", error)


def load_parts(path: Path) -> SceneParts | None:
    """Read a scene; None when there is none, or when the file cannot be read as one."""
    if not path.is_file():
        return None
    try:
        with path.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        tables = json.loads(arrays["tables"].tobytes())
        return _parts(arrays, tables)
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
        _log.warning("%s is damaged (%s: %s); the scene is built anew", path, type(error).__name__, error)
        return None


def _parts(arrays: dict[str, NDArray[Any]], tables: dict[str, Any]) -> SceneParts:
    def of(owner: str) -> dict[str, NDArray[Any]]:
        return {name: arrays[f"{owner}.{name}"] for name in _ARRAYS[owner]}

    materials = tuple(Material(**_tuples(row)) for row in tables["materials"])
    return SceneParts(
        mesh=SceneMesh(**of("mesh"), materials=materials),
        ground=GroundSurface(**of("ground")),
        obstacles=StaticObstacles(**of("obstacles")),
        signals=tuple(_signal(row) for row in tables["signals"]),
        light_groups=tuple(LightGroup(**_tuples(row)) for row in tables["light_groups"]),
        spawn_points=tuple(Pose(**_tuples(row)) for row in tables["spawn_points"]),
        navmesh=arrays["navmesh"].tobytes(),
        objects=tuple(_object(row) for row in tables["objects"]),
        street_lights=tuple(StreetLight(**_tuples(row)) for row in tables["street_lights"]),
    )


def _signal(row: dict[str, Any]) -> Signal:
    pose, trigger = Pose(**_tuples(row.pop("pose"))), TriggerBox(**_tuples(row.pop("trigger")))
    return Signal(**_tuples(row), pose=pose, trigger=trigger)


def _object(row: dict[str, Any]) -> SceneObject:
    pose, label = Pose(**_tuples(row.pop("pose"))), Label(row.pop("label"))
    return SceneObject(**_tuples(row), pose=pose, label=label)


def _tuples(row: dict[str, Any]) -> dict[str, Any]:
    """JSON has lists where our values have tuples."""
    return {name: _tuple(value) for name, value in row.items()}


def _tuple(value: Any) -> Any:
    return tuple(map(_tuple, value)) if isinstance(value, list) else value


def _forget_oldest(folder: Path) -> None:
    files = sorted(folder.glob("*.npz"), key=lambda file: file.stat().st_mtime, reverse=True)
    for file in files[_MOST_FILES:]:
        file.unlink(missing_ok=True)
