"""The truth of a running world: everybody where the client says they are, seen from the ego."""

from collections.abc import Iterator

import carla
import numpy as np
import pytest

from drivevla.config.sensor_rig import load_rig
from drivevla.sim.routes import DensePlan, plan_points
from drivevla.sim.session import Session, open_session
from drivevla.sim.truth import TruthMaker
from drivevla.types import SignKind, VehicleLight

AHEAD_M, RIGHT_M = 20.0, 3.0


@pytest.fixture(scope="module")
def world() -> Iterator[tuple[Session, TruthMaker, dict[str, carla.Actor], DensePlan]]:
    with open_session(load_rig("blind"), map_name="Gen_stop_9", seed=0) as session:
        here = session.ego.get_transform()
        carla_map = session.map
        waypoint = carla_map.get_waypoint(here.location)
        points = [waypoint]
        for _ in range(12):
            points.append(points[-1].next(10.0)[0])
        plan = plan_points(carla_map, [_place(point) for point in points])
        library = session.world.get_blueprint_library()

        def beside(ahead_m: float, right_m: float) -> carla.Transform:
            place = here.transform(carla.Location(x=ahead_m, y=right_m, z=0.3))
            return carla.Transform(place, here.rotation)

        spawned = {
            "car": session.world.spawn_actor(library.find("vehicle.audi.a2"), beside(AHEAD_M, RIGHT_M)),
            "cone": session.world.spawn_actor(library.find("static.prop.trafficcone01"), beside(12.0, 4.0)),
            "walker": session.world.spawn_actor(library.find("walker.pedestrian.0001"), beside(15.0, 6.0)),
        }
        spawned["car"].set_light_state(carla.VehicleLightState(carla.VehicleLightState.LeftBlinker))
        spawned["car"].apply_control(carla.VehicleControl(hand_brake=True))
        for _ in range(20):
            session.tick()
        maker = TruthMaker(session.world, session.ego, carla_map, plan, actor_from_ego=session.actor_from_ego)
        yield session, maker, spawned, plan
        session.client.apply_batch_sync([carla.command.DestroyActor(each.id) for each in spawned.values()], False)


def test_everybody_but_the_ego_is_told_where_they_stand(
    world: tuple[Session, TruthMaker, dict[str, carla.Actor], DensePlan],
) -> None:
    session, maker, spawned, _ = world
    truth = maker.read(timestamp_s=0.0)
    assert truth.objects is not None
    by_id = {each.track_id: each for each in truth.objects}
    assert set(by_id) == {str(actor.id) for actor in spawned.values()}
    car = by_id[str(spawned["car"].id)]
    # The ego's origin is its rear axle, behind the middle of the actor; CARLA's right is our negative y.
    behind_m = float(-session.actor_from_ego[0, 3])
    box = spawned["car"].bounding_box
    x, y = car.ego_from_object[:2, 3]
    assert x == pytest.approx(AHEAD_M + behind_m + box.location.x, abs=0.3)
    assert y == pytest.approx(-RIGHT_M - box.location.y, abs=0.3)
    np.testing.assert_allclose(car.size_m, [2 * box.extent.x, 2 * box.extent.y, 2 * box.extent.z], rtol=1e-6)
    assert car.category == "vehicle.car"
    assert by_id[str(spawned["walker"].id)].category == "walker"
    assert by_id[str(spawned["cone"].id)].category == "static.prop.trafficcone01"


def test_what_vehicles_show_is_told_and_what_they_are_not_asked_is_none(
    world: tuple[Session, TruthMaker, dict[str, carla.Actor], DensePlan],
) -> None:
    _, maker, spawned, _ = world
    truth = maker.read(timestamp_s=0.0, open_doors={spawned["car"].id})
    by_id = {each.track_id: each for each in truth.objects or ()}
    car, cone = by_id[str(spawned["car"].id)], by_id[str(spawned["cone"].id)]
    assert car.lights is not None
    assert VehicleLight.LEFT_INDICATOR in car.lights
    assert VehicleLight.RIGHT_INDICATOR not in car.lights
    assert car.parked is True
    assert car.door_open is True
    assert cone.lights is None
    assert cone.parked is None
    assert cone.door_open is None


def test_the_route_begins_at_the_ego_and_leads_forward(
    world: tuple[Session, TruthMaker, dict[str, carla.Actor], DensePlan],
) -> None:
    _, maker, _, plan = world
    truth = maker.read(timestamp_s=1.5)
    assert truth.timestamp_s == 1.5
    assert truth.route_m is not None
    assert np.linalg.norm(truth.route_m[0]) < 2.0
    assert truth.route_m[10, 0] > 5.0
    assert truth.route_left_m is not None
    assert truth.route_left_m > plan.length_m - 5.0
    assert truth.speed_limit_mps is not None
    assert truth.speed_limit_mps > 1.0


def test_a_stop_sign_on_the_route_is_told_with_its_distance(
    world: tuple[Session, TruthMaker, dict[str, carla.Actor], DensePlan],
) -> None:
    session, _, _, _ = world
    sign = min(session.world.get_actors().filter("traffic.stop"), key=lambda each: each.id)
    middle = session.map.get_waypoint(sign.get_transform().transform(sign.trigger_volume.location))
    before, after = middle.previous(25.0)[0], middle.next(5.0)[0]
    plan = plan_points(session.map, [_place(before), _place(after)])
    session.ego.set_transform(before.transform)
    session.ego.set_target_velocity(carla.Vector3D())
    session.tick()
    maker = TruthMaker(session.world, session.ego, session.map, plan, actor_from_ego=session.actor_from_ego)
    told = {each.sign_id: each for each in maker.read(timestamp_s=0.0).signs or ()}[str(sign.id)]
    assert told.kind is SignKind.STOP
    assert told.affects_ego
    # The ego's middle is 25 m before the sign's, its rear axle farther behind.
    assert told.stop_distance_m == pytest.approx(25.0 - float(session.actor_from_ego[0, 3]), abs=1.5)


def _place(waypoint: carla.Waypoint) -> tuple[float, float, float]:
    place = waypoint.transform.location
    return place.x, place.y, place.z
