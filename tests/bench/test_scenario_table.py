"""The table of who solves which scenario, and how it gets onto a page."""

import pytest

from drivevla.bench.scenarios import BEGIN, END, Outcome, put_on_page, table
from drivevla.errors import DataError
from drivevla.sim.routes import Place, Route, Scenario
from drivevla.sim.routes.weather import LEADERBOARD_2_WEATHER, WeatherSchedule


def a_route(kind: str) -> Route:
    return Route(
        id=f"{kind}_0",
        town="Gen_grid_1",
        key_points_m=((0.0, 0.0, 0.0), (50.0, 0.0, 0.0)),
        weather=WeatherSchedule.constant(LEADERBOARD_2_WEATHER),
        format="leaderboard_2",
        scenarios=(Scenario(name=f"{kind}_1", type=kind, trigger=Place((5.0, 0.0, 0.0), 0.0), parameters={}),),
        origin="test",
    )


def test_every_type_has_a_line_and_who_has_not_driven_is_said() -> None:
    solved, failed = Outcome(solved=True, words="100 %"), Outcome(solved=False, words="0 %, vehicle_blocked 1")
    lines = table(
        [a_route("Accident"), a_route("InvadingTurn")],
        {"stand_still": {"Accident_0": failed}, "expert": {"Accident_0": solved}},
    ).splitlines()
    assert lines[0] == "| type | town | stand_still | expert |"
    assert lines[2] == "| Accident | Gen_grid_1 | failed: 0 %, vehicle_blocked 1 | **solved**: 100 % |"
    assert lines[3] == "| InvadingTurn | Gen_grid_1 | not driven | not driven |"


def test_only_what_stands_between_the_marks_of_a_page_changes() -> None:
    page = f"# Title\n\n{BEGIN}\n| old |\n{END}\n\nMore.\n"
    once = put_on_page(page, "| new |\n")
    assert once == f"# Title\n\n{BEGIN}\n| new |\n{END}\n\nMore.\n"
    assert put_on_page(once, "| new |\n") == once
    with pytest.raises(DataError, match="add them"):
        put_on_page("# Title\n", "| new |\n")
