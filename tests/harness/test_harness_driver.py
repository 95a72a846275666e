"""The agent's driver, fed as evaluators feed it, on the embedded server."""

from collections.abc import Callable, Iterator
from queue import Queue
from typing import Any, Literal

import numpy as np
import pytest

from drivevla.config.sensor_rig import load_rig
from drivevla.errors import ConfigError, ContractError, PolicyError, SimulatorError
from drivevla.harness.config import AgentConfig
from drivevla.harness.driver import HarnessDriver
from drivevla.harness.sensor_list import CONTROL_HZ, SensorLimits
from drivevla.language import Split
from drivevla.planner.control import VehicleControl
from drivevla.policies.lane_follower import LaneFollower
from drivevla.policies.stand_still import StandStill
from drivevla.sim.maps import landmarks
from drivevla.sim.navigator import Navigator, Protocol
from drivevla.sim.routes import DensePlan, RoadOption, generate_routes, plan_route
from drivevla.sim.server import RunningServer, start_server
from drivevla.sim.session import Session, open_session
from drivevla.sim.session.readings import carla_control
from drivevla.types import Observation, Plan, Truth

carla = pytest.importorskip("carla", reason="the extra 'sim' is not installed")

TOWN = "Gen_tee_1"


class Onlooker:
    """Stands still and keeps what it sees."""

    def __init__(self) -> None:
        self.seen: list[Observation] = []

    def reset(self, seed: int) -> None:
        self.seen.clear()

    def act(self, observation: Observation) -> Plan:
        self.seen.append(observation)
        return StandStill().act(observation)


class Confidant(LaneFollower):
    """Follows the lane and keeps what it is told."""

    needs_truth: Literal[True] = True

    def __init__(self) -> None:
        super().__init__()
        self.told: list[Truth] = []

    def act(self, observation: Observation, truth: Truth) -> Plan:
        self.told.append(truth)
        return super().act(observation, truth)


class Evaluator:
    """Sensors and their readings as ``leaderboard.autoagents.agent_wrapper`` and ``sensor_interface`` have them."""

    def __init__(self, session: Session, sensors: list[dict[str, Any]]) -> None:
        self._session = session
        self._queues: dict[str, Queue[Any]] = {}
        self.actors = []
        for spec in sensors:
            if not spec["type"].startswith(("sensor.camera", "sensor.other", "sensor.lidar")):
                continue
            blueprint = session.world.get_blueprint_library().find(spec["type"])
            if "fov" in spec:
                for name, key in (("image_size_x", "width"), ("image_size_y", "height"), ("fov", "fov")):
                    blueprint.set_attribute(name, str(spec[key]))
            place = carla.Transform(
                carla.Location(spec["x"], spec["y"], spec["z"]),
                carla.Rotation(spec["pitch"], spec["yaw"], spec["roll"]),
            )
            sensor = session.world.spawn_actor(blueprint, place, attach_to=session.ego)
            self._queues[spec["id"]] = Queue()
            sensor.listen(self._queues[spec["id"]].put)
            self.actors.append(sensor)

    def readings(self, frame: int) -> dict[str, tuple[int, Any]]:
        found: dict[str, tuple[int, Any]] = {}
        for name, waiting in self._queues.items():
            while (data := waiting.get(timeout=60.0)).frame < frame:
                pass
            assert data.frame == frame
            found[name] = (frame, _parsed(data))
        ego = self._session.ego
        velocity, forward = ego.get_velocity(), ego.get_transform().get_forward_vector()
        speed = velocity.x * forward.x + velocity.y * forward.y + velocity.z * forward.z
        found["speed"] = (frame, {"speed": speed})
        found["map"] = (frame, {"opendrive": self._session.map.to_opendrive()})
        return found

    def close(self) -> None:
        for sensor in self.actors:
            sensor.stop()
            sensor.destroy()


