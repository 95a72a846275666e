"""The map of a drive, and what everybody must read on it."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from drivevla.errors import DataError, SimulatorLost, require
from drivevla.evaluation.closed_loop.job import RouteJob
from drivevla.runs.atomic import write_bytes_atomically
from drivevla.sim.maps import find_map, read_map

if TYPE_CHECKING:
    import carla

__all__ = ["MAP_FILE", "Town", "judged_town", "town_of"]

MAP_FILE = "map.xodr.gz"
"""Kept beside a drive on a server that was not started for it: nobody else may have its map."""
CONNECT_S = 60.0
"""A CARLA server takes a while to load a map."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Town:
    """One map.

    Attributes:
        name: What the drive calls it: a name, or a file.
        carla_map: Its lanes; one object for all that read them, since lanes are sampled once for an object.
        opendrive: Its text.
    """

    name: str
    carla_map: carla.Map
    opendrive: str


def town_of(job: RouteJob, name: str, folder: Path) -> Town:
    """The map of a job; a running server loads it anew, so that nothing is left of the drive before.

    Raises:
        UserError: There is no such map.
        SimulatorLost: The server does not answer.
    """
    carla = require("carla", "sim")
    if job.host is None:
        source = find_map(name)
        return Town(name=name, carla_map=carla.Map(source.name, source.opendrive), opendrive=source.opendrive)
    client = carla.Client(job.host, job.port)
    client.set_timeout(CONNECT_S)
    try:
        there = client.get_world().get_map()
    except RuntimeError as error:
        raise SimulatorLost(f"no CARLA server answers at {job.host}:{job.port}: {error}") from error
    try:
        there = client.load_world(name).get_map()
    except RuntimeError as error:
        if "time-out" in str(error):
            raise SimulatorLost(f"the server at {job.host}:{job.port} took too long to load {name}: {error}") from error
        raise DataError(
            f"the server at {job.host}:{job.port}, on {there.name} now, cannot load {name}: {error}"
        ) from error
    opendrive = there.to_opendrive()
    write_bytes_atomically(folder / MAP_FILE, gzip.compress(opendrive.encode(), mtime=0))
    return Town(name=name, carla_map=carla.Map(there.name, opendrive), opendrive=opendrive)


def judged_town(folder: Path, name: str) -> Town:
    """The map of a drive that is over, for judging it again.

    Raises:
        UserError: There is no such map here.
    """
    carla = require("carla", "sim")
    source = read_map(folder / MAP_FILE) if (folder / MAP_FILE).exists() else find_map(name)
    return Town(name=name, carla_map=carla.Map(name, source.opendrive), opendrive=source.opendrive)
