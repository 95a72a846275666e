"""Landmarks of a generated town stand where the map says, in the colour it says, off the driving lanes."""

from functools import cache

import numpy as np
import pytest
import shapely

from drivevla.errors import UnknownName
from drivevla.sim.maps.find import find_map
from drivevla.sim.maps.landmarks import landmarks
from drivevla.sim.maps.source import MapSource
from drivevla.sim.server.scene.build import build_scene
from drivevla.sim.server.scene.footprints import lane_footprints
from drivevla.sim.server.scene.landmark_models import COLOR_RGB
from drivevla.sim.server.scene.lane_grid import sample_lanes
from drivevla.sim.server.scene.mesh import Label
from drivevla.sim.server.scene.opendrive import parse_opendrive
from drivevla.sim.server.scene.roadside import rectangles
from drivevla.sim.server.scene.scene import Scene


@cache
def town() -> Scene:
    return build_scene(find_map("Gen_grid_1"), seed=0)


def test_every_landmark_has_objects_within_its_plot() -> None:
    scene = town()
    named = landmarks(scene.source.opendrive)
    assert {landmark.kind for landmark in named} >= {"church", "petrol_station", "building", "parked_car"}
    for landmark in named:
        mine = [thing for thing in scene.objects if thing.landmark == landmark.id]
        assert mine
        reach = np.hypot(*landmark.size_m[:2]) / 2 + 2.0
        for thing in mine:
            assert np.hypot(*np.subtract(thing.pose.location_m[:2], landmark.location_m[:2])) < reach


def test_coloured_houses_and_cars_show_their_colour() -> None:
    scene = town()
    for landmark in landmarks(scene.source.opendrive):
        if landmark.kind in ("building", "parked_car"):
            assert landmark.color is not None
            ids = [thing.object_id for thing in scene.objects if thing.landmark == landmark.id]
            used = np.unique(scene.mesh.material[np.isin(scene.mesh.object_id, ids)])
            assert COLOR_RGB[landmark.color] in {scene.mesh.materials[k].rgb for k in used}


def test_parked_cars_are_cars_of_their_size() -> None:
    scene = town()
    car = next(mark for mark in landmarks(scene.source.opendrive) if mark.kind == "parked_car")
    (thing,) = [thing for thing in scene.objects if thing.landmark == car.id]
    assert thing.label == Label.CAR
    np.testing.assert_allclose(2 * np.array(thing.half_extent_m), car.size_m, atol=1e-6)
    mine = scene.mesh.triangles[scene.mesh.object_id == thing.object_id]
    z = scene.mesh.vertices_m[mine][..., 2]
    assert z.max() - z.min() == pytest.approx(car.size_m[2], abs=0.05)


def test_nothing_solid_of_a_generated_town_stands_on_a_driving_lane() -> None:
    scene = town()
    boxes, half = scene.obstacles, scene.obstacles.half_extent_m
    lanes = lane_footprints(sample_lanes(parse_opendrive(scene.source.opendrive)))
    shapes = shapely.polygons(rectangles(boxes.center_m[:, :2], half[:, :2], np.radians(boxes.yaw_deg)))
    box, _ = lanes.tree.query(shapes, predicate="intersects")
    assert [scene.objects[k - 1].name for k in boxes.object_id[box]] == []


def test_unknown_kind_is_refused_with_the_known_ones() -> None:
    source = find_map("Gen_grid_1")
    text = source.opendrive.replace('value="church"', 'value="cathedral"')
    with pytest.raises(UnknownName, match=r"cathedral.*church"):
        build_scene(MapSource("x", text, "test"), seed=0)
