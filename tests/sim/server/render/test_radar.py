import math
from dataclasses import replace

import numpy as np
import pytest

from drivevla.sim.server.pose import Pose
from drivevla.sim.server.render.frame import DynamicFrame, RenderActor
from drivevla.sim.server.render.renderer import Renderer
from drivevla.sim.server.render.requests import RadarShot, RadarSpec
from drivevla.sim.server.scene.mesh import Label

TRUCK = RenderActor(
    actor_id=3,
    type_id="vehicle.carlamotors.european_hgv",
    kind="truck",
    pose=Pose((25.0, 0.0, 0.0)),
    half_extent_m=(4.0, 1.4, 1.7),
    center_m=(0.0, 0.0, 1.7),
    label=Label.TRUCK,
    velocity_mps=(-8.0, 0.0, 0.0),
)


def shot(seed: int = 0, **other: object) -> RadarShot:
    base = RadarShot(
        spec=RadarSpec(points_per_second=20_000),
        pose=Pose((0.0, 0.0, 1.5)),
        velocity_mps=(0.0, 0.0, 0.0),
        interval_s=0.05,
        rng=np.random.default_rng(seed),
    )
    return replace(base, **other)  # type: ignore[arg-type]


def test_velocity_is_along_the_ray_and_negative_for_what_comes_nearer(street: Renderer) -> None:
    found = street.radar(shot(velocity_mps=(5.0, 0.0, 0.0)), DynamicFrame(actors=(TRUCK,))).detections
    velocity, azimuth, altitude, depth = found.astype(np.float64).T
    along = np.cos(azimuth) * np.cos(altitude)
    on_truck = (
        (depth * along > 20.5)
        & (depth * along < 22.0)
        & (np.abs(depth * np.sin(azimuth)) < 1.3)
        & (depth * np.sin(altitude) > -1.2)
    )
    assert on_truck.sum() > 5
    # The truck at -8 m/s, the radar at +5 m/s: 13 m/s of approach along the axis.
    np.testing.assert_allclose(velocity[on_truck], -13.0 * along[on_truck], rtol=1e-4)
    road = np.abs(1.5 + depth * np.sin(altitude)) < 0.005
    np.testing.assert_allclose(velocity[road], -5.0 * along[road], rtol=1e-4)


def test_everything_lies_in_the_cone_and_in_range(street: Renderer) -> None:
    found = street.radar(shot(spec=RadarSpec(points_per_second=20_000, range_m=40.0)), DynamicFrame()).detections
    assert len(found) > 100
    across = np.tan(found[:, 1]) / math.tan(math.radians(15.0))
    above = np.tan(found[:, 2]) / np.cos(found[:, 1]) / math.tan(math.radians(15.0))
    assert (across**2 + above**2 <= 1.0 + 1e-4).all()
    assert found[:, 3].max() <= 40.0


def test_right_is_positive_azimuth(street: Renderer) -> None:
    turned = shot(pose=Pose((0.0, 0.0, 1.5), (0.0, -45.0, 0.0)))  # the left kerb passes from left to right
    found = street.radar(turned, DynamicFrame()).detections
    nearer_left = found[found[:, 1] < -0.1][:, 3].mean()
    assert found[found[:, 1] > 0.1][:, 3].mean() > nearer_left


def test_rays_follow_the_generator(street: Renderer) -> None:
    one, again, other = (street.radar(shot(seed), DynamicFrame()).detections for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, again)
    assert one.shape != other.shape or not np.array_equal(one, other)


def test_a_tick_casts_its_share_of_the_points_per_second(street: Renderer) -> None:
    # Looking straight down, every ray returns: 1500 points a second for 0.05 s are 75.
    down = shot(spec=RadarSpec(), pose=Pose((0.0, 0.0, 1.5), (-90.0, 0.0, 0.0)))
    detections = street.radar(down, DynamicFrame()).detections
    assert detections.shape == (75, 4)
    assert detections[:, 3].min() == pytest.approx(1.5, abs=0.02)
