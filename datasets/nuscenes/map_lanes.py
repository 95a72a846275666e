"""Lanes near the car, where the map expansion lies beside the data.

Source: the nuScenes map expansion (version 1.3) through its devkit, ``nuscenes.map_expansion.map_api``.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drivevla.errors import DataError, require
from drivevla.geometry import invert_rigid, transform_points
from drivevla.types import LaneTruth

__all__ = ["EXPANSION", "MapLanes"]

EXPANSION = Path("maps") / "expansion"
"""Where in a data set's folder the files lie, one a location."""
_OLDEST_VERSION = "1.3"  # the devkit refuses older ones, which have no centre lines
_REACH_M = 60.0
_STEP_M = 1.0
_SAME_PLACE_M = 0.01  # pieces of a centre line meet in a point that the devkit gives twice


class MapLanes:
    """The lanes and lane connectors of every location whose map expansion is there.

    A lane's width is the area of its polygon over the length of its centre line. A connector's polygon is only roughly
    drawn, so its width is the mean of the lanes' that it joins. What has no centre line, or no width by either rule, is
    left out.

    Args:
        root: The data set's folder.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._location = cache(self._read)

    def around(self, location: str | None, world_from_ego: NDArray[np.float64]) -> tuple[LaneTruth, ...] | None:
        """The lanes with a point within 60 m of the car, whole lanes; None where the location has no expansion.

        Args:
            location: ``singapore-onenorth`` and so on.
            world_from_ego: (4, 4) pose; lanes are told in its frame, and lie as high as it does.

        Raises:
            DataError: The location's file is broken, or too old.
        """
        if location is None or not (self._root / EXPANSION / f"{location}.json").exists():
            return None
        return self._location(location).around(world_from_ego)

    def _read(self, location: str) -> "_LocationLanes":
        path = self._root / EXPANSION / f"{location}.json"
        _check_version(path)
        # Importing the devkit's maps sets a style for all of matplotlib, which is none of our pictures' business.
        with require("matplotlib", "nuscenes").rc_context():
            maps = require("nuscenes.map_expansion.map_api", "nuscenes")
        try:
            return _LocationLanes(maps.NuScenesMap(dataroot=str(self._root), map_name=location))
        except (AssertionError, KeyError, TypeError, ValueError) as error:
            raise DataError(
                f"the nuScenes devkit cannot read the map expansion {path}: {error!r}; download it again, or move it "
                "away to read without lanes"
            ) from error


class _LocationLanes:
    """All lanes of one map, with their points in one array to be searched by place."""

    def __init__(self, nusc_map: Any) -> None:
        connectors = [record["token"] for record in nusc_map.lane_connector]
        tokens = [record["token"] for record in nusc_map.lane] + connectors
        lines = nusc_map.discretize_lanes(tokens, _STEP_M)
        whole = {token: _without_doubles(np.array(line)[:, :2]) for token, line in lines.items() if line}
        self._lines_m = {token: line_m for token, line_m in whole.items() if len(line_m) > 1}
        self._connectors = frozenset(connectors)
        self._connectivity: dict[str, dict[str, list[str]]] = nusc_map.connectivity
        self._widths_m = self._measure_widths(nusc_map)
        self._tokens = sorted(self._widths_m)
        counts = [len(self._lines_m[token]) for token in self._tokens]
        self._lane_of_point = np.repeat(np.arange(len(counts)), counts)
        self._points_m = np.concatenate([np.zeros((0, 2)), *(self._lines_m[token] for token in self._tokens)])

    def around(self, world_from_ego: NDArray[np.float64]) -> tuple[LaneTruth, ...]:
        near = np.linalg.norm(self._points_m - world_from_ego[:2, 3], axis=1) <= _REACH_M
        tokens = [self._tokens[lane] for lane in np.unique(self._lane_of_point[near])]
        return tuple(self._truth(token, world_from_ego) for token in tokens)

    def _truth(self, token: str, world_from_ego: NDArray[np.float64]) -> LaneTruth:
        line_m = self._lines_m[token]
        places_m = np.column_stack([line_m, np.full(len(line_m), world_from_ego[2, 3])])
        joined = self._connectivity.get(token)
        return LaneTruth(
            lane_id=token,
            centerline_m=transform_points(invert_rigid(world_from_ego), places_m)[:, :2],
            width_m=self._widths_m[token],
            in_junction=token in self._connectors,
            successors=None if joined is None else tuple(joined["outgoing"]),
        )

    def _measure_widths(self, nusc_map: Any) -> dict[str, float]:
        widths_m: dict[str, float] = {}
        for record in nusc_map.lane:
            if record["token"] in self._lines_m:
                area_m2 = float(nusc_map.extract_polygon(record["polygon_token"]).area)
                if area_m2 > 0.0:
                    widths_m[record["token"]] = area_m2 / _length_m(self._lines_m[record["token"]])
        for token in self._connectors & self._lines_m.keys():
            joined = self._connectivity.get(token, {"incoming": [], "outgoing": []})
            beside = [widths_m[each] for each in joined["incoming"] + joined["outgoing"] if each in widths_m]
            if beside:
                widths_m[token] = float(np.mean(beside))
        return widths_m


def _check_version(path: Path) -> None:
    """The devkit raises a bare ``Exception`` for an old map."""
    try:
        version = str(json.loads(path.read_text()).get("version", "1.0"))
    except (ValueError, AttributeError) as error:
        raise DataError(
            f"{path} is no map expansion: {error}; download it again, or move it away to read without lanes"
        ) from error
    if version < _OLDEST_VERSION:
        raise DataError(f"{path} has version {version}; the devkit reads {_OLDEST_VERSION} and later: download it anew")


def _without_doubles(line_m: NDArray[np.float64]) -> NDArray[np.float64]:
    steps_m = np.linalg.norm(np.diff(line_m, axis=0), axis=1)
    return line_m[np.append(True, steps_m > _SAME_PLACE_M)]


def _length_m(line_m: NDArray[np.float64]) -> float:
    return float(np.linalg.norm(np.diff(line_m, axis=0), axis=1).sum())
