"""A map of one drive as inline SVG: roads, the route asked for, the way driven coloured by speed, and marks on it.

World frame throughout (right-handed, x right on the page and y up), metres. Marks are text laid over the drawing by
the page, so that they keep their size when the drawing is scaled.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drivevla.errors import ContractError, require
from drivevla.report.traces import svg_path

__all__ = ["MapMark", "MapView", "Roads", "SpeedScale", "draw_map", "speed_scale"]

MARGIN_M = 25.0
NARROWEST, WIDEST = 0.8, 1.9
"""Width over height of the drawing; a long thin route gets more of its surroundings."""
SIMPLIFY_M = 0.25
EDGE_M = 0.35
SPEED_COLOURS = 7
RULERS_M = (10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0)
_KMH = 3.6


@dataclass(frozen=True, slots=True, kw_only=True)
class Roads:
    """The lanes of a map.

    Attributes:
        lines_m: Middle line of each, (N, 2).
        widths_m: Width of each.
    """

    lines_m: tuple[NDArray[np.float64], ...]
    widths_m: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeedScale:
    """Which colour stands for which speed; one scale for a whole page.

    Attributes:
        top_kmh: Where the last colour begins to be kept.
    """

    top_kmh: float

    @property
    def bounds_kmh(self) -> tuple[float, ...]:
        """Where each colour begins."""
        return tuple(round(self.top_kmh * number / SPEED_COLOURS, 1) for number in range(SPEED_COLOURS))

    def colours(self, speeds_mps: NDArray[np.float64]) -> NDArray[np.int64]:
        """The number of each speed's colour, 0 to 6."""
        share = speeds_mps * _KMH / self.top_kmh
        return np.clip(np.floor(share * SPEED_COLOURS), 0, SPEED_COLOURS - 1).astype(np.int64)


@dataclass(frozen=True, slots=True, kw_only=True)
class MapMark:
    """A mark on the map.

    Attributes:
        left: Percent of the drawing's width.
        top: Percent of its height.
        text: One or two characters.
        title: What it is.
        tone: "start", "goal", "bad", "warn" or "muted".
    """

    left: float
    top: float
    text: str
    title: str
    tone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MapView:
    """A drawing.

    Attributes:
        svg: Markup.
        aspect: Width over height.
        bounds_m: Left, lower, right, upper end of the drawing.
        marks: To be laid over it.
        scale_m: Length of the scale bar.
        scale_percent: The same in percent of the width.
    """

    svg: Any
    aspect: float
    bounds_m: tuple[float, float, float, float]
    marks: tuple[MapMark, ...]
    scale_m: float
    scale_percent: float

    def percent(self, xy_m: NDArray[np.float64]) -> NDArray[np.float64]:
        """(N, 2) from the left and from the top."""
        return _percent(self.bounds_m, xy_m)


def speed_scale(speeds_mps: Sequence[NDArray[np.float64]]) -> SpeedScale:
    """A scale up to a round speed that covers all drives."""
    fastest = max((float(each.max()) for each in speeds_mps if len(each)), default=0.0) * _KMH
    return SpeedScale(top_kmh=next((top for top in (30.0, 50.0, 70.0, 100.0) if fastest <= top), 130.0))


def draw_map(
    *,
    roads: Roads | None,
    route_m: NDArray[np.float64],
    track_m: NDArray[np.float64],
    speeds_mps: NDArray[np.float64],
    scale: SpeedScale,
    marks: Sequence[tuple[tuple[float, float], str, str, str]] = (),
) -> MapView:
    """Draw a drive.

    Args:
        roads: The lanes; None where the map is not at hand.
        route_m: (N, 2) where the drive should lead; at least one point.
        track_m: (T, 2) where it led; may be empty.
        speeds_mps: (T,) how fast.
        scale: Colours of speeds.
        marks: Place, text, title and tone of each mark; start and goal are added.

    Raises:
        ContractError: There is nothing to draw.
    """
    if len(route_m) + len(track_m) == 0:
        raise ContractError("a map needs a route or a driven track, got neither")
    markup = require("markupsafe", "report").Markup
    bounds = _bounds(np.concatenate([route_m, track_m]))
    left, lower, right, upper = bounds
    layers = [
        "" if roads is None else _road_layers(roads, bounds),
        f'<path class="way" d="{_path(_simplified(route_m), bounds)}"/>',
        _track(track_m, speeds_mps, scale, bounds),
    ]
    ends = [(route_m[0], "", "start of the route", "start"), (route_m[-1], "", "goal", "goal")] if len(route_m) else []
    scale_m = max((each for each in RULERS_M if each <= (right - left) / 3), default=RULERS_M[0])
    return MapView(
        svg=markup(
            f'<svg viewBox="0 0 {right - left:.1f} {upper - lower:.1f}" aria-hidden="true">{"".join(layers)}</svg>'
        ),
        aspect=round((right - left) / (upper - lower), 3),
        bounds_m=bounds,
        marks=tuple(_mark(bounds, *each) for each in (*ends, *marks)),
        scale_m=scale_m,
        scale_percent=round(100 * scale_m / (right - left), 2),
    )


