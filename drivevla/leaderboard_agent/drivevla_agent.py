"""The agent that CARLA leaderboard's and Bench2Drive's evaluators load: ``--agent .../drivevla_agent.py``.

It stands alone in its folder, because the evaluators put that folder first on Python's path. It needs their
``leaderboard`` package, which is the user's own copy; whatever does not need it is in ``drivevla.harness``.
"""

import logging
from typing import Any

from leaderboard.autoagents import agent_wrapper
from leaderboard.autoagents.autonomous_agent import AutonomousAgent, Track

from drivevla.errors import ConfigError
from drivevla.evaluation.closed_loop.driver import make_policy
from drivevla.evaluation.closed_loop.job import policy_options
from drivevla.harness.config import AgentConfig, read_agent_config
from drivevla.harness.driver import GivenFixes, HarnessDriver, Readings
from drivevla.harness.given_route import GivenRoute
from drivevla.harness.sensor_list import SensorLimits

__all__ = ["DriveVLAAgent", "get_entry_point"]

logging.basicConfig(level=logging.INFO)


def get_entry_point() -> str:
    """The agent's class."""
    return "DriveVLAAgent"


class DriveVLAAgent(AutonomousAgent):  # type: ignore[misc]  # their package is not ours to check
    """A policy of DriveVLA in the evaluators of others.

    Leaderboard 2.x and Bench2Drive make it with the simulator's address, give it the route and then its configuration;
    leaderboard 1.0 makes it with the configuration and gives it the route later.
    """

    def __init__(self, *arguments: Any) -> None:
        self._driver: HarnessDriver | None = None
        self._address = arguments[:2] if len(arguments) > 1 else None
        self._given: tuple[GivenRoute, GivenFixes] | None = None
        super().__init__(*arguments)

    def setup(self, path_to_conf_file: str) -> None:
        """Make the policy and declare the track.

        Raises:
            UserError: The configuration is not acceptable; the evaluator reports it as the agent's failure.
        """
        config = read_agent_config(path_to_conf_file)
        if config.track not in Track.__members__:
            raise ConfigError(f"this evaluator has the tracks {', '.join(Track.__members__)}, not {config.track}")
        self.track = Track[config.track]
        self._limits = _limits(config)
        self._driver = HarnessDriver(config, make_policy(config.policy, policy_options(config.options)))
        if self._address is not None:
            self._driver.connect_to(*self._address)
        self._hand_route_over()

    def sensors(self) -> list[dict[str, Any]]:
        """The rig of the configuration, and what the ego filter needs."""
        return self._made().sensors(self._limits)

    def set_global_plan(self, global_plan_gps: GivenFixes, global_plan_world_coord: GivenRoute) -> None:
        """Take the route; the base class thins it."""
        super().set_global_plan(global_plan_gps, global_plan_world_coord)
        self._given = (global_plan_world_coord, self._global_plan)
        self._hand_route_over()

    def run_step(self, input_data: Readings, timestamp: float) -> Any:
        """One tick."""
        return self._made().step(input_data, timestamp)

    def destroy(self) -> None:
        """Let go of the world."""
        if self._driver is not None:
            self._driver.close()

    def _made(self) -> HarnessDriver:
        assert self._driver is not None, "the evaluator calls setup first"
        return self._driver

    def _hand_route_over(self) -> None:
        if self._driver is not None and self._given is not None:
            dense, fixes = self._given
            self._driver.set_route(dense=dense, sparse=self._global_plan_world_coord, fixes=fixes)


def _limits(config: AgentConfig) -> SensorLimits:
    qualifier = config.track.endswith("_QUALIFIER")
    counts = agent_wrapper.QUALIFIER_SENSORS_LIMITS if qualifier else agent_wrapper.SENSORS_LIMITS
    return SensorLimits(counts=counts, radius_m=agent_wrapper.MAX_ALLOWED_RADIUS_SENSOR)
