"""A session on the embedded server through the real client: observations, motion, and a world left as it was."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from drivevla.config.sensor_rig import load_rig
from drivevla.errors import SimulatorError, SimulatorLost
from drivevla.geometry import compose_se2, invert_rigid, invert_se2, transform_points
from drivevla.geometry.carla import transform_from_carla
from drivevla.planner.control import PlanTracker, VehicleControl
from drivevla.sim.server import RunningServer, start_server
from drivevla.sim.session import Session, open_session
from drivevla.testing import SnoopingPolicy
from drivevla.types import Plan, SensorRig

pytest.importorskip("carla", reason="the extra 'sim' is not installed")


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    with start_server("Gen_tee_1") as running:
        yield running


@pytest.fixture(scope="module")
def rig() -> SensorRig:
    return load_rig("nano")


@pytest.fixture
def session(server: RunningServer, rig: SensorRig) -> Iterator[Session]:
    with open_session(rig, host=server.host, port=server.port) as opened:
        yield opened


def test_observations_come_at_the_capture_rate_with_every_sensor_of_the_rig(session: Session, rig: SensorRig) -> None:
    assert session.backend == "embedded 0.9.16"  # a host and a port were given, and still it is no real CARLA
    captured = []
    for _ in range(9):
        snapshot = session.tick()
        if snapshot.captured:
            observation = session.observation(snapshot, instruction="follow the road")
            assert set(observation.cameras) == set(rig.cameras)
            for name, spec in rig.cameras.items():
                assert observation.cameras[name].image.shape == (spec.height_px, spec.width_px, 3)
                assert observation.cameras[name].timestamp_s == snapshot.time_s
            assert observation.lidar is not None
            assert len(observation.lidar.points_m) > 10_000
            captured.append(snapshot.time_s)
    assert np.diff(captured) == pytest.approx([0.2] * (len(captured) - 1))
    with pytest.raises(SimulatorError, match="no picture was taken"):
        session.observation(next(s for s in (session.tick(), session.tick()) if not s.captured))


def test_the_lidar_sees_the_road_at_the_height_of_the_wheels(session: Session) -> None:
    while not (snapshot := session.tick()).captured:
        pass
    sweep = session.observation(snapshot).lidar
    assert sweep is not None
    ahead = sweep.points_m[
        (np.abs(sweep.points_m[:, 1]) < 1.5) & (sweep.points_m[:, 0] > 4) & (sweep.points_m[:, 0] < 9)
    ]
    assert abs(float(np.median(ahead[:, 2]))) < 0.1


def test_throttle_moves_the_car_and_the_filter_follows(session: Session) -> None:
    start = session.ego.get_location()
    for _ in range(60):
        session.apply(VehicleControl(throttle=0.6))
        snapshot = session.tick()
    moved = session.ego.get_location().distance(start)
    assert moved > 3.0
    speed = session.ego.get_velocity().length()
    assert session.ego_filter.state.speed_mps == pytest.approx(speed, abs=0.05)
    while not snapshot.captured:
        snapshot = session.tick()
    past = session.observation(snapshot).past
    assert past is not None
    assert past.poses[0, 0] < -1.0


def test_a_collision_tells_whom_the_ego_met(session: Session) -> None:
    import carla

    place = session.ego.get_transform()
    forward = place.get_forward_vector()
    place.location += carla.Location(x=5.5 * forward.x, y=5.5 * forward.y)
    other = session.world.spawn_actor(session.world.get_blueprint_library().find("vehicle.tesla.model3"), place)
    try:
        session.ego.set_target_velocity(carla.Vector3D(8.0 * forward.x, 8.0 * forward.y, 0.0))
        for _ in range(20):
            session.tick()
        assert {(met.other_id, met.other_type) for met in session.collisions} == {(other.id, "vehicle.tesla.model3")}
        assert session.collisions[0].impulse_ns > 1000.0
    finally:
        other.destroy()


def test_steering_to_the_left_turns_to_the_left(session: Session) -> None:
    for _ in range(40):
        session.apply(VehicleControl(throttle=0.5, steering=0.3))
        session.tick()
    assert session.ego_filter.state.yaw_rate_radps > 0.05


@pytest.mark.parametrize("sweep_m", [0.0, 2.4])
def test_the_tracker_holds_a_line_on_the_simulated_car(session: Session, sweep_m: float) -> None:
    """Straight on, and out to the left and back within 30 m: on the simulated car, not on the tracker's own model."""
    tracker, speed_mps, wave_m = PlanTracker(), 7.0, 30.0
    start, placed = session.ego_filter.world_from_ego, session.ego.get_transform()
    times = np.arange(1, 17) * 0.25

    def line(x: NDArray[np.float64]) -> NDArray[np.float64]:
        angle = 2 * np.pi * x / wave_m
        y, slope = sweep_m / 2 * (1 - np.cos(angle)), sweep_m * np.pi / wave_m * np.sin(angle)
        return np.stack([x, y, np.arctan(slope)], axis=-1)

    offsets_m = []
    for _ in range(110):
        pose = compose_se2(invert_se2(start), session.ego_filter.world_from_ego)
        plan = Plan(waypoints=compose_se2(invert_se2(pose), line(pose[0] + speed_mps * times)))
        now_mps = session.ego_filter.state.speed_mps
        session.apply(
            tracker.step(plan, plan_from_ego=np.zeros(3), elapsed_s=0.0, speed_mps=now_mps, dt_s=session.tick_s)
        )
        session.tick()
        x, y = rear_axle_since(placed, session)
        offsets_m.append(abs(y - line(np.array(x))[1]))
    assert max(offsets_m) < 0.4
    assert session.ego_filter.state.speed_mps == pytest.approx(speed_mps, abs=0.7)


