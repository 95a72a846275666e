"""Every sensor's message through the real client; what the pictures show is tested with the renderer."""

import itertools
import math
import time
from collections.abc import Callable
from typing import Any

import carla
import numpy as np
import pytest

SMALL = {"image_size_x": "64", "image_size_y": "32"}
Listen = Callable[[Any], Any]
Spawn = Callable[..., Any]


@pytest.fixture
def vehicle(world: Any, spawn: Spawn) -> Any:
    """A car at rest."""
    actor = spawn("vehicle.tesla.model3")
    for _ in range(20):
        world.tick()
    return actor


def _first(world: Any, listener: Any) -> Any:
    """Tick until the subscription has taken effect."""
    for _ in range(50):
        world.tick()
        time.sleep(0.02)
        if listener.waiting():
            return listener.next()
    raise AssertionError("the sensor stays silent")


@pytest.mark.parametrize("kind", ["rgb", "depth", "semantic_segmentation", "instance_segmentation", "normals"])
def test_camera_sends_one_image_a_tick_with_its_own_pose(
    world: Any, vehicle: Any, spawn: Spawn, listen: Listen, kind: str
) -> None:
    mount = carla.Transform(carla.Location(x=1.5, z=2.0), carla.Rotation(pitch=-5.0))
    camera = listen(spawn(f"sensor.camera.{kind}", mount, attach_to=vehicle, fov="100", **SMALL))
    _first(world, camera)
    frame = world.tick()
    image = camera.at(frame)
    assert (image.width, image.height, image.fov) == (64, 32, 100.0)
    assert len(image.raw_data) == 64 * 32 * 4
    assert image.timestamp == pytest.approx(world.get_snapshot().timestamp.elapsed_seconds)
    assert image.transform.location.distance(camera.sensor.get_transform().location) < 1e-3
    assert len(np.unique(np.frombuffer(image.raw_data, np.uint8))) > 1


def test_optical_flow_of_a_standing_camera_is_zero(world: Any, vehicle: Any, spawn: Spawn, listen: Listen) -> None:
    vehicle.set_simulate_physics(False)
    mount = carla.Transform(carla.Location(x=1.5, z=2.0))
    camera = listen(spawn("sensor.camera.optical_flow", mount, attach_to=vehicle, **SMALL))
    _first(world, camera)
    flow = np.frombuffer(camera.at(world.tick()).raw_data, np.float32)
    assert len(flow) == 64 * 32 * 2
    assert np.abs(flow).max() < 1e-3


def test_lidar_points_are_grouped_by_channel(world: Any, vehicle: Any, spawn: Spawn, listen: Listen) -> None:
    attributes = {"channels": "8", "points_per_second": "16000", "rotation_frequency": "20", "range": "50"}
    mount = carla.Transform(carla.Location(z=2.5))
    lidar = listen(spawn("sensor.lidar.ray_cast", mount, attach_to=vehicle, dropoff_general_rate="0", **attributes))
    _first(world, lidar)
    scan = lidar.at(world.tick())
    points = np.frombuffer(scan.raw_data, np.float32).reshape(-1, 4)
    assert scan.channels == 8
    assert sum(scan.get_point_count(channel) for channel in range(8)) == len(points) > 100
    assert np.linalg.norm(points[:, :3], axis=1).max() <= 50.1
    assert ((points[:, 3] > 0.0) & (points[:, 3] <= 1.0)).all()


def test_semantic_lidar_names_what_it_hits(world: Any, vehicle: Any, spawn: Spawn, listen: Listen) -> None:
    mount = carla.Transform(carla.Location(z=2.5))
    lidar = listen(spawn("sensor.lidar.ray_cast_semantic", mount, attach_to=vehicle, range="30"))
    _first(world, lidar)
    scan = lidar.at(world.tick())
    tags = {detection.object_tag for detection in scan}
    assert tags <= set(range(29))
    assert 1 in tags  # the road


