"""A drive as the page shows it: its map, its curves, what was asked, said and done, and its pictures."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drivevla.evaluation.driving_score import EventKind, RuleBook, TrafficEvent
from drivevla.report.closed_loop.infractions import KINDS, costs
from drivevla.report.closed_loop.network import roads_of, route_of
from drivevla.report.closed_loop.run import EvaluatedDrive, StripPicture
from drivevla.report.closed_loop.story import circumstances, sentence, story, whom
from drivevla.report.closed_loop.timeline import TimelineRow, timeline
from drivevla.report.closed_loop.track import DriveTrack
from drivevla.report.pictures import mp4_uri, picture_uri
from drivevla.report.road_map import MapView, SpeedScale, draw_map
from drivevla.report.traces import Curve, Label, Panel, Plot, Span, plot, time_labels

__all__ = ["DriveCard", "Incident", "MediaBudget", "StripFrame", "drive_card"]

_KMH = 3.6
_PICTURE_PX = 640
_HOVER_POINTS = 300
_TONES = {"reached": "good", "failed": "bad"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """One infraction of a drive.

    Attributes:
        number: Its mark on the map and on the curves.
        text: What happened, where and when.
        tone: "bad" or "warn".
        left: Where on the time axis, percent; None where the record has no such tick.
    """

    number: int
    text: str
    tone: str
    left: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StripFrame:
    """One picture of the film strip.

    Attributes:
        uri: The picture itself.
        time_s: When it was taken.
        of_infraction: Whether it is the last one before an infraction.
    """

    uri: str
    time_s: float
    of_infraction: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DriveCard:
    """Everything the page says of one drive; the attributes are the template's."""

    anchor: str
    route_id: str
    town: str
    repetition: int
    score: float
    completion: float
    penalty: float
    status: str
    succeeded: bool
    story: str
    end_s: float
    driven_m: float
    incidents: tuple[Incident, ...]
    map: MapView | None
    plots: tuple[Plot, ...]
    times: tuple[Label, ...]
    instructions: tuple[Span, ...]
    commentary: tuple[Span, ...]
    rows: tuple[TimelineRow, ...]
    hover: str
    frames: tuple[StripFrame, ...]
    video: str
    notes: tuple[str, ...]


