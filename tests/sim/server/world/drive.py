"""A drive in a child process: what happened is printed as hashes. Not a test; the tests beside it run it.

Usage: python drive.py HOST PORT TM_PORT VEHICLES TICKS [MAP]
"""

import hashlib
import os
import queue
import random
import sys
import time
from typing import Any

import carla

STEP_S = 0.05
RIG = {
    "sensor.camera.rgb": {"image_size_x": "64", "image_size_y": "36"},
    "sensor.lidar.ray_cast": {"channels": "8", "points_per_second": "8000", "rotation_frequency": "20", "range": "40"},
    "sensor.other.imu": {"noise_accel_stddev_x": "0.1", "noise_gyro_stddev_z": "0.01"},
    "sensor.other.gnss": {"noise_lat_stddev": "0.00001"},
    "sensor.other.radar": {},
}


def main() -> None:
    host, port, tm_port, vehicles, ticks = sys.argv[1], *(int(each) for each in sys.argv[2:6])
    client = carla.Client(host, port, worker_threads=8)
    client.set_timeout(60.0)
    world = client.load_world(sys.argv[6]) if len(sys.argv) > 6 else client.get_world()
    settings = world.get_settings()
    settings.synchronous_mode, settings.fixed_delta_seconds = True, STEP_S
    world.apply_settings(settings)
    world.reset_all_traffic_lights()
    manager = client.get_trafficmanager(tm_port)
    manager.set_synchronous_mode(True)
    manager.set_random_device_seed(11)
    fleet = _spawn_traffic(world, vehicles, tm_port)
    sensors = _mount_rig(world, fleet[0])
    _wait_for_subscriptions(world, sensors)
    world.reset_all_traffic_lights()
    motion, measured = hashlib.sha256(), hashlib.sha256()
    for _ in range(ticks):
        frame = world.tick()
        snapshot = world.get_snapshot()
        for vehicle in fleet:
            motion.update(_state(snapshot.find(vehicle.id)))
        for received in sensors.values():
            while (measurement := received.get(timeout=20.0)).frame < frame:
                pass
            measured.update(_content(measurement))
    way_m = sum(vehicle.get_location().distance(start) for vehicle, start in zip(fleet, _starts, strict=True))
    sys.stdout.write(f"{motion.hexdigest()} {measured.hexdigest()} {way_m:.3f}\n")
    for sensor in world.get_actors().filter("sensor.*"):
        sensor.destroy()
    client.apply_batch_sync([carla.command.DestroyActor(vehicle) for vehicle in fleet], False)
    manager.set_synchronous_mode(False)
    world.tick()
    sys.stdout.flush()
    os._exit(0)  # the client's threads do not survive an orderly end of the interpreter


_starts: list[Any] = []


def _spawn_traffic(world: Any, count: int, tm_port: int) -> list[Any]:
    blueprints = [
        each for each in world.get_blueprint_library().filter("vehicle.*") if each.get_attribute("base_type") == "car"
    ]
    points = world.get_map().get_spawn_points()
    random.Random(5).shuffle(points)
    fleet: list[Any] = []
    for number, point in enumerate(points):
        if len(fleet) == count:
            break
        vehicle = world.try_spawn_actor(blueprints[number % len(blueprints)], point)
        if vehicle is not None:
            fleet.append(vehicle)
            _starts.append(point.location)
    for vehicle in fleet:
        vehicle.set_autopilot(True, tm_port)
    return fleet


def _mount_rig(world: Any, ego: Any) -> dict[Any, queue.Queue[Any]]:
    received = {}
    for type_id, attributes in RIG.items():
        blueprint = world.get_blueprint_library().find(type_id)
        for name, value in attributes.items():
            blueprint.set_attribute(name, value)
        sensor = world.spawn_actor(blueprint, carla.Transform(carla.Location(x=1.0, z=2.0)), ego)
        received[sensor] = queue.Queue[Any]()
        sensor.listen(received[sensor].put)
    return received


def _wait_for_subscriptions(world: Any, sensors: dict[Any, queue.Queue[Any]]) -> None:
    """Always the same number of ticks, so that runs can be compared; subscriptions take a few milliseconds."""
    time.sleep(0.5)
    frame = world.tick()
    for received in sensors.values():
        assert received.get(timeout=20.0).frame == frame


def _state(snapshot: Any) -> bytes:
    parts = (
        snapshot.get_transform(),
        snapshot.get_velocity(),
        snapshot.get_angular_velocity(),
        snapshot.get_acceleration(),
    )
    return repr([_numbers(part) for part in parts]).encode()


def _numbers(value: Any) -> list[float]:
    if isinstance(value, carla.Transform):
        rotation = value.rotation
        return [*_numbers(value.location), rotation.pitch, rotation.yaw, rotation.roll]
    return [value.x, value.y, value.z]


def _content(measurement: Any) -> bytes:
    if hasattr(measurement, "raw_data"):
        return bytes(measurement.raw_data)
    if isinstance(measurement, carla.IMUMeasurement):
        felt, turn = measurement.accelerometer, measurement.gyroscope
        return repr([*_numbers(felt), *_numbers(turn), measurement.compass]).encode()
    return repr([measurement.latitude, measurement.longitude, measurement.altitude]).encode()


if __name__ == "__main__":
    main()
