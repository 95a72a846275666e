"""Files that clients fetch for a map and keep for ever under the name they were announced with.

The client's cache is keyed by the name alone: a name must change with the content.
"""

import hashlib
import tempfile
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import carla

    from drivevla.sim.server.scene.scene import Scene

__all__ = ["NAVIGATION", "TRAFFIC_MANAGER", "map_files"]

NAVIGATION, TRAFFIC_MANAGER = "Nav", "TM"
"""The folders under which clients ask for the pedestrians' mesh and the Traffic Manager's map."""


def map_files(scene: "Scene", folder: str) -> dict[str, bytes]:
    """The files of one folder by the names to announce; other folders are empty."""
    if folder == NAVIGATION:
        return {_name(scene.source.name, folder, scene.navmesh): scene.navmesh} if scene.navmesh else {}
    if folder == TRAFFIC_MANAGER:
        cooked = _cooked(scene.carla_map)
        return {_name(scene.source.name, folder, cooked): cooked}
    return {}


@lru_cache(maxsize=1)
def _cooked(carla_map: "carla.Map") -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "map.bin"
        carla_map.cook_in_memory_map(str(path))
        return path.read_bytes()


def _name(map_name: str, folder: str, content: bytes) -> str:
    return f"DriveVLA/Maps/{map_name}/{folder}/{map_name}_{hashlib.sha256(content).hexdigest()[:12]}.bin"
