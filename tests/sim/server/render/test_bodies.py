from dataclasses import replace

import numpy as np
import pytest

from drivevla.errors import ContractError
from drivevla.sim.server.catalogue.catalogue import catalogue
from drivevla.sim.server.pose import Pose
from drivevla.sim.server.render.bodies.catalogue import body_of, materials_of
from drivevla.sim.server.render.bodies.placing import place_bodies
from drivevla.sim.server.render.frame import RenderActor, VehicleLights
from drivevla.sim.server.scene.mesh import Label


def vehicle(type_id: str, **other: object) -> RenderActor:
    spec = catalogue().vehicles[type_id]
    actor = RenderActor(
        actor_id=1,
        type_id=type_id,
        kind=spec.base_type,
        pose=Pose((0.0, 0.0, 0.0)),
        half_extent_m=spec.body.half_extent_m,
        center_m=spec.body.center_m,
        label=spec.label,
    )
    return replace(actor, **other)  # type: ignore[arg-type]


@pytest.mark.parametrize("type_id", sorted(catalogue().vehicles))
def test_every_vehicle_fills_its_box_and_hardly_leaves_it(type_id: str) -> None:
    actor = vehicle(type_id)
    model = body_of(actor)
    low, high = model.vertices_m.min(axis=0), model.vertices_m.max(axis=0)
    half = np.array(actor.half_extent_m)
    # Mirrors, beacons and a taxi's sign may stick out; a rider may be taller than a two-wheeler's box.
    assert (high <= half * [1.0, 1.0, 2.0] + [0.10, 0.10, 0.25]).all()
    assert (low >= half * [-1.0, -1.0, 0.0] - [0.10, 0.10, 0.02]).all()
    assert ((high - low)[[0, 2]] > 0.93 * 2.0 * half[[0, 2]]).all()
    assert len(model.triangles) < 900


def test_two_wheelers_have_riders_and_cars_have_none() -> None:
    assert body_of(vehicle("vehicle.kawasaki.ninja")).rider.mean() > 0.3
    assert body_of(vehicle("vehicle.gazelle.omafiets")).rider.mean() > 0.3
    assert not body_of(vehicle("vehicle.tesla.model3")).rider.any()


def glow(actor: RenderActor, slot: str, time_s: float = 0.0) -> float:
    model = body_of(actor)
    return sum(materials_of(actor, model, time_s)[model.slots.index(slot)].glow)


def test_lamps_follow_the_light_flags() -> None:
    dark = vehicle("vehicle.lincoln.mkz_2020")
    lamps = ("headlight", "brake_light", "tail_light", "reverse_light", "blinker_left", "blinker_right", "fog_light")
    assert all(glow(dark, slot) == 0.0 for slot in lamps)
    braking = replace(dark, lights=int(VehicleLights.BRAKE))
    assert glow(braking, "brake_light") > 2.0
    assert glow(braking, "headlight") == 0.0
    driving = replace(dark, lights=int(VehicleLights.POSITION | VehicleLights.LOW_BEAM))
    assert glow(driving, "headlight") > 3.0
    assert 0.0 < glow(driving, "tail_light") < glow(braking, "brake_light")
    assert glow(replace(dark, lights=int(VehicleLights.REVERSE)), "reverse_light") > 2.0


def test_indicators_blink_on_the_side_they_name() -> None:
    left = vehicle("vehicle.lincoln.mkz_2020", lights=int(VehicleLights.LEFT_BLINKER))
    assert glow(left, "blinker_left", 0.1) > 1.0
    assert glow(left, "blinker_left", 0.5) == 0.0
    assert glow(left, "blinker_right", 0.1) == 0.0
    model = body_of(left)
    side = model.vertices_m[model.triangles[model.slot == model.slots.index("blinker_left")], 1]
    assert (side < 0.0).all()  # y points to the right


