"""A session begins the same, however long its server ran by itself before."""

import time

import pytest

from drivevla.config.sensor_rig import load_rig
from drivevla.sim.server import start_server
from drivevla.sim.session import open_session

pytest.importorskip("carla", reason="the extra 'sim' is not installed")


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_captures_and_lights_do_not_depend_on_the_servers_age() -> None:
    seen = []
    for wait_s in (0.0, 2.3):  # not a whole number of captures of 0.2 s more
        with start_server("Gen_tee_1") as server:
            time.sleep(wait_s)
            with open_session(
                load_rig("blind_5hz"), map_name="Gen_tee_1", host=server.host, port=server.port, seed=0
            ) as session:
                lights = [actor for actor in session.world.get_actors() if actor.type_id == "traffic.traffic_light"]
                rows = [(session.tick().captured, [str(light.get_state()) for light in lights]) for _ in range(210)]
        seen.append(rows)
    assert lights
    assert [index for index, (captured, _) in enumerate(seen[0]) if captured][:3] == [3, 7, 11]
    assert seen[0][0][1] != seen[0][-1][1]  # the lights have changed on the way
    assert seen[0] == seen[1]
