"""Speeding up, slowing down, rolling: numbers worked by hand or taken from what others identified in CARLA."""

import math
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from drivevla.errors import ContractError, SimulatorError
from drivevla.sim.server.catalogue import VehicleSpec, catalogue
from drivevla.sim.server.physics import PhysicsWorld, PlaneGround, VehicleControl
from drivevla.sim.server.physics.figures import acceleration_s, braking_m
from drivevla.sim.server.pose import Pose

MakeWorld = Callable[..., PhysicsWorld]
AddCar = Callable[..., None]

MKZ = "vehicle.lincoln.mkz_2020"
VEHICLES = catalogue().vehicles


def test_the_mkz_reaches_100_as_pdm_lites_model_of_it_does() -> None:
    # PDM-Lite's polynomial for the Lincoln MKZ 2020, iterated from rest at full throttle: 7.45 s.
    assert acceleration_s(VEHICLES[MKZ], 100.0 / 3.6) == pytest.approx(7.45, abs=0.4)


@pytest.mark.parametrize(("kph", "expected_m"), [(50.0, 10.6), (100.0, 50.9)])
def test_the_mkz_stops_as_pdm_lites_model_of_it_does(kph: float, expected_m: float) -> None:
    assert braking_m(VEHICLES[MKZ], kph / 3.6) == pytest.approx(expected_m, rel=0.2)


def test_brakes_alone_take_off_seven_metres_per_second_squared(make_world: MakeWorld, add_car: AddCar) -> None:
    # 4 wheels x 1087 Nm / 0.355 m = 12250 N on 1750 kg and 40 kg of turning wheels, in neutral: 6.84 m/s2.
    world = make_world()
    add_car(world, speed_mps=20.0)
    world.vehicles.set_control(1, VehicleControl(brake=1.0, manual_gear_shift=True, gear=0))
    for _ in range(5):
        world.step(0.05)
    drag = 4 * 0.25 / 0.355**2 + 0.5 * 1.25 * 0.3 * 4 * 0.9184 * 0.7451 * world.vehicles.forward_speed_mps(1)
    coasting = drag * world.vehicles.forward_speed_mps(1) / 1790.0
    world.step(0.05)
    assert -world.vehicles.rows.acceleration_mps2[0, 0] == pytest.approx(6.84 + coasting, rel=0.01)


@pytest.mark.parametrize(
    "spec", [spec for spec in VEHICLES.values() if spec.base_type == "car"], ids=lambda spec: spec.id
)
def test_cars_reach_60_within_what_cars_do(spec: VehicleSpec) -> None:
    assert 2.0 < acceleration_s(spec, 60.0 / 3.6, longest_s=15.0) < 9.0


def test_heavy_and_small_vehicles_are_slower() -> None:
    slow = ("vehicle.carlamotors.firetruck", "vehicle.mitsubishi.fusorosa", "vehicle.vespa.zx125")
    times = [acceleration_s(VEHICLES[type_id], 60.0 / 3.6) for type_id in (MKZ, *slow)]
    assert min(times) == times[0]
    assert all(5.0 < time < 20.0 for time in times[1:])


def test_a_bicycle_rides_like_one(make_world: MakeWorld, add_car: AddCar) -> None:
    world = make_world()
    add_car(world, type_id="vehicle.diamondback.century")
    world.vehicles.set_control(1, VehicleControl(throttle=1.0))
    for _ in range(600):
        world.step(0.05)
    assert 30.0 < world.vehicles.forward_speed_mps(1) * 3.6 < 50.0


def test_below_a_third_of_throttle_it_hardly_moves(make_world: MakeWorld, add_car: AddCar) -> None:
    # PDM-Lite: "for a throttle below 0.3 the car does not really accelerate".
    world = make_world()
    add_car(world)
    world.vehicles.set_control(1, VehicleControl(throttle=0.25))
    for _ in range(200):
        world.step(0.05)
    assert 0.0 < world.vehicles.forward_speed_mps(1) < 2.5


def test_terminal_speed_is_where_engine_and_drag_balance(make_world: MakeWorld, add_car: AddCar) -> None:
    world = make_world()
    add_car(world, speed_mps=65.0)
    world.vehicles.set_control(1, VehicleControl(throttle=1.0))
    for _ in range(600):
        world.step(0.05)
    v = world.vehicles.forward_speed_mps(1)
    ratio = 0.82 * 4.0 / 0.355
    omega = v * ratio
    torque = np.interp(omega * 30.0 / math.pi, [0.0, 1890.76, 5729.58], [400.0, 500.0, 400.0])
    push = (torque - 0.15 * omega) * ratio
    drag = 4 * 0.25 / 0.355**2 * v + 0.5 * 1.25 * 0.3 * 4 * 0.9184 * 0.7451 * v * v
    inertia_kg = 1750.0 + 40.0 + 0.5 * ratio**2
    assert push - drag == pytest.approx(inertia_kg * world.vehicles.rows.acceleration_mps2[0, 0], abs=20.0)
    assert abs(push - drag) < 0.2 * drag


