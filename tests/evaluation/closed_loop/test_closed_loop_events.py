"""What the judge found is read back as it was written."""

from pathlib import Path

import pytest

from drivevla.errors import DataError
from drivevla.evaluation.closed_loop.events import read_events, write_events
from drivevla.evaluation.driving_score import EventKind, TrafficEvent


def test_events_are_read_back_equal(tmp_path: Path) -> None:
    events = (
        TrafficEvent(kind=EventKind.ROUTE_COMPLETION, message="…", tick=0, route_completed_percent=41.5),
        TrafficEvent(kind=EventKind.COLLISION_VEHICLE, message="撞车", tick=97, position_m=(1.5, -2.0, 0.25)),
        TrafficEvent(
            kind=EventKind.OUTSIDE_ROUTE_LANES_INFRACTION, message="m", tick=3, percentage=2.5, distance_m=4.0
        ),
    )
    write_events(tmp_path / "events.json", events)
    assert read_events(tmp_path / "events.json") == events


@pytest.mark.parametrize("text", ["{", "[1]", '[{"kind": "NOTHING"}]', "{}x"])
def test_what_holds_no_events_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "events.json").write_text(text)
    with pytest.raises(DataError, match=r"events\.json"):
        read_events(tmp_path / "events.json")


def test_a_place_of_two_numbers_is_refused(tmp_path: Path) -> None:
    write_events(
        tmp_path / "e.json",
        [TrafficEvent(kind=EventKind.VEHICLE_BLOCKED, message="", tick=1, position_m=(1.0, 2.0, 3.0))],
    )
    (tmp_path / "e.json").write_text((tmp_path / "e.json").read_text().replace("3.0", "", 1).replace("2.0,", "2.0", 1))
    with pytest.raises(DataError, match="three numbers"):
        read_events(tmp_path / "e.json")
