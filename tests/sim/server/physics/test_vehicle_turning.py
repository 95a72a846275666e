"""Turning: the geometry at low speed, the grip limit at high speed, symmetry."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivevla.sim.server.catalogue import catalogue
from drivevla.sim.server.physics import PhysicsWorld, VehicleControl
from drivevla.sim.server.physics.figures import curvature_per_m, open_plane
from drivevla.sim.server.pose import Pose

MakeWorld = Callable[..., PhysicsWorld]
AddCar = Callable[..., None]

MKZ = catalogue().vehicles["vehicle.lincoln.mkz_2020"]
BASE_M, TRACK_M = 2.85, 1.56


@pytest.mark.parametrize("steer", [0.05, 0.2, 0.5, 1.0, -0.3])
def test_at_low_speed_the_circle_is_that_of_a_bicycle(steer: float) -> None:
    # The inner wheel stands at 0.73 x 70 degrees x steer x the steering curve at 3 m/s (0.946); the rear axle's radius
    # is wheelbase / tan(angle) plus half the track, and the centre of mass is 1.5105 m ahead of that axle.
    angle = 0.73 * math.radians(70.0) * abs(steer) * 0.946
    rear_m = BASE_M / math.tan(angle) + 0.5 * TRACK_M
    expected = math.copysign(1.0 / math.hypot(rear_m, 1.5105), steer)
    assert curvature_per_m(MKZ, steer, 3.0) == pytest.approx(expected, rel=0.03)


@pytest.mark.parametrize("steer", [0.1, 0.2, 0.4])
def test_curvature_is_what_world_on_rails_identified(steer: float) -> None:
    # Their bicycle: slip = atan(1.4178 / 1.3271 tan(0.3685 steer)), curvature = sin(slip) / 1.4178.
    slip = math.atan(1.4178275 / (1.4178275 - 0.090769015) * math.tan(0.36848336 * steer))
    assert curvature_per_m(MKZ, steer, 7.0) == pytest.approx(math.sin(slip) / 1.4178275, rel=0.1)


@pytest.mark.parametrize("steer", [0.4, 0.7, 1.0])
def test_no_turn_is_tighter_than_the_grip_allows(make_world: MakeWorld, add_car: AddCar, steer: float) -> None:
    world = make_world()
    add_car(world, speed_mps=25.0)
    world.vehicles.set_control(1, VehicleControl(steer=steer, throttle=0.5))
    slid = False
    for _ in range(40):
        world.step(0.05)
        ax, ay, _ = world.vehicles.rows.acceleration_mps2[0]
        assert math.hypot(ax, ay) < 3.5 * 0.7 * 9.81 * 1.05
        slid |= bool(world.vehicles.rows.sliding[0])
    assert slid


def test_a_friction_patch_makes_it_slide(make_world: MakeWorld, add_car: AddCar) -> None:
    headings = {}
    for friction in (3.5, 0.3):
        world = make_world()
        world.friction.add(9, Pose((20.0, 0.0, 0.0), (0.0, 30.0, 0.0)), (30.0, 30.0, 5.0), friction)
        add_car(world, speed_mps=15.0)
        world.vehicles.set_control(1, VehicleControl(steer=0.3))
        for _ in range(20):
            world.step(0.05)
            ax, ay, _ = world.vehicles.rows.acceleration_mps2[0]
            assert math.hypot(ax, ay) < friction * 0.7 * 9.81 * 1.05 + 0.1
        velocity = world.vehicles.rows.velocity_mps[0]
        headings[friction] = math.degrees(math.atan2(velocity[1], velocity[0]))
    assert headings[3.5] > 3.0 * headings[0.3] > 0.0


def test_on_ice_the_brake_hardly_helps(make_world: MakeWorld, add_car: AddCar) -> None:
    # 0.1 x 0.7 x g = 0.687 m/s2 on 1750 kg, and 110 N of air drag, slow 1790 kg for 2 s: 1.47 m/s.
    world = make_world()
    world.friction.add(9, Pose((0.0, 0.0, 0.0)), (500.0, 50.0, 5.0), 0.1)
    add_car(world, speed_mps=15.0)
    world.vehicles.set_control(1, VehicleControl(brake=1.0, manual_gear_shift=True))
    world.step(0.05)
    before = world.vehicles.forward_speed_mps(1)
    for _ in range(40):
        world.step(0.05)
    assert before - world.vehicles.forward_speed_mps(1) == pytest.approx(1.47, rel=0.03)
    world.friction.remove(9)
    world.step(0.05)
    assert -world.vehicles.rows.acceleration_mps2[0, 0] > 5.0


def test_the_wheels_take_time_to_turn(make_world: MakeWorld, add_car: AddCar) -> None:
    world = make_world()
    add_car(world)
    world.vehicles.set_control(1, VehicleControl(steer=1.0))
    angles = []
    for _ in range(10):
        world.step(0.05)
        angles.append(float(world.vehicles.wheel_steer_deg()[0]))
    assert angles[0] == pytest.approx(70.0 * 0.125)
    assert angles[-1] == pytest.approx(70.0)


@settings(max_examples=15, deadline=None)
@given(
    x=st.floats(-500.0, 500.0),
    y=st.floats(-500.0, 500.0),
    yaw_deg=st.floats(-180.0, 180.0),
    steer=st.floats(-0.6, 0.6),
    throttle=st.floats(0.0, 1.0),
)
def test_trajectories_move_and_turn_with_the_start(
    x: float, y: float, yaw_deg: float, steer: float, throttle: float
) -> None:
    world = open_plane()
    world.add_vehicle(1, MKZ, Pose((0.0, 0.0, 0.0)))
    world.add_vehicle(2, MKZ, Pose((x, y, 0.0), (0.0, yaw_deg, 0.0)))
    yaw = math.radians(yaw_deg)
    cos, sin = math.cos(yaw), math.sin(yaw)
    world.set_velocity(1, (10.0, 0.0, 0.0))
    world.set_velocity(2, (10.0 * cos, 10.0 * sin, 0.0))
    for actor_id in (1, 2):
        world.set_colliding(actor_id, False)
        world.vehicles.set_control(actor_id, VehicleControl(throttle=throttle, steer=steer))
    for _ in range(40):
        world.step(0.05)
    (ax, ay, _), moved = world.vehicles.rows.location_m
    np.testing.assert_allclose(moved[:2], [x + cos * ax - sin * ay, y + sin * ax + cos * ay], atol=1e-6)


@settings(max_examples=15, deadline=None)
@given(steer=st.floats(0.0, 1.0), throttle=st.floats(0.0, 1.0), speed=st.floats(0.0, 30.0))
def test_left_mirrors_right(steer: float, throttle: float, speed: float) -> None:
    world = open_plane()
    for actor_id, sign in ((1, 1.0), (2, -1.0)):
        world.add_vehicle(actor_id, MKZ, Pose((0.0, 0.0, 0.0)))
        world.set_colliding(actor_id, False)
        world.set_velocity(actor_id, (speed, 0.0, 0.0))
        world.vehicles.set_control(actor_id, VehicleControl(throttle=throttle, steer=sign * steer))
    for _ in range(40):
        world.step(0.05)
    (x, y, _), (other_x, other_y, _) = world.vehicles.rows.location_m
    assert other_x == pytest.approx(x, abs=1e-9)
    assert other_y == pytest.approx(-y, abs=1e-9)


@settings(max_examples=25, deadline=None)
@given(
    steer=st.floats(-1.0, 1.0),
    speed=st.floats(0.0, 40.0),
    aside=st.floats(-15.0, 15.0),
    turning_dps=st.floats(-200.0, 200.0),
    friction=st.floats(0.05, 3.5),
)
def test_energy_does_not_grow_without_throttle(
    steer: float, speed: float, aside: float, turning_dps: float, friction: float
) -> None:
    world = open_plane()
    world.friction.add(9, Pose((0.0, 0.0, 0.0)), (1e4, 1e4, 10.0), friction)
    world.add_vehicle(1, MKZ, Pose((0.0, 0.0, 0.0)))
    world.set_velocity(1, (speed, aside, 0.0))
    world.set_angular_velocity(1, (0.0, 0.0, turning_dps))
    world.vehicles.set_control(1, VehicleControl(steer=steer))
    rows = world.vehicles.rows
    start = last = 0.5 * 1750.0 * (speed**2 + aside**2) + 0.5 * rows.inertia_kgm2[0] * rows.yaw_rate_radps[0] ** 2
    for _ in range(60):
        world.step(0.05)
        vx, vy, _ = rows.velocity_mps[0]
        energy = 0.5 * 1750.0 * (vx**2 + vy**2) + 0.5 * rows.inertia_kgm2[0] * rows.yaw_rate_radps[0] ** 2
        assert energy <= last * 1.002 + 1e-3 * start + 1.0
        last = energy


def test_half_the_step_gives_nearly_the_same_path(make_world: MakeWorld, add_car: AddCar) -> None:
    ends = []
    for dt_s in (0.05, 0.025, 0.01):
        world = make_world()
        add_car(world, speed_mps=10.0)
        world.vehicles.set_control(1, VehicleControl(throttle=0.6, steer=0.1))
        for _ in range(round(3.0 / dt_s)):
            world.step(dt_s)
        ends.append(world.vehicles.rows.location_m[0, :2].copy())
    assert np.hypot(*(ends[0] - ends[2])) < 0.5
    assert np.hypot(*(ends[1] - ends[2])) < 0.25


def test_a_long_tick_is_divided(make_world: MakeWorld, add_car: AddCar) -> None:
    ends = []
    for dt_s in (0.05, 0.5):
        world = make_world()
        add_car(world, speed_mps=10.0)
        world.vehicles.set_control(1, VehicleControl(throttle=0.6, steer=0.1))
        for _ in range(round(2.0 / dt_s)):
            world.step(dt_s)
        ends.append(world.vehicles.rows.location_m[0].copy())
    np.testing.assert_array_equal(*ends)


def test_two_wheelers_lean_into_the_turn(make_world: MakeWorld, add_car: AddCar) -> None:
    world = make_world()
    add_car(world, speed_mps=10.0, type_id="vehicle.kawasaki.ninja")
    world.vehicles.set_control(1, VehicleControl(steer=0.1, throttle=0.5))
    for _ in range(40):
        world.step(0.05)
    rate, speed = world.vehicles.rows.yaw_rate_radps[0], world.vehicles.forward_speed_mps(1)
    assert rate > 0.1
    assert world.vehicles.rows.rotation_deg[0, 2] == pytest.approx(
        math.degrees(math.atan(speed * rate / 9.81)), abs=2.0
    )