def test_neutral_on_a_slope_rolls_with_gravity(make_world: MakeWorld, add_car: AddCar) -> None:
    # 5 degrees: g sin cos = 0.852 m/s2 less wheel drag; the mass is 1750 kg, its wheels weigh 40 kg more.
    world = make_world(ground=PlaneGround(pitch_deg=-5.0))
    add_car(world)
    world.vehicles.set_control(1, VehicleControl(manual_gear_shift=True, gear=0))
    for _ in range(20):
        world.step(0.05)
    before = world.vehicles.forward_speed_mps(1)
    for _ in range(40):
        world.step(0.05)
    gained = world.vehicles.forward_speed_mps(1) - before
    expected = 9.81 * math.sin(math.radians(5.0)) * math.cos(math.radians(5.0)) * 1750.0 / 1790.0 * 2.0
    assert gained == pytest.approx(expected, rel=0.02)
    assert world.vehicles.rows.rotation_deg[0, 0] == pytest.approx(-5.0, abs=0.2)


def test_the_brake_holds_on_a_slope(make_world: MakeWorld, add_car: AddCar) -> None:
    world = make_world(ground=PlaneGround(pitch_deg=10.0, roll_deg=5.0))
    add_car(world)
    world.vehicles.set_control(1, VehicleControl(brake=1.0))
    for _ in range(40):
        world.step(0.05)
    there = world.vehicles.rows.location_m[0, :2].copy()
    for _ in range(400):
        world.step(0.05)
    assert np.hypot(*(world.vehicles.rows.location_m[0, :2] - there)) < 0.03


def test_reverse_drives_backwards_and_gears_show_it(make_world: MakeWorld, add_car: AddCar) -> None:
    world = make_world()
    add_car(world)
    world.vehicles.set_control(1, VehicleControl(throttle=0.8, reverse=True))
    for _ in range(40):
        world.step(0.05)
    assert world.vehicles.forward_speed_mps(1) < -3.0
    assert world.vehicles.control(1).gear == -1
    world.vehicles.set_control(1, VehicleControl(throttle=0.8))
    for _ in range(100):
        world.step(0.05)
    assert world.vehicles.forward_speed_mps(1) > 3.0


def test_the_gearbox_goes_up_and_comes_down(make_world: MakeWorld, add_car: AddCar) -> None:
    world = make_world()
    add_car(world)
    world.vehicles.set_control(1, VehicleControl(throttle=0.7))
    gears = []
    for step in range(800):
        if step == 500:
            world.vehicles.set_control(1, VehicleControl(brake=0.3))
        world.step(0.05)
        gears.append(world.vehicles.control(1).gear)
    assert max(gears) == 5
    assert gears[-1] == 1
    assert sum(a != b for a, b in pairwise(gears)) == 8


def test_hand_brake_stops(make_world: MakeWorld, add_car: AddCar) -> None:
    world = make_world()
    add_car(world, speed_mps=10.0)
    world.vehicles.set_control(1, VehicleControl(hand_brake=True))
    for _ in range(60):
        world.step(0.05)
    assert world.vehicles.forward_speed_mps(1) == 0.0


def test_constant_velocity_holds_against_the_brake_until_it_ends(make_world: MakeWorld, add_car: AddCar) -> None:
    world = make_world()
    add_car(world, yaw_deg=90.0)
    world.vehicles.set_constant_velocity(1, (8.0, 0.0, 0.0))
    world.vehicles.set_control(1, VehicleControl(brake=1.0))
    for _ in range(20):
        world.step(0.05)
    np.testing.assert_allclose(world.vehicles.rows.velocity_mps[0], [0.0, 8.0, 0.0], atol=1e-6)
    assert world.vehicles.rows.location_m[0, 1] == pytest.approx(8.0, abs=1e-6)
    world.vehicles.set_constant_velocity(1, None)
    for _ in range(60):
        world.step(0.05)
    assert world.vehicles.forward_speed_mps(1) == 0.0


def test_an_impulse_and_a_force_change_the_speed_by_what_they_are(make_world: MakeWorld, add_car: AddCar) -> None:
    world = make_world()
    add_car(world)
    world.add_impulse(1, (1750.0 * 3.0, 0.0, 0.0))
    assert world.vehicles.forward_speed_mps(1) == pytest.approx(3.0)
    other = make_world()
    add_car(other)
    other.vehicles.set_control(1, VehicleControl(manual_gear_shift=True))
    other.step(0.05)
    other.add_force(1, (17900.0, 0.0, 0.0))
    other.step(0.05)
    assert other.vehicles.forward_speed_mps(1) == pytest.approx(0.5, rel=0.01)
    other.step(0.05)
    assert other.vehicles.forward_speed_mps(1) < 0.5


