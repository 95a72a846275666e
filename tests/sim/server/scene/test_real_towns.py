"""Properties that must hold on every real town."""

from functools import lru_cache
from itertools import combinations

import carla
import numpy as np
import pytest
import shapely
from numpy.typing import NDArray

from drivevla.errors import UnknownName
from drivevla.sim.maps.find import find_map
from drivevla.sim.server.pose import rotation_matrices
from drivevla.sim.server.render.casting import RayCaster
from drivevla.sim.server.scene.approaches import LaneGraph
from drivevla.sim.server.scene.build import build_scene
from drivevla.sim.server.scene.footprints import lane_footprints
from drivevla.sim.server.scene.lane_grid import sample_lanes
from drivevla.sim.server.scene.light_phases import conflict
from drivevla.sim.server.scene.mesh import Label
from drivevla.sim.server.scene.opendrive import parse_opendrive
from drivevla.sim.server.scene.roadside import rectangles
from drivevla.sim.server.scene.scene import Scene
from drivevla.sim.server.scene.signals import find_signal_sites

QUICK = ("Town02", "Town07")
SLOW = ("Town01", "Town03", "Town04", "Town05", "Town06", "Town10HD", "Town11")
TOWNS = [pytest.param(name) for name in QUICK] + [pytest.param(name, marks=pytest.mark.slow) for name in SLOW]

pytestmark = [pytest.mark.real_data, pytest.mark.timeout(600), pytest.mark.parametrize("town", TOWNS)]


@lru_cache(maxsize=1)
def built(town: str) -> Scene:
    try:
        source = find_map(town)
    except UnknownName:
        pytest.skip(f"{town} is not at hand")
    return build_scene(source, seed=0)


def lane_centers(scene: Scene) -> NDArray[np.float64]:
    waypoints = scene.carla_map.generate_waypoints(8.0 if scene.source.name != "Town11" else 80.0)
    places = [w.transform.location for w in waypoints]
    return np.array([(p.x, p.y, p.z) for p in places])


def test_ground_is_where_the_client_has_its_waypoints(town: str) -> None:
    scene = built(town)
    centers = lane_centers(scene)
    z, normal = scene.ground.query(centers[:, :2], centers[:, 2])
    assert np.abs(z - centers[:, 2]).max() < 0.06
    assert normal[:, 2].min() > 0.85


def test_paint_never_lies_on_grass_and_no_bank_pierces_a_road(town: str) -> None:
    mesh = built(town).mesh
    surface = np.isin(mesh.label, [Label.ROADS, Label.TERRAIN, Label.SIDEWALKS, Label.GROUND])
    caster, label = RayCaster(mesh.vertices_m, mesh.triangles[surface]), mesh.label[surface]
    for kind, above_m in ((Label.ROAD_LINES, 0.3), (Label.ROADS, 0.5)):
        middle = mesh.vertices_m[mesh.triangles[mesh.label == kind]].mean(axis=1)[::7]
        rays = np.zeros((len(middle), 6), np.float32)
        rays[:, :3], rays[:, 5] = middle + np.array([0.0, 0.0, above_m]), -1.0
        hits = caster.cast(rays)
        assert np.isfinite(hits.distance).all()
        assert (label[hits.row - 1] == Label.TERRAIN).mean() < 0.001


def test_nothing_solid_stands_on_a_driving_lane(town: str) -> None:
    scene = built(town)
    boxes = scene.obstacles
    lanes = lane_footprints(sample_lanes(parse_opendrive(scene.source.opendrive)))
    half = boxes.half_extent_m
    shapes = shapely.polygons(rectangles(boxes.center_m[:, :2], half[:, :2], np.radians(boxes.yaw_deg)))
    box, lane = lanes.tree.query(shapes, predicate="intersects")
    low, high = boxes.center_m[box, 2] - half[box, 2], boxes.center_m[box, 2] + half[box, 2]
    # Rails of a bridge may pass over a lane, 4 m above; nothing may reach into the space of a vehicle.
    blocks = (low < lanes.z_m[lane] + 4.0) & (high > lanes.z_m[lane] + 0.05)
    names = [scene.objects[k - 1].name for k in boxes.object_id[box[blocks]]]
    assert names == []


