"""What the judge found in a drive, kept beside its result: the official sentences have neither time nor number."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from drivevla.errors import DataError
from drivevla.evaluation.driving_score import EventKind, TrafficEvent
from drivevla.runs.atomic import write_text_atomically

__all__ = ["EVENTS_FILE", "read_events", "write_events"]

EVENTS_FILE = "events.json"


def write_events(path: Path, events: Sequence[TrafficEvent]) -> None:
    """Write them as JSON, whole or not at all."""
    plain = [{**asdict(event), "kind": event.kind.value} for event in events]
    write_text_atomically(path, json.dumps(plain, indent=2))


def read_events(path: Path) -> tuple[TrafficEvent, ...]:
    """Read them back.

    Raises:
        DataError: The file is missing, damaged, or holds something else.
    """
    try:
        return tuple(_event(plain) for plain in json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(f"{path} holds no events of a drive: {type(error).__name__}: {error}") from error


def _event(plain: dict[str, object]) -> TrafficEvent:
    place = plain["position_m"]
    if place is not None:
        if not (isinstance(place, list) and len(place) == 3):
            raise ValueError(f"position_m must be three numbers, got {place!r}")
        place = tuple(float(each) for each in place)
    return TrafficEvent(**{**plain, "kind": EventKind(plain["kind"]), "position_m": place})  # type: ignore[arg-type]
