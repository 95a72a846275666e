"""Maps through the real client; on a server of its own, because the map changes."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import carla
import pytest

from drivevla.sim.maps.find import available_maps
from drivevla.sim.server import start_server
from drivevla.sim.towns.generate import generate_town


@pytest.fixture(scope="module")
def own_client() -> Iterator[Any]:
    """A client of a server that nobody else uses."""
    with start_server("Gen_tee_1") as server:
        client = carla.Client(server.host, server.port, worker_threads=8)
        client.set_timeout(120.0)
        yield client


def test_available_maps_can_be_loaded_by_the_names_they_have(own_client: Any) -> None:
    names = own_client.get_available_maps()
    assert [name.rpartition("/")[2] for name in names] == list(available_maps())


def test_map_is_the_opendrive_text_that_the_server_has(own_client: Any) -> None:
    carla_map = own_client.get_world().get_map()
    assert carla_map.name == "Carla/Maps/Gen_tee_1"
    assert carla_map.to_opendrive() == generate_town("tee", seed=1)
    points = carla_map.get_spawn_points()
    assert len(points) > 20
    for point in points:
        waypoint = carla_map.get_waypoint(point.location, project_to_road=False)
        assert waypoint is not None
        assert abs((waypoint.transform.rotation.yaw - point.rotation.yaw + 180.0) % 360.0 - 180.0) < 5.0


def test_loading_a_map_begins_a_new_episode_without_old_actors(own_client: Any) -> None:
    world = own_client.get_world()
    old_id = world.id
    vehicle = world.spawn_actor(
        world.get_blueprint_library().find("vehicle.audi.tt"), world.get_map().get_spawn_points()[0]
    )
    world = own_client.load_world("Gen_stop_2")
    assert world.id != old_id
    assert world.get_map().name == "Carla/Maps/Gen_stop_2"
    snapshot = world.wait_for_tick(5.0)
    assert not snapshot.has_actor(vehicle.id)
    assert snapshot.timestamp.elapsed_seconds < 10.0
    assert own_client.load_world("/Game/Carla/Maps/Gen_tee_1").get_map().name == "Carla/Maps/Gen_tee_1"


def test_loading_keeps_settings_when_asked_to(own_client: Any) -> None:
    world = own_client.get_world()
    settings = world.get_settings()
    settings.synchronous_mode, settings.fixed_delta_seconds = True, 0.05
    world.apply_settings(settings)
    world = own_client.load_world("Gen_tee_1", reset_settings=False)
    assert world.get_settings().synchronous_mode
    world = own_client.load_world("Gen_tee_1", reset_settings=True)
    assert not world.get_settings().synchronous_mode


def test_reloading_begins_a_new_episode_of_the_same_map(own_client: Any) -> None:
    before = own_client.get_world()
    after = own_client.reload_world()
    assert after.id != before.id
    assert after.get_map().name == before.get_map().name


def test_unknown_map_is_named_with_the_nearest(own_client: Any) -> None:
    before = own_client.get_world().id
    with pytest.raises(RuntimeError, match=r"Map 'Gen_tea_1' not found.*'tee'"):
        own_client.load_world("Gen_tea_1")
    assert own_client.get_world().id == before


def test_uploaded_opendrive_becomes_the_world(own_client: Any) -> None:
    text = generate_town("roundabout", seed=3)
    world = own_client.generate_opendrive_world(text, carla.OpendriveGenerationParameters())
    assert world.get_map().to_opendrive() == text
    assert world.get_map().name.endswith("OpenDriveMap")


@pytest.mark.parametrize("text", ["", "<OpenDRIVE>", "<OpenDRIVE/>", "not xml at all"])
def test_broken_opendrive_is_refused_and_the_world_stays(own_client: Any, text: str) -> None:
    before = own_client.get_world().id
    with pytest.raises(RuntimeError, match=r"OpenDRIVE|XML|opendrive"):
        own_client.generate_opendrive_world(text, carla.OpendriveGenerationParameters())
    assert own_client.get_world().id == before


def test_opendrive_that_would_crash_the_server_is_refused_and_the_world_stays(own_client: Any) -> None:
    world = own_client.get_world()
    text = world.get_map().to_opendrive()
    dangling = '<signals><signalReference id="777777" s="1" t="0" orientation="+"/>'
    assert "<signals>" in text
    with pytest.raises(RuntimeError, match="road model crashes"):
        own_client.generate_opendrive_world(text.replace("<signals>", dangling), carla.OpendriveGenerationParameters())
    assert own_client.get_world().id == world.id


def test_files_for_navigation_and_traffic_manager_are_served_under_names_with_their_hash(own_client: Any) -> None:
    own_client.load_world("Gen_tee_1")
    for folder in ("Nav", "TM"):
        (name,) = own_client.get_required_files(folder, False)
        assert f"/{folder}/Gen_tee_1_" in name
    assert own_client.get_required_files("Elsewhere", False) == []


def test_environment_objects_have_boxes_and_can_be_hidden(own_client: Any) -> None:
    world = own_client.load_world("Gen_tee_1")
    buildings = world.get_environment_objects(carla.CityObjectLabel.Buildings)
    assert buildings
    assert len(world.get_level_bbs(carla.CityObjectLabel.Buildings)) == len(buildings)
    target = max(buildings, key=lambda thing: thing.bounding_box.extent.z)
    center = target.bounding_box.location
    above = center + carla.Location(z=target.bounding_box.extent.z + 5.0)
    roof = world.ground_projection(above, 200.0)
    assert roof.label == carla.CityObjectLabel.Buildings
    world.enable_environment_objects({target.id}, False)
    assert world.ground_projection(above, 200.0).location.z < roof.location.z - 1.0
    world.enable_environment_objects({target.id}, True)
    assert world.ground_projection(above, 200.0).location.z == pytest.approx(roof.location.z, abs=1e-3)


def test_rays_meet_the_ground_where_the_map_has_it(own_client: Any) -> None:
    world = own_client.load_world("Gen_tee_1")
    waypoint = world.get_map().get_spawn_points()[0].location
    waypoint.z += 20.0
    hit = world.ground_projection(waypoint, 100.0)
    road = world.get_map().get_waypoint(waypoint).transform.location
    assert hit.location.z == pytest.approx(road.z, abs=0.1)
    assert hit.label in (carla.CityObjectLabel.Roads, carla.CityObjectLabel.RoadLines)
    down = waypoint - carla.Location(z=40.0)
    assert world.cast_ray(waypoint, down)[0].location.z == pytest.approx(hit.location.z, abs=1e-2)
    assert world.project_point(waypoint, carla.Vector3D(0.0, 0.0, 1.0), 50.0) is None


@pytest.mark.real_data
@pytest.mark.parametrize("town", ["Town01", "Town03"])
def test_carlas_towns_are_served(own_client: Any, town: str) -> None:
    if town not in available_maps():
        pytest.skip(f"no map {town} in {os.environ.get('DRIVEVLA_MAPS', 'the map folders')}")
    world = own_client.load_world(town)
    assert world.get_map().name.endswith(town)
    assert len(world.get_actors().filter("traffic.traffic_light")) > 30


def test_map_file_by_path_is_served(tmp_path: Path) -> None:
    path = tmp_path / "hand_made.xodr"
    path.write_text(generate_town("tee", seed=5))
    with start_server(path) as server:
        client = carla.Client(server.host, server.port)
        client.set_timeout(120.0)
        assert client.get_world().get_map().name == "Carla/Maps/hand_made"
