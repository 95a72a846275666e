"""What went wrong, where and why, in a sentence; and what the car did, in a few words."""

import math
import re

from drivevla.evaluation.driving_score import EventKind, RuleBook, TrafficEvent
from drivevla.report.closed_loop.infractions import KINDS, costs
from drivevla.report.closed_loop.run import EvaluatedDrive
from drivevla.report.closed_loop.track import DriveTrack
from drivevla.report.typography import fixed

__all__ = ["action_words", "circumstances", "kmh", "sentence", "story", "whom"]

_KMH = 3.6
_STANDING_MPS = 0.3
_LONGEST_ERROR = 240
_TURN_DEG, _SHARP_DEG = 15.0, 50.0
_TYPE = re.compile(r"type=(\S+)")
_AROUND_S = 1.5
"""How long before an event the car's action is looked at."""
_ENDINGS = {
    "arrived": "Reached the goal",
    "deviated": "Left the route for good",
    "blocked": "Got stuck",
    "timed out": "Ran out of time",
    "tick limit": "Ran out of ticks",
}


def kmh(speed_mps: float) -> str:
    """A speed as one reads it on a dashboard."""
    return f"{fixed(abs(speed_mps) * _KMH, 0)} km/h"


def action_words(track: DriveTrack, begin_s: float, end_s: float) -> str:
    """What the car did between two times: speed first, then direction."""
    if not len(track):
        return ""
    first, last = track.row_at(begin_s), track.row_at(end_s)
    speeds = track.speed_mps[first : last + 1]
    before, after = float(speeds[0]), float(speeds[-1])
    if speeds.max() < _STANDING_MPS:
        return "stands"
    noticeable = max(1.0, 0.15 * max(before, after))
    if after - before > noticeable:
        words = f"speeds up, {fixed(before * _KMH, 0)} to {kmh(after)}"
    elif before - after > noticeable:
        words = f"{'stops' if after < _STANDING_MPS else 'slows down'}, {fixed(before * _KMH, 0)} to {kmh(after)}"
    else:
        words = f"keeps {kmh(float(speeds.mean()))}"
    turned = math.degrees(float(track.yaw_rad[last] - track.yaw_rad[first]))
    if abs(turned) < _TURN_DEG:
        return words
    verb = "turns" if abs(turned) >= _SHARP_DEG else "bears"
    return f"{words}, {verb} {'left' if turned > 0 else 'right'} {fixed(abs(turned), 0)}°"


def whom(event: TrafficEvent) -> str:
    """What the car did, with what it met where the sentence of the rules tells."""
    words = KINDS[event.kind]
    if event.kind is EventKind.MIN_SPEED_INFRACTION and event.percentage is not None:
        return f"drove at {fixed(event.percentage, 0)} % of the traffic's speed"
    if event.kind is EventKind.OUTSIDE_ROUTE_LANES_INFRACTION and event.distance_m is not None:
        return f"{words.verb} for {fixed(event.distance_m)} m"
    met = _TYPE.search(event.message)
    return f"{words.verb} ({met[1]})" if met else words.verb


def circumstances(event: TrafficEvent, track: DriveTrack) -> str:
    """When, where and doing what; empty where the record has no such tick."""
    row = track.row_of(event.tick)
    if row is None:
        return ""
    at_s = float(track.time_s[row])
    action = action_words(track, max(at_s - _AROUND_S, 0.0), at_s)
    return f"at {fixed(at_s)} s, {fixed(float(track.driven_m[row]), 0)} m from the start (the car {action})"


def story(rules: RuleBook, drive: EvaluatedDrive, track: DriveTrack) -> str:
    """One or two sentences: how the drive ended, and what cost it most."""
    return " ".join(each for each in (_ending(drive, track), _worst(rules, drive, track)) if each)


def _ending(drive: EvaluatedDrive, track: DriveTrack) -> str:
    driven = f"{fixed(drive.record.score_route, 0)} % of the way"
    stop, error = drive.summary.stop, drive.summary.error
    if error is not None:
        where = f"Broke off after {fixed(track.end_s)} s, {driven}" if len(track) else "Never began"
        return sentence(f"{where}: {_shortened(error)}")
    if stop is None:
        return sentence(f"Ended after {driven}: {drive.record.status}")
    ending = _ENDINGS[stop]
    if stop == "arrived":
        return sentence(f"{ending} in {fixed(track.end_s)} s")
    return sentence(f"{ending} after {fixed(track.end_s)} s and {driven}")


def _worst(rules: RuleBook, drive: EvaluatedDrive, track: DriveTrack) -> str:
    cost = costs(rules, drive.events)
    if not cost:
        return "" if drive.summary.error is not None else "Nothing cost it points on the way."
    kind, points = max(cost.items(), key=lambda item: item[1])
    events = [event for event in drive.events if event.kind is kind]
    first, more = events[0], len(events) - 1
    when = circumstances(first, track)
    again = f" and did so {more} more time{'s' if more > 1 else ''}" if more else ""
    of_what = "Most" if drive.record.completed else "Of what it drove, most"
    return f"{of_what} was lost because it {whom(first)}{' ' + when if when else ''}{again}: {fixed(points)} points."


def _shortened(error: str) -> str:
    text = " ".join(error.split())
    return text if len(text) <= _LONGEST_ERROR else f"{text[:_LONGEST_ERROR]} … (the rest is in drive.json)"


def sentence(text: str) -> str:
    """The text with a full stop, where it has none."""
    return text if text.endswith((".", "!", "?")) else f"{text}."