def test_without_physics_a_vehicle_stays_where_it_is_put(make_world: MakeWorld, add_car: AddCar) -> None:
    world = make_world()
    add_car(world, speed_mps=10.0)
    add_car(world, actor_id=2, y_m=20.0, speed_mps=10.0)
    world.set_simulated(1, False)
    world.set_pose(1, Pose((5.0, 6.0, 7.0), (1.0, 2.0, 3.0)))
    world.vehicles.set_control(1, VehicleControl(throttle=1.0))
    for _ in range(10):
        world.step(0.05)
    np.testing.assert_array_equal(world.vehicles.rows.location_m[0], [5.0, 6.0, 7.0])
    np.testing.assert_array_equal(world.vehicles.rows.rotation_deg[0], [1.0, 2.0, 3.0])
    np.testing.assert_array_equal(world.vehicles.rows.velocity_mps[0], 0.0)
    assert world.vehicles.rows.location_m[1, 0] > 3.0
    world.set_simulated(1, True)
    world.step(0.05)
    assert world.vehicles.rows.location_m[0, 2] < 7.0


def test_changed_mechanics_take_effect(make_world: MakeWorld, add_car: AddCar) -> None:
    world = make_world()
    add_car(world)
    add_car(world, actor_id=2, y_m=20.0)
    physics = world.vehicles.physics(1)
    world.vehicles.set_physics(1, replace(physics, mass_kg=2.0 * physics.mass_kg))
    for actor_id in (1, 2):
        world.vehicles.set_control(actor_id, VehicleControl(throttle=1.0))
    for _ in range(20):
        world.step(0.05)
    heavy, light = world.vehicles.rows.velocity_mps[:, 0]
    assert 0.4 < heavy / light < 0.7
    assert world.vehicles.physics(1).mass_kg == 3500.0
    with pytest.raises(ContractError, match="positive"):
        world.vehicles.set_physics(1, replace(physics, mass_kg=0.0))


def test_telemetry_agrees_with_the_motion(make_world: MakeWorld, add_car: AddCar) -> None:
    world = make_world()
    add_car(world, speed_mps=15.0)
    world.vehicles.set_control(1, VehicleControl(throttle=0.6, steer=0.05))
    for _ in range(40):
        world.step(0.05)
    telemetry = world.vehicles.telemetry(1)
    assert telemetry.speed_mps == pytest.approx(world.vehicles.forward_speed_mps(1))
    assert telemetry.throttle == pytest.approx(0.6)
    assert sum(wheel.tire_load_n for wheel in telemetry.wheels) == pytest.approx(1750.0 * 9.81, rel=1e-3)
    # To the right: the tyres push to the right, with the centripetal force.
    side = sum(wheel.lat_force_n for wheel in telemetry.wheels)
    assert side == pytest.approx(1750.0 * telemetry.speed_mps * world.vehicles.rows.yaw_rate_radps[0], rel=0.02)
    gear = world.vehicles.physics(1).forward_gears[telemetry.gear - 1].ratio
    assert telemetry.engine_rpm == pytest.approx(telemetry.speed_mps / 0.355 * gear * 4.0 * 30.0 / math.pi, rel=1e-6)
    assert telemetry.wheels[0].omega_radps == pytest.approx(telemetry.speed_mps / 0.355)


def test_what_is_no_number_is_refused(make_world: MakeWorld, add_car: AddCar) -> None:
    world = make_world()
    add_car(world)
    with pytest.raises(ContractError, match="finite"):
        world.vehicles.set_control(1, VehicleControl(throttle=math.nan))
    with pytest.raises(ContractError, match="finite"):
        world.set_pose(1, Pose((math.nan, 0.0, 0.0)))
    with pytest.raises(ContractError, match="finite"):
        world.set_velocity(1, (math.inf, 0.0, 0.0))
    with pytest.raises(ContractError, match="below"):
        world.add_impulse(1, (1e30, 0.0, 0.0))
    with pytest.raises(ContractError, match="step"):
        world.step(0.0)
    with pytest.raises(SimulatorError, match="7"):
        world.set_pose(7, Pose((0.0, 0.0, 0.0)))
    world.vehicles.set_control(1, VehicleControl(throttle=9.0, brake=-3.0))
    assert world.vehicles.control(1).throttle == 1.0
    assert world.vehicles.control(1).brake == 0.0
