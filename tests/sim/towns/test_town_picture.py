"""The plan of a town as a picture."""

from collections.abc import Callable
from pathlib import Path

import pytest

from drivevla.sim.towns.network import Network
from drivevla.sim.towns.picture import draw_town


def test_a_picture_covers_the_town_and_paints_its_landmarks(
    network_of: Callable[[str, int], Network], tmp_path: Path
) -> None:
    pytest.importorskip("matplotlib")
    network = network_of("stop", 1)
    figure = draw_town(network, title="stop 1", inches=4.0)
    (axes,) = figure.axes
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    for road in network.roads:
        place = road.curve.start
        assert left < place.x_m < right
        assert bottom < place.y_m < top
    boxes = sum(len(road.objects) for road in network.roads)
    assert len(axes.collections) == boxes + 5
    figure.savefig(tmp_path / "plan.png")
    assert (tmp_path / "plan.png").stat().st_size > 10_000
