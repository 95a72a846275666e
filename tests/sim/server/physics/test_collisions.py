"""Bodies that run into each other: momentum, energy, events, and no going through."""

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivevla.sim.server.catalogue import catalogue
from drivevla.sim.server.physics import PhysicsWorld, PlaneGround, VehicleControl
from drivevla.sim.server.physics.bodies import Bodies
from drivevla.sim.server.physics.boxes import Boxes, overlaps
from drivevla.sim.server.physics.collisions import resolve
from drivevla.sim.server.pose import Pose
from drivevla.sim.server.scene.obstacles import StaticObstacles

MakeWorld = Callable[..., PhysicsWorld]
AddCar = Callable[..., None]

NEUTRAL = VehicleControl(manual_gear_shift=True)


def pair(offset: tuple[float, float], yaw_rad: float, velocities: list[list[float]], masses: list[float]) -> Bodies:
    center = np.array([[0.0, 0.0, 1.0], [offset[0], offset[1], 1.0]])
    boxes = Boxes(center, np.array([[2.4, 0.9, 0.8]] * 2), np.array([0.0, yaw_rad]), np.array(velocities))
    inverse = 1.0 / np.array(masses)
    return Bodies(
        actor_id=np.array([1, 2]),
        kind=np.zeros(2, dtype=np.int8),
        row=np.arange(2),
        boxes=boxes,
        mass_center_m=center[:, :2],
        yaw_rate_radps=np.zeros(2),
        inverse_mass=inverse,
        inverse_inertia=inverse / 2.2,
    )


@settings(max_examples=60, deadline=None)
@given(
    offset=st.tuples(st.floats(-4.0, 4.0), st.floats(-1.5, 1.5)),
    yaw=st.floats(-math.pi, math.pi),
    speeds=st.lists(st.floats(-20.0, 20.0), min_size=4, max_size=4),
    masses=st.tuples(st.floats(500.0, 10000.0), st.floats(50.0, 10000.0)),
)
def test_a_collision_keeps_momentum_and_makes_no_energy(
    offset: tuple[float, float], yaw: float, speeds: list[float], masses: tuple[float, float]
) -> None:
    bodies = pair(offset, yaw, [speeds[:2], speeds[2:]], list(masses))
    nothing = np.zeros(0, dtype=np.intp)
    found = overlaps(bodies.boxes, bodies.boxes, np.array([0]), np.array([1]))
    if not len(found):
        return
    after = resolve(bodies, found, overlaps(bodies.boxes, bodies.boxes, nothing, nothing))
    mass, inertia = np.array(masses), 2.2 * np.array(masses)
    before_v, center = bodies.boxes.velocity_mps, bodies.mass_center_m
    np.testing.assert_allclose(mass @ after.velocity_mps, mass @ before_v, rtol=1e-9, atol=1e-6)
    spin_before = (mass * (center[:, 0] * before_v[:, 1] - center[:, 1] * before_v[:, 0])).sum()
    moved = after.velocity_mps
    spin_after = (
        mass * (center[:, 0] * moved[:, 1] - center[:, 1] * moved[:, 0])
    ).sum() + inertia @ after.yaw_rate_radps
    assert spin_after == pytest.approx(spin_before, rel=1e-9, abs=1e-4)
    energy_before = 0.5 * mass @ (before_v**2).sum(axis=1)
    energy_after = 0.5 * mass @ (moved**2).sum(axis=1) + 0.5 * inertia @ after.yaw_rate_radps**2
    assert energy_after <= energy_before * (1.0 + 1e-9) + 1e-6


def test_a_head_on_collision_of_equals_stops_both(make_world: MakeWorld, add_car: AddCar) -> None:
    world = make_world()
    add_car(world, actor_id=1, speed_mps=10.0)
    add_car(world, actor_id=2, x_m=6.0, yaw_deg=180.0, speed_mps=10.0)
    for actor_id in (1, 2):
        world.vehicles.set_control(actor_id, NEUTRAL)
    impulses = []
    for _ in range(10):
        world.step(0.05)
        impulses += [contact for contact in world.contacts if contact.actor_id == 1]
    np.testing.assert_allclose(world.vehicles.rows.velocity_mps[:, :2], 0.0, atol=0.05)
    assert {contact.other_id for contact in impulses} == {2}
    # All of the momentum, 1750 kg x 10 m/s less a little rolling, pushes the first one back.
    assert sum(contact.impulse_ns[0] for contact in impulses) == pytest.approx(-17500.0, rel=0.03)


def test_a_rear_end_collision_shares_the_speed(make_world: MakeWorld, add_car: AddCar) -> None:
    world = make_world()
    add_car(world, actor_id=7, speed_mps=12.0)
    add_car(world, actor_id=3, x_m=5.2)
    for actor_id in (7, 3):
        world.vehicles.set_control(actor_id, NEUTRAL)
    seen = []
    for _ in range(4):
        world.step(0.05)
        seen += [(contact.actor_id, contact.other_id) for contact in world.contacts]
    assert set(seen) == {(7, 3), (3, 7)}
    assert world.vehicles.forward_speed_mps(7) == pytest.approx(6.0, abs=0.1)
    assert world.vehicles.forward_speed_mps(3) == pytest.approx(6.0, abs=0.1)


