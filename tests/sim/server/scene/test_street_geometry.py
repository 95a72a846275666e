"""One straight street, every number worked out by hand (see ``conftest.py``)."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from drivevla.sim.maps.source import MapSource
from drivevla.sim.server.pose import rotation_matrices
from drivevla.sim.server.scene.build import build_scene
from drivevla.sim.server.scene.mesh import Label
from drivevla.sim.server.scene.scene import Scene, Signal

Street = Callable[..., Scene]


def triangles_of(scene: Scene, label: Label) -> NDArray[np.float64]:
    mesh = scene.mesh
    return mesh.vertices_m[mesh.triangles[mesh.label == label]].astype(np.float64)


def signal(scene: Scene, signal_id: str) -> Signal:
    return next(s for s in scene.signals if s.signal_id == signal_id)


def trigger_center_m(one: Signal) -> NDArray[np.float64]:
    world_from_actor = rotation_matrices(one.pose.rotation_deg)
    return np.array(one.pose.location_m) + world_from_actor @ np.array(one.trigger.center_m)


def test_road_reaches_from_border_to_border(street: Street) -> None:
    road = triangles_of(street(), Label.ROADS).reshape(-1, 3)
    # CARLA's y points to the right: left lane to -3.5, right lane and shoulder to 4.0.
    assert road[:, 1].min() == pytest.approx(-3.5, abs=1e-5)
    assert road[:, 1].max() == pytest.approx(4.0, abs=1e-5)
    assert road[:, 0].min() == pytest.approx(-0.03, abs=1e-4)
    assert road[:, 0].max() == pytest.approx(100.03, abs=1e-4)
    np.testing.assert_allclose(road[:, 2], 0.0, atol=1e-6)


def test_sidewalks_stand_one_kerb_above_the_road(street: Street) -> None:
    z, normal = street().ground.query([(50.0, -4.5), (50.0, 5.0), (50.0, 1.0)], [0.0, 0.0, 0.0])
    np.testing.assert_allclose(z, [0.15, 0.15, 0.0], atol=1e-6)
    np.testing.assert_allclose(normal, [[0, 0, 1]] * 3, atol=1e-6)


def test_terrain_lies_a_little_below_the_road_and_everywhere_around_it(street: Street) -> None:
    z, _ = street().ground.query([(50.0, 12.0), (-60.0, 40.0), (150.0, -80.0)], [0.0, 0.0, 0.0])
    assert np.all((z < -0.02) & (z > -0.6))


def test_ground_follows_the_slope(street: Street) -> None:
    z, normal = street(0.05).ground.query([(20.0, 1.0), (80.0, -2.0)], [1.0, 4.0])
    np.testing.assert_allclose(z, [1.0, 4.0], atol=2e-3)
    np.testing.assert_allclose(normal[:, 0], -0.05 / np.hypot(1, 0.05), atol=1e-3)


def test_nothing_lies_under_points_off_the_map(street: Street) -> None:
    z, normal = street().ground.query([(1e5, 0.0), (np.nan, 0.0)], [0.0, 0.0])
    assert np.isnan(z).all()
    assert np.isnan(normal).all()


def test_solid_mark_is_on_the_lane_border_with_its_width_one_centimetre_up(street: Street) -> None:
    paint = triangles_of(street(), Label.ROAD_LINES)
    edge = paint[(np.abs(paint[..., 1] - 3.5) < 0.2).all(axis=1)].reshape(-1, 3)
    assert edge[:, 1].min() == pytest.approx(3.425, abs=1e-4)
    assert edge[:, 1].max() == pytest.approx(3.575, abs=1e-4)
    np.testing.assert_allclose(edge[:, 2], 0.01, atol=1e-6)
    assert edge[:, 0].max() == pytest.approx(100.0, abs=1e-3)


def test_broken_yellow_line_has_three_metre_dashes_every_nine_metres(street: Street) -> None:
    scene = street()
    yellow = [k for k, m in enumerate(scene.mesh.materials) if m.surface == "paint" and m.rgb[2] < 0.3]
    mine = scene.mesh.triangles[np.isin(scene.mesh.material, yellow)]
    x = np.unique(np.round(scene.mesh.vertices_m[mine][..., 0], 3))
    np.testing.assert_allclose(x[:6], [0.0, 1.5, 3.0, 9.0, 10.5, 12.0], atol=2e-3)
    y = scene.mesh.vertices_m[mine][..., 1]
    assert (y.min(), y.max()) == (pytest.approx(-0.06, abs=1e-4), pytest.approx(0.06, abs=1e-4))


def test_zebra_stripes_cover_half_of_the_crossing(street: Street) -> None:
    paint = triangles_of(street(), Label.ROAD_LINES)
    crossing = paint[((paint[..., 0] > 58) & (paint[..., 0] < 62) & (paint[..., 2] > 0.011)).all(axis=1)]
    a, b, c = crossing[:, 0], crossing[:, 1], crossing[:, 2]
    area = 0.5 * np.abs(np.cross(b - a, c - a)[:, 2]).sum()
    # 7 m across the street hold 7 stripes of 0.5 m by 3 m.
    assert area == pytest.approx(7 * 0.5 * 3.0, rel=0.01)


def test_light_stands_where_the_map_says_and_its_x_axis_runs_across_the_lane(street: Street) -> None:
    light = signal(street(), "7")
    landmark = next(m for m in street().carla_map.get_all_landmarks() if m.id == "7")
    place = landmark.transform.location
    np.testing.assert_allclose(light.pose.location_m, (place.x, place.y, place.z), atol=1e-4)
    np.testing.assert_allclose(light.pose.location_m[:2], (90.0, 7.0), atol=0.3)
    across = rotation_matrices(light.pose.rotation_deg)[:, 0]
    assert abs(across[1]) == pytest.approx(1.0, abs=1e-6)
    assert light.type_id == "traffic.traffic_light"
    assert light.lanes == ((1, -1),)


def test_trigger_box_is_on_the_lane_three_metres_before_the_signal(street: Street) -> None:
    for signal_id, where in (("7", (87.0, 1.75)), ("8", (13.0, -1.75))):
        one = signal(street(), signal_id)
        np.testing.assert_allclose(trigger_center_m(one)[:2], where, atol=1e-3)
        np.testing.assert_allclose(one.trigger.half_extent_m, (1.75, 1.5, 1.0), atol=1e-6)


def test_stop_line_spans_the_governed_lane_behind_the_signal(street: Street) -> None:
    paint = triangles_of(street(), Label.ROAD_LINES).reshape(-1, 3)
    bar = paint[(paint[:, 0] > 89.5) & (paint[:, 0] < 90.01) & (paint[:, 1] > -0.05) & (paint[:, 1] < 3.51)]
    bar = bar[(np.abs(bar[:, 1]) < 1e-3) | (np.abs(bar[:, 1] - 3.5) < 1e-3)]
    assert (bar[:, 0].min(), bar[:, 0].max()) == (pytest.approx(89.6, abs=1e-3), pytest.approx(90.0, abs=1e-3))


def test_speed_limit_names_its_blueprint(street: Street) -> None:
    limit = signal(street(), "9")
    assert limit.value_kmh == pytest.approx(50.0)
    assert limit.type_id == "traffic.speed_limit.50"


def test_heads_have_red_above_green_and_look_at_the_traffic(street: Street) -> None:
    scene = street()
    mesh = scene.mesh
    light = signal(scene, "7")
    assert light.head_locations_m

    def lamps(bulb: str) -> NDArray[np.float64]:
        of_bulb = [k for k, m in enumerate(mesh.materials) if m.signal_id == "7" and m.bulb == bulb]
        return mesh.vertices_m[mesh.triangles[np.isin(mesh.material, of_bulb)]].astype(np.float64)

    red, green = lamps("red"), lamps("green")
    assert red[..., 2].mean() > green[..., 2].mean() + 0.5
    normal = np.cross(red[:, 1] - red[:, 0], red[:, 2] - red[:, 0])
    assert (normal[:, 0] < 0).all()  # traffic on lane -1 comes from smaller x
    corners = red[: len(red) // len(light.head_locations_m)].reshape(-1, 3)
    height = corners[:, 2].max() - corners[:, 2].min()
    assert height == pytest.approx(0.30, abs=0.01)


def test_posts_keep_off_the_lanes(street: Street) -> None:
    scene = street()
    center, half = scene.obstacles.center_m, scene.obstacles.half_extent_m
    assert len(scene.obstacles) > 0
    reach = np.hypot(half[:, 0], half[:, 1])
    on_street = (center[:, 0] > 0) & (center[:, 0] < 100)
    clear = np.maximum(-3.5 - center[:, 1], center[:, 1] - 4.0)
    posts = on_street & (reach < 0.5)
    assert posts.any()
    assert (clear[posts] > 0).all()


def test_spawn_points_are_half_a_metre_above_the_middle_of_the_lane_and_look_along_it(street: Street) -> None:
    poses = street().spawn_points
    assert len(poses) >= 4
    for pose in poses:
        x, y, z = pose.location_m
        assert 5.0 < x < 95.0
        assert abs(y) == pytest.approx(1.75, abs=1e-6)
        assert z == pytest.approx(0.5, abs=1e-6)
        assert pose.rotation_deg[1] % 360 == pytest.approx(0.0 if y > 0 else 180.0, abs=1e-6)


def test_obstacles_near_a_point_are_found(street: Street) -> None:
    obstacles = street().obstacles
    point, box = obstacles.near(obstacles.center_m[:3, :2], radius_m=0.1)
    for k in range(3):
        assert k in box[point == k]


def test_same_seed_same_scene_and_other_seed_other_buildings(street_source: MapSource) -> None:
    first, again = (build_scene(street_source, seed=3) for _ in range(2))
    np.testing.assert_array_equal(first.mesh.vertices_m, again.mesh.vertices_m)
    assert first.objects == again.objects
    assert first.navmesh == again.navmesh
    other = build_scene(street_source, seed=4)
    assert [o.pose for o in other.objects] != [o.pose for o in first.objects]
