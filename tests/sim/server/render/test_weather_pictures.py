"""That weather and lamps change a picture the way they should, in numbers."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from drivevla.sim.server.pose import Pose
from drivevla.sim.server.render.frame import DynamicFrame, RenderActor, VehicleLights
from drivevla.sim.server.render.pinhole import project
from drivevla.sim.server.render.renderer import Renderer
from drivevla.sim.server.render.requests import CameraShot, CameraSpec
from drivevla.sim.server.render.weather import Weather

SPEC = CameraSpec(320, 160, 65.0)
EYE = Pose((0.0, 2.0, 1.8))
NOON, NIGHT = Weather(sun_altitude_angle=70.0), Weather(sun_altitude_angle=-40.0)
CAR = RenderActor(
    actor_id=1,
    type_id="vehicle.lincoln.mkz_2020",
    kind="car",
    pose=Pose((14.0, 2.0, 0.0)),
    half_extent_m=(2.45, 0.92, 0.745),
    center_m=(0.0, 0.0, 0.745),
    rgb=(0.6, 0.6, 0.6),
)


def picture(street: Renderer, weather: Weather, *actors: RenderActor, time_s: float = 0.0) -> NDArray[np.float64]:
    """(160, 320, 3) R, G, B."""
    shot = CameraShot(kind="rgb", spec=SPEC, pose=EYE)
    image = street.camera(shot, DynamicFrame(time_s=time_s, weather=weather, actors=actors))
    return np.asarray(image[..., 2::-1], np.float64)


def around(image: NDArray[np.float64], point_m: tuple[float, float, float], reach_px: int = 2) -> NDArray[np.float64]:
    """Mean R, G, B around the pixel of a world point."""
    pixel, _ = project(SPEC, EYE, np.array(point_m))
    column, row = np.floor(pixel).astype(int)
    window = image[row - reach_px : row + reach_px + 1, column - reach_px : column + reach_px + 1]
    mean: NDArray[np.float64] = window.reshape(-1, 3).mean(axis=0)
    return mean


def test_day_is_brighter_than_dusk_and_dusk_than_night(street: Renderer) -> None:
    noon, dusk, night = (
        picture(street, Weather(sun_altitude_angle=altitude)).mean() for altitude in (60.0, -2.0, -30.0)
    )
    assert noon > 1.15 * dusk
    assert dusk > 1.08 * night


def test_a_clear_sky_is_blue_and_an_overcast_one_grey(street: Renderer) -> None:
    clear = picture(street, NOON)[2, 160]
    grey = picture(street, replace(NOON, cloudiness=100.0))[2, 160]
    assert clear[2] > 1.2 * clear[0]
    assert abs(grey[2] - grey[0]) < 0.12 * grey[0]


def test_fog_swallows_what_is_far_and_spares_what_is_near(street: Renderer) -> None:
    clear, fog = picture(street, NOON, CAR), picture(street, replace(NOON, fog_density=60.0, fog_distance=2.0), CAR)
    far, near = (slice(60, 78), slice(150, 175)), (slice(150, 160), slice(0, 320))
    assert fog[far].std() < 0.4 * clear[far].std()
    assert abs(fog[near].mean() - clear[near].mean()) < 45.0


def test_vehicles_throw_shadows_away_from_the_sun(street: Renderer) -> None:
    # The sun stands at the left: the shadow falls to the right, on the free lane.
    weather = Weather(sun_altitude_angle=45.0, sun_azimuth_angle=-90.0)
    tall = replace(CAR, type_id="vehicle.carlamotors.firetruck", kind="truck", pose=Pose((14.0, -1.0, 0.0)),
                   half_extent_m=(4.0, 1.3, 1.6), center_m=(0.0, 0.0, 1.6))  # fmt: skip
    with_truck, without = picture(street, weather, tall), picture(street, weather)
    right = (14.0, 2.0, 0.0)
    assert around(with_truck, right).mean() < 0.75 * around(without, right).mean()
    assert around(with_truck, (8.0, 2.0, 0.0)).mean() == pytest.approx(
        around(without, (8.0, 2.0, 0.0)).mean(), rel=0.02
    )


def test_the_road_is_darker_under_a_parked_car_even_without_sun(street: Renderer) -> None:
    overcast = Weather(cloudiness=100.0, sun_altitude_angle=50.0)
    behind = (14.0 - 2.45 - 0.15, 2.0, 0.0)
    assert (
        around(picture(street, overcast, CAR), behind, 1).mean()
        < 0.8 * around(picture(street, overcast), behind, 1).mean()
    )


def test_brake_lights_are_red_and_seen_by_day(street: Renderer) -> None:
    dark, lit = picture(street, NOON, CAR), picture(street, NOON, replace(CAR, lights=int(VehicleLights.BRAKE)))
    lamp = (14.0 - 2.45, 2.0 + 0.60, 0.66)
    change = around(lit, lamp, 1) - around(dark, lamp, 1)
    assert change[0] > 60.0
    assert abs(change[2]) < 0.25 * change[0]


def test_headlights_light_the_road_at_night(street: Renderer) -> None:
    ego = replace(CAR, pose=Pose((0.0, 2.0, 0.0)))
    off = picture(street, NIGHT, ego)
    on = picture(street, NIGHT, replace(ego, lights=int(VehicleLights.LOW_BEAM)))
    ahead = (12.0, 2.6, 0.0)
    assert around(on, ahead).mean() > around(off, ahead).mean() + 10.0
    assert around(on, (12.0, -14.0, 5.0)).mean() == pytest.approx(around(off, (12.0, -14.0, 5.0)).mean(), abs=3.0)


def test_rain_darkens_the_road_and_moves_with_time(street: Renderer) -> None:
    wet = replace(NOON, wetness=100.0)
    road = (7.0, 2.6, 0.0)
    assert around(picture(street, wet), road).mean() < 0.93 * around(picture(street, NOON), road).mean()
    rain = replace(NOON, precipitation=60.0, cloudiness=80.0)
    first, again, later = (picture(street, rain, time_s=time_s) for time_s in (1.0, 1.0, 1.05))
    np.testing.assert_array_equal(first, again)
    assert (first != later).any()


def test_a_dust_storm_is_brown(street: Renderer) -> None:
    sky = picture(street, Weather(dust_storm=90.0))[5, 160]
    assert sky[0] > sky[1] > sky[2]