def _parsed(data: Any) -> Any:
    if isinstance(data, carla.Image):
        return np.frombuffer(data.raw_data, dtype=np.uint8).reshape(data.height, data.width, 4).copy()
    if isinstance(data, carla.GnssMeasurement):
        return np.array([data.latitude, data.longitude, data.altitude])
    a, g = data.accelerometer, data.gyroscope
    return np.array([a.x, a.y, a.z, g.x, g.y, g.z, data.compass])


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    with start_server(TOWN) as running:
        yield running


@pytest.fixture(scope="module")
def plan(server: RunningServer) -> DensePlan:
    client = carla.Client(server.host, server.port)
    client.set_timeout(30.0)
    town = client.get_world().get_map()
    return plan_route(town, generate_routes(town, count=1, seed=3)[0])


@pytest.fixture
def session(server: RunningServer, plan: DensePlan, rig_name: str) -> Iterator[Session]:
    x, y, z = plan.location_m[0].tolist()
    start = carla.Transform(carla.Location(x, y, z + 0.3), carla.Rotation(yaw=float(plan.yaw_deg[0])))
    with open_session(load_rig(rig_name), host=server.host, port=server.port, start=start) as opened:
        yield opened


def given_route(plan: DensePlan) -> list[tuple[Any, RoadOption]]:
    return [
        (carla.Transform(carla.Location(x, y, z), carla.Rotation(yaw=yaw)), option)
        for (x, y, z), yaw, option in zip(plan.location_m.tolist(), plan.yaw_deg.tolist(), plan.options(), strict=True)
    ]


Fixes = list[tuple[dict[str, float], RoadOption]]


@pytest.fixture
def given_fixes(session: Session, plan: DensePlan, leaderboard_fix: Callable[..., tuple[float, float]]) -> Fixes:
    origin = session.map.transform_to_geolocation(carla.Location(0.0, 0.0, 0.0))
    x, y, z = plan.location_m[0].tolist()
    latitude, longitude = leaderboard_fix((origin.latitude, origin.longitude), x, y)
    return [({"lat": latitude, "lon": longitude, "z": z}, RoadOption.LANEFOLLOW)]


@pytest.mark.parametrize("rig_name", ["front"])
@pytest.mark.parametrize("track", ["MAP", "SENSORS"])
def test_the_same_readings_give_the_observation_of_our_own_session(
    session: Session, plan: DensePlan, given_fixes: Fixes, track: str
) -> None:
    policy = Onlooker()
    driver = HarnessDriver(AgentConfig(policy="stand_still", rig="front", track=track), policy)
    driver.set_route(dense=given_route(plan), sparse=given_route(plan)[::20], fixes=given_fixes)
    evaluator = Evaluator(session, driver.sensors(SensorLimits()))
    try:
        while not session.tick().captured:
            pass
        for _ in range(3):
            session.tick()
        session.ego_filter.reset()  # both filters begin with the same tick, which is a capture
        ours = []
        for _ in range(13):
            throttle = carla.VehicleControl(throttle=0.6, steer=0.1)
            session.ego.apply_control(throttle)
            snapshot = session.tick()
            driver.step(evaluator.readings(snapshot.frame), 100.0 + snapshot.time_s)
            if snapshot.captured:
                ours.append(session.observation(snapshot))
    finally:
        evaluator.close()
    assert len(ours) == len(policy.seen) == 4
    for own, theirs in zip(ours, policy.seen, strict=True):
        assert theirs.timestamp_s - policy.seen[0].timestamp_s == pytest.approx(own.timestamp_s - ours[0].timestamp_s)
        # Theirs is mounted by a constant, ours by where the wheels are just now: micrometres move a few edges.
        other = theirs.cameras["front"].image != own.cameras["front"].image
        assert other.mean() < 0.002
        assert theirs.cameras["front"].intrinsics_px == pytest.approx(own.cameras["front"].intrinsics_px)
        assert theirs.cameras["front"].ego_from_camera == pytest.approx(own.cameras["front"].ego_from_camera)
        assert theirs.ego.speed_mps == pytest.approx(own.ego.speed_mps, abs=1e-6)
        assert theirs.ego.yaw_rate_radps == pytest.approx(own.ego.yaw_rate_radps, abs=1e-9)
        assert theirs.ego.acceleration_mps2 == pytest.approx(own.ego.acceleration_mps2, abs=1e-9)
        assert own.past is not None
        assert theirs.past is not None
        assert theirs.past.poses == pytest.approx(own.past.poses, abs=1e-6)
        assert theirs.past.times_s == pytest.approx(own.past.times_s)
    assert policy.seen[-1].ego.speed_mps > 1.0
    assert driver.ego_filter.world_from_ego == pytest.approx(session.ego_filter.world_from_ego, abs=1e-2)
    assert policy.seen[0].target_points_m is not None


