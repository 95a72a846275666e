"""The town of a demonstration: its map, what stands in it, and where the car begins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from drivevla.demo.meaning import interpret
from drivevla.demo.ways import WayFinder
from drivevla.errors import DataError, SimulatorLost, UserError, require
from drivevla.sim.maps import find_map, landmarks

if TYPE_CHECKING:
    import carla

__all__ = ["DemoTown", "read_town", "start_at", "start_for"]

_CONNECT_S = 10.0
_LOAD_S = 60.0
_ABOVE_M = 0.3
"""The car is set down from so far above the road."""
_LEAST_ROAD_M = 30.0
_TRIES = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoTown:
    """One town.

    Attributes:
        name: Its map's name or file; None where a running server keeps its own.
        finder: Ways on its map.
    """

    name: str | None
    finder: WayFinder


def read_town(name: str | None, *, host: str | None, port: int) -> DemoTown:
    """The map that will be driven on.

    Args:
        name: A map's name or file; None for the one that a running server has loaded.
        host: A running server, which loads the map; None where the embedded one will be started.
        port: Its port.

    Raises:
        UserError: There is no such map, or it has no roads to drive on.
        SimulatorLost: No server answers.
    """
    carla = require("carla", "sim")
    if host is None:
        if name is None:
            raise UserError("a map is needed where no running server is named: --map NAME, or --host")
        source = find_map(name)
        return _town(name, carla.Map(source.name, source.opendrive), source.opendrive)
    client = carla.Client(host, port)
    client.set_timeout(_CONNECT_S)
    try:
        there = client.get_world().get_map()
    except RuntimeError as error:
        raise SimulatorLost(
            f"no CARLA server answers at {host}:{port}: {error}. Start one (drivevla sim --port {port}), or leave "
            "--host out for the embedded one"
        ) from error
    if name is not None and not there.name.endswith(name):
        client.set_timeout(_LOAD_S)
        try:
            there = client.load_world(name).get_map()
        except RuntimeError as error:
            raise DataError(f"the server at {host}:{port}, on {there.name} now, cannot load {name}: {error}") from error
    opendrive = there.to_opendrive()
    return _town(name, carla.Map(there.name, opendrive), opendrive)


def start_at(place: tuple[float, float, float], finder: WayFinder) -> carla.Transform:
    """A start at x, y, yaw: on the lane there that leads that way.

    Raises:
        UserError: There is none.
    """
    x, y, yaw_deg = place
    point = finder.point_near(x, y, yaw_deg=yaw_deg)
    if point is None:
        raise UserError(
            f"no lane of {finder.carla_map.name} leads along {yaw_deg:g} degrees at the start x={x:g}, y={y:g}"
        )
    return _transform(finder, point)


def start_for(sentences: Sequence[str], finder: WayFinder, *, seed: int) -> carla.Transform:
    """A random start from which the first sentence can be obeyed, where one is soon found.

    Args:
        sentences: What will be said.
        finder: Of the map.
        seed: Decides where.

    Raises:
        DataError: No lane of the map is long enough to begin on.
    """
    rng = np.random.default_rng(seed)
    places = [
        lane.first + 5
        for lane in finder.graph.lanes
        if lane.junction < 0 and lane.end - lane.first >= _LEAST_ROAD_M and lane.successors
    ]
    if not places:
        raise DataError(
            f"{finder.carla_map.name} has no lane of {_LEAST_ROAD_M:g} m that leads anywhere: no road to drive on"
        )
    order = rng.permutation(places).tolist()
    for point in order[:_TRIES]:
        if not sentences or not interpret(sentences[0], finder, point, speed_limit_mps=None).must_refuse:
            return _transform(finder, point)
    return _transform(finder, order[0])


def _town(name: str | None, carla_map: carla.Map, opendrive: str) -> DemoTown:
    return DemoTown(name=name, finder=WayFinder(carla_map, landmarks(opendrive)))


def _transform(finder: WayFinder, point: int) -> carla.Transform:
    import carla

    x, y, z = finder.graph.location_m[point].tolist()
    return carla.Transform(
        carla.Location(x=x, y=y, z=z + _ABOVE_M), carla.Rotation(yaw=float(finder.graph.yaw_deg[point]))
    )
