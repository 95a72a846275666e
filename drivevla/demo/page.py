"""The report of a demonstration: what was asked, what came of it, the film, the map and the curves."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from drivevla.demo.config import DemoConfig
from drivevla.demo.diary import Diary, Told
from drivevla.demo.hearing import Outcome
from drivevla.report.page import render_page
from drivevla.report.pictures import mp4_uri, picture_uri
from drivevla.report.road_map import MapView, Roads, SpeedScale, draw_map, speed_scale
from drivevla.report.traces import Curve, Label, Panel, Plot, Span, plot, time_labels
from drivevla.report.typography import count_of, duration, fixed

if TYPE_CHECKING:
    import carla

__all__ = ["demo_page"]

_KMH = 3.6
_TONES = {True: "good", False: "bad", None: ""}
_PICTURE_PX = 960
_MOST_PICTURES = 24
_MOST_FILM_BYTES = 12_000_000
_MOST_SPANS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    """One sentence of the table."""

    number: int
    sentence: str
    issued_s: float
    lasted_s: float
    expected: str
    outcome: str
    tone: str
    refused_percent: float
    understood: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Frame:
    """One picture of the strip."""

    uri: str
    time_s: float
    of_infraction: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Card:
    """The drive; the attributes are those that the page's parts ask for."""

    map: MapView
    plots: tuple[Plot, ...]
    times: tuple[Label, ...]
    instructions: tuple[Span, ...]
    commentary: tuple[Span, ...]
    hover: str
    frames: tuple[_Frame, ...]
    incidents: tuple[()] = ()


def demo_page(
    config: DemoConfig,
    diary: Diary | None,
    *,
    film: Path,
    carla_map: carla.Map | None = None,
    failure: str = "",
) -> str:
    """The page, complete in itself.

    Args:
        config: What was asked for.
        diary: What happened; None where nothing could be driven.
        film: The video, which goes into the page unless it is large.
        carla_map: For the roads under the track.
        failure: Why the drive ended or did not begin, where it failed.
    """
    drove = diary is not None and len(diary.moments) > 1
    scale = speed_scale([_speeds(diary)] if diary is not None and drove else [])
    has_film = film.is_file() and film.stat().st_size > 0
    fits = has_film and film.stat().st_size <= _MOST_FILM_BYTES
    return render_page(
        "demo.html.j2",
        title="DriveVLA: a drive by sentences",
        policy=diary.policy if diary is not None else config.policy or "demonstration",
        label=diary.backend if diary is not None else "no simulator",
        failure=failure,
        cautions=_cautions(diary),
        tiles=_tiles(diary),
        rows=[] if diary is None else [_row(told) for told in diary.told],
        unsaid=() if diary is None else diary.unsaid,
        card=_card(diary, scale, carla_map) if diary is not None and drove else None,
        scale=scale,
        video=mp4_uri(film) if fits else "",
        film=film.name if has_film else "",
        facts=_facts(config, diary),
    )


def _cautions(diary: Diary | None) -> list[str]:
    if diary is None:
        return []
    found = []
    if diary.privileged:
        found.append(
            "This policy is told the truth of the simulator: each sentence reached it as a route and a goal, not as "
            "words. Its verdicts say nothing of understanding."
        )
    if diary.backend.startswith("embedded"):
        found.append("Driven on the embedded simulator: these are not results on CARLA.")
    if diary.moments and all(moment.said is None for moment in diary.moments):
        found.append("This policy does not speak: its plans hold no commentary.")
    return found


def _tiles(diary: Diary | None) -> list[tuple[str, str, str]]:
    """Title, number and what stands below it."""
    if diary is None:
        return []
    judged = [told for told in diary.told if told.outcome is not Outcome.NOT_JUDGED]
    right = sum(bool(told.outcome.is_right) for told in judged)
    to_refuse = [told for told in judged if told.must_refuse]
    refused = sum(told.outcome is Outcome.RIGHTLY_REFUSED for told in to_refuse)
    wrongly = sum(told.outcome is Outcome.WRONGLY_REFUSED for told in judged)
    left = len(diary.told) - len(judged)
    return [
        ("As it should be", f"{right} of {len(judged)}", f"sentences; {left} not judged, {len(diary.unsaid)} not said"),
        ("Rightly refused", f"{refused} of {len(to_refuse)}", f"that had to be; {wrongly} refused wrongly"),
        ("Touched", str(diary.collisions), "others, signs or walls"),
        ("Driven", f"{fixed(diary.driven_m, 0)} m", f"in {duration(diary.end_s)}"),
    ]


def _row(told: Told) -> _Row:
    expected = {True: "refuse", False: "obey", None: "unknown"}[told.must_refuse]
    return _Row(
        number=told.number,
        sentence=told.sentence,
        issued_s=told.issued_s,
        lasted_s=told.ended_s - told.issued_s,
        expected=expected,
        outcome=told.outcome.value,
        tone=_TONES[told.outcome.is_right],
        refused_percent=100 * told.refused_share,
        understood="" if told.understood is None else _words(told.understood),
        reason=told.reason,
    )


def _words(slots: dict[str, Any]) -> str:
    if slots.get("kind") == "two_steps":
        return f"{_words(slots['first'])}; then {_words(slots['second'])}"
    rest = ", ".join(f"{name} {value}" for name, value in slots.items() if name != "kind")
    return str(slots["kind"]).replace("_", " ") + (f" ({rest.replace('_', ' ')})" if rest else "")


