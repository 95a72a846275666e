"""Actors coming, going and being moved, through the real client."""

import math
from collections.abc import Callable
from typing import Any

import carla
import pytest


def _spawn_point(world: Any, number: int) -> Any:
    return world.get_map().get_spawn_points()[number]


def test_map_has_its_own_actors(world: Any) -> None:
    kinds = {actor.type_id.split(".")[0] for actor in world.get_actors()}
    assert kinds == {"spectator", "traffic"}
    assert world.get_spectator().type_id == "spectator"


def test_blueprint_library_has_what_the_protocol_note_names(world: Any) -> None:
    library = world.get_blueprint_library()
    for blueprint_id in ("vehicle.lincoln.mkz_2020", "walker.pedestrian.0001", "static.prop.trafficwarning"):
        assert library.find(blueprint_id).id == blueprint_id
    assert len(library.filter("vehicle.*")) >= 25
    assert len(library.filter("walker.pedestrian.*")) >= 20


def test_spawned_vehicle_is_visible_one_tick_later_and_falls_to_the_ground(
    world: Any, spawn: Callable[..., Any]
) -> None:
    vehicle = spawn("vehicle.tesla.model3", role_name="hero", color="10,20,30")
    assert world.get_actors().find(vehicle.id) is None
    for _ in range(40):
        world.tick()
    assert world.get_actors().find(vehicle.id).attributes["role_name"] == "hero"
    assert vehicle.attributes["color"] == "10,20,30"
    road = world.get_map().get_waypoint(vehicle.get_location()).transform.location
    assert vehicle.get_location().z == pytest.approx(road.z, abs=0.1)
    assert vehicle.get_velocity().length() < 0.05


def test_bounding_box_is_that_of_the_catalogue(spawn: Callable[..., Any]) -> None:
    from drivevla.sim.server.catalogue import catalogue

    box = spawn("vehicle.tesla.model3").bounding_box
    spec = catalogue().vehicles["vehicle.tesla.model3"].box
    assert (box.extent.x, box.extent.y, box.extent.z) == pytest.approx(spec.half_extent_m, abs=1e-6)
    assert (box.location.x, box.location.y, box.location.z) == pytest.approx(spec.center_m, abs=1e-6)


def test_two_vehicles_cannot_be_spawned_in_one_place(world: Any, spawn: Callable[..., Any]) -> None:
    spawn("vehicle.tesla.model3")
    with pytest.raises(RuntimeError, match="Spawn failed because of collision at spawn position"):
        spawn("vehicle.audi.tt")
    blueprint = world.get_blueprint_library().find("vehicle.audi.tt")
    assert world.try_spawn_actor(blueprint, _spawn_point(world, 0)) is None


def test_destroying_a_vehicle_takes_its_children_along(world: Any, spawn: Callable[..., Any]) -> None:
    vehicle = spawn("vehicle.tesla.model3")
    sensor = spawn("sensor.other.imu", carla.Transform(), attach_to=vehicle)
    world.tick()
    assert sensor.parent.id == vehicle.id
    assert vehicle.destroy()
    world.tick()
    assert {vehicle.id, sensor.id}.isdisjoint(actor.id for actor in world.get_actors())


def test_rigid_child_keeps_its_place_on_the_parent(world: Any, spawn: Callable[..., Any]) -> None:
    vehicle = spawn("vehicle.tesla.model3")
    mount = carla.Transform(carla.Location(1.0, 0.5, 2.0), carla.Rotation(pitch=-10.0, yaw=30.0, roll=5.0))
    sensor = spawn("sensor.other.gnss", mount, attach_to=vehicle)
    vehicle.set_transform(carla.Transform(_spawn_point(world, 3).location, carla.Rotation(yaw=75.0)))
    vehicle.set_simulate_physics(False)
    world.tick()
    placed = vehicle.get_transform().transform(carla.Location(1.0, 0.5, 2.0))
    assert sensor.get_location().distance(placed) < 1e-3
    turned = sensor.get_transform().rotation
    assert (turned.pitch, turned.yaw, turned.roll) == pytest.approx((-10.0, 105.0, 5.0), abs=1e-3)