class MediaBudget:
    """How many pictures and bytes of film a page may still take; the worst drives ask first.

    Args:
        drives: How many drives there are.
        pictures: For all of them together.
        film_bytes: Likewise.
    """

    def __init__(self, drives: int, *, pictures: int = 240, film_bytes: int = 3_000_000) -> None:
        self._each = int(np.clip(pictures // max(drives, 1), 3, 12))
        self._pictures, self._film_bytes = pictures, film_bytes

    def choose(self, pictures: Sequence[StripPicture]) -> list[StripPicture]:
        """Those of infractions first, then evenly spread ones, in the order of time."""
        count = min(self._each, self._pictures, len(pictures))
        urgent = [each for each in pictures if each.of_infraction][:count]
        others = [each for each in pictures if not each.of_infraction]
        wanted = min(count - len(urgent), len(others))
        spread = np.unique(np.linspace(0, len(others) - 1, wanted).round().astype(int)) if wanted else []
        self._pictures -= count
        return sorted([*urgent, *(others[int(number)] for number in spread)], key=lambda each: each.time_s)

    def film(self, drive: EvaluatedDrive) -> str:
        """The drive's film, as long as there is room."""
        if drive.video is None or drive.video.stat().st_size > self._film_bytes:
            return ""
        self._film_bytes -= drive.video.stat().st_size
        return mp4_uri(drive.video)


def drive_card(
    rules: RuleBook,
    drive: EvaluatedDrive,
    track: DriveTrack,
    *,
    scale: SpeedScale,
    budget: MediaBudget,
    prefix: str = "",
) -> DriveCard:
    """Prepare a drive for the page.

    Args:
        rules: The rule book.
        drive: The drive.
        track: The same as arrays.
        scale: Colours of speeds, the same for all drives of a page.
        budget: What the page may still take.
        prefix: Makes anchors unique where a page shows two runs.
    """
    events = sorted((event for event in drive.events if event.kind in KINDS), key=lambda event: event.tick)
    roads, note = roads_of(drive)
    tones = _tones(costs(rules, drive.events), events)
    marks = [(place, str(number), whom(event), tones[number - 1]) for number, event, place in _placed(events, track)]
    route = route_of(drive)
    view = None
    if len(route) + len(track):
        view = draw_map(
            roads=roads,
            route_m=route,
            track_m=track.xy_m,
            speeds_mps=track.speed_mps,
            scale=scale,
            marks=marks,
        )
    moving = track.end_s > 0
    return DriveCard(
        anchor=f"{prefix}{drive.folder.name}",
        route_id=drive.summary.route_id,
        town=drive.summary.town,
        repetition=drive.summary.repetition,
        score=drive.record.score_composed,
        completion=drive.record.score_route,
        penalty=drive.record.score_penalty,
        status=drive.record.status,
        succeeded=drive.record.completed,
        story=story(rules, drive, track),
        end_s=track.end_s,
        driven_m=float(track.driven_m[-1]) if len(track) else 0.0,
        incidents=_incidents(events, tones, track),
        map=view,
        plots=_plots(track, scale) if moving else (),
        times=time_labels(track.end_s) if moving else (),
        instructions=_instruction_spans(drive, track.end_s) if moving else (),
        commentary=_commentary_spans(track) if moving else (),
        rows=timeline(drive, track, events) if moving else (),
        hover=_hover(track, view),
        frames=_frames(budget.choose(drive.pictures)),
        video=budget.film(drive),
        notes=(note,) if note else (),
    )


def _placed(events: Sequence[TrafficEvent], track: DriveTrack) -> list[tuple[int, TrafficEvent, tuple[float, float]]]:
    """Where the car was; where the record has no such tick, the place that the event itself names."""
    placed = []
    for number, event in enumerate(events, start=1):
        row = track.row_of(event.tick)
        if row is not None:
            x, y = track.xy_m[row].tolist()
            placed.append((number, event, (x, y)))
        elif event.position_m is not None:
            placed.append((number, event, event.position_m[:2]))
    return placed


def _tones(cost: Mapping[EventKind, float], events: Sequence[TrafficEvent]) -> list[str]:
    """What costs nothing under the rules is set back, unless it can hurt."""
    words = [KINDS[event.kind] for event in events]
    return [
        each.tone if event.kind in cost or each.tone == "bad" else "muted"
        for event, each in zip(events, words, strict=True)
    ]


def _incidents(events: Sequence[TrafficEvent], tones: Sequence[str], track: DriveTrack) -> tuple[Incident, ...]:
    found = []
    for number, (event, tone) in enumerate(zip(events, tones, strict=True), start=1):
        row = track.row_of(event.tick)
        text = " ".join(each for each in (whom(event), circumstances(event, track)) if each)
        left = None if row is None else round(100 * float(track.time_s[row]) / track.end_s, 2)
        found.append(Incident(number=number, text=sentence(text[0].upper() + text[1:]), tone=tone, left=left))
    return tuple(found)


def _plots(track: DriveTrack, scale: SpeedScale) -> tuple[Plot, ...]:
    speed = Panel(
        title="speed, km/h",
        curves=(
            Curve(name="limit", times_s=track.time_s, values=track.limit_mps * _KMH, colour="limit", form="guide"),
            Curve(name="speed", times_s=track.time_s, values=track.speed_mps * _KMH, colour="speed"),
        ),
        low=0.0,
        high=scale.top_kmh,
    )
    pedals = Panel(
        title="pedals",
        curves=(
            Curve(name="throttle", times_s=track.time_s, values=track.throttle, colour="throttle", form="area"),
            Curve(name="brake", times_s=track.time_s, values=-track.brake, colour="brake", form="area"),
        ),
        low=-1.0,
        high=1.0,
        tick_texts=((1.0, "gas"), (0.0, "0"), (-1.0, "brake")),
    )
    wheel = Panel(
        title="steering",
        curves=(Curve(name="steering", times_s=track.time_s, values=track.steering, colour="steering"),),
        low=-1.0,
        high=1.0,
        tick_texts=((1.0, "left"), (0.0, "0"), (-1.0, "right")),
    )
    return tuple(plot(panel, end_s=track.end_s) for panel in (speed, pedals, wheel))


def _instruction_spans(drive: EvaluatedDrive, end_s: float) -> tuple[Span, ...]:
    return tuple(
        _span(each.issued_s, each.withdrawn_s or end_s, end_s, each.sentence, _TONES.get(each.verdict, ""))
        for each in drive.instructions
        if each.issued_s < end_s
    )


def _commentary_spans(track: DriveTrack) -> tuple[Span, ...]:
    return tuple(_span(each.begin_s, each.end_s, track.end_s, each.text, "") for each in track.said[:200])


def _span(begin_s: float, until_s: float, end_s: float, text: str, tone: str) -> Span:
    left, right = 100 * begin_s / end_s, 100 * min(until_s, end_s) / end_s
    return Span(left=round(left, 2), width=round(max(right - left, 0.2), 2), text=text, tone=tone)


def _hover(track: DriveTrack, view: MapView | None) -> str:
    """Values at a few hundred times, for the pointer; plain JSON."""
    if not track.end_s > 0 or view is None:
        return ""
    rows = np.unique(np.linspace(0, len(track) - 1, min(len(track), _HOVER_POINTS)).astype(int))
    place = view.percent(track.xy_m[rows])
    columns: dict[str, NDArray[np.float64]] = {
        "t": track.time_s[rows].round(2),
        "x": place[:, 0].round(1),
        "y": place[:, 1].round(1),
        "v": (track.speed_mps[rows] * _KMH).round(0),
        "g": (track.throttle[rows] - track.brake[rows]).round(2),
        "s": track.steering[rows].round(2),
    }
    return json.dumps({name: _short(values) for name, values in columns.items()}, separators=(",", ":"))


def _short(values: NDArray[np.float64]) -> list[Any]:
    return [int(each) if each == int(each) else each for each in values.tolist()]


def _frames(pictures: Sequence[StripPicture]) -> tuple[StripFrame, ...]:
    return tuple(
        StripFrame(
            uri=picture_uri(each.path, width_px=_PICTURE_PX), time_s=each.time_s, of_infraction=each.of_infraction
        )
        for each in pictures
    )
