"""A drive as a list of moments: what was asked, what was said, and beside it what the car did."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from drivevla.evaluation.driving_score import TrafficEvent
from drivevla.report.closed_loop.run import EvaluatedDrive, Heard
from drivevla.report.closed_loop.story import action_words
from drivevla.report.closed_loop.track import DriveTrack

__all__ = ["TimelineRow", "timeline"]

SHORTEST_S, LONGEST_S = 1.0, 10.0
MOST_ROWS = 40
SOON_S = 0.5
"""What is asked or said so soon after a row begins belongs to it: the first plan comes a moment after the start."""
_VERDICTS = {"reached": "done", "failed": "not done", "said anew": "said anew", "not judged": "not judged"}


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineRow:
    """One moment.

    Attributes:
        begin_s: From when.
        instruction: What was asked; empty where it is as before.
        verdict: What became of it, in words; empty where nothing new was asked.
        tone: "good" or "bad" for the verdict.
        commentary: What was said; empty where it is as before.
        action: What the car did.
        incidents: Numbers of the infractions.
    """

    begin_s: float
    instruction: str
    verdict: str
    tone: str
    commentary: str
    action: str
    incidents: tuple[int, ...]


def timeline(drive: EvaluatedDrive, track: DriveTrack, events: Sequence[TrafficEvent]) -> tuple[TimelineRow, ...]:
    """Cut a drive where something new is asked or said, and every ten seconds at least.

    Args:
        drive: What was asked.
        track: What was said and done.
        events: The infractions, in the order of their numbers.
    """
    begins = _begins(drive, track)
    rows: list[TimelineRow] = []
    last_asked: Heard | None = None
    last_said = ""
    for begin, end in zip(begins, [*begins[1:], track.end_s], strict=True):
        at = min(begin + SOON_S, end)
        asked = next((each for each in reversed(drive.instructions) if each.issued_s <= at), None)
        said = next((each.text for each in track.said if each.begin_s <= at < each.end_s), "")
        is_new = asked is not None and asked is not last_asked
        rows.append(
            TimelineRow(
                begin_s=begin,
                instruction=asked.sentence if asked is not None and is_new else "",
                verdict=_verdict(asked) if asked is not None and is_new else "",
                tone={"reached": "good", "failed": "bad"}.get(asked.verdict, "") if asked is not None else "",
                commentary=said if said != last_said else "",
                action=action_words(track, begin, end),
                incidents=_between(events, track, begin, end),
            )
        )
        last_asked, last_said = asked, said
    return tuple(rows)


def _begins(drive: EvaluatedDrive, track: DriveTrack) -> list[float]:
    shortest_s = max(SHORTEST_S, track.end_s / MOST_ROWS)
    asked = {each.issued_s for each in drive.instructions if each.issued_s < track.end_s}
    cuts = [0.0]
    for time in sorted(asked | {each.begin_s for each in track.said}):
        if time - cuts[-1] >= shortest_s or (time in asked and time - cuts[-1] > SOON_S):
            cuts.append(time)
    begins: list[float] = []
    for begin, end in zip(cuts, [*cuts[1:], track.end_s], strict=True):
        parts = max(int(np.ceil((end - begin) / max(LONGEST_S, shortest_s))), 1)
        begins += [begin + (end - begin) * part / parts for part in range(parts)]
    return begins


def _between(events: Sequence[TrafficEvent], track: DriveTrack, begin_s: float, end_s: float) -> tuple[int, ...]:
    found = []
    for number, event in enumerate(events, start=1):
        row = track.row_of(event.tick)
        if row is None:
            continue
        at_s = float(track.time_s[row])
        if begin_s <= at_s < end_s or (end_s == track.end_s and at_s == end_s):
            found.append(number)
    return tuple(found)


def _verdict(asked: Heard) -> str:
    words = _VERDICTS.get(asked.verdict, asked.verdict)
    if asked.misleading:
        words = f"misleading, {words}"
    return f"{words}: {asked.reason}" if asked.reason else words
