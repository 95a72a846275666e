"""A tiny map expansion of our own in nuScenes' format: the roads on which the drives of the fixture go.

A straight lane of 30 m leads to the world's origin. From there a connector follows the bend of each drive for 30 m,
into a straight lane of 30 m. The lane of the opposite traffic lies beside the first; another lane is a kilometre away.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["roads_of_fixture"]

Pose = tuple[float, float, float]

_LENGTH_M, _NO_BEND_M = 30.0, 999.0
_LAYERS = (
    "polygon",
    "line",
    "node",
    "drivable_area",
    "road_segment",
    "road_block",
    "lane",
    "ped_crossing",
    "walkway",
    "stop_line",
    "carpark_area",
    "road_divider",
    "lane_divider",
    "traffic_light",
    "lane_connector",
)


def roads_of_fixture(bend_radius_m: float) -> dict[str, Any]:
    """The content of ``maps/expansion/<location>.json``.

    Args:
        bend_radius_m: Of both connectors.
    """
    layers: dict[str, Any] = {name: [] for name in _LAYERS}
    document = {"version": "1.3", "canvas_edge": [2000.0, 2000.0], "arcline_path_3": {}, "connectivity": {}, **layers}
    _add_lane(document, "approach", (-_LENGTH_M, 0.0, 0.0), width_m=3.5)
    _add_lane(document, "oncoming", (0.0, 3.5, np.pi), width_m=3.5)
    _add_lane(document, "far", (1000.0, 0.0, 0.0), width_m=3.5)
    turned = _LENGTH_M / bend_radius_m
    forward_m, aside_m = bend_radius_m * np.sin(turned), bend_radius_m * (1.0 - np.cos(turned))
    for side, sign in (("left", 1.0), ("right", -1.0)):
        _add_connector(document, side, bend_radius_m, bends_left=sign > 0)
        _add_lane(document, f"{side}-exit", (forward_m, sign * aside_m, sign * turned), width_m=3.0)
        _join(document, "approach", side)
        _join(document, side, f"{side}-exit")
    return document


def _add_lane(document: dict[str, Any], token: str, start: Pose, *, width_m: float) -> None:
    x, y, yaw = start
    ahead, left = np.array([np.cos(yaw), np.sin(yaw)]), np.array([-np.sin(yaw), np.cos(yaw)])
    corners = [(along * _LENGTH_M, side * width_m / 2) for along, side in ((0, -1), (1, -1), (1, 1), (0, 1))]
    record = {
        "token": token,
        "polygon_token": _add_polygon(
            document, token, np.array([[x, y] + along * ahead + aside * left for along, aside in corners])
        ),
        "lane_type": "CAR",
        "from_edge_line_token": "",
        "to_edge_line_token": "",
        "left_lane_divider_segments": [],
        "right_lane_divider_segments": [],
    }
    document["lane"].append(record)
    _add_path(document, token, start, "LSL", _NO_BEND_M, [[0.0, _LENGTH_M / 2, 0.0]] * 2)


def _add_connector(document: dict[str, Any], token: str, radius_m: float, *, bends_left: bool) -> None:
    """Its polygon is a small square, as little to be relied on as the real ones."""
    polygon = _add_polygon(document, token, np.array([[0.0, -0.5], [1.0, -0.5], [1.0, 0.5], [0.0, 0.5]]))
    document["lane_connector"].append({"token": token, "polygon_token": polygon})
    shape = "LSL" if bends_left else "RSR"
    _add_path(document, token, (0.0, 0.0, 0.0), shape, radius_m, [[_LENGTH_M, 0.0, 0.0]])


def _add_polygon(document: dict[str, Any], lane: str, corners_m: NDArray[np.float64]) -> str:
    nodes = [{"token": f"{lane}-node-{index}", "x": x, "y": y} for index, (x, y) in enumerate(corners_m.tolist())]
    document["node"] += nodes
    token = f"{lane}-polygon"
    exterior = [node["token"] for node in nodes]
    document["polygon"].append({"token": token, "exterior_node_tokens": exterior, "holes": []})
    return token


def _add_path(
    document: dict[str, Any], token: str, start: Pose, shape: str, radius_m: float, pieces_m: list[list[float]]
) -> None:
    """Pieces that follow one another; more than one only where they are straight."""
    x, y, yaw = start
    path = []
    for lengths_m in pieces_m:
        path.append({"start_pose": [x, y, yaw], "shape": shape, "radius": radius_m, "segment_length": lengths_m})
        x, y = x + lengths_m[1] * np.cos(yaw), y + lengths_m[1] * np.sin(yaw)
    document["arcline_path_3"][token] = path
    document["connectivity"][token] = {"incoming": [], "outgoing": []}


def _join(document: dict[str, Any], before: str, after: str) -> None:
    document["connectivity"][before]["outgoing"].append(after)
    document["connectivity"][after]["incoming"].append(before)
