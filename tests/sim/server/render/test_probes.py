from dataclasses import replace

import numpy as np
import pytest

from drivevla.errors import SimulatorError
from drivevla.sim.server.pose import Pose
from drivevla.sim.server.render.frame import DynamicFrame, RenderActor
from drivevla.sim.server.render.renderer import Renderer
from drivevla.sim.server.render.requests import ObstacleShot, ObstacleSpec
from drivevla.sim.server.scene.mesh import Label

CAR = RenderActor(
    actor_id=9,
    type_id="vehicle.audi.a2",
    kind="car",
    pose=Pose((10.0, -2.0, 0.0)),
    half_extent_m=(1.85, 0.9, 0.77),
    center_m=(0.0, 0.0, 0.77),
)


def test_the_ground_below_a_point_is_found(street: Renderer) -> None:
    hit = street.project_point((3.0, -2.0, 5.0), (0.0, 0.0, -1.0), 10.0, DynamicFrame())
    assert hit is not None
    assert hit.label == Label.ROADS
    assert hit.distance_m == pytest.approx(5.0, abs=1e-4)
    np.testing.assert_allclose(hit.location_m, (3.0, -2.0, 0.0), atol=1e-4)
    assert street.project_point((3.0, -2.0, 5.0), (0.0, 0.0, -1.0), 4.9, DynamicFrame()) is None
    assert street.project_point((3.0, -2.0, 5.0), (0.0, 0.0, 2.0), 100.0, DynamicFrame()) is None


def test_a_ray_meets_every_surface_in_order(street: Renderer) -> None:
    # Across the street at 3 m height: a tree's crown before the right-hand house, then the house's two walls.
    hits = street.cast_ray((-54.0, -3.0, 3.0), (-54.0, 40.0, 3.0), DynamicFrame())
    assert [hit.label for hit in hits[:3]] == [Label.VEGETATION, Label.VEGETATION, Label.BUILDINGS]
    distances = [hit.distance_m for hit in hits]
    assert distances == sorted(distances)
    assert hits[2].location_m[1] == pytest.approx(9.0, abs=1e-2)
    assert hits[3].location_m[1] == pytest.approx(20.0, abs=1e-2)
    assert street.cast_ray((0.0, 0.0, 3.0), (0.0, 0.0, 3.0), DynamicFrame()) == []


def test_rays_meet_actors(street: Renderer) -> None:
    hit = street.project_point((10.0, -2.0, 5.0), (0.0, 0.0, -1.0), 10.0, DynamicFrame(actors=(CAR,)))
    assert hit is not None
    assert (hit.actor_id, hit.label) == (9, Label.CAR)


@pytest.mark.parametrize("bad", [(float("nan"), 0.0, 0.0), (0.0, 0.0, float("inf"))])
def test_rays_that_are_no_rays_are_refused(street: Renderer, bad: tuple[float, float, float]) -> None:
    with pytest.raises(SimulatorError, match="finite"):
        street.project_point(bad, (0.0, 0.0, -1.0), 1.0, DynamicFrame())
    with pytest.raises(SimulatorError, match="finite"):
        street.cast_ray(bad, (0.0, 0.0, 0.0), DynamicFrame())
    with pytest.raises(SimulatorError, match="direction"):
        street.project_point((0.0, 0.0, 0.0), (0.0, 0.0, 0.0), 1.0, DynamicFrame())


def sensor(**spec: float | bool) -> ObstacleShot:
    return ObstacleShot(spec=ObstacleSpec(**spec), pose=Pose((0.0, -2.0, 1.0)), parent_id=1)  # type: ignore[arg-type]


def test_a_sweep_finds_the_car_ahead_and_its_distance(street: Renderer) -> None:
    hit = street.obstacle(sensor(distance_m=20.0, hit_radius_m=0.3), DynamicFrame(actors=(CAR,)))
    assert hit is not None
    assert hit.actor_id == 9
    assert 7.0 < hit.distance_m < 9.2  # its tail is at 8.15 m; the glass house leans forward


def test_a_sweep_is_as_wide_as_its_sphere(street: Renderer) -> None:
    beside = replace(CAR, pose=Pose((10.0, -3.6, 0.0)))  # its right flank is 0.75 m beside the axis
    frame = DynamicFrame(actors=(beside,))
    assert street.obstacle(sensor(distance_m=20.0, hit_radius_m=0.5), frame) is None
    hit = street.obstacle(sensor(distance_m=20.0, hit_radius_m=0.9), frame)
    assert hit is not None
    assert hit.actor_id == 9


def test_a_sweep_ignores_its_carrier_what_is_too_far_and_static_things_if_told(street: Renderer) -> None:
    carrier = replace(CAR, actor_id=1, pose=Pose((0.0, -2.0, 0.0)))
    assert street.obstacle(sensor(distance_m=20.0, hit_radius_m=0.3), DynamicFrame(actors=(carrier,))) is None
    assert street.obstacle(sensor(distance_m=5.0, hit_radius_m=0.3), DynamicFrame(actors=(CAR,))) is None
    at_a_house = ObstacleShot(spec=ObstacleSpec(distance_m=30.0), pose=Pose((-54.0, 0.0, 8.0), (0.0, 90.0, 0.0)))
    down = ObstacleShot(spec=ObstacleSpec(distance_m=30.0), pose=Pose((0.0, -2.0, 8.0), (-90.0, 0.0, 0.0)))
    assert street.obstacle(down, DynamicFrame()) is not None
    only_moving = replace(at_a_house, spec=ObstacleSpec(distance_m=30.0, only_dynamics=True))
    assert street.obstacle(only_moving, DynamicFrame()) is None
