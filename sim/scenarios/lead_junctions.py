"""The types that LEAD adds: a red light that nobody else waits at, and crossing traffic that has green as the ego has.

Source: lead-3rd-party/scenario_runner_autopilot (244d1ba, 989076c), ``cross_junction_defect_traffic_light.py``,
``vanilla_turn.py`` (``RedLightWithoutLeadVehicle``) and ``background_manager.py`` (``MakeRedLightLonger``,
``MakeTrafficLightRedOnce``, ``KeepFrontClear``).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, ClassVar

from drivevla.errors import DataError
from drivevla.sim.routes import Interval, Parameter
from drivevla.sim.scenarios.flow import Flow
from drivevla.sim.scenarios.junction_lights import both_green, ego_lane
from drivevla.sim.scenarios.lights import light_of, lights_of_junction
from drivevla.sim.scenarios.needs import Needs, Spot, between
from drivevla.sim.scenarios.path import Path
from drivevla.sim.scenarios.roads import Crossing, From, crossing_ahead
from drivevla.sim.scenarios.scenario import Play, Scenario, race

if TYPE_CHECKING:
    import carla

__all__ = ["CrossJunctionDefectTrafficLight", "RedLightWithoutLeadVehicle"]

AT_LIGHTS: Needs = Needs(
    manoeuvres=("straight_lights", "left_lights", "right_lights"), before_junction_m=(45.0, 60.0), room_m=40.0
)
DRIVE_M = 200.0
LONGER_S = 5.0
SEEN_M = 48.0
"""The light turns red when the ego is so near."""
CLEAR_M, CRAWL_MPS = 24.0, 3.0
BEFORE_S, AFTER_S = 5.0, 3.0
END_M = 50.0


class RedLightWithoutLeadVehicle(Scenario):
    """The light turns red as the ego comes, and nobody stands before it, so that nothing but the light says stop.

    For 200 m, every light on the route turns red once, until its own cycle goes on; lights that are red when it begins
    stay red 5 s longer each time. Background vehicles that stand before the ego are taken away.
    """

    blocks_the_way: ClassVar[bool] = True
    needs: ClassVar[Needs] = AT_LIGHTS

    def find_places(self) -> None:
        """The junctions of the next 200 m."""
        self.crossings: list[Crossing] = []
        index, end_m = self.index, self.trigger_along_m + DRIVE_M
        while index < len(self.plan.junction) - 1:
            try:
                crossing = crossing_ahead(self.plan, index)
            except DataError:
                break
            if self.plan.distance_m[crossing.enter] > end_m:
                break
            self.crossings.append(crossing)
            index = crossing.leave

    def play(self) -> Play:
        """All three, until the ego has driven 200 m."""
        yield from self.until_triggered()
        with longer_red(self.stage.world.get_actors().filter("traffic.traffic_light*")):
            yield from race(self.through(), self.red_once(), self.front_kept_clear())

    def through(self) -> Play:
        """Wait for the ego to drive 200 m, or to come to the end of its route."""
        end_m = self.stage.ego.driven_m + DRIVE_M
        return self.until(
            lambda: self.stage.ego.driven_m >= end_m or self.stage.ego.along_m >= self.plan.length_m - 3.0
        )

    def red_once(self) -> Play:
        """Each light of the ego's turns red once."""
        import carla

        for crossing in self.crossings:
            lights = lights_of_junction(self.stage, crossing.junction)
            if not lights:
                continue
            light = light_of(lights, ego_lane(self, crossing))
            place = light.get_location()
            yield from self.until_ego_near((place.x, place.y, place.z))
            light.set_state(carla.TrafficLightState.Red)
            yield  # the state is in the world only after a tick
            yield from self.until_new_state(light)
            light.set_state(carla.TrafficLightState.Green)
        yield from self.until(lambda: False)

    def until_ego_near(self, location_m: tuple[float, float, float]) -> Play:
        """Wait for the ego to come within 48 m."""
        return self.until(lambda: self.stage.ego.distance_m(location_m) <= SEEN_M)

    def until_new_state(self, light: carla.TrafficLight) -> Play:
        """Wait for a light's time in its state to begin anew."""
        before_s = 0.0
        while (elapsed_s := float(light.get_elapsed_time())) >= before_s:
            before_s = elapsed_s
            yield

    def front_kept_clear(self) -> Play:
        """For ever."""
        while True:
            self.stage.clear_ahead(CLEAR_M, slower_than_mps=CRAWL_MPS)
            yield


class CrossJunctionDefectTrafficLight(Scenario):
    """Lights out of order: a flow that crosses the ego's way has green, and 5 s later the ego has green too.

    Parameters: ``traffic_direction`` right (or left, or both), ``flow_speed`` 20 m/s, ``source_dist_interval`` 25 to
    50 m.
    """

    blocks_the_way: ClassVar[bool] = True
    needs: ClassVar[Needs] = AT_LIGHTS

    @classmethod
    def draw_parameters(cls, spot: Spot) -> dict[str, Parameter]:
        """The harder, the faster the cars and the closer they follow each other."""
        return {
            "traffic_direction": "left" if spot.rng.random() < 0.5 else "right",
            "flow_speed": between(6.0, 12.0, spot.difficulty),
            "source_dist_interval": Interval(
                between(45.0, 30.0, spot.difficulty), between(80.0, 60.0, spot.difficulty)
            ),
        }

    def find_places(self) -> None:
        """The flows' ways straight through the junction.

        Raises:
            DataError: Nobody can come from there and go straight on.
        """
        self.ego_way = self.crossing()
        word = self.word("traffic_direction", "right", ("left", "right", "both"))
        sides: tuple[From, ...] = ("left", "right") if word == "both" else ("left",) if word == "left" else ("right",)
        self.speed_mps = self.number("flow_speed", 20.0)
        self.spacing_m = self.interval("source_dist_interval", (25.0, 50.0))
        before_m, after_m = BEFORE_S * self.speed_mps, AFTER_S * self.speed_mps
        found = [
            self.roads.crossing_entry(self.ego_way, self.plan, side, before_m=before_m, after_m=after_m)
            for side in sides
        ]
        self.entries = [entry for entry, _ in found]
        self.paths: list[Path] = [path for _, path in found]

    def play(self) -> Play:
        """Flow until the ego is 50 m behind the junction."""
        yield from self.until_triggered()
        for path in self.paths:
            self.keep_free(path)
        flows = [
            Flow(self, path, speed_mps=self.speed_mps, spacing_m=self.spacing_m, filled=True) for path in self.paths
        ]
        lights = both_green(self, self.ego_way, self.entries)
        yield from race(self.through(), lights, *(flow.run() for flow in flows))

    def through(self) -> Play:
        """The ego leaves the junction and drives on."""
        yield from self.until_ego_left(self.ego_way)
        end_m = self.stage.ego.driven_m + END_M
        yield from self.until(
            lambda: self.stage.ego.driven_m >= end_m or self.stage.ego.along_m >= self.plan.length_m - 3.0
        )


@contextmanager
def longer_red(lights: carla.ActorList) -> Iterator[None]:
    """Lights that are red now stay so 5 s longer each time, for as long as the context lasts."""
    import carla

    red = [(each, each.get_red_time()) for each in lights if each.get_state() == carla.TrafficLightState.Red]
    for light, red_s in red:
        light.set_red_time(red_s + LONGER_S)
    try:
        yield
    finally:
        for light, red_s in red:
            light.set_red_time(red_s)