def _card(diary: Diary, scale: SpeedScale, carla_map: carla.Map | None) -> _Card:
    moments = diary.moments
    times = np.array([moment.time_s for moment in moments])
    track = np.array([(moment.x_m, moment.y_m) for moment in moments])
    marks = [
        ((told.x_m, told.y_m), str(told.number), told.sentence, _TONES[told.outcome.is_right] or "muted")
        for told in diary.told
    ]
    view = draw_map(
        roads=None if carla_map is None else _roads(carla_map),
        route_m=np.zeros((0, 2)),
        track_m=track,
        speeds_mps=_speeds(diary),
        scale=scale,
        marks=marks,
    )
    chosen = [*diary.glimpses[:: max(1, -(-len(diary.glimpses) // _MOST_PICTURES))]]
    return _Card(
        map=view,
        plots=_plots(diary, times, scale),
        times=time_labels(diary.end_s),
        instructions=tuple(
            _span(told.issued_s, told.ended_s, diary.end_s, told.sentence, _TONES[told.outcome.is_right])
            for told in diary.told
        ),
        commentary=_commentary(diary),
        hover=_hover(diary, times, view.percent(track)),
        frames=tuple(_Frame(uri=picture_uri(each.path, width_px=_PICTURE_PX), time_s=each.time_s) for each in chosen),
    )


def _roads(carla_map: carla.Map) -> Roads:
    from drivevla.report.closed_loop.network import roads_on

    return roads_on(carla_map)


def _plots(diary: Diary, times: NDArray[np.float64], scale: SpeedScale) -> tuple[Plot, ...]:
    moments = diary.moments
    limit = np.array([np.nan if each.limit_mps is None else each.limit_mps * _KMH for each in moments])
    speed = Panel(
        title="speed, km/h",
        curves=(
            Curve(name="limit", times_s=times, values=limit, colour="limit", form="guide"),
            Curve(name="speed", times_s=times, values=_speeds(diary) * _KMH, colour="speed"),
        ),
        low=0.0,
        high=scale.top_kmh,
    )
    pedals = Panel(
        title="pedals",
        curves=(
            Curve(
                name="throttle",
                times_s=times,
                values=np.array([each.throttle for each in moments]),
                colour="throttle",
                form="area",
            ),
            Curve(
                name="brake",
                times_s=times,
                values=-np.array([each.brake for each in moments]),
                colour="brake",
                form="area",
            ),
        ),
        low=-1.0,
        high=1.0,
        tick_texts=((1.0, "gas"), (0.0, "0"), (-1.0, "brake")),
    )
    steering = np.array([each.steering for each in moments])
    wheel = Panel(
        title="steering",
        curves=(Curve(name="steering", times_s=times, values=steering, colour="steering"),),
        low=-1.0,
        high=1.0,
        tick_texts=((1.0, "left"), (0.0, "0"), (-1.0, "right")),
    )
    return tuple(plot(panel, end_s=diary.end_s) for panel in (speed, pedals, wheel))


def _commentary(diary: Diary) -> tuple[Span, ...]:
    """What was said, as long as the same was said."""
    found: list[tuple[float, float, str]] = []
    for before, after in zip(diary.moments, diary.moments[1:], strict=False):
        if before.said is None:
            continue
        text = f"refused: {before.said}" if before.refused else before.said
        if found and found[-1][2] == text and found[-1][1] == before.time_s:
            found[-1] = (found[-1][0], after.time_s, text)
        else:
            found.append((before.time_s, after.time_s, text))
    return tuple(_span(begin, end, diary.end_s, text, "") for begin, end, text in found[:_MOST_SPANS])


def _span(begin_s: float, until_s: float, end_s: float, text: str, tone: str) -> Span:
    left, right = 100 * begin_s / end_s, 100 * min(until_s, end_s) / end_s
    return Span(left=round(left, 2), width=round(max(right - left, 0.2), 2), text=text, tone=tone)


def _hover(diary: Diary, times: NDArray[np.float64], place: NDArray[np.float64]) -> str:
    """Values for the pointer; plain JSON."""
    moments = diary.moments
    columns = {
        "t": times.round(2).tolist(),
        "x": place[:, 0].round(1).tolist(),
        "y": place[:, 1].round(1).tolist(),
        "v": [round(each.speed_mps * _KMH) for each in moments],
        "g": [round(each.throttle - each.brake, 2) for each in moments],
        "s": [round(each.steering, 2) for each in moments],
    }
    return json.dumps(columns, separators=(",", ":"))


def _speeds(diary: Diary | None) -> NDArray[np.float64]:
    return np.array([] if diary is None else [abs(each.speed_mps) for each in diary.moments])


def _facts(config: DemoConfig, diary: Diary | None) -> list[tuple[str, str]]:
    import drivevla

    return [
        ("map", diary.map_name if diary is not None else config.map or "the server's"),
        ("weather", config.weather),
        ("other vehicles", str(config.vehicles)),
        ("rig", config.rig),
        ("seed", str(config.seed)),
        ("asked for", count_of(len(config.sentences), "sentence")),
        ("time for a sentence", duration(config.sentence_s)),
        ("said in between", config.idle or "nothing"),
        ("version", f"DriveVLA {drivevla.__version__}"),
    ]
