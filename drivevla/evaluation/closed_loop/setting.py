"""What stays the same during a drive, kept so that its record can be judged again: ``setting.json``."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from drivevla.errors import DataError
from drivevla.evaluation.driving_score import LaneMap, RouteSetting, ScoredRoute, StopSign, TrafficLight
from drivevla.runs.atomic import write_text_atomically

__all__ = ["SETTING_FILE", "DriveSetting", "read_setting"]

SETTING_FILE = "setting.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class DriveSetting:
    """Our world frame (right-handed, metres, radians).

    Attributes:
        town: The map.
        route_points_m: The dense route, a point a metre.
        route_forward: The unit vector along the route at each of them.
        lights: All traffic lights.
        stop_signs: All stop signs.
        ego_half_length_m: Half of the ego's box.
        ego_half_width_m: Likewise.
        rear_axle_x_m: Where our ego frame's origin lies along the actor's x axis.
    """

    town: str
    route_points_m: tuple[tuple[float, float, float], ...]
    route_forward: tuple[tuple[float, float, float], ...]
    lights: tuple[TrafficLight, ...]
    stop_signs: tuple[StopSign, ...]
    ego_half_length_m: float
    ego_half_width_m: float
    rear_axle_x_m: float

    def for_judge(self, lane_map: LaneMap) -> RouteSetting:
        """What a judge needs, with the lanes of the map."""
        return RouteSetting(
            route=ScoredRoute(list(self.route_points_m), list(self.route_forward)),
            lane_map=lane_map,
            ego_half_length_m=self.ego_half_length_m,
            lights=self.lights,
            stop_signs=self.stop_signs,
        )

    def write(self, path: Path) -> None:
        """Write it as JSON."""
        write_text_atomically(path, json.dumps(asdict(self)))


def read_setting(path: Path) -> DriveSetting:
    """Read one back.

    Raises:
        DataError: The file is missing or damaged.
    """
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return DriveSetting(
            town=content["town"],
            route_points_m=_triples(content["route_points_m"]),
            route_forward=_triples(content["route_forward"]),
            lights=tuple(TrafficLight(**_with_tuples(each)) for each in content["lights"]),
            stop_signs=tuple(StopSign(**_with_tuples(each)) for each in content["stop_signs"]),
            ego_half_length_m=content["ego_half_length_m"],
            ego_half_width_m=content["ego_half_width_m"],
            rear_axle_x_m=content["rear_axle_x_m"],
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path} is no setting of a drive: {type(error).__name__}: {error}") from error


def _triples(rows: list[list[float]]) -> tuple[tuple[float, float, float], ...]:
    return tuple((x, y, z) for x, y, z in rows)


def _with_tuples(content: dict[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in content.items()}
