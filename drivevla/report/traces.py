"""Curves over time as inline SVG: the lines stretch with the page, their labels are text beside them and do not."""

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from drivevla.errors import ContractError, require

__all__ = ["Curve", "Label", "Panel", "Plot", "Span", "nice_ticks", "plot", "svg_path", "time_labels"]

WIDTH, HEIGHT = 1000, 100
"""The drawing's own units: it is stretched to whatever box the page gives it."""
MAX_POINTS = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """One curve.

    Attributes:
        name: For the legend.
        times_s: (N,) increasing.
        values: (N,); NaN leaves a gap.
        colour: A style of the page: "speed", "limit", "throttle", "brake", "steering", "a" or "b".
        form: A line, an area down to zero, or a thin dashed guide.
    """

    name: str
    times_s: NDArray[np.float64]
    values: NDArray[np.float64]
    colour: str
    form: Literal["line", "area", "guide"] = "line"


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """Curves over one axis.

    Attributes:
        title: What is shown, with its unit.
        curves: What is drawn, in this order.
        low: Lower end of the axis.
        high: Upper end.
        tick_texts: Words for chosen values; numbers where None.
    """

    title: str
    curves: tuple[Curve, ...]
    low: float
    high: float
    tick_texts: tuple[tuple[float, str], ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """A text at a place of an axis.

    Attributes:
        percent: From the left, or from the top.
        text: What it says.
    """

    percent: float
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A part of the time axis with a text in it.

    Attributes:
        left: Percent.
        width: Percent.
        text: What it says.
        tone: "good", "bad", "warn" or nothing.
    """

    left: float
    width: float
    text: str
    tone: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """A panel drawn.

    Attributes:
        title: As the panel's.
        svg: Markup.
        ticks: Of the vertical axis.
        legend: Name and colour of each curve.
    """

    title: str
    svg: Any
    ticks: tuple[Label, ...]
    legend: tuple[tuple[str, str, str], ...]


def plot(panel: Panel, *, end_s: float) -> Plot:
    """Draw a panel from time 0 to an end.

    Raises:
        ContractError: The axis or the time has no extent.
    """
    if not panel.high > panel.low or not end_s > 0:
        raise ContractError(f"{panel.title}: an axis from {panel.low:g} to {panel.high:g} over {end_s:g} s has no room")
    markup = require("markupsafe", "report").Markup
    texts = panel.tick_texts or tuple((value, f"{value:g}") for value in nice_ticks(panel.low, panel.high))
    ticks = tuple(
        Label(percent=round(100 * (panel.high - value) / (panel.high - panel.low), 2), text=text.replace("-", "−"))
        for value, text in texts
    )
    grid = "".join(f"M0 {tick.percent:g}H{WIDTH}" for tick in ticks)
    drawn = "".join(_drawn(curve, panel, end_s) for curve in panel.curves)
    return Plot(
        title=panel.title,
        svg=markup(
            f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" preserveAspectRatio="none" aria-hidden="true">'
            f'<path class="grid" d="{grid}"/>{drawn}</svg>'
        ),
        ticks=ticks,
        legend=tuple((curve.name, curve.colour, curve.form) for curve in panel.curves),
    )


def nice_ticks(low: float, high: float, *, count: int = 4) -> tuple[float, ...]:
    """About so many round numbers from low to high, both included where they are round."""
    rough = (high - low) / max(count, 1)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(step * power for step in (1, 2, 5, 10) if step * power >= rough * 0.999)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return tuple(round(number * step, 10) + 0.0 for number in range(first, last + 1))


def time_labels(end_s: float) -> tuple[Label, ...]:
    """Round seconds along the time axis."""
    return tuple(
        Label(percent=round(100 * time / end_s, 2), text=f"{time:g}") for time in nice_ticks(0.0, end_s, count=6)
    )


def svg_path(points: NDArray[np.float64], *, digits: int = 1) -> str:
    """The path through (N, 2) points; rows that are not finite leave gaps."""
    parts: list[str] = []
    pen_up = True
    for x, y in np.round(points, digits).tolist():
        if not (math.isfinite(x) and math.isfinite(y)):
            pen_up = True
            continue
        parts.append(f"{'M' if pen_up else 'L'}{x:g} {y:g}")
        pen_up = False
    return "".join(parts)


def _drawn(curve: Curve, panel: Panel, end_s: float) -> str:
    chosen = np.unique(np.linspace(0, len(curve.times_s) - 1, min(len(curve.times_s), MAX_POINTS)).astype(int))
    x = WIDTH * curve.times_s[chosen] / end_s
    y = _height(curve.values[chosen], panel)
    if curve.form == "area":
        zero = float(_height(np.zeros(1), panel)[0])
        x, y = np.concatenate([x[:1], x, x[-1:]]), np.concatenate([[zero], y, [zero]])
    path = svg_path(np.stack([x, y], axis=-1))
    return f'<path class="{curve.form} c-{curve.colour}" d="{path}"/>'


def _height(values: NDArray[np.float64], panel: Panel) -> NDArray[np.float64]:
    inside = np.clip(values, panel.low, panel.high)
    height: NDArray[np.float64] = HEIGHT * (panel.high - inside) / (panel.high - panel.low)
    return height