def test_radar_sees_what_stands_ahead(world: Any, vehicle: Any, spawn: Spawn, listen: Listen) -> None:
    radar = listen(spawn("sensor.other.radar", carla.Transform(carla.Location(x=2.0, z=1.0)), attach_to=vehicle))
    _first(world, radar)
    scan = radar.at(world.tick())
    assert 0 < len(scan) <= 75
    assert all(0.0 < detection.depth <= 100.0 and abs(detection.velocity) < 0.5 for detection in scan)


def test_imu_at_rest_feels_gravity_and_knows_north(world: Any, vehicle: Any, spawn: Spawn, listen: Listen) -> None:
    vehicle.set_simulate_physics(False)
    vehicle.set_transform(carla.Transform(vehicle.get_location(), carla.Rotation(yaw=-60.0)))
    imu = listen(spawn("sensor.other.imu", carla.Transform(), attach_to=vehicle))
    _first(world, imu)
    for _ in range(3):
        world.tick()
    measured = imu.at(world.tick())
    acceleration, turn = measured.accelerometer, measured.gyroscope
    assert (acceleration.x, acceleration.y, acceleration.z) == pytest.approx((0.0, 0.0, 9.81), abs=1e-4)
    assert (turn.x, turn.y, turn.z) == pytest.approx((0.0, 0.0, 0.0), abs=1e-6)
    assert measured.compass == pytest.approx(math.radians(30.0), abs=1e-5)


def test_pitched_imu_feels_gravity_along_its_own_axes(world: Any, spawn: Spawn, listen: Listen) -> None:
    imu = listen(spawn("sensor.other.imu", carla.Transform(carla.Location(z=50.0), carla.Rotation(pitch=30.0))))
    _first(world, imu)
    for _ in range(3):
        world.tick()
    acceleration = imu.at(world.tick()).accelerometer
    assert acceleration.x == pytest.approx(9.81 * math.sin(math.radians(30.0)), abs=1e-4)
    assert acceleration.z == pytest.approx(9.81 * math.cos(math.radians(30.0)), abs=1e-4)


def test_imu_feels_nothing_of_being_put_somewhere_else(world: Any, vehicle: Any, spawn: Spawn, listen: Listen) -> None:
    vehicle.set_simulate_physics(False)
    imu = listen(spawn("sensor.other.imu", carla.Transform(), attach_to=vehicle))
    _first(world, imu)
    place = vehicle.get_transform()
    place.location.x += 30.0
    vehicle.set_transform(place)
    for _ in range(4):
        acceleration = imu.at(world.tick()).accelerometer
        assert math.hypot(acceleration.x, acceleration.y) < 0.1
    assert vehicle.get_transform().location.distance(place.location) < 0.1


def test_imu_integrates_to_the_motion(world: Any, vehicle: Any, spawn: Spawn, listen: Listen) -> None:
    imu = listen(spawn("sensor.other.imu", carla.Transform(), attach_to=vehicle))
    _first(world, imu)
    vehicle.apply_control(carla.VehicleControl(throttle=0.5, steer=0.1))
    start_mps, start_deg = vehicle.get_velocity().length(), vehicle.get_transform().rotation.yaw
    along_mps, turned_deg = 0.0, 0.0
    for _ in range(60):
        measured = imu.at(world.tick())
        along_mps += measured.accelerometer.x * 0.05
        turned_deg += math.degrees(measured.gyroscope.z) * 0.05
    assert along_mps == pytest.approx(vehicle.get_velocity().length() - start_mps, abs=0.3)
    turned = (vehicle.get_transform().rotation.yaw - start_deg + 180.0) % 360.0 - 180.0
    assert turned_deg == pytest.approx(turned, abs=1.0)


def test_gnss_is_the_maps_own_projection(world: Any, vehicle: Any, spawn: Spawn, listen: Listen) -> None:
    gnss = listen(spawn("sensor.other.gnss", carla.Transform(carla.Location(z=1.7)), attach_to=vehicle))
    _first(world, gnss)
    fix = gnss.at(world.tick())
    expected = world.get_map().transform_to_geolocation(gnss.sensor.get_location())
    assert (fix.latitude, fix.longitude) == pytest.approx((expected.latitude, expected.longitude), abs=1e-8)
    assert fix.altitude == pytest.approx(expected.altitude, abs=1e-3)


