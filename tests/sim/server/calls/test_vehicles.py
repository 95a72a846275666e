"""Vehicles through the real client."""

import math
from collections.abc import Callable
from typing import Any

import carla
import pytest


@pytest.fixture
def vehicle(world: Any, spawn: Callable[..., Any]) -> Any:
    """A car that has come to rest on the road."""
    actor = spawn("vehicle.tesla.model3")
    for _ in range(20):
        world.tick()
    return actor


def _tick(world: Any, count: int) -> None:
    for _ in range(count):
        world.tick()


def _forward_mps(actor: Any) -> float:
    return float(actor.get_velocity().dot(actor.get_transform().get_forward_vector()))


def test_control_moves_the_vehicle_and_is_read_back(world: Any, vehicle: Any) -> None:
    start = vehicle.get_location()
    vehicle.apply_control(carla.VehicleControl(throttle=0.6))
    _tick(world, 40)
    control = vehicle.get_control()
    assert control.throttle == pytest.approx(0.6)
    assert (control.brake, control.hand_brake, control.reverse) == (0.0, False, False)
    assert _forward_mps(vehicle) > 3.0
    way = vehicle.get_location() - start
    assert way.dot(vehicle.get_transform().get_forward_vector()) > 2.0


def test_control_stays_until_the_next_one_and_brakes_stop(world: Any, vehicle: Any) -> None:
    vehicle.apply_control(carla.VehicleControl(throttle=0.6))
    _tick(world, 30)
    faster = _forward_mps(vehicle)
    _tick(world, 10)
    assert _forward_mps(vehicle) > faster
    vehicle.apply_control(carla.VehicleControl(brake=1.0))
    _tick(world, 60)
    assert abs(_forward_mps(vehicle)) < 0.05


def test_reverse_drives_backwards(world: Any, vehicle: Any) -> None:
    vehicle.apply_control(carla.VehicleControl(throttle=0.4, reverse=True))
    _tick(world, 40)
    assert _forward_mps(vehicle) < -0.5
    assert vehicle.get_control().reverse


def test_positive_steer_turns_right(world: Any, vehicle: Any) -> None:
    vehicle.apply_control(carla.VehicleControl(throttle=0.4, steer=0.3))
    _tick(world, 30)
    assert vehicle.get_angular_velocity().z > 1.0  # degrees a second, clockwise seen from above
    front = vehicle.get_wheel_steer_angle(carla.VehicleWheelLocation.FL_Wheel)
    assert 5.0 < front < 70.0
    assert vehicle.get_wheel_steer_angle(carla.VehicleWheelLocation.BL_Wheel) == 0.0


def test_velocity_agrees_with_the_change_of_place(world: Any, vehicle: Any) -> None:
    vehicle.apply_control(carla.VehicleControl(throttle=0.5))
    _tick(world, 30)
    before, velocity_before = vehicle.get_location(), vehicle.get_velocity()
    world.tick()
    moved, velocity = vehicle.get_location() - before, vehicle.get_velocity()
    assert moved.x / 0.05 == pytest.approx(velocity.x, abs=0.05)
    assert moved.y / 0.05 == pytest.approx(velocity.y, abs=0.05)
    acceleration = vehicle.get_acceleration()
    assert acceleration.x == pytest.approx((velocity.x - velocity_before.x) / 0.05, abs=0.1)


def test_target_velocity_holds_at_once(world: Any, vehicle: Any) -> None:
    ahead = vehicle.get_transform().get_forward_vector()
    vehicle.set_target_velocity(ahead * 10.0)
    world.tick()
    assert _forward_mps(vehicle) == pytest.approx(10.0, abs=0.5)


def test_constant_velocity_holds_until_disabled(world: Any, vehicle: Any) -> None:
    vehicle.enable_constant_velocity(carla.Vector3D(4.0, 0.0, 0.0))
    _tick(world, 20)
    assert _forward_mps(vehicle) == pytest.approx(4.0, abs=0.05)
    vehicle.disable_constant_velocity()
    vehicle.apply_control(carla.VehicleControl(brake=1.0))
    _tick(world, 40)
    assert _forward_mps(vehicle) < 0.1


def test_impulse_changes_the_velocity_by_itself_over_the_mass(world: Any, vehicle: Any) -> None:
    mass_kg = vehicle.get_physics_control().mass
    aside = vehicle.get_transform().get_forward_vector()
    vehicle.add_impulse(aside * mass_kg * 2.0)
    world.tick()
    assert _forward_mps(vehicle) == pytest.approx(2.0, abs=0.3)


def test_vehicle_without_physics_stays_where_it_is_put(world: Any, vehicle: Any) -> None:
    vehicle.set_simulate_physics(False)
    where = vehicle.get_transform()
    where.location.z += 5.0
    vehicle.set_transform(where)
    vehicle.apply_control(carla.VehicleControl(throttle=1.0))
    _tick(world, 10)
    assert vehicle.get_location().distance(where.location) < 1e-3


