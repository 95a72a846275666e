"""The environment itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from drivevla.config.sensor_rig import load_rig
from drivevla.env.drive import EnvDrive
from drivevla.env.spaces import action_space, control_of, laid_out, observation_space
from drivevla.errors import ConfigError, ContractError, require
from drivevla.evaluation.closed_loop.town import Town
from drivevla.evaluation.driving_score import RouteRecord, RouteStop, rule_book
from drivevla.report.film import drive_picture, left_to_right
from drivevla.sim.maps import find_map
from drivevla.sim.routes import Route, find_routes, generate_routes

if TYPE_CHECKING:
    import gymnasium
else:
    gymnasium = require("gymnasium", "gym")

__all__ = ["DriveEnv"]

_PICTURE_PX = 256
_ENDED = (RouteStop.ARRIVED, RouteStop.DEVIATED, RouteStop.BLOCKED)


class DriveEnv(gymnasium.Env[dict[str, Any], NDArray[np.float32]]):
    """Drive routes of one map. A step is the time between two captures of the sensors (0.2 s with rig ``nano``).

    - **Action**: ``Box(-1, 1, (2,))``: pedals (positive throttle, negative brake) and steering (positive left).
    - **Observation**: a ``Dict``, see ``drivevla.env.spaces.observation_space``.
    - **Reward**: the change of the route's driving score under the rules, so that an episode's undiscounted return is
      its driving score, 0 to 100.
    - **Terminated** when the goal is reached, the route left for good, or the car has stood too long; **truncated**
      when the rules' time or ``max_seconds`` is over.

    Every ``reset`` starts a simulator of its own (unless ``host`` names one), so that equal seeds give equal episodes.

    Args:
        map_name: The map, as ``drivevla.sim.maps.find_map`` takes it.
        routes: A route file or suite; its routes on that map are driven, one drawn at each reset. None generates one.
        route_length_m: Least and greatest length of a generated route.
        rig: A preset of sensor rigs.
        vehicles: Background traffic.
        rules: The rule book behind the reward.
        max_seconds: Longest episode, simulated.
        host: A running CARLA server; None starts an embedded one.
        port: Its port.
        render_mode: "rgb_array" or None.

    Raises:
        ConfigError: A number is out of range, or the routes have none on the map.
        UnknownName: There is no such map, rig, suite or rule book.
    """

    metadata: dict[str, Any] = {"render_modes": ["rgb_array"], "render_fps": 5}  # noqa: RUF012 - as Gymnasium types it

    def __init__(
        self,
        *,
        map_name: str = "Gen_grid_1",
        routes: str | None = None,
        route_length_m: tuple[float, float] = (80.0, 250.0),
        rig: str = "nano",
        vehicles: int = 0,
        rules: str = "leaderboard-2.1",
        max_seconds: float = 120.0,
        host: str | None = None,
        port: int = 2000,
        render_mode: str | None = None,
    ) -> None:
        if not max_seconds > 0 or not 0 <= vehicles <= 200:
            raise ConfigError(f"max_seconds must be above 0 and vehicles 0 to 200, got {max_seconds:g} and {vehicles}")
        if render_mode not in (None, *self.metadata["render_modes"]):
            raise ConfigError(f"render_mode must be 'rgb_array' or None, got {render_mode!r}")
        carla = require("carla", "sim")
        source = find_map(map_name)
        self._town = Town(name=map_name, carla_map=carla.Map(source.name, source.opendrive), opendrive=source.opendrive)
        self._routes = None if routes is None else _routes_on(routes, source.name)
        self._route_length_m = route_length_m
        self._rig, self._rules = load_rig(rig), rule_book(rules)
        self._vehicles, self._max_s = vehicles, max_seconds
        self._host, self._port = host, port
        self.render_mode = render_mode
        self.action_space = action_space()
        self.observation_space = observation_space(self._rig)
        self._drive: EnvDrive | None = None
        self._score = 0.0
        self._over = False

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Begin an episode. ``options={"route": Route}`` drives that route.

        Raises:
            ConfigError: There is another option, or it is no route.
            SimulatorError: The simulator failed.
        """
        super().reset(seed=seed)
        self.close()
        episode_seed = int(self.np_random.integers(2**31))
        route = self._route(options or {}, episode_seed)
        self._drive = EnvDrive(
            self._town,
            route,
            self._rig,
            self._rules,
            vehicles=self._vehicles,
            seed=episode_seed,
            host=self._host,
            port=self._port,
        )
        self._over = False
        record = self._drive.record()
        self._score = record.score_composed
        return laid_out(self._drive.observation, self._rig), self._info(record)

    def step(self, action: NDArray[np.float32]) -> tuple[dict[str, Any], float, bool, bool, dict[str, Any]]:
        """Hold pedals and wheel until the sensors measure again.

        Raises:
            ContractError: The action is not in its space, or no episode is running.
            SimulatorError: The simulator failed.
        """
        if self._drive is None or self._over:
            raise ContractError("no episode is running: call reset first")
        self._drive.advance(control_of(action))
        stop = self._drive.stop
        terminated = stop in _ENDED
        truncated = not terminated and (stop is not None or self._drive.time_s >= self._max_s)
        self._over = terminated or truncated
        if self._over:
            self._drive.finish()
        record = self._drive.record()
        reward, self._score = record.score_composed - self._score, record.score_composed
        return laid_out(self._drive.observation, self._rig), reward, terminated, truncated, self._info(record)

    def render(self) -> NDArray[np.uint8] | None:
        """(H, W, 3): cameras from left to right, the LiDAR from above, and what is asked. None without a mode.

        Raises:
            ContractError: No episode was begun.
        """
        if self.render_mode is None:
            return None
        if self._drive is None:
            raise ContractError("there is nothing to see yet: call reset first")
        seen = self._drive.observation
        lines = (
            f"{seen.timestamp_s:5.1f} s   {abs(seen.ego.speed_mps) * 3.6:3.0f} km/h   score {self._score:.1f}",
            seen.instruction or "",
        )
        return drive_picture(seen, order=left_to_right(self._rig), lines=lines, height_px=_PICTURE_PX)

    def close(self) -> None:
        """End the simulator; may be called at any time, and more than once."""
        if self._drive is not None:
            self._drive.close()
            self._drive = None

    def _route(self, options: dict[str, Any], seed: int) -> Route:
        if options.keys() - {"route"} or not isinstance(options.get("route"), Route | None):
            raise ConfigError(f"the one option of reset is 'route', a drivevla.sim.routes.Route; got {options}")
        chosen: Route | None = options.get("route")
        if chosen is not None:
            return chosen
        if self._routes is not None:
            return self._routes[int(self.np_random.integers(len(self._routes)))]
        return generate_routes(self._town.carla_map, count=1, seed=seed, length_m=self._route_length_m)[0]

    def _info(self, record: RouteRecord) -> dict[str, Any]:
        assert self._drive is not None
        return {
            "route_id": self._drive.route.id,
            "time_s": self._drive.time_s,
            "driving_score": record.score_composed,
            "route_completion": record.score_route,
            "infractions": record.num_infractions,
            "stop": self._drive.stop.value if self._drive.stop else None,
            "backend": self._drive.backend,
        }


def _routes_on(name_or_path: str, town: str) -> tuple[Route, ...]:
    found = find_routes(name_or_path)
    on_map = tuple(route for route in found if route.town == town)
    if not on_map:
        towns = ", ".join(sorted({route.town for route in found}))
        raise ConfigError(f"{name_or_path} has no route on {town}; its routes are on {towns}")
    return on_map