@pytest.mark.parametrize("rig_name", ["blind"])
def test_a_privileged_policy_drives_along_the_route(
    session: Session, server: RunningServer, plan: DensePlan, given_fixes: Fixes
) -> None:
    policy = Confidant()
    driver = HarnessDriver(AgentConfig(policy="lane_follower", rig="blind", track="MAP"), policy)
    driver.connect_to(server.host, server.port)
    driver.set_route(dense=given_route(plan), sparse=given_route(plan)[::20], fixes=given_fixes)
    evaluator = Evaluator(session, driver.sensors(SensorLimits()))
    try:
        session.tick()
        for _ in range(100):
            snapshot = session.tick()
            session.ego.apply_control(driver.step(evaluator.readings(snapshot.frame), snapshot.time_s))
    finally:
        driver.close()
        evaluator.close()
    position = session.ego.get_transform().location
    ahead = np.linalg.norm(plan.location_m[:, :2] - [position.x, position.y], axis=1)
    assert ahead.min() < 1.0  # on its lane
    assert 10.0 < plan.distance_m[ahead.argmin()] < 40.0  # 5 s, beginning from rest, at most 8 m/s
    assert len(policy.told) == 100 * load_rig("blind").capture_hz / CONTROL_HZ
    place = policy.told[-1].world_from_ego[:2, 3]
    rear_axle = driver.ego_filter.world_from_ego[:2]
    assert np.linalg.norm(place - rear_axle) < 2.5  # the last capture, at most four ticks ago
    assert policy.told[-1].route_m is not None
    assert policy.told[-1].speed_limit_mps


@pytest.mark.parametrize("rig_name", ["blind"])
def test_on_a_map_track_the_navigator_speaks_as_in_our_runner(
    session: Session, server: RunningServer, plan: DensePlan, given_fixes: Fixes
) -> None:
    policy = Onlooker()
    driver = HarnessDriver(AgentConfig(policy="stand_still", rig="blind", track="MAP", navigator=True), policy)
    driver.set_route(dense=given_route(plan), sparse=given_route(plan)[::20], fixes=given_fixes)
    evaluator = Evaluator(session, driver.sensors(SensorLimits()))
    try:
        session.tick()
        for _ in range(5):
            snapshot = session.tick()
            driver.step(evaluator.readings(snapshot.frame), snapshot.time_s)
    finally:
        driver.close()
        evaluator.close()
    sights = landmarks(session.map.to_opendrive())
    ours = Navigator(plan, session.map, sights, split=Split.HELD_OUT, seed=0, protocol=Protocol.INSTRUCTIONS).update(
        driver.ego_filter.world_from_ego, time_s=0.0
    )
    assert policy.seen[-1].instruction
    assert policy.seen[-1].instruction == ours.text
    with pytest.raises(ConfigError, match="declare track MAP"):
        AgentConfig(policy="stand_still", rig="blind", track="SENSORS", navigator=True)
    with pytest.raises(ConfigError, match="either one instruction or the navigator"):
        AgentConfig(policy="stand_still", rig="blind", track="MAP", navigator=True, instruction="Go left.")


