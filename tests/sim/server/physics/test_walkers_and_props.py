"""Pedestrians and props."""

import math
from collections.abc import Callable

import numpy as np
import pytest

from drivevla.errors import ContractError, SimulatorError
from drivevla.sim.server.catalogue import catalogue
from drivevla.sim.server.physics import Contact, PhysicsWorld, PlaneGround, VehicleControl, WalkerControl
from drivevla.sim.server.pose import Pose

MakeWorld = Callable[..., PhysicsWorld]
AddCar = Callable[..., None]

ADULT = catalogue().walkers["walker.pedestrian.0001"]
CHILD = catalogue().walkers["walker.pedestrian.0011"]
CONE = catalogue().props["static.prop.constructioncone"]
BUS_STOP = catalogue().props["static.prop.busstop"]


def test_a_walker_walks_where_it_is_told_and_faces_there(make_world: MakeWorld) -> None:
    world = make_world()
    world.add_walker(1, ADULT, Pose((0.0, 0.0, 0.93)))
    world.walkers.set_control(1, WalkerControl((0.0, 1.0, 0.0), 1.5))
    for _ in range(200):
        world.step(0.05)
    rows = world.walkers.rows
    # 10 s at 1.5 m/s, less the start: 1.5 m/s / 20.48 m/s2, half of it lost.
    assert rows.location_m[0, 1] == pytest.approx(15.0, abs=0.15)
    assert rows.location_m[0, 0] == 0.0
    assert rows.location_m[0, 2] == pytest.approx(0.93)
    assert rows.rotation_deg[0, 1] == pytest.approx(90.0, abs=0.1)
    np.testing.assert_allclose(rows.velocity_mps[0], [0.0, 1.5, 0.0], atol=1e-6)
    # A cycle of two steps is 0.8 of the body's 1.86 m.
    assert rows.gait[0] == pytest.approx(15.0 / (0.8 * 1.86), rel=0.02)


def test_without_a_command_it_stands_and_falls_to_the_ground(make_world: MakeWorld) -> None:
    world = make_world()
    world.add_walker(1, CHILD, Pose((2.0, 3.0, 3.0)))
    for _ in range(40):
        world.step(0.05)
    np.testing.assert_allclose(world.walkers.rows.location_m[0], [2.0, 3.0, 0.55], atol=1e-6)
    assert world.walkers.rows.gait[0] == 0.0


def test_a_jump_is_as_high_as_its_speed_allows(make_world: MakeWorld) -> None:
    world = make_world()
    world.add_walker(1, ADULT, Pose((0.0, 0.0, 0.93)))
    world.step(0.05)
    world.walkers.set_control(1, WalkerControl(jump=True))
    heights = []
    for _ in range(40):
        world.step(0.05)
        heights.append(float(world.walkers.rows.location_m[0, 2]))
    assert max(heights) - 0.93 == pytest.approx(4.2**2 / (2 * 9.81), abs=0.03)
    assert heights[-1] == pytest.approx(0.93)
    assert not world.walkers.control(1).jump


def test_navigation_places_it_and_its_velocity_follows(make_world: MakeWorld) -> None:
    world = make_world(ground=PlaneGround(height_m=1.0))
    world.add_walker(1, ADULT, Pose((0.0, 0.0, 1.93)))
    for step in range(1, 41):
        world.walkers.set_state(1, Pose((0.07 * step, 0.0, 1.0), (0.0, 0.0, 0.0)), 1.4)
        world.step(0.05)
    rows = world.walkers.rows
    np.testing.assert_allclose(rows.location_m[0], [2.8, 0.0, 1.93], atol=1e-6)
    np.testing.assert_allclose(rows.velocity_mps[0], [1.4, 0.0, 0.0], atol=1e-6)
    assert world.walkers.control(1).speed_mps == 1.4
    assert rows.gait[0] == pytest.approx(2.8 / (0.8 * 1.86))


def test_a_walker_stops_at_a_wall(make_world: MakeWorld) -> None:
    world = make_world((5.0, 0.0, 0.5, 5.0, 0.0))
    world.add_walker(1, ADULT, Pose((0.0, 0.0, 0.93)))
    world.walkers.set_control(1, WalkerControl((1.0, 0.0, 0.0), 2.0))
    for _ in range(120):
        world.step(0.05)
    assert world.walkers.rows.location_m[0, 0] == pytest.approx(4.5 - 0.1877, abs=0.03)
    assert world.walkers.rows.lying_s[0] == 0.0


def test_a_car_knocks_a_walker_down_and_hardly_notices(make_world: MakeWorld, add_car: AddCar) -> None:
    world = make_world()
    add_car(world, actor_id=1, speed_mps=10.0)
    world.vehicles.set_control(1, VehicleControl(manual_gear_shift=True))
    world.add_walker(2, ADULT, Pose((6.0, 0.1, 0.93)))
    touched: list[Contact] = []
    for _ in range(20):
        world.step(0.05)
        touched += world.contacts
    assert {(contact.actor_id, contact.other_id) for contact in touched} == {(1, 2), (2, 1)}
    # Plastic: both end at 1750 x 10 / 1825 = 9.6 m/s, so the walker took 75 kg x 9.6 m/s.
    on_walker = next(contact for contact in touched if contact.actor_id == 2)
    assert on_walker.impulse_ns[0] == pytest.approx(75.0 * 9.6, rel=0.05)
    assert world.vehicles.forward_speed_mps(1) > 9.0
    rows = world.walkers.rows
    assert rows.lying_s[0] > 0.0
    assert rows.rotation_deg[0, 0] == 90.0
    assert rows.location_m[0, 2] < 0.3
    for _ in range(100):
        world.step(0.05)
    assert rows.lying_s[0] == 0.0
    assert rows.location_m[0, 2] == pytest.approx(0.93)
    assert np.isfinite(rows.location_m).all()