def test_noise_has_the_deviation_that_was_asked_for(world: Any, spawn: Spawn, listen: Listen) -> None:
    place = carla.Transform(carla.Location(z=50.0))
    imu = listen(spawn("sensor.other.imu", place, noise_accel_stddev_x="0.5", noise_gyro_bias_z="0.25"))
    _first(world, imu)
    measured = [imu.at(world.tick()) for _ in range(200)]
    along = [each.accelerometer.x for each in measured]
    assert np.std(along) == pytest.approx(0.5, rel=0.25)
    assert abs(np.mean(along)) < 0.15
    assert measured[-1].gyroscope.z == pytest.approx(0.25, abs=1e-6)


def test_sensor_tick_thins_out_measurements(world: Any, spawn: Spawn, listen: Listen) -> None:
    gnss = listen(spawn("sensor.other.gnss", carla.Transform(carla.Location(z=50.0)), sensor_tick="0.2"))
    first = _first(world, gnss)
    for _ in range(40):
        world.tick()
    frames = [first.frame, *(gnss.next().frame for _ in range(9))]
    assert {later - earlier for earlier, later in itertools.pairwise(frames)} == {4}


def test_collision_sensor_reports_the_vehicle_that_was_hit(
    world: Any, vehicle: Any, spawn: Spawn, listen: Listen
) -> None:
    collision = listen(spawn("sensor.other.collision", carla.Transform(), attach_to=vehicle))
    ahead = vehicle.get_transform()
    ahead.location += ahead.get_forward_vector() * 12.0
    ahead.location.z += 0.3
    other = spawn("vehicle.audi.tt", ahead)
    for _ in range(10):
        world.tick()
    vehicle.set_target_velocity(vehicle.get_transform().get_forward_vector() * 10.0)
    for _ in range(40):
        world.tick()
    event = collision.next()
    assert event.actor.id == vehicle.id
    assert event.other_actor.id == other.id
    impulse = event.normal_impulse
    assert impulse.dot(vehicle.get_transform().get_forward_vector()) < -100.0  # it was slowed down


def test_obstacle_sensor_reports_the_distance_ahead(world: Any, vehicle: Any, spawn: Spawn, listen: Listen) -> None:
    ahead = vehicle.get_transform()
    ahead.location += ahead.get_forward_vector() * 12.0
    ahead.location.z += 0.3
    other = spawn("vehicle.audi.tt", ahead)
    mount = carla.Transform(carla.Location(x=2.5, z=0.8))
    sensor = spawn("sensor.other.obstacle", mount, attach_to=vehicle, distance="20", only_dynamics="true")
    event = _first(world, listen(sensor))
    assert event.other_actor.id == other.id
    gap_m = 12.0 - 2.5 - other.bounding_box.extent.x
    assert event.distance == pytest.approx(gap_m, abs=0.6)


def test_lane_invasion_is_seen_by_the_client(world: Any, vehicle: Any, spawn: Spawn, listen: Listen) -> None:
    invasion = listen(spawn("sensor.other.lane_invasion", carla.Transform(), attach_to=vehicle))
    for _ in range(3):
        world.tick()
    vehicle.set_simulate_physics(False)
    here = vehicle.get_transform()
    for step in range(1, 12):
        place = carla.Transform(here.location + here.get_right_vector() * (-0.5 * step), here.rotation)
        vehicle.set_transform(place)
        world.tick()
        time.sleep(0.01)
    assert invasion.next().crossed_lane_markings


def test_nothing_is_drawn_without_rendering(world: Any, vehicle: Any, spawn: Spawn, listen: Listen) -> None:
    camera = listen(spawn("sensor.camera.rgb", carla.Transform(), attach_to=vehicle, **SMALL))
    gnss = listen(spawn("sensor.other.gnss", carla.Transform(), attach_to=vehicle))
    _first(world, gnss)
    settings = world.get_settings()
    settings.no_rendering_mode = True
    world.apply_settings(settings)
    time.sleep(0.2)
    images = camera.waiting()
    frame = world.tick()
    gnss.at(frame)
    time.sleep(0.1)
    assert camera.waiting() == images