def test_lamps_and_doors_are_kept(world: Any, vehicle: Any) -> None:
    lamps = carla.VehicleLightState(carla.VehicleLightState.LowBeam | carla.VehicleLightState.RightBlinker)
    vehicle.set_light_state(lamps)
    assert vehicle.get_light_state() == lamps
    assert world.get_vehicles_light_states()[vehicle.id] == lamps
    vehicle.open_door(carla.VehicleDoor.All)
    vehicle.close_door(carla.VehicleDoor.FL)


def test_physics_control_survives_the_round_trip(world: Any, vehicle: Any) -> None:
    physics = vehicle.get_physics_control()
    assert len(physics.wheels) == 4
    hub = physics.wheels[0].position  # centimetres, world
    assert carla.Location(hub.x / 100, hub.y / 100, hub.z / 100).distance(vehicle.get_location()) < 3.0
    physics.mass, physics.max_rpm = 2500.0, 4000.0
    wheels = physics.wheels
    wheels[0].tire_friction = 1.25
    physics.wheels = wheels
    vehicle.apply_physics_control(physics)
    read = vehicle.get_physics_control()
    assert (read.mass, read.max_rpm) == (2500.0, 4000.0)
    assert read.wheels[0].tire_friction == pytest.approx(1.25)
    assert len(read.forward_gears) == len(physics.forward_gears)
    assert [point.x for point in read.torque_curve] == pytest.approx([point.x for point in physics.torque_curve])


def test_impossible_physics_control_is_ignored(world: Any, vehicle: Any) -> None:
    physics = vehicle.get_physics_control()
    physics.mass = -1.0
    vehicle.apply_physics_control(physics)
    assert vehicle.get_physics_control().mass > 0.0


def test_ackermann_control_reaches_its_speed(world: Any, vehicle: Any) -> None:
    settings = carla.AckermannControllerSettings(0.2, 0.0, 0.3, 0.02, 0.0, 0.02)
    vehicle.apply_ackermann_controller_settings(settings)
    read = vehicle.get_ackermann_controller_settings()
    assert read.speed_kp == pytest.approx(0.2)
    vehicle.apply_ackermann_control(carla.VehicleAckermannControl(speed=5.0, acceleration=2.0))
    _tick(world, 200)
    assert _forward_mps(vehicle) == pytest.approx(5.0, abs=1.0)


def test_telemetry_shows_the_speed_and_every_wheel(world: Any, vehicle: Any) -> None:
    vehicle.apply_control(carla.VehicleControl(throttle=0.5))
    _tick(world, 30)
    telemetry = vehicle.get_telemetry_data()
    assert telemetry.speed == pytest.approx(_forward_mps(vehicle), abs=0.05)
    assert len(telemetry.wheels) == 4
    assert telemetry.engine_rpm > 500.0


def test_controls_that_are_no_numbers_change_nothing(world: Any, vehicle: Any) -> None:
    vehicle.apply_control(carla.VehicleControl(throttle=math.nan))
    world.tick()
    assert vehicle.get_control().throttle == 0.0


def test_controls_out_of_range_are_limited(world: Any, vehicle: Any) -> None:
    vehicle.apply_control(carla.VehicleControl(throttle=7.0, steer=-3.0))
    world.tick()
    assert (vehicle.get_control().throttle, vehicle.get_control().steer) == (1.0, -1.0)


def test_commands_for_a_vehicle_do_not_work_on_a_walker(client: Any, world: Any, spawn: Callable[..., Any]) -> None:
    walker = spawn("walker.pedestrian.0001")
    command = carla.command.ApplyVehicleControl(walker.id, carla.VehicleControl())
    (answer,) = client.apply_batch_sync([command], False)
    assert "no vehicle" in answer.error


def test_friction_trigger_lengthens_the_way_to_stop(world: Any, spawn: Callable[..., Any], vehicle: Any) -> None:
    def stopping_way_m() -> float:
        vehicle.set_target_velocity(vehicle.get_transform().get_forward_vector() * 6.0)
        vehicle.apply_control(carla.VehicleControl(brake=1.0))
        begin = vehicle.get_location()
        _tick(world, 60)
        return float(vehicle.get_location().distance(begin))

    dry_m = stopping_way_m()
    spawn("static.trigger.friction", friction="0.1", extent_x="5000", extent_y="5000", extent_z="1000")
    assert stopping_way_m() > 1.5 * dry_m


def test_posed_wheels_hold_while_physics_is_off(world: Any, vehicle: Any) -> None:
    front_left = carla.VehicleWheelLocation.FL_Wheel
    vehicle.set_wheel_steer_direction(front_left, 25.0)
    vehicle.set_wheel_pitch_angle(front_left, 90.0)
    assert vehicle.get_wheel_steer_angle(front_left) == 0.0
    vehicle.set_simulate_physics(False)
    assert vehicle.get_wheel_steer_angle(front_left) == pytest.approx(25.0)
    assert vehicle.get_wheel_pitch_angle(front_left) == pytest.approx(90.0)
