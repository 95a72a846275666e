"""Height, pitch and roll: falling, landing, slopes, kerbs, edges."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import ArrayLike, NDArray

from drivevla.errors import ContractError
from drivevla.sim.server.catalogue import catalogue
from drivevla.sim.server.physics import PhysicsWorld, PlaneGround, VehicleControl
from drivevla.sim.server.pose import Pose

MakeWorld = Callable[..., PhysicsWorld]
AddCar = Callable[..., None]

MKZ = catalogue().vehicles["vehicle.lincoln.mkz_2020"]


@dataclass(frozen=True)
class Profile:
    """Ground whose height depends on x alone."""

    height_m: Callable[[NDArray[np.float64]], NDArray[np.float64]]

    def query(self, xy_m: ArrayLike, z_near_m: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        xy = np.asarray(xy_m)
        return self.height_m(xy[:, 0]), np.tile([0.0, 0.0, 1.0], (len(xy), 1))


def test_it_falls_from_half_a_metre_and_comes_to_rest(make_world: MakeWorld) -> None:
    world = make_world()
    world.add_vehicle(1, MKZ, Pose((0.0, 0.0, 0.5)))
    heights = []
    for _ in range(40):
        world.step(0.05)
        heights.append(float(world.vehicles.rows.location_m[0, 2]))
    # Free fall from 0.5 m takes 0.32 s; half-way, after 0.15 s, 0.11 m have been fallen (0.147 with steps of 0.05 s).
    assert heights[2] == pytest.approx(0.5 - 0.147, abs=0.005)
    assert min(heights) > -0.12
    assert heights[-1] == pytest.approx(0.0, abs=1e-3)
    assert world.vehicles.rows.load[0] == pytest.approx(1.0, abs=1e-2)


def test_in_the_air_pedals_and_steering_do_nothing(make_world: MakeWorld) -> None:
    world = make_world()
    world.add_vehicle(1, MKZ, Pose((0.0, 0.0, 20.0)))
    world.set_velocity(1, (10.0, 0.0, 0.0))
    world.vehicles.set_control(1, VehicleControl(brake=1.0, steer=1.0))
    world.step(0.05)
    for _ in range(20):
        world.step(0.05)
    # The first step still has ground contact from the spawn.
    assert world.vehicles.forward_speed_mps(1) > 9.0
    assert world.vehicles.rows.acceleration_mps2[0, 2] == pytest.approx(-9.81)
    assert abs(world.vehicles.rows.acceleration_mps2[0, 0]) < 0.1


@pytest.mark.parametrize(("pitch", "roll"), [(8.0, 0.0), (-8.0, 0.0), (0.0, 6.0), (5.0, -4.0)])
def test_it_stands_along_the_slope(make_world: MakeWorld, pitch: float, roll: float) -> None:
    ground = PlaneGround(height_m=3.0, pitch_deg=pitch, roll_deg=roll)
    world = make_world(ground=ground)
    world.add_vehicle(1, MKZ, Pose((10.0, 5.0, 5.0)))
    world.vehicles.set_control(1, VehicleControl(brake=1.0))
    for _ in range(80):
        world.step(0.05)
    rows = world.vehicles.rows
    assert rows.rotation_deg[0, 0] == pytest.approx(pitch, abs=0.1)
    assert rows.rotation_deg[0, 2] == pytest.approx(roll, abs=0.1)
    z, _ = ground.query(rows.location_m[:, :2], [0.0])
    assert rows.location_m[0, 2] == pytest.approx(z[0], abs=1e-3)


def test_facing_across_a_slope_swaps_pitch_and_roll(make_world: MakeWorld) -> None:
    world = make_world(ground=PlaneGround(pitch_deg=6.0))
    world.add_vehicle(1, MKZ, Pose((0.0, 0.0, 0.0), (0.0, 90.0, 0.0)))
    world.vehicles.set_control(1, VehicleControl(brake=1.0))
    for _ in range(80):
        world.step(0.05)
    # The ground rises towards +x, which lies to the left of a vehicle that faces +y: its right side is the lower one.
    pitch, _, roll = world.vehicles.rows.rotation_deg[0]
    assert (pitch, roll) == pytest.approx((0.0, 6.0), abs=0.2)


def test_velocity_follows_the_slope(make_world: MakeWorld, add_car: AddCar) -> None:
    world = make_world(ground=PlaneGround(pitch_deg=5.0))
    add_car(world, speed_mps=10.0)
    world.vehicles.set_control(1, VehicleControl(throttle=0.7))
    for _ in range(40):
        world.step(0.05)
    vx, _, vz = world.vehicles.rows.velocity_mps[0]
    assert vz / vx == pytest.approx(math.tan(math.radians(5.0)), rel=0.02)


def test_a_kerb_lifts_without_a_jump(make_world: MakeWorld, add_car: AddCar) -> None:
    world = make_world(ground=Profile(lambda x: np.where(x > 5.0, 0.15, 0.0)))
    add_car(world, speed_mps=5.0)
    world.vehicles.set_control(1, VehicleControl(throttle=0.4))
    highest = 0.0
    for _ in range(60):
        world.step(0.05)
        highest = max(highest, float(world.vehicles.rows.location_m[0, 2]))
    assert world.vehicles.rows.location_m[0, 2] == pytest.approx(0.15, abs=5e-3)
    assert highest < 0.2


def test_a_crest_at_speed_is_left_by_the_wheels(make_world: MakeWorld, add_car: AddCar) -> None:
    flown = {}
    for speed in (5.0, 30.0):
        world = make_world(ground=Profile(lambda x: np.where(x < 40.0, 0.1 * x, 4.0 - 0.1 * (x - 40.0))))
        add_car(world, speed_mps=speed)
        world.vehicles.set_constant_velocity(1, (speed, 0.0, 0.0))
        flown[speed] = False
        for _ in range(round(70.0 / speed / 0.05)):
            world.step(0.05)
            flown[speed] |= bool(world.vehicles.rows.location_m[0, 0] > 40.0 and world.vehicles.rows.load[0] == 0.0)
    assert flown == {5.0: False, 30.0: True}


def test_where_the_ground_ends_it_falls(make_world: MakeWorld, add_car: AddCar) -> None:
    world = make_world(ground=Profile(lambda x: np.where(x < 10.0, 0.0, np.nan)))
    add_car(world, speed_mps=10.0)
    world.vehicles.set_control(1, VehicleControl(throttle=0.6))
    for _ in range(60):
        world.step(0.05)
    state = world.vehicles.rows
    assert state.location_m[0, 2] < -2.0
    assert np.isfinite(state.location_m).all()
    assert np.isfinite(state.velocity_mps).all()


def test_without_gravity_it_floats(make_world: MakeWorld) -> None:
    world = make_world()
    world.add_vehicle(1, MKZ, Pose((0.0, 0.0, 5.0)))
    world.set_falling(1, False)
    for _ in range(20):
        world.step(0.05)
    assert world.vehicles.rows.location_m[0, 2] == 5.0


def test_angular_velocity_is_the_rate_of_the_angles(make_world: MakeWorld, add_car: AddCar) -> None:
    # CARLA's frame is left-handed: yaw turns with z; a nose that rises turns against y when it faces +x.
    world = make_world(ground=Profile(lambda x: 0.002 * x**2))
    add_car(world, speed_mps=10.0)
    world.vehicles.set_constant_velocity(1, (10.0, 0.0, 0.0))
    for _ in range(40):
        before = world.vehicles.rows.rotation_deg[0].copy()
        world.step(0.05)
    rates = (world.vehicles.rows.rotation_deg[0] - before) / 0.05
    np.testing.assert_allclose(world.vehicles.rows.angular_velocity_dps[0], [-rates[2], -rates[0], rates[1]], atol=0.05)
    assert rates[0] > 1.0


def test_a_wall_is_no_ground() -> None:
    with pytest.raises(ContractError, match="80 degrees"):
        PlaneGround(pitch_deg=85.0)