def _bounds(points_m: NDArray[np.float64]) -> tuple[float, float, float, float]:
    low, high = points_m.min(axis=0) - MARGIN_M, points_m.max(axis=0) + MARGIN_M
    middle, (width, height) = (low + high) / 2, high - low
    width = max(width, height * NARROWEST)
    height = max(height, width / WIDEST)
    half = np.array([width, height]) / 2
    (left, lower), (right, upper) = (middle - half).tolist(), (middle + half).tolist()
    return left, lower, right, upper


def _road_layers(roads: Roads, bounds: tuple[float, float, float, float]) -> str:
    """Every lane twice, first a little wider: what stays visible are the lines between lanes."""
    left, lower, right, upper = bounds
    by_width: dict[float, list[str]] = {}
    for line, width in zip(roads.lines_m, roads.widths_m, strict=True):
        near = (line > [left - width, lower - width]).all(axis=1) & (line < [right + width, upper + width]).all(axis=1)
        if near.any():
            by_width.setdefault(round(width * 2) / 2, []).append(_path(_simplified(line), bounds))
    drawn = []
    for name, less_m in (("edge", 0.0), ("road", EDGE_M)):
        for width, paths in sorted(by_width.items()):
            drawn.append(f'<path class="{name}" stroke-width="{width - less_m:g}" d="{"".join(paths)}"/>')
    return "".join(drawn)


def _track(
    track_m: NDArray[np.float64],
    speeds_mps: NDArray[np.float64],
    scale: SpeedScale,
    bounds: tuple[float, float, float, float],
) -> str:
    if len(track_m) < 2:
        return ""
    moved = np.linalg.norm(np.diff(track_m, axis=0), axis=1).cumsum()
    chosen = np.unique(np.searchsorted(moved, np.arange(0.0, moved[-1] + 1.0, 1.0)).clip(max=len(track_m) - 1))
    line, colours = track_m[chosen], scale.colours(speeds_mps[chosen])
    parts = [f'<path class="halo" d="{_path(line, bounds)}"/>']
    begins = [0, *(np.flatnonzero(np.diff(colours)) + 1).tolist(), len(line)]
    for begin, end in itertools.pairwise(begins):
        piece = _simplified(line[begin : end + 1])  # one point more: the pieces touch
        parts.append(f'<path class="track s{colours[begin]}" d="{_path(piece, bounds)}"/>')
    return "".join(parts)


def _simplified(line_m: NDArray[np.float64]) -> NDArray[np.float64]:
    if len(line_m) < 3:
        return line_m
    import shapely

    return np.asarray(shapely.LineString(line_m).simplify(SIMPLIFY_M).coords, dtype=np.float64)


def _path(line_m: NDArray[np.float64], bounds: tuple[float, float, float, float]) -> str:
    left, _, _, upper = bounds
    return svg_path(np.stack([line_m[:, 0] - left, upper - line_m[:, 1]], axis=-1))


def _percent(bounds: tuple[float, float, float, float], xy_m: NDArray[np.float64]) -> NDArray[np.float64]:
    left, lower, right, upper = bounds
    share = np.stack([(xy_m[:, 0] - left) / (right - left), (upper - xy_m[:, 1]) / (upper - lower)], axis=-1)
    return np.round(100.0 * share, 2)


def _mark(bounds: tuple[float, float, float, float], place: Any, text: str, title: str, tone: str) -> MapMark:
    ((left, top),) = _percent(bounds, np.asarray(place, dtype=np.float64)[None, :2]).tolist()
    return MapMark(left=left, top=top, text=text, title=title, tone=tone)
