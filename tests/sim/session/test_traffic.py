"""Which vehicles the traffic is made of."""

from collections.abc import Iterator

import numpy as np
import pytest

from drivevla.config.sensor_rig import load_rig
from drivevla.sim.server import start_server
from drivevla.sim.session import Session, open_session
from drivevla.sim.session.traffic import background_traffic

pytest.importorskip("carla", reason="the extra 'sim' is not installed")


@pytest.fixture(scope="module")
def session() -> Iterator[Session]:
    with (
        start_server("Gen_grid_1") as server,
        open_session(load_rig("blind"), host=server.host, port=server.port, seed=0) as opened,
    ):
        yield opened


def _base_types(session: Session, heavy_share: float) -> list[str]:
    with background_traffic(session, vehicles=20, seed=4, heavy_share=heavy_share):
        session.tick()
        cars = [each for each in session.world.get_actors() if each.attributes.get("role_name") == "background"]
        types = [each.attributes["base_type"] for each in sorted(cars, key=lambda each: each.id)]
    session.tick()
    return types


def test_trucks_and_buses_are_as_frequent_as_was_asked_for(session: Session) -> None:
    drawn = {share: _base_types(session, share) for share in (0.0, 0.5, 1.0)}
    heavy = {share: np.mean([each in ("truck", "bus") for each in types]) for share, types in drawn.items()}
    assert all(len(types) > 15 for types in drawn.values())
    assert heavy[1.0] == 1.0
    assert heavy[0.0] < 0.35 <= heavy[0.5] <= 0.85  # of all models a fifth; with 20 draws at about 0.6


def test_same_seed_and_share_draw_the_same_vehicles(session: Session) -> None:
    assert _base_types(session, 0.5) == _base_types(session, 0.5)