def test_walking_along_the_trigger_box_finds_the_governed_lanes(town: str) -> None:
    """What the client's ``get_stop_waypoints`` and the leaderboard's red-light test do."""
    scene = built(town)
    checked, missed = 0, []
    for signal in scene.signals:
        if signal.kind == "speed_limit" or not signal.lanes:
            continue
        world_from_actor = rotation_matrices(signal.pose.rotation_deg)
        center = np.array(signal.pose.location_m) + world_from_actor @ np.array(signal.trigger.center_m)
        half = signal.trigger.half_extent_m
        seen = set()
        for x in np.arange(-0.9 * half[0], 0.9 * half[0], 1.0):
            point = center + world_from_actor @ np.array([x, 0.0, half[2]])
            waypoint = scene.carla_map.get_waypoint(carla.Location(*map(float, point)))
            seen.add((waypoint.road_id, waypoint.lane_id))
        checked += 1
        if not set(signal.lanes) <= seen:
            missed.append(signal.signal_id)
    assert checked > 0
    assert len(missed) <= 0.02 * checked


def test_lights_of_one_phase_never_conflict_and_every_light_has_one_phase(town: str) -> None:
    scene = built(town)
    network = parse_opendrive(scene.source.opendrive)
    sites = find_signal_sites(scene.carla_map, LaneGraph(network, sample_lanes(network)))
    approach = {site.signal_id: site.approach for site in sites}
    phases = [phase for group in scene.light_groups for phase in group.phases]
    lights = [s.signal_id for s in scene.signals if s.kind == "traffic_light"]
    assert sorted(light for phase in phases for light in phase) == sorted(lights)
    for phase in phases:
        for one, other in combinations(phase, 2):
            first, second = approach[one], approach[other]
            assert first is not None
            assert second is not None
            assert not conflict(first, second)


def test_lights_have_heads_in_front_of_their_traffic(town: str) -> None:
    scene = built(town)
    lights = [s for s in scene.signals if s.kind == "traffic_light" and s.lanes]
    assert all(light.head_locations_m for light in lights)
    assert np.mean([len(light.head_locations_m) for light in lights]) > 1.9
    for light in lights:
        actor_x = rotation_matrices(light.pose.rotation_deg)[:, 0]
        forward = np.array([actor_x[1], -actor_x[0]])  # the traffic's direction: actor yaw less 90 degrees
        world_from_actor = rotation_matrices(light.pose.rotation_deg)
        waiting = np.array(light.pose.location_m) + world_from_actor @ np.array(light.trigger.center_m)
        ahead_m = [float(forward @ (np.array(head[:2]) - waiting[:2])) for head in light.head_locations_m]
        assert min(ahead_m) > -0.5
        assert max(ahead_m) > 1.0
        assert all(2.0 < head[2] - waiting[2] < 9.0 for head in light.head_locations_m)


def test_spawn_points_lie_on_driving_lanes_outside_junctions(town: str) -> None:
    scene = built(town)
    assert 80 <= len(scene.spawn_points) <= 300
    for pose in scene.spawn_points:
        where = carla.Location(*pose.location_m)
        waypoint = scene.carla_map.get_waypoint(where, project_to_road=False)
        assert waypoint is not None
        assert not waypoint.is_junction
        turn = (waypoint.transform.rotation.yaw - pose.rotation_deg[1] + 180.0) % 360.0 - 180.0
        assert abs(turn) < 5.0
        assert waypoint.transform.location.z == pytest.approx(pose.location_m[2] - 0.5, abs=0.05)


def test_mesh_stays_within_its_budget(town: str) -> None:
    scene = built(town)
    limit = 400_000 if town != "Town11" else 3_000_000
    assert 20_000 < len(scene.mesh.triangles) < limit
    assert np.isfinite(scene.mesh.vertices_m).all()