def rear_axle_since(placed: Any, session: Session) -> tuple[float, float]:
    """Where the simulator's truth has the rear axle: metres ahead and to the left of where it was placed."""
    moved = [transform_from_carla(*carla_pose(transform)) for transform in (placed, session.ego.get_transform())]
    axle = session.actor_from_ego[:3, 3]
    ahead = transform_points(invert_rigid(moved[0]) @ moved[1], axle[None])[0] - axle
    return float(ahead[0]), float(ahead[1])


def carla_pose(transform: Any) -> tuple[list[float], list[float]]:
    place, turn = transform.location, transform.rotation
    return [place.x, place.y, place.z], [turn.pitch, turn.yaw, turn.roll]


def test_a_policy_finds_no_route_map_or_world_in_what_a_session_gives_it(session: Session) -> None:
    while not (snapshot := session.tick()).captured:
        pass
    policy = SnoopingPolicy()
    policy.reset(0)
    policy.act(session.observation(snapshot, instruction="turn left"))
    assert policy.objects_seen > 10


def test_a_sensor_that_vanishes_is_named(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("drivevla.sim.session.sensors.WAIT_S", 0.5)
    camera = next(actor for actor in session._spawned if actor.type_id == "sensor.camera.rgb")
    camera.destroy()
    with pytest.raises(SimulatorError, match="sensor 'front' sent nothing for frame"):
        tick_many(session, 5)


def tick_many(session: Session, count: int) -> None:
    for _ in range(count):
        session.tick()


def test_whatever_happens_inside_the_world_is_left_as_it_was(server: RunningServer, rig: SensorRig) -> None:
    import carla

    client = carla.Client(server.host, server.port, worker_threads=8)
    client.set_timeout(20.0)
    world = client.get_world()
    world.wait_for_tick()
    before = {actor.id for actor in world.get_actors()}
    with pytest.raises(ZeroDivisionError), open_session(rig, host=server.host, port=server.port):
        raise ZeroDivisionError
    world.wait_for_tick()
    world.wait_for_tick()
    assert {actor.id for actor in world.get_actors()} == before
    assert not world.get_settings().synchronous_mode


def test_nobody_there_is_said_at_once(rig: SensorRig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("drivevla.sim.session.session.TIMEOUT_S", 1.0)
    with (
        pytest.raises(SimulatorLost, match=r"no CARLA server answers at 127\.0\.0\.1:1"),
        open_session(rig, host="127.0.0.1", port=1),
    ):
        pass