def test_front_wheels_steer_to_the_right_and_rear_wheels_do_not() -> None:
    straight, steered = body_of(vehicle("vehicle.audi.a2")), body_of(vehicle("vehicle.audi.a2", wheel_steer_deg=30.0))
    moved = np.abs(straight.vertices_m - steered.vertices_m).max(axis=1) > 1e-3
    assert moved.any()
    assert (straight.vertices_m[moved, 0] > 0.0).all()
    foremost = steered.vertices_m[moved][steered.vertices_m[moved, 1] > 0.5]
    # The front of the right wheel turns outwards, to larger y.
    assert foremost[foremost[:, 0].argmax(), 1] > foremost[foremost[:, 0].argmin(), 1]


def walker(type_id: str, phase: float | None) -> RenderActor:
    spec = catalogue().walkers[type_id]
    return RenderActor(
        actor_id=2,
        type_id=type_id,
        kind="walker",
        pose=Pose((0.0, 0.0, spec.box.half_extent_m[2])),
        half_extent_m=spec.box.half_extent_m,
        label=Label.PEDESTRIANS,
        gait_phase=phase,
    )


@pytest.mark.parametrize("type_id", ["walker.pedestrian.0001", "walker.pedestrian.0012", "walker.pedestrian.0048"])
def test_walkers_are_as_tall_as_their_box_and_stand_on_its_floor(type_id: str) -> None:
    actor = walker(type_id, None)
    placed = place_bodies((actor,), 0.0, first_material=0)
    assert placed.vertices_m[:, 2].max() == pytest.approx(2.0 * actor.half_extent_m[2], rel=0.02)
    assert placed.vertices_m[:, 2].min() == pytest.approx(0.0, abs=0.02)


def test_a_walking_cycle_swings_limbs_and_closes() -> None:
    reach = [
        np.ptp(body_of(walker("walker.pedestrian.0004", phase)).vertices_m[:, 0]) for phase in (0.0, 0.25, 0.5, 0.75)
    ]
    assert max(reach) > 1.5 * min(reach)
    first, again = (body_of(walker("walker.pedestrian.0004", phase)).vertices_m for phase in (0.1, 1.1))
    np.testing.assert_array_equal(first, again)


@pytest.mark.parametrize("type_id", sorted(catalogue().props))
def test_every_prop_stands_in_its_box(type_id: str) -> None:
    spec = catalogue().props[type_id]
    actor = RenderActor(
        actor_id=3, type_id=type_id, kind="prop", pose=Pose((0.0, 0.0, 0.0)), half_extent_m=spec.box.half_extent_m,
        center_m=spec.box.center_m, label=spec.label,
    )  # fmt: skip
    vertices = body_of(actor).vertices_m
    half = np.array(spec.box.half_extent_m)
    assert (np.abs(vertices[:, :2]) <= half[:2] * 1.02 + 0.12).all()
    assert vertices[:, 2].min() >= -0.01
    assert vertices[:, 2].max() <= 2.0 * half[2] * 1.05 + 0.12


def test_bodies_stand_where_their_actors_are() -> None:
    actor = vehicle("vehicle.tesla.model3", pose=Pose((10.0, 20.0, 1.0), (0.0, 90.0, 0.0)))
    placed = place_bodies((actor,), 0.0, first_material=0)
    low, high = placed.vertices_m.min(axis=0), placed.vertices_m.max(axis=0)
    # Turned by 90 degrees: its length lies along y.
    assert high[1] - low[1] > 4.5
    assert high[0] - low[0] < 2.4
    assert low[2] == pytest.approx(1.0, abs=0.03)
    np.testing.assert_allclose(np.linalg.norm(placed.rows.normal, axis=1), 1.0, atol=1e-4)


def test_an_actor_at_no_place_is_refused_by_its_id() -> None:
    lost = vehicle("vehicle.tesla.model3", actor_id=17, pose=Pose((0.0, float("nan"), 0.0)))
    with pytest.raises(ContractError, match="actor 17"):
        place_bodies((vehicle("vehicle.audi.a2"), lost), 0.0, first_material=0)
