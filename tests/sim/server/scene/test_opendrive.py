"""Reading OpenDRIVE: the same places as the client's own parser, and refusals that say what is wrong."""

import carla
import numpy as np
import pytest

from drivevla.errors import DataError
from drivevla.sim.maps.source import MapSource
from drivevla.sim.server.scene.lane_grid import sample_lanes
from drivevla.sim.server.scene.opendrive import parse_opendrive

SHAPES = {
    "line": "<line/>",
    "arc": '<arc curvature="0.02"/>',
    "spiral": '<spiral curvStart="0.0" curvEnd="0.03"/>',
    "poly3": '<poly3 a="0" b="0" c="0.002" d="0.00001"/>',
    "paramPoly3": '<paramPoly3 aU="0" bU="98" cU="1" dU="-2" aV="0" bV="0" cV="9" dV="-4" pRange="normalized"/>',
}


@pytest.mark.parametrize("shape", SHAPES)
def test_lane_centres_are_where_the_client_has_them(street_source: MapSource, shape: str) -> None:
    text = street_source.opendrive.replace("<line/>", SHAPES[shape])
    carla_map = carla.Map("street", text)
    (grid,) = sample_lanes(parse_opendrive(text))
    k = grid.lane_index(-1)
    assert k is not None
    stations = np.linspace(5.0, 90.0, 12)
    ours = 0.5 * (grid.at(stations, k) + grid.at(stations, k + 1))
    for s, point in zip(stations, ours, strict=True):
        place = carla_map.get_waypoint_xodr(1, -1, float(s)).transform.location
        # The client integrates polynomials in coarse steps of its own.
        tolerance = 0.35 if shape in ("poly3", "paramPoly3") else 0.02
        assert np.hypot(place.x - point[0], place.y - point[1]) < tolerance


def test_kept_stations_stray_less_than_a_centimetre(street_source: MapSource) -> None:
    text = street_source.opendrive.replace("<line/>", SHAPES["arc"])
    (grid,) = sample_lanes(parse_opendrive(text))
    assert len(grid.keep) < 0.4 * len(grid.s_m)
    for border in range(grid.borders_m.shape[1]):
        coarse = np.stack(
            [np.interp(grid.s_m, grid.s_m[grid.keep], grid.borders_m[grid.keep, border, axis]) for axis in range(3)], -1
        )
        assert np.linalg.norm(coarse - grid.borders_m[:, border], axis=1).max() < 0.015


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("<OpenDRIVE><road", "not well-formed"),
        ("<html/>", "<html>"),
        ("<OpenDRIVE/>", "no <road>"),
        ('<OpenDRIVE><road id="1" length="10"/></OpenDRIVE>', "planView"),
        ('<OpenDRIVE><road id="1" length="ten"/></OpenDRIVE>', "road 1: length of <road> must be a number, got 'ten'"),
        ('<OpenDRIVE><road id="1" length="nan"/></OpenDRIVE>', "must be finite"),
        ('<OpenDRIVE><road id="1"/></OpenDRIVE>', "length"),
    ],
)
def test_unusable_text_is_refused_with_the_reason(text: str, says: str) -> None:
    with pytest.raises(DataError, match=says):
        parse_opendrive(text)
