"""Traffic to merge into, to leave through and to cross, on junctions and highways.

Source: scenario_runner (94ff3b8a), ``actor_flow.py``. All read ``start_actor_flow`` and ``end_actor_flow`` (places),
``flow_speed`` 10 m/s and ``source_dist_interval`` 20 to 50 m.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar

from drivevla.errors import DataError
from drivevla.sim.routes import Interval, Location, Parameter, Place
from drivevla.sim.scenarios.flow import Flow
from drivevla.sim.scenarios.needs import Needs, Spot, between
from drivevla.sim.scenarios.path import Path, place_of
from drivevla.sim.scenarios.roads import crossing_ahead
from drivevla.sim.scenarios.scenario import Play, Scenario, race

if TYPE_CHECKING:
    import carla

__all__ = [
    "EnterActorFlow",
    "EnterActorFlowV2",
    "HighwayExit",
    "InterurbanActorFlow",
    "InterurbanAdvancedActorFlow",
    "MergerIntoSlowTraffic",
    "MergerIntoSlowTrafficV2",
]

SINK_M = 2.0


def drawn_flow(slow_mps: float, fast_mps: float, difficulty: float) -> dict[str, Parameter]:
    """Speed and spacing: the harder, the faster and the closer."""
    return {
        "flow_speed": between(slow_mps, fast_mps, difficulty),
        "source_dist_interval": Interval(between(30.0, 18.0, difficulty), between(60.0, 35.0, difficulty)),
    }


class _Flows(Scenario):
    """Flows from the trigger until the ego is through."""

    blocks_the_way: ClassVar[bool] = True
    filled: ClassVar[bool] = True
    speeds_mps: ClassVar[tuple[float, float]] = (7.0, 12.0)
    needs: ClassVar[Needs] = Needs(
        manoeuvres=("merge", "right_signs", "right_none", "right_lights", "left_signs"),
        before_junction_m=(20.0, 50.0),
        room_m=20.0,
        lead_out_m=90.0,
    )

    @classmethod
    def draw_parameters(cls, spot: Spot) -> dict[str, Parameter]:
        """A flow into the road that the ego comes out on."""
        crossing = crossing_ahead(spot.plan, spot.index)
        path = spot.roads.joining_way(crossing, spot.plan, before_m=50.0, after_m=60.0)
        return {
            "start_actor_flow": Place(path.place(0.0).location_m),
            "end_actor_flow": Place(path.place(path.length_m).location_m),
            **drawn_flow(*cls.speeds_mps, spot.difficulty),
        }

    def find_places(self) -> None:
        """The ways of the flows, and when the ego is through."""
        self.speed_mps = self.number("flow_speed", 10.0)
        self.spacing_m = self.interval("source_dist_interval", (20.0, 50.0))
        self.source = self.roads.waypoint(self.location("start_actor_flow"))
        self.sink = self.roads.waypoint(self.location("end_actor_flow"))
        self.paths = self.find_paths()

    def find_paths(self) -> list[Path]:
        """One way a flow."""
        return [self.way(self.source, self.sink)]

    def way(self, source: carla.Waypoint, sink: carla.Waypoint) -> Path:
        """The lanes from a waypoint to another."""
        return self.roads.way(place_of(source.transform).location_m, place_of(sink.transform).location_m)

    def through(self) -> Play:
        """Wait for the ego to come to where the flow leaves, on whichever lane of that road."""
        ends = [place_of(each.transform).location_m for each in self.roads.same_way_lanes(self.sink)]
        return self.until(lambda: self.at_sink(ends))

    def at_sink(self, ends: list[Location]) -> bool:
        """Whether the ego is at one of these, or has driven past the route's point nearest to them."""
        ego = self.stage.ego
        passed_m = min(self.along_of(each) for each in ends)
        return any(ego.distance_m(each) < SINK_M for each in ends) or ego.along_m >= passed_m

    def along_of(self, location_m: Location) -> float:
        """Where the route comes nearest to a place; its end where it never comes near."""
        along, right = self.stage.route.project(location_m)
        return along if abs(right) < 12.0 and along > self.trigger_along_m else self.plan.length_m - 3.0

    def play(self) -> Play:
        """Flow until the ego is through."""
        yield from self.until_triggered()
        for path in self.paths:
            self.keep_free(path)
        flows = [
            Flow(self, path, speed_mps=self.speed_mps, spacing_m=self.spacing_m, filled=self.filled)
            for path in self.paths
        ]
        yield from race(self.through(), *(flow.run() for flow in flows))


class EnterActorFlow(_Flows):
    """The ego enters a road whose every lane carries a flow."""

    def find_paths(self) -> list[Path]:
        """From every lane of the source's road to the lane of the sink's that lies as far out."""
        pairs = zip(self.roads.same_way_lanes(self.source), self.roads.same_way_lanes(self.sink), strict=False)
        return [self.way(source, sink) for source, sink in pairs]