def test_both_sides_of_a_contact_have_opposite_impulses(make_world: MakeWorld, add_car: AddCar) -> None:
    world = make_world()
    add_car(world, actor_id=1, speed_mps=10.0)
    add_car(world, actor_id=2, x_m=5.0, y_m=1.0, yaw_deg=60.0)
    while not world.contacts:
        world.step(0.05)
    first, second = world.contacts
    assert (first.actor_id, first.other_id, second.actor_id, second.other_id) == (1, 2, 2, 1)
    np.testing.assert_allclose(first.impulse_ns, -np.array(second.impulse_ns))
    assert first.obstacle is None


@pytest.mark.parametrize("speed", [5.0, 15.0, 40.0])
def test_a_wall_stops_a_car(make_world: MakeWorld, add_car: AddCar, speed: float) -> None:
    world = make_world((20.0, 0.0, 0.2, 10.0, 0.0))
    add_car(world, speed_mps=speed)
    world.vehicles.set_control(1, VehicleControl(throttle=1.0))
    obstacles = set()
    for _ in range(200):
        world.step(0.05)
        obstacles |= {contact.obstacle for contact in world.contacts}
        assert world.vehicles.rows.location_m[0, 0] + 2.44 < 20.0 + 0.5 * speed * 0.05 + 0.2
    assert obstacles == {0}
    assert world.vehicles.rows.location_m[0, 0] + 2.44 == pytest.approx(19.8, abs=0.05)
    assert abs(world.vehicles.rows.rotation_deg[0, 1]) < 1.0


def test_a_pole_off_centre_stops_the_front_and_turns_the_car(make_world: MakeWorld, add_car: AddCar) -> None:
    world = make_world((20.0, 0.7, 0.1, 0.1, 0.0))
    add_car(world, speed_mps=30.0)
    world.vehicles.set_control(1, NEUTRAL)
    while not world.contacts:
        world.step(0.05)
    impulse = world.contacts[0].impulse_ns
    # Hit on the right: pushed back, and the right side is held, so that it turns to the right.
    assert impulse[0] < -10000.0
    assert abs(impulse[1]) < 0.5 * abs(impulse[0])
    assert world.vehicles.rows.yaw_rate_radps[0] > 0.5


def test_a_glancing_touch_hardly_slows(make_world: MakeWorld, add_car: AddCar) -> None:
    world = make_world((20.0, -3.0, 30.0, 1.0, 0.0))
    add_car(world, y_m=-1.0, yaw_deg=-2.0, speed_mps=15.0)
    world.vehicles.set_control(1, NEUTRAL)
    touched = False
    for _ in range(40):
        world.step(0.05)
        touched |= bool(world.contacts)
    assert touched
    assert world.vehicles.forward_speed_mps(1) > 13.0
    assert world.vehicles.rows.location_m[0, 1] > -1.2


def test_a_pile_up_does_not_explode_or_sink_in(make_world: MakeWorld, add_car: AddCar) -> None:
    world = make_world((60.0, 0.0, 1.0, 10.0, 0.0))
    for actor_id in range(8):
        add_car(world, actor_id=actor_id, x_m=7.0 * actor_id, y_m=0.2 * (-1) ** actor_id, speed_mps=20.0)
        world.vehicles.set_control(actor_id, VehicleControl(throttle=0.5))
    for _ in range(200):
        world.step(0.05)
        assert np.hypot(*world.vehicles.rows.velocity_mps[:, :2].T).max() < 25.0
    boxes = Boxes(
        world.vehicles.rows.location_m + world.vehicles.rows.body_center_m,
        world.vehicles.rows.body_half_m,
        np.radians(world.vehicles.rows.rotation_deg[:, 1]),
    )
    found = overlaps(boxes, boxes, *np.triu_indices(8, k=1))
    assert found.depth_m.max(initial=0.0) < 0.1


def test_a_bridge_passes_over(make_world: MakeWorld, add_car: AddCar) -> None:
    world = make_world()
    add_car(world, actor_id=1, speed_mps=5.0)
    world.vehicles.set_control(1, NEUTRAL)
    world.add_vehicle(2, catalogue().vehicles["vehicle.audi.tt"], Pose((5.0, 0.0, 6.0), (0.0, 90.0, 0.0)))
    world.set_simulated(2, False)
    for _ in range(60):
        world.step(0.05)
        assert world.contacts == ()
    assert world.vehicles.rows.location_m[0, 0] > 8.0


def test_what_does_not_collide_is_passed_through(make_world: MakeWorld, add_car: AddCar) -> None:
    world = make_world()
    add_car(world, actor_id=1, speed_mps=10.0)
    world.vehicles.set_control(1, NEUTRAL)
    add_car(world, actor_id=2, x_m=8.0)
    world.set_colliding(2, False)
    for _ in range(40):
        world.step(0.05)
        assert world.contacts == ()
    assert world.vehicles.rows.location_m[0, 0] > 12.0


