"""The parts that every report shares: numbers, axes, curves, maps and tables, worked out by hand."""

import numpy as np
import pytest

from drivevla.errors import ContractError
from drivevla.report.road_map import Roads, SpeedScale, draw_map, speed_scale
from drivevla.report.tables import Cell, Column, Table
from drivevla.report.traces import Curve, Panel, nice_ticks, plot, svg_path, time_labels
from drivevla.report.typography import count_of, duration, fixed, signed, whole

pytest.importorskip("markupsafe", reason="the extra 'report' is not installed")


def test_numbers_are_set_with_real_signs_and_no_false_zero() -> None:
    assert [fixed(-1.25, 1), fixed(-0.01, 1), fixed(None), fixed(float("nan"))] == ["−1.2", "0.0", "–", "–"]
    assert [signed(2.0), signed(-2.0), signed(0.0), signed(None)] == ["+2.0", "−2.0", "0.0", "–"]
    assert whole(1234567) == "1\u202f234\u202f567"
    assert [count_of(1, "route"), count_of(2, "route")] == ["1 route", "2 routes"]
    assert [duration(48.5), duration(192), duration(7500)] == ["48.5 s", "3 min 12 s", "2 h 05 min"]


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [(0.0, 30.0, (0, 10, 20, 30)), (-1.0, 1.0, (-1, -0.5, 0, 0.5, 1)), (0.0, 7.3, (0, 2, 4, 6))],
)
def test_ticks_are_round_numbers_inside_the_axis(low: float, high: float, ticks: tuple[float, ...]) -> None:
    assert nice_ticks(low, high) == ticks


def test_a_curve_goes_from_corner_to_corner_and_leaves_gaps_where_nothing_is_known() -> None:
    times, values = np.array([0.0, 5.0, 7.5, 10.0]), np.array([0.0, 10.0, np.nan, 20.0])
    panel = Panel(title="x", curves=(Curve(name="v", times_s=times, values=values, colour="a"),), low=0.0, high=20.0)
    drawn = plot(panel, end_s=10.0)
    assert 'd="M0 100L500 50M1000 0"' in drawn.svg
    assert [(tick.percent, tick.text) for tick in drawn.ticks] == [
        (100, "0"),
        (75, "5"),
        (50, "10"),
        (25, "15"),
        (0, "20"),
    ]
    assert [label.text for label in time_labels(60.0)] == ["0", "10", "20", "30", "40", "50", "60"]
    with pytest.raises(ContractError, match="no room"):
        plot(panel, end_s=0.0)


def test_an_area_is_closed_along_zero() -> None:
    curve = Curve(name="v", times_s=np.array([0.0, 10.0]), values=np.array([1.0, 0.5]), colour="a", form="area")
    drawn = plot(Panel(title="x", curves=(curve,), low=-1.0, high=1.0), end_s=10.0)
    assert 'd="M0 50L0 0L1000 25L1000 50"' in drawn.svg


def test_a_path_is_short() -> None:
    assert svg_path(np.array([[0.04, 10.0], [1.26, -3.0]])) == "M0 10L1.3 -3"


def test_marks_lie_where_they_happened_with_north_up() -> None:
    route = np.array([[0.0, 0.0], [150.0, 0.0], [150.0, 100.0]])
    view = draw_map(
        roads=Roads(lines_m=(route, route + 1000.0), widths_m=(3.5, 3.5)),
        route_m=route,
        track_m=route,
        speeds_mps=np.array([0.0, 4.0, 8.0]),
        scale=SpeedScale(top_kmh=30.0),
        marks=[((75.0, 50.0), "1", "hit a wall", "bad")],
    )
    # 25 m around: 200 m wide, 150 m high
    assert view.bounds_m == (-25.0, -25.0, 175.0, 125.0)
    assert view.aspect == pytest.approx(4 / 3, abs=1e-3)
    places = {mark.tone: (mark.left, mark.top) for mark in view.marks}
    assert places == {"start": (12.5, 83.33), "goal": (87.5, 16.67), "bad": (50.0, 50.0)}
    assert (view.scale_m, view.scale_percent) == (50.0, 25.0)
    assert view.svg.count('class="road"') == 1
    assert "1025" not in view.svg  # the far road is left out


def test_a_narrow_route_gets_more_of_its_surroundings() -> None:
    line = np.array([[0.0, 0.0], [0.0, 350.0]])
    view = draw_map(
        roads=None, route_m=line, track_m=np.zeros((0, 2)), speeds_mps=np.zeros(0), scale=SpeedScale(top_kmh=30.0)
    )
    assert view.aspect == pytest.approx(0.8)
    with pytest.raises(ContractError, match="got neither"):
        draw_map(
            roads=None,
            route_m=np.zeros((0, 2)),
            track_m=np.zeros((0, 2)),
            speeds_mps=np.zeros(0),
            scale=SpeedScale(top_kmh=30.0),
        )


def test_one_scale_of_speeds_covers_all_drives() -> None:
    scale = speed_scale([np.array([5.0]), np.zeros(0), np.array([12.0])])  # 43.2 km/h
    assert scale.top_kmh == 50.0
    assert scale.colours(np.array([0.0, 50 / 3.6 / 2, 100.0])).tolist() == [0, 3, 6]


def test_a_row_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ContractError, match="row 0 has 1 cells, the table 2 columns"):
        Table(columns=(Column(title="a"), Column(title="b")), rows=((Cell(text="1"),),))