def test_spring_arm_child_stays_level(world: Any, spawn: Callable[..., Any]) -> None:
    vehicle = spawn("vehicle.tesla.model3")
    blueprint = world.get_blueprint_library().find("sensor.camera.rgb")
    mount = carla.Transform(carla.Location(x=-5.0, z=3.0), carla.Rotation(pitch=-15.0))
    camera = world.spawn_actor(blueprint, mount, vehicle, carla.AttachmentType.SpringArm)
    vehicle.set_simulate_physics(False)
    where = _spawn_point(world, 3).location
    vehicle.set_transform(carla.Transform(where, carla.Rotation(pitch=20.0, yaw=90.0, roll=15.0)))
    world.tick()
    offset = camera.get_location() - vehicle.get_location()
    assert (offset.x, offset.y, offset.z) == pytest.approx((0.0, -5.0, 3.0), abs=1e-2)
    rotation = camera.get_transform().rotation
    assert (rotation.pitch, rotation.yaw, rotation.roll) == pytest.approx((-15.0, 90.0, 0.0), abs=1e-3)


def test_moving_an_attached_sensor_moves_it_on_its_parent(world: Any, spawn: Callable[..., Any]) -> None:
    vehicle = spawn("vehicle.tesla.model3")
    sensor = spawn("sensor.other.gnss", carla.Transform(), attach_to=vehicle)
    world.tick()
    sensor.set_transform(carla.Transform(carla.Location(z=4.0)))
    world.tick()
    assert sensor.get_location().z - vehicle.get_location().z == pytest.approx(4.0, abs=1e-3)


def test_transform_that_is_set_is_read_back_after_a_tick(world: Any, spawn: Callable[..., Any]) -> None:
    prop = spawn("static.prop.trafficwarning")
    target = carla.Transform(_spawn_point(world, 5).location, carla.Rotation(yaw=33.0))
    prop.set_simulate_physics(False)
    prop.set_transform(target)
    world.tick()
    assert prop.get_location().distance(target.location) < 1e-3
    assert prop.get_transform().rotation.yaw == pytest.approx(33.0, abs=1e-3)


def test_spectator_flies_where_it_is_put(world: Any) -> None:
    spectator = world.get_spectator()
    spectator.set_transform(carla.Transform(carla.Location(12.0, -7.0, 55.0), carla.Rotation(pitch=-90.0)))
    world.tick()
    assert spectator.get_location() == carla.Location(12.0, -7.0, 55.0)


def test_nan_transform_is_ignored_and_spawning_with_it_refused(world: Any, spawn: Callable[..., Any]) -> None:
    vehicle = spawn("vehicle.tesla.model3")
    world.tick()
    before = vehicle.get_location()
    vehicle.set_transform(carla.Transform(carla.Location(math.nan, 0.0, 0.0)))
    world.tick()
    assert vehicle.get_location().distance(before) < 0.2
    with pytest.raises(RuntimeError, match="finite number"):
        spawn("static.prop.trafficwarning", carla.Transform(carla.Location(math.inf, 0.0, 0.0)))


@pytest.mark.parametrize(
    ("type_id", "attribute", "value", "reason"),
    [
        ("sensor.camera.rgb", "image_size_x", "0", "image"),
        ("sensor.camera.rgb", "image_size_x", "1000000", "image"),
        ("sensor.camera.rgb", "fov", "200", "fov"),
        ("sensor.camera.rgb", "sensor_tick", "-1", "sensor_tick"),
        ("sensor.lidar.ray_cast", "channels", "0", "channels"),
        ("sensor.lidar.ray_cast", "range", "-5", "range"),
        ("sensor.other.imu", "noise_accel_stddev_x", "-0.1", "negative"),
        ("sensor.other.radar", "range", "-1", "range"),
        ("static.trigger.friction", "friction", "-1", "friction"),
    ],
)
def test_attribute_out_of_range_is_refused_by_name(
    world: Any, spawn: Callable[..., Any], type_id: str, attribute: str, value: str, reason: str
) -> None:
    count = len(world.get_actors())
    with pytest.raises(RuntimeError, match=reason):
        spawn(type_id, **{attribute: value})
    world.tick()
    assert len(world.get_actors()) == count


