"""One route in somebody else's evaluator: their readings in, ``carla.VehicleControl`` out."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from drivevla.config.sensor_rig import load_rig
from drivevla.errors import ConfigError, ContractError, SimulatorError
from drivevla.geometry import invert_se2, transform_points_se2
from drivevla.geometry.carla import points_from_carla, points_to_carla
from drivevla.harness.config import AgentConfig
from drivevla.harness.geodesy import map_of_reference, reference_of_point
from drivevla.harness.given_route import GivenRoute, dense_plan, sparse_plan
from drivevla.harness.sensor_list import CONTROL_HZ, SensorLimits, camera_id, sensor_list
from drivevla.harness.sweep import SweepJoiner
from drivevla.harness.world_view import WorldView
from drivevla.language import Split
from drivevla.policies.asking import ask_policy
from drivevla.sim.maps import landmarks
from drivevla.sim.navigator import Navigator, Protocol
from drivevla.sim.routes import TargetTracker
from drivevla.sim.session.ego_filter import EgoFilter
from drivevla.sim.session.following import HOLD, PlanFollower
from drivevla.sim.session.readings import camera_frame, carla_control, feed_ego_filter
from drivevla.types import LidarSweep, Observation, Truth

if TYPE_CHECKING:
    import carla

__all__ = ["GivenFixes", "HarnessDriver", "Readings"]

logger = logging.getLogger(__name__)

Readings = Mapping[str, tuple[int, Any]]
"""What ``AutonomousAgent.run_step`` is given: by tag, the frame and what was measured in it."""
GivenFixes = Sequence[tuple[Mapping[str, float], Any]]
"""What ``AutonomousAgent.set_global_plan`` is given as the route by latitude and longitude."""

TICK_S = 1.0 / CONTROL_HZ
_OFF_ROUTE_M = 25.0
"""The ego begins on the route; a first fix farther from it than this was made with another projection."""
_MAP_WAIT_TICKS = 40


class HarnessDriver:
    """A policy of ours behind the interface of the leaderboard's agents.

    It observes, asks and controls by the session's own code, so that a policy meets the same here and in our runner.

    Args:
        config: How it is shown the road.
        policy: Who drives: a ``Policy`` or a ``PrivilegedPolicy``.

    Raises:
        ConfigError: A policy that is told the truth is not declared on a map track.
    """

    def __init__(self, config: AgentConfig, policy: Any) -> None:
        self.config, self.rig, self._policy = config, load_rig(config.rig), policy
        self.privileged = getattr(policy, "needs_truth", False) is True
        if self.privileged and not config.on_map_track:
            raise ConfigError(
                f"policy {config.policy!r} is told the truth: declare track MAP in its agent configuration, "
                f"not {config.track}"
            )
        self._policy.reset(config.seed)
        self.ego_filter = EgoFilter()
        self._follower = PlanFollower(self.ego_filter, tick_s=TICK_S)
        self._joiner = SweepJoiner(self.rig.lidar, self.ego_filter, tick_s=TICK_S) if self.rig.lidar else None
        self._ticks_per_capture = round(self.rig.control_hz / self.rig.capture_hz)
        self._next_capture: int | None = None
        self._server = (config.host, config.port)
        self._targets: TargetTracker | None = None
        self._geodesy: carla.Map | None = None
        self._dense: GivenRoute = ()
        self._navigator: Navigator | None = None
        self._world: WorldView | None = None
        self._first: tuple[int, float] | None = None
        self._waited_for_map = 0

    def sensors(self, limits: SensorLimits) -> list[dict[str, Any]]:
        """What the evaluator is asked for.

        Raises:
            ConfigError: The rig does not fit the evaluator.
        """
        if self.rig.lidar is not None:
            logger.warning(
                "rig %r: the evaluator decides the LiDAR's beams (64 channels, 85 m), the rig only its place",
                self.rig.name,
            )
        return sensor_list(self.rig, with_map=self.config.on_map_track, limits=limits)

    def connect_to(self, host: str, port: int) -> None:
        """Where the simulator is, where the evaluator tells; the configuration's address otherwise."""
        self._server = (host, port)

    def set_route(self, *, dense: GivenRoute, sparse: GivenRoute, fixes: GivenFixes) -> None:
        """The route.

        Args:
            dense: Every point, for privileged policies and the navigator alone.
            sparse: The points that the evaluator thins it to for its agents.
            fixes: The same points by latitude and longitude, degrees: ``({"lat": ..., "lon": ...}, option)``.
        """
        if self.privileged:
            self._world = WorldView(*self._server, dense)
        if self.config.navigator:
            self._dense = dense
        plan = sparse_plan(sparse)
        self._targets, self._start_m = TargetTracker(plan), plan.location_m[0]
        if not self.config.on_map_track:
            x_m, y_m, _ = self._start_m.tolist()
            start = fixes[0][0]
            self._geodesy = map_of_reference(
                *reference_of_point(latitude_deg=start["lat"], longitude_deg=start["lon"], x_m=x_m, y_m=y_m)
            )

    def step(self, readings: Readings, timestamp_s: float) -> carla.VehicleControl:
        """One tick: filter the ego's motion, ask the policy when it is due, follow its plan.

        Args:
            readings: Every sensor's measurement of this tick.
            timestamp_s: The evaluator's time.

        Raises:
            ContractError: The route was not set.
            SimulatorError: Ticks are not those of 20 Hz, the map does not come, or the fixes do not lie on the route.
            PolicyError: The policy raised, or answered with something that is no plan.
        """
        if self._targets is None:
            raise ContractError("set_route comes before the first step")
        frame = int(readings["imu"][0])
        if self._geodesy is None and not self._take_map(readings):
            return carla_control(HOLD)
        time_s = self._time(frame, timestamp_s)
        self._read_motion(readings, time_s)
        heard = self._hear(time_s)
        sweep = None if self._joiner is None else self._joiner.take(frame, readings["lidar"][1], time_s)
        if self._is_capture(frame, sweep):
            observation = self._observe(readings, sweep, time_s, heard)
            plan = ask_policy(self._policy, observation, self._truth(frame, time_s))
            self._follower.take(plan, time_s=time_s)
        return carla_control(self._follower.control(time_s=time_s))

    def close(self) -> None:
        """Let go of the world."""
        self._world = None

    def _take_map(self, readings: Readings) -> bool:
        """Leaderboard 1.0 hands the map over when it comes, not in a certain tick."""
        import carla

        if "map" in readings:
            opendrive = readings["map"][1]["opendrive"]
            self._geodesy = carla.Map("given", opendrive)
            if self.config.navigator:
                self._navigator = Navigator(
                    dense_plan(self._dense, self._geodesy),
                    self._geodesy,
                    landmarks(opendrive),
                    language=self.config.language,
                    split=Split.HELD_OUT,
                    seed=self.config.seed,
                    protocol=Protocol.INSTRUCTIONS,
                )
            return True
        self._waited_for_map += 1
        if self._waited_for_map > _MAP_WAIT_TICKS:
            raise SimulatorError(f"the evaluator's OpenDRIVE map did not come within {_MAP_WAIT_TICKS} ticks")
        return False

    def _time(self, frame: int, timestamp_s: float) -> float:
        """Seconds since the first step, free of the rounding of the evaluator's clock."""
        if self._first is None:
            self._first = (frame, timestamp_s)
        time_s = (frame - self._first[0]) * TICK_S
        if abs(timestamp_s - self._first[1] - time_s) > TICK_S / 2:
            raise SimulatorError(
                f"{frame - self._first[0]} ticks took {timestamp_s - self._first[1]:.3f} s: this evaluator does not "
                f"run at {CONTROL_HZ:g} Hz"
            )
        return time_s

    def _read_motion(self, readings: Readings, time_s: float) -> None:
        latitude, longitude, altitude = (float(number) for number in readings["gnss"][1])
        acceleration, *_, rate, compass = (float(number) for number in readings["imu"][1])
        feed_ego_filter(
            self.ego_filter,
            self._geodesy,
            time_s=time_s,
            fix=(latitude, longitude, altitude),
            accelerometer_x_mps2=acceleration,
            gyroscope_z_radps=rate,
            compass_rad=compass,
            speed_mps=float(readings["speed"][1]["speed"]),
        )
        away_m = np.hypot(*(points_to_carla([*self.ego_filter.world_from_ego[:2], 0.0]) - self._start_m)[:2])
        if time_s == 0.0 and away_m > _OFF_ROUTE_M:
            raise SimulatorError(
                f"the first satellite fix lies {away_m:.0f} m from the route's start: this map's geographic reference "
                "is not the transverse Mercator projection of CARLA's towns; drive it on the MAP track"
            )

    def _is_capture(self, frame: int, sweep: LidarSweep | None) -> bool:
        """Captures begin with the first whole sweep and come at the rig's rate."""
        if self._next_capture is None and (self._joiner is None or sweep is not None):
            self._next_capture = frame
        if frame != self._next_capture:
            return False
        self._next_capture = frame + self._ticks_per_capture
        return True

    def _hear(self, time_s: float) -> str | None:
        """The sentence of this tick."""
        if self._navigator is None:
            return self.config.instruction
        return self._navigator.update(self.ego_filter.world_from_ego, time_s=time_s).text

    def _observe(self, readings: Readings, sweep: LidarSweep | None, time_s: float, heard: str | None) -> Observation:
        assert self._targets is not None
        world_from_ego = self.ego_filter.world_from_ego
        x, y, _ = points_to_carla([*world_from_ego[:2], 0.0])
        targets = self._targets.update(float(x), float(y))
        places = points_from_carla([target.location_m for target in targets])[:, :2]
        return Observation(
            timestamp_s=time_s,
            ego=self.ego_filter.state,
            cameras={
                name: camera_frame(spec, readings[camera_id(name)][1], time_s)
                for name, spec in self.rig.cameras.items()
            },
            lidar=sweep,
            past=self.ego_filter.past(step_s=1.0 / self.rig.capture_hz),
            instruction=heard,
            told_pose=self.ego_filter.told_pose(heard),
            command=targets[0].option.command,
            target_points_m=transform_points_se2(invert_se2(world_from_ego), places),
        )

    def _truth(self, frame: int, time_s: float) -> Truth | None:
        return None if self._world is None else self._world.truth(frame=frame, timestamp_s=time_s)