def a_route() -> list[tuple[Any, RoadOption]]:
    return [(carla.Transform(carla.Location(float(x), 0.0, 0.0)), RoadOption.LANEFOLLOW) for x in range(0, 40, 10)]


def some_readings(frame: int) -> dict[str, tuple[int, Any]]:
    return {
        "camera_front": (frame, np.zeros((160, 320, 4), dtype=np.uint8)),
        "gnss": (frame, np.array([0.0, 0.0, 0.0])),
        "imu": (frame, np.array([0.0, 0.0, 9.81, 0.0, 0.0, 0.0, np.pi / 2])),
        "speed": (frame, {"speed": 0.0}),
    }


def a_driver(policy: Any, *, at_origin: bool = True) -> HarnessDriver:
    driver = HarnessDriver(AgentConfig(policy="stand_still", rig="front"), policy)
    start = {"lat": 0.0, "lon": 0.0 if at_origin else 0.01, "z": 0.0}
    driver.set_route(dense=a_route(), sparse=a_route(), fixes=[(start, RoadOption.LANEFOLLOW)])
    return driver


def test_a_policy_is_asked_five_times_a_second_and_its_plan_held() -> None:
    policy = Onlooker()
    driver = a_driver(policy)
    controls = [driver.step(some_readings(frame), 7.0 + frame / CONTROL_HZ) for frame in range(50, 70)]
    assert [seen.timestamp_s for seen in policy.seen] == pytest.approx([0.0, 0.2, 0.4, 0.6, 0.8])
    assert all(control.brake == 1.0 and control.throttle == 0.0 for control in controls)
    assert policy.seen[0].command is not None
    assert policy.seen[0].target_points_m == pytest.approx(np.array([[10.0, 0.0], [20.0, 0.0]]), abs=1e-3)


def test_what_does_not_fit_is_said() -> None:
    with pytest.raises(ConfigError, match="declare track MAP"):
        HarnessDriver(AgentConfig(policy="lane_follower", rig="blind", track="SENSORS"), LaneFollower())
    with pytest.raises(ContractError, match="set_route comes before"):
        HarnessDriver(AgentConfig(policy="stand_still", rig="blind"), Onlooker()).step(some_readings(1), 0.05)
    slow = a_driver(Onlooker())
    slow.step(some_readings(1), 0.1)
    with pytest.raises(SimulatorError, match="does not run at 20 Hz"):
        slow.step(some_readings(2), 0.2)
    with pytest.raises(SimulatorError, match=r"first satellite fix lies 11\d\d m from the route's start"):
        a_driver(Onlooker(), at_origin=False).step(some_readings(1), 0.05)


def test_a_policy_that_answers_with_no_plan_fails_by_name() -> None:
    class Mute(Onlooker):
        def act(self, observation: Observation) -> Plan:
            return None  # type: ignore[return-value]

    with pytest.raises(PolicyError, match="must answer with a Plan, got NoneType"):
        a_driver(Mute()).step(some_readings(1), 0.05)


def test_the_map_is_waited_for_with_the_brake_on_and_not_for_ever() -> None:
    driver = HarnessDriver(AgentConfig(policy="stand_still", rig="blind", track="MAP"), Onlooker())
    driver.set_route(dense=a_route(), sparse=a_route(), fixes=[({"lat": 0.0, "lon": 0.0}, RoadOption.LANEFOLLOW)])
    for frame in range(40):
        assert driver.step(some_readings(frame), frame * 0.05).brake == 1.0
    with pytest.raises(SimulatorError, match="map did not come within 40 ticks"):
        driver.step(some_readings(40), 2.0)


def test_controls_steer_to_the_side_that_carla_means() -> None:
    assert carla_control(VehicleControl(steering=0.25, throttle=0.5)).steer == pytest.approx(-0.25)