def test_whole_number_may_be_written_with_a_point(spawn: Callable[..., Any]) -> None:
    assert spawn("sensor.lidar.ray_cast", channels="64.0").attributes["channels"] == "64"
    with pytest.raises(RuntimeError, match="channels"):
        spawn("sensor.lidar.ray_cast", channels="64.5")


def test_sensor_that_is_not_rendered_is_refused_by_name(spawn: Callable[..., Any]) -> None:
    with pytest.raises(RuntimeError, match=r"sensor\.camera\.dvs"):
        spawn("sensor.camera.dvs")


def test_maps_own_actors_cannot_be_destroyed(world: Any, client: Any) -> None:
    light = next(actor for actor in world.get_actors() if actor.type_id.startswith("traffic."))
    (answer,) = client.apply_batch_sync([carla.command.DestroyActor(light.id)], False)
    assert "belongs to the map" in answer.error


def _destroy_behind_its_back(client: Any, actor: Any) -> None:
    client.apply_batch_sync([carla.command.DestroyActor(actor.id)], False)


def test_dead_actors_box_and_physics_never_fail(client: Any, world: Any, spawn: Callable[..., Any]) -> None:
    vehicle = spawn("vehicle.tesla.model3")
    world.tick()
    _destroy_behind_its_back(client, vehicle)
    extent = vehicle.bounding_box.extent
    assert (extent.x, extent.y, extent.z) == (0.0, 0.0, 0.0)
    vehicle.set_simulate_physics(True)


def test_waiting_call_about_a_dead_actor_says_so(client: Any, world: Any, spawn: Callable[..., Any]) -> None:
    vehicle = spawn("vehicle.tesla.model3")
    world.tick()
    _destroy_behind_its_back(client, vehicle)
    with pytest.raises(RuntimeError, match=str(vehicle.id)):
        vehicle.get_physics_control()


def test_actor_ids_are_never_used_twice(world: Any, spawn: Callable[..., Any]) -> None:
    seen = set()
    for _ in range(5):
        prop = spawn("static.prop.trafficwarning")
        world.tick()
        assert prop.id not in seen
        seen.add(prop.id)
        prop.destroy()
        world.tick()


def test_more_actors_than_the_first_table_holds_are_all_reported(world: Any, client: Any) -> None:
    blueprint = world.get_blueprint_library().find("static.prop.trafficwarning")
    places = [carla.Transform(carla.Location(2000.0 + 10.0 * n, 0.0, 50.0)) for n in range(200)]
    spawned = client.apply_batch_sync([carla.command.SpawnActor(blueprint, place) for place in places], False)
    assert not any(answer.error for answer in spawned)
    world.tick()
    snapshot = world.get_snapshot()
    xs = [snapshot.find(answer.actor_id).get_transform().location.x for answer in spawned]
    assert xs == pytest.approx([place.location.x for place in places], abs=0.5)


def test_friction_trigger_and_controller_are_actors_too(world: Any, spawn: Callable[..., Any]) -> None:
    trigger = spawn("static.trigger.friction", friction="0.2", extent_x="700", extent_y="700", extent_z="300")
    walker = spawn("walker.pedestrian.0001", _spawn_point(world, 4))
    controller = spawn("controller.ai.walker", carla.Transform(), attach_to=walker)
    world.tick()
    alive = {actor.id for actor in world.get_actors()}
    assert {trigger.id, walker.id, controller.id} <= alive