class EnterActorFlowV2(_Flows):
    """The ego enters a road of which one lane carries a flow."""


class MergerIntoSlowTraffic(_Flows):
    """The ego merges into slow traffic."""

    speeds_mps: ClassVar[tuple[float, float]] = (4.0, 6.0)


class MergerIntoSlowTrafficV2(MergerIntoSlowTraffic):
    """The same where flow and ego come by other lanes; scenario_runner clears its background differently there."""


class _ThroughJunction(_Flows):
    """Over when the ego has left the junction that the flow passes."""

    def find_places(self) -> None:
        """Also the junction."""
        super().find_places()
        self.ego_way = self.crossing()

    def through(self) -> Play:
        """Wait for the ego to leave it."""
        return self.until_ego_left(self.ego_way)


class HighwayExit(_ThroughJunction):
    """The ego leaves a highway through a flow on the lane that it has to cross."""

    needs: ClassVar[Needs] = Needs(
        manoeuvres=("lane_change_right",), before_junction_m=(5.0, 150.0), room_m=20.0, lead_in_m=30.0
    )

    @classmethod
    def draw_parameters(cls, spot: Spot) -> dict[str, Parameter]:
        """A flow on the lane to the right."""
        x, y, z = spot.plan.location_m[spot.index].tolist()
        beside = spot.roads.same_way_beside(spot.roads.waypoint((x, y, z)), "right")
        if beside is None:
            raise DataError("no lane to the right leads the same way")
        crossing = crossing_ahead(spot.plan, spot.index)
        way = spot.roads.ahead(
            spot.roads.behind(beside, 30.0)[-1],
            spot.plan.distance_m[crossing.leave] - spot.plan.distance_m[spot.index] + 60.0,
        )
        return {
            "start_actor_flow": Place(place_of(way[0].transform).location_m),
            "end_actor_flow": Place(place_of(way[-1].transform).location_m),
            **drawn_flow(*cls.speeds_mps, spot.difficulty),
        }


class InterurbanActorFlow(_ThroughJunction):
    """The ego leaves an interurban road by a turn across a flow."""

    needs: ClassVar[Needs] = Needs(
        manoeuvres=("left_none", "left_signs", "left_lights"), before_junction_m=(25.0, 50.0), room_m=30.0
    )

    @classmethod
    def draw_parameters(cls, spot: Spot) -> dict[str, Parameter]:
        """A flow that comes towards the ego."""
        crossing = crossing_ahead(spot.plan, spot.index)
        path = spot.roads.crossing_way(crossing, spot.plan, "opposite", before_m=60.0, after_m=30.0)
        return {
            "start_actor_flow": Place(path.place(0.0).location_m),
            "end_actor_flow": Place(path.place(path.length_m).location_m),
            **drawn_flow(*cls.speeds_mps, spot.difficulty),
        }

    filled: ClassVar[bool] = False


class InterurbanAdvancedActorFlow(_Flows):
    """The ego enters an interurban road by a turn across one flow and into another.

    The second flow runs on the lane to the left, from the first one's end to its start.
    """

    needs: ClassVar[Needs] = Needs(
        manoeuvres=("left_none", "left_signs", "left_lights"),
        before_junction_m=(25.0, 50.0),
        room_m=30.0,
        lead_out_m=80.0,
    )

    @classmethod
    def draw_parameters(cls, spot: Spot) -> dict[str, Parameter]:
        """A flow from the left, and one from the right beside it."""
        crossing = crossing_ahead(spot.plan, spot.index)
        path = spot.roads.crossing_way(crossing, spot.plan, "left", before_m=60.0, after_m=60.0)
        return {
            "start_actor_flow": Place(path.place(0.0).location_m),
            "end_actor_flow": Place(path.place(path.length_m).location_m),
            **drawn_flow(*cls.speeds_mps, spot.difficulty),
        }

    filled: ClassVar[bool] = False

    def find_paths(self) -> list[Path]:
        """Both ways.

        Raises:
            DataError: No lane leads the other way beside the first flow.
        """
        source, sink = self.sink.get_left_lane(), self.source.get_left_lane()
        if source is None or sink is None:
            raise DataError(f"scenario {self.spec.name} ({self.spec.type}) needs lanes to the left of its flow")
        self.second_sink = place_of(sink.transform)
        return [self.way(self.source, self.sink), self.way(source, sink)]

    def through(self) -> Play:
        """Wait for the ego to come to where the second flow leaves, within 10 m."""
        place = self.second_sink
        end_m = self.plan.length_m - 3.0
        return self.until(
            lambda: (
                self.stage.ego.along_m >= end_m
                or (self.stage.ego.has_passed(place) and math.dist(self.stage.ego.location_m, place.location_m) < 10.0)
                or self.stage.ego.along_m >= self.along_of(place.location_m)
            )
        )
