"""From a map's name to its text: files, generated towns, and the folders where CARLA's Towns may lie."""

import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from drivevla.config.places import map_folders
from drivevla.errors import unknown_name
from drivevla.sim.maps.source import MAP_SUFFIXES, MapSource, map_name, read_map

__all__ = ["available_maps", "find_map", "is_test_map"]

_GENERATED = re.compile(r"Gen_(?P<kind>[a-z]+)_(?P<seed>\d{1,9})")
_EXAMPLE_SEED = 1


def find_map(name_or_path: str | Path) -> MapSource:
    """The map of that name.

    Args:
        name_or_path: A path that ends in ``.xodr`` or ``.xodr.gz``; ``Gen_<kind>_<seed>``; or a name such as
            ``Town03`` (also as CARLA writes it, ``Carla/Maps/Town03`` or ``Town03_Opt``), looked for in
            ``drivevla.config.places.map_folders``, first match.

    Raises:
        DataError: The file is missing, too large, damaged or no OpenDRIVE.
        UnknownName: No such map; the message has the nearest match.
    """
    text = str(name_or_path)
    if text.endswith(MAP_SUFFIXES):
        return read_map(Path(text))
    name = text.rpartition("/")[2]
    if match := _GENERATED.fullmatch(name):
        return _generated(match["kind"], int(match["seed"]))
    # CARLA's layered maps have the same roads as the plain ones
    for candidate in (name, name.removesuffix("_Opt")):
        for path in _files():
            if map_name(path) == candidate:
                return read_map(path)
    raise unknown_name("map", text, available_maps())


def available_maps() -> tuple[str, ...]:
    """Names that ``find_map`` knows: every file in the map folders, and one generated town of each kind.

    Any other seed of a generated kind is known too: ``Gen_<kind>_<seed>``.
    """
    from drivevla.sim.towns.kinds import TOWN_KINDS

    generated = (f"Gen_{kind}_{_EXAMPLE_SEED}" for kind in TOWN_KINDS)
    return tuple(sorted({map_name(path) for path in _files()}) + sorted(generated))


def is_test_map(name: str) -> bool:
    """Whether a map is kept for testing: all of CARLA's Towns, and generated towns whose seed ends in 9.

    Collection and training refuse these, so that a result on them is a result on a town never seen.
    """
    plain = name.rpartition("/")[2]
    match = _GENERATED.fullmatch(map_name(Path(plain)))
    return match["seed"].endswith("9") if match else plain.startswith("Town")


def _files() -> Iterator[Path]:
    for folder in map_folders():
        yield from sorted(path for path in folder.iterdir() if path.name.endswith(MAP_SUFFIXES))


@lru_cache(maxsize=8)
def _generated(kind: str, seed: int) -> MapSource:
    from drivevla.sim.towns.generate import generate_town

    return MapSource(name=f"Gen_{kind}_{seed}", opendrive=generate_town(kind, seed=seed), origin="generator")