def test_a_vehicle_without_physics_is_a_wall(make_world: MakeWorld, add_car: AddCar) -> None:
    world = make_world()
    add_car(world, actor_id=1, speed_mps=10.0)
    add_car(world, actor_id=2, x_m=12.0)
    world.set_simulated(2, False)
    others = set()
    for _ in range(60):
        world.step(0.05)
        others |= {contact.other_id for contact in world.contacts if contact.actor_id == 1}
    assert others == {2}
    assert world.vehicles.rows.location_m[1, 0] == 12.0
    assert world.vehicles.rows.location_m[0, 0] < 7.2


def test_resting_against_something_is_no_event(make_world: MakeWorld, add_car: AddCar) -> None:
    world = make_world((10.0, 0.0, 1.0, 5.0, 0.0))
    add_car(world, x_m=6.5)
    world.vehicles.set_control(1, VehicleControl(brake=1.0))
    for _ in range(20):
        world.step(0.05)
        assert world.contacts == ()


def test_spawn_is_refused_only_where_something_is(make_world: MakeWorld, add_car: AddCar) -> None:
    world = make_world((30.0, 0.0, 1.0, 5.0, 0.0))
    add_car(world, actor_id=1)
    box = catalogue().vehicles["vehicle.audi.tt"].box
    assert world.overlaps(Pose((4.0, 0.0, 0.5)), box)
    assert not world.overlaps(Pose((4.8, 0.0, 0.5)), box)
    assert not world.overlaps(Pose((0.0, 2.2, 0.5)), box)
    assert world.overlaps(Pose((0.0, 2.2, 0.5), (0.0, 45.0, 0.0)), box)
    assert world.overlaps(Pose((27.5, 4.0, 0.5)), box)
    assert not world.overlaps(Pose((27.5, 4.0, 8.0)), box)
    assert not world.overlaps(Pose((-20.0, 0.0, 0.5)), box)
    world.remove(1)
    assert not world.overlaps(Pose((0.0, 0.0, 0.5)), box)


def test_the_bus_collides_with_its_body_not_its_mirrors() -> None:
    bus = catalogue().vehicles["vehicle.mitsubishi.fusorosa"]
    assert bus.body.half_extent_m[1] == pytest.approx(1.27)
    assert bus.box.half_extent_m[1] == pytest.approx(1.972, abs=1e-3)


def test_a_new_body_far_away_does_not_change_a_collision(make_world: MakeWorld, add_car: AddCar) -> None:
    def crash(*, with_bystander: bool) -> list[float]:
        world = make_world()
        add_car(world, actor_id=1, speed_mps=15.0)
        add_car(world, actor_id=2, x_m=9.0, y_m=0.6, yaw_deg=30.0)
        if with_bystander:
            add_car(world, actor_id=3, x_m=500.0)
        for _ in range(40):
            world.step(0.05)
        places: list[float] = world.vehicles.rows.location_m[:2].ravel().tolist()
        return places

    assert crash(with_bystander=True) == crash(with_bystander=False)


def test_many_boxes_are_searched_only_nearby() -> None:
    rng = np.random.default_rng(0)
    count = 2000
    table = StaticObstacles(
        center_m=np.column_stack([rng.uniform(50.0, 500.0, (count, 2)), np.full(count, 2.0)]),
        half_extent_m=np.full((count, 3), 2.0),
        yaw_deg=np.zeros(count),
        object_id=np.arange(count, dtype=np.uint32),
        label=np.zeros(count, dtype=np.uint8),
    )
    world = PhysicsWorld(PlaneGround(), table)
    spec = catalogue().vehicles["vehicle.audi.tt"]
    world.add_vehicle(1, replace(spec), Pose((0.0, 0.0, 0.0)))
    world.set_velocity(1, (20.0, 20.0, 0.0))
    world.vehicles.set_constant_velocity(1, (28.0, 0.0, 0.0))
    world.set_pose(1, Pose((0.0, 0.0, 0.0), (0.0, 45.0, 0.0)))
    touched = False
    for _ in range(100):
        world.step(0.05)
        touched |= bool(world.contacts)
    assert touched


def test_what_is_hidden_is_passed_through_until_it_is_shown(make_world: MakeWorld, add_car: AddCar) -> None:
    car = catalogue().vehicles["vehicle.lincoln.mkz_2020"].body
    world = make_world((20.0, 0.0, 0.5, 5.0, 0.0), (60.0, 0.0, 0.5, 5.0, 0.0))
    at_the_wall = Pose((20.0, 0.0, 0.0))
    add_car(world, speed_mps=20.0)
    world.vehicles.set_control(1, NEUTRAL)
    assert world.overlaps(at_the_wall, car)
    world.let_through(frozenset({1}))
    assert not world.overlaps(at_the_wall, car)
    met = set()
    for _ in range(80):
        world.step(0.05)
        met |= {contact.obstacle for contact in world.contacts}
    assert met == {1}, "the first wall is hidden, the second one stands"
    world.let_through(frozenset())
    assert world.overlaps(at_the_wall, car)
