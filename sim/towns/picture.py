"""A town's plan as a picture."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from drivevla.errors import require
from drivevla.sim.towns.network import Network, RoadObject
from drivevla.sim.towns.outlines import lane_outlines

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["draw_town"]

_LANE_COLORS = {
    "driving": "#6b6f75",
    "parking": "#8f959c",
    "shoulder": "#9aa0a6",
    "median": "#c8bf8a",
    "sidewalk": "#d9d4cb",
}
_SIGNAL_COLORS = {"1000001": "#12a150", "206": "#d21f1f", "205": "#e0a100", "274": "#1f5fd2"}
_LAYERS = {"sidewalk": 1, "shoulder": 1, "median": 2, "parking": 2, "driving": 3}


def draw_town(network: Network, *, title: str, inches: float = 8.0) -> "Figure":
    """Draw roads, crosswalks, signals and landmarks, north up.

    Args:
        network: The town, as ``generate_network`` gives it.
        title: Above the picture.
        inches: Its longer side.

    Raises:
        MissingExtra: matplotlib is not installed.
    """
    require("matplotlib", "report")
    from matplotlib.collections import PolyCollection
    from matplotlib.figure import Figure

    figure = Figure(figsize=(inches, inches), layout="constrained")
    axes = figure.add_subplot(facecolor="#e9efe2")
    layers: dict[str, list[NDArray[np.float64]]] = {kind: [] for kind in _LANE_COLORS}
    for road in network.roads:
        for lane, outline in lane_outlines(road):
            layers[lane.kind].append(np.asarray(outline.exterior.coords))
    for kind, polygons in layers.items():
        axes.add_collection(PolyCollection(polygons, facecolors=_LANE_COLORS[kind], zorder=_LAYERS[kind]))
    for road in network.roads:
        for thing in road.objects:
            place = road.curve.at(thing.s_m, thing.t_m)
            corners = place_corners(thing, place.x_m, place.y_m, place.heading_rad + thing.heading_rad)
            color = dict(thing.user_data).get("color", "#7d5fb2" if thing.type != "crosswalk" else "#ffffff")
            edge = "none" if thing.type == "crosswalk" else "#30343a"
            axes.add_collection(PolyCollection([corners], facecolors=color, edgecolors=edge, linewidths=0.5, zorder=5))
        for signal in road.signals:
            color = _SIGNAL_COLORS[signal.type]
            axes.plot(signal.stands.x_m, signal.stands.y_m, ".", color=color, markersize=4, zorder=6)
    axes.set_title(title)
    axes.set_aspect("equal")
    axes.autoscale_view()
    return figure


def place_corners(thing: RoadObject, x_m: float, y_m: float, heading_rad: float) -> NDArray[np.float64]:
    """The (4, 2) corners of an object's box on the ground."""
    u = np.array([-1, 1, 1, -1]) * thing.size_m[0] / 2
    v = np.array([-1, -1, 1, 1]) * thing.size_m[1] / 2
    cos, sin = np.cos(heading_rad), np.sin(heading_rad)
    return np.stack([x_m + u * cos - v * sin, y_m + u * sin + v * cos], axis=-1)
