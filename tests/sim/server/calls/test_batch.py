"""Batches through the real client."""

import math
from typing import Any

import carla
import pytest


def test_future_actor_commands_run_on_the_new_actor(client: Any, world: Any) -> None:
    blueprint = world.get_blueprint_library().find("vehicle.audi.tt")
    place = world.get_map().get_spawn_points()[0]
    spawn = carla.command.SpawnActor(blueprint, place).then(
        carla.command.SetVehicleLightState(carla.command.FutureActor, carla.VehicleLightState.Fog)
    )
    (answer,) = client.apply_batch_sync([spawn], False)
    assert answer.error == ""
    world.tick()
    assert world.get_actor(answer.actor_id).get_light_state() == carla.VehicleLightState.Fog


def test_each_command_has_its_own_result(client: Any, world: Any) -> None:
    blueprint = world.get_blueprint_library().find("vehicle.audi.tt")
    place = world.get_map().get_spawn_points()[0]
    answers = client.apply_batch_sync(
        [
            carla.command.SpawnActor(blueprint, place),
            carla.command.SpawnActor(blueprint, place),
            carla.command.DestroyActor(4_000_000_000),
        ],
        False,
    )
    assert answers[0].error == ""
    assert answers[1].error == "Spawn failed because of collision at spawn position"
    assert "4000000000" in answers[2].error


def test_controls_of_many_vehicles_arrive_whether_or_not_one_of_them_exists(client: Any, world: Any) -> None:
    blueprint, command = world.get_blueprint_library().find("vehicle.audi.tt"), carla.command
    cars = [world.spawn_actor(blueprint, place) for place in world.get_map().get_spawn_points()[:6:2]]
    world.tick()

    def drive(steers: list[float], *others: Any) -> list[Any]:
        wheels = [carla.VehicleControl(steer=steer, brake=1.0) for steer in steers]
        batch = [command.ApplyVehicleControl(car, wheel) for car, wheel in zip(cars, wheels, strict=True)]
        answers = client.apply_batch_sync([*batch, *others], False)
        world.tick()
        assert [car.get_control().steer for car in cars] == steers
        assert {car.get_control().brake for car in cars} == {1.0}
        return list(answers)

    all_of_them = drive([0.25, -0.5, 0.75])
    assert [answer.actor_id for answer in all_of_them] == [car.id for car in cars]
    stranger = command.ApplyVehicleControl(4_000_000_000, carla.VehicleControl())
    not_a_number = command.ApplyVehicleControl(cars[0], carla.VehicleControl(steer=math.nan))
    for wrong in (stranger, not_a_number):
        answers = drive([-0.25, 0.5, 0.0], wrong)
        assert [bool(answer.error) for answer in answers] == [False, False, False, True]
        drive([0.0, 0.0, 0.0])


def test_every_command_that_python_can_build_is_taken(client: Any, world: Any) -> None:
    library = world.get_blueprint_library()
    points = world.get_map().get_spawn_points()
    car = world.spawn_actor(library.find("vehicle.audi.tt"), points[0])
    walker = world.spawn_actor(library.find("walker.pedestrian.0001"), points[4])
    world.tick()
    command, push = carla.command, carla.Vector3D(1.0, 0.0, 0.0)
    physics = car.get_physics_control()
    answers = client.apply_batch_sync(
        [
            command.ApplyVehicleControl(car, carla.VehicleControl(throttle=0.1)),
            command.ApplyVehicleAckermannControl(car, carla.VehicleAckermannControl(speed=1.0)),
            command.ApplyVehiclePhysicsControl(car, physics),
            command.ApplyWalkerControl(walker, carla.WalkerControl()),
            command.ApplyWalkerState(walker, points[5], 1.0),
            command.ApplyTransform(car, points[6]),
            command.ApplyTargetVelocity(car, push),
            command.ApplyTargetAngularVelocity(car, push),
            command.ApplyImpulse(car, push),
            command.ApplyForce(car, push),
            command.ApplyAngularImpulse(car, push),
            command.ApplyTorque(car, push),
            command.SetSimulatePhysics(car, True),
            command.SetEnableGravity(car, True),
            command.SetVehicleLightState(car, carla.VehicleLightState.Brake),
            command.DestroyActor(walker),
            command.DestroyActor(car),
        ],
        False,
    )
    assert [answer.error for answer in answers] == [""] * len(answers)


def test_batch_that_ticks_moves_the_clock(client: Any, world: Any) -> None:
    before = world.tick()
    client.apply_batch_sync([], True)
    assert world.get_snapshot().frame == before + 1


def test_batch_parent_that_does_not_exist_is_named(client: Any, world: Any) -> None:
    blueprint = world.get_blueprint_library().find("sensor.other.imu")
    spawn = carla.command.SpawnActor(blueprint, carla.Transform(), 4_000_000_001)
    (answer,) = client.apply_batch_sync([spawn], False)
    assert "4000000001" in answer.error


@pytest.mark.parametrize("count", [100])
def test_large_batches_are_answered_in_order(client: Any, world: Any, count: int) -> None:
    ids = [4_000_000_000 + number for number in range(count)]
    answers = client.apply_batch_sync([carla.command.DestroyActor(actor_id) for actor_id in ids], False)
    assert all(str(actor_id) in answer.error for actor_id, answer in zip(ids, answers, strict=True))
