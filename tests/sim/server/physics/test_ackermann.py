"""The Ackermann controller brings a car to a speed and a wheel angle."""

import math
from collections.abc import Callable

import pytest

from drivevla.sim.server.physics import AckermannControl, AckermannSettings, PhysicsWorld, VehicleControl

MakeWorld = Callable[..., PhysicsWorld]
AddCar = Callable[..., None]


@pytest.mark.parametrize("target", [5.0, 15.0, -3.0])
def test_it_reaches_a_speed_and_holds_it(make_world: MakeWorld, add_car: AddCar, target: float) -> None:
    world = make_world()
    add_car(world)
    world.vehicles.set_ackermann_control(1, AckermannControl(speed_mps=target, acceleration_mps2=3.0))
    speeds = []
    for _ in range(500):
        world.step(0.05)
        speeds.append(world.vehicles.forward_speed_mps(1))
    assert max(abs(speed) for speed in speeds) < 1.5 * abs(target)
    assert sum(speeds[-100:]) / 100 == pytest.approx(target, rel=0.15)


def test_it_stops_and_stays(make_world: MakeWorld, add_car: AddCar) -> None:
    world = make_world()
    add_car(world, speed_mps=8.0)
    world.vehicles.set_ackermann_control(1, AckermannControl(speed_mps=0.0))
    for _ in range(400):
        world.step(0.05)
    assert abs(world.vehicles.forward_speed_mps(1)) < 0.05


def test_the_wheels_turn_at_the_speed_asked_for(make_world: MakeWorld, add_car: AddCar) -> None:
    world = make_world()
    add_car(world)
    world.vehicles.set_ackermann_control(1, AckermannControl(steer_rad=0.5, steer_speed_radps=0.2))
    for _ in range(20):
        world.step(0.05)
    assert world.vehicles.control(1).steer * math.radians(70.0) == pytest.approx(0.2)


def test_a_plain_control_ends_it(make_world: MakeWorld, add_car: AddCar) -> None:
    world = make_world()
    add_car(world)
    world.vehicles.set_ackermann_control(1, AckermannControl(speed_mps=10.0))
    world.vehicles.set_control(1, VehicleControl(brake=1.0))
    for _ in range(20):
        world.step(0.05)
    assert world.vehicles.forward_speed_mps(1) == 0.0


def test_settings_can_be_read_back(make_world: MakeWorld, add_car: AddCar) -> None:
    world = make_world()
    add_car(world)
    assert world.vehicles.ackermann_settings(1) == AckermannSettings()
    world.vehicles.set_ackermann_settings(1, AckermannSettings(speed_kp=0.3))
    assert world.vehicles.ackermann_settings(1).speed_kp == 0.3
