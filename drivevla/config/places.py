"""Where things live: the only module that reads the environment.

The environment holds places, never settings: no variable changes what a program computes.

==================  =================================================================  =======================
variable            what it names                                                      when it is not set
==================  =================================================================  =======================
``DRIVEVLA_HOME``   caches, checkpoints and logs                                       ``~/.cache/drivevla``
``DRIVEVLA_MAPS``   folders with OpenDRIVE maps, separated by ``:``                    no such folder
``DRIVEVLA_ROUTES`` folders with route files, separated by ``:``                       no such folder
``CARLA_ROOT``      a CARLA installation, whose maps are read                          no installation
==================  =================================================================  =======================
"""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

__all__ = [
    "cache_folder",
    "carla_installation",
    "checkpoint_folder",
    "home",
    "log_folder",
    "map_folders",
    "route_folders",
]

_CARLA_MAPS = Path("CarlaUE4/Content/Carla/Maps/OpenDrive")
_SHARED_MAPS = Path("../shared/real/carla_maps")
_SHARED_ROUTES = Path("../shared/real/carla_routes")


def home(environ: Mapping[str, str] = os.environ) -> Path:
    """The folder that holds caches, checkpoints and logs; it need not exist yet."""
    return _folder("DRIVEVLA_HOME", environ) or Path.home() / ".cache" / "drivevla"


def cache_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """What can be computed again."""
    return home(environ) / "cache"


def checkpoint_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """Trained weights, by name."""
    return home(environ) / "checkpoints"


def log_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """Logs of servers and workers."""
    return home(environ) / "logs"


def carla_installation(environ: Mapping[str, str] = os.environ) -> Path | None:
    """The CARLA installation that ``CARLA_ROOT`` names, or None; it need not exist."""
    return _folder("CARLA_ROOT", environ)


def map_folders(environ: Mapping[str, str] = os.environ) -> tuple[Path, ...]:
    """The existing folders in which a map is looked for by name, in the order of search.

    They are those of ``DRIVEVLA_MAPS``, then a CARLA installation's, then, in a checkout of the sources, the maps
    shared beside it. Maps are ``NAME.xodr`` or ``NAME.xodr.gz``.
    """
    named = _folders("DRIVEVLA_MAPS", environ)
    installation = carla_installation(environ)
    if installation is not None:
        named.append(installation / _CARLA_MAPS)
    return _existing([*named, *_beside_checkout(_SHARED_MAPS)])


def route_folders(environ: Mapping[str, str] = os.environ) -> tuple[Path, ...]:
    """The existing folders in which a suite looks for its route file, in the order of search.

    They are those of ``DRIVEVLA_ROUTES``, then, in a checkout of the sources, the routes shared beside it.
    """
    return _existing([*_folders("DRIVEVLA_ROUTES", environ), *_beside_checkout(_SHARED_ROUTES)])


def _folders(variable: str, environ: Mapping[str, str]) -> list[Path]:
    return [Path(each).expanduser() for each in environ.get(variable, "").split(os.pathsep) if each]


def _beside_checkout(shared: Path) -> list[Path]:
    checkout = Path(__file__).resolve().parents[2]
    return [(checkout / shared).resolve()] if (checkout / "pyproject.toml").is_file() else []


def _existing(folders: Iterable[Path]) -> tuple[Path, ...]:
    return tuple(folder for folder in folders if folder.is_dir())


def _folder(variable: str, environ: Mapping[str, str]) -> Path | None:
    value = environ.get(variable, "")
    return Path(value).expanduser().absolute() if value else None