def test_the_mortal_stay_down_and_navigation_cannot_carry_them(make_world: MakeWorld, add_car: AddCar) -> None:
    world = make_world()
    add_car(world, actor_id=1, speed_mps=10.0)
    world.add_walker(2, ADULT, Pose((5.0, 0.0, 0.93)), mortal=True)
    for _ in range(200):
        world.step(0.05)
    there = world.walkers.rows.location_m[0].copy()
    world.walkers.set_state(2, Pose((50.0, 0.0, 0.0)), 1.4)
    world.step(0.05)
    np.testing.assert_allclose(world.walkers.rows.location_m[0], there)
    assert world.walkers.rows.lying_s[0] == math.inf


def test_a_prop_stays_until_its_physics_are_on(make_world: MakeWorld, add_car: AddCar) -> None:
    positions = {}
    for loose in (False, True):
        world = make_world()
        add_car(world, actor_id=1, speed_mps=8.0)
        world.vehicles.set_control(1, VehicleControl(manual_gear_shift=True))
        world.add_prop(2, CONE, Pose((8.0, 0.0, 0.0)))
        world.set_simulated(2, loose)
        events = set()
        for _ in range(60):
            world.step(0.05)
            events |= {contact.other_id for contact in world.contacts if contact.actor_id == 1}
        assert events == {2}
        positions[loose] = float(world.props.rows.location_m[0, 0])
    assert positions[False] == 8.0
    assert positions[True] > 11.0


def test_a_loose_prop_falls_slides_and_stops(make_world: MakeWorld) -> None:
    world = make_world()
    world.add_prop(1, CONE, Pose((0.0, 0.0, 1.0)))
    world.set_simulated(1, True)
    for _ in range(40):
        world.step(0.05)
    assert world.props.rows.location_m[0, 2] == pytest.approx(0.0)
    world.add_impulse(1, (3.0 * 4.0, 0.0, 0.0))
    for _ in range(40):
        world.step(0.05)
    # 3 kg at 4 m/s slide v^2 / (2 mu g) = 16 / (2 x 0.6 x 9.81) = 1.36 m.
    assert world.props.rows.location_m[0, 0] == pytest.approx(1.36, abs=0.12)
    assert world.props.rows.velocity_mps[0, 0] == 0.0


def test_debris_is_driven_over(make_world: MakeWorld, add_car: AddCar) -> None:
    world = make_world()
    add_car(world, actor_id=1, speed_mps=8.0)
    world.add_prop(2, catalogue().props["static.prop.dirtdebris01"], Pose((8.0, 0.0, 0.0)))
    for _ in range(40):
        world.step(0.05)
        assert world.contacts == ()


def test_a_fixed_prop_refuses_spawns_and_stops_cars(make_world: MakeWorld, add_car: AddCar) -> None:
    world = make_world()
    world.add_prop(5, BUS_STOP, Pose((10.0, 0.0, 0.0)))
    assert world.overlaps(Pose((9.0, 0.0, 0.3)), catalogue().vehicles["vehicle.audi.tt"].box)
    add_car(world, actor_id=1, speed_mps=8.0)
    for _ in range(60):
        world.step(0.05)
    assert world.vehicles.rows.location_m[0, 0] < 10.0 - 1.93 - 2.4


def test_bodies_keep_their_order_when_others_go(make_world: MakeWorld, add_car: AddCar) -> None:
    world = make_world()
    world.add_prop(5, CONE, Pose((50.0, 0.0, 0.0)))
    world.add_walker(9, ADULT, Pose((60.0, 0.0, 0.93)))
    add_car(world, actor_id=4)
    add_car(world, actor_id=2, x_m=20.0)
    world.step(0.05)
    np.testing.assert_array_equal(world.vehicles.rows.actor_id, [4, 2])
    np.testing.assert_allclose(world.vehicles.rows.location_m[:, 0], [0.0, 20.0], atol=1e-6)
    assert 9 in world
    world.remove(4)
    world.remove(9)
    assert 9 not in world
    np.testing.assert_array_equal(world.vehicles.rows.actor_id, [2])
    np.testing.assert_array_equal(world.props.rows.actor_id, [5])
    world.step(0.05)


def test_what_is_no_number_or_no_walker_is_refused(make_world: MakeWorld) -> None:
    world = make_world()
    world.add_walker(1, ADULT, Pose((0.0, 0.0, 0.93)))
    with pytest.raises(ContractError, match="finite"):
        world.walkers.set_control(1, WalkerControl((math.nan, 0.0, 0.0), 1.0))
    with pytest.raises(SimulatorError, match="no walker"):
        world.walkers.set_control(2, WalkerControl())
    with pytest.raises(ContractError, match="friction"):
        world.friction.add(3, Pose((0.0, 0.0, 0.0)), (1.0, 1.0, 1.0), -1.0)
