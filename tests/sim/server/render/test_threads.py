"""That a picture is the same bytes on any number of threads."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from drivevla.sim.server.pose import Pose
from drivevla.sim.server.render import bands
from drivevla.sim.server.render.frame import DynamicFrame, RenderActor, VehicleLights
from drivevla.sim.server.render.renderer import Renderer
from drivevla.sim.server.render.requests import CameraShot, CameraSpec
from drivevla.sim.server.render.weather import Weather
from drivevla.sim.server.scene.mesh import SceneMesh

SHOT = CameraShot(kind="rgb", spec=CameraSpec(400, 200, 80.0), pose=Pose((0.0, 2.0, 1.8)))
CAR = RenderActor(
    actor_id=1,
    type_id="vehicle.lincoln.mkz_2020",
    kind="car",
    pose=Pose((12.0, 2.0, 0.0)),
    half_extent_m=(2.45, 0.92, 0.745),
    center_m=(0.0, 0.0, 0.745),
    lights=int(VehicleLights.LOW_BEAM),
)
WEATHERS = (
    Weather(sun_altitude_angle=25.0, cloudiness=30.0),
    Weather(sun_altitude_angle=-30.0, precipitation=60.0, precipitation_deposits=60.0, wetness=80.0, fog_density=20.0),
)


@pytest.mark.parametrize("weather", WEATHERS, ids=["day", "rainy night"])
def test_pictures_are_the_same_bytes_on_any_number_of_threads(
    street_mesh: SceneMesh, weather: Weather, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert len(list(bands.bands(SHOT.spec.width_px * SHOT.spec.height_px))) >= 4, "there is work to share"
    pictures = []
    for threads in (1, 2, 7):
        with ThreadPoolExecutor(threads) as pool:
            monkeypatch.setattr(bands, "_pool", lambda pool=pool: pool)
            frame = DynamicFrame(time_s=1.0, weather=weather, light_states={"17": "red"}, actors=(CAR,))
            pictures.append(Renderer(street_mesh).camera(SHOT, frame))
    np.testing.assert_array_equal(pictures[1], pictures[0])
    np.testing.assert_array_equal(pictures[2], pictures[0])
