"""The four rule books a drive can be scored by, as data.

Sources: ``leaderboard/utils/statistics_manager.py`` (penalties) and ``leaderboard/scenarios/route_scenario.py`` (which
criteria, with which limits) of carla-simulator/leaderboard, branches leaderboard-1.0 (2165f5e), leaderboard-2.0
(a87a341) and leaderboard-2.1 (cfecdc8); ``srunner/scenariomanager/scenarioatomics/atomic_criteria.py`` of
carla-simulator/scenario_runner, branches leaderboard-1.0 (b9c342e) and leaderboard-2.0 = 2.1 (d7bcaf0);
Thinklab-SJTU/Bench2Drive 0.0.4 (7ec25d1), whose statistics are those of its 0.0.3.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from drivevla.errors import unknown_name
from drivevla.evaluation.driving_score.events import EventKind

__all__ = ["RULE_BOOKS", "CriteriaRules", "RuleBook", "rule_book"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CriteriaRules:
    """Where the criteria differ between versions.

    Attributes:
        generation: 1 for scenario_runner's branch leaderboard-1.0, 2 for leaderboard-2.0, which 2.1 shares. Collisions
            and stop signs are judged by other procedures, and leaving the lanes and red lights by other figures.
        minimum_speed_checkpoints: Into how many parts the route is cut for the minimum speed; 0 leaves it out.
        every_speed_is_an_event: Whether a part driven as fast as the traffic is written down, too.
        blocked_after_s: How long the ego may stand before the route ends.
        tick_limit: After how many ticks the route ends whatever happens; None for never.
        has_scenarios: Whether scenarios can time out and emergency vehicles must be let pass.
    """

    generation: Literal[1, 2]
    minimum_speed_checkpoints: int
    every_speed_is_an_event: bool = False
    blocked_after_s: float = 180.0
    tick_limit: int | None = None
    has_scenarios: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleBook:
    """How events become a score.

    Attributes:
        name: What results and configurations call it.
        benchmark: The words a report uses.
        sums_penalties: False where every infraction multiplies the score, True where weights are added up and the
            score is divided by one plus their sum.
        penalties: Factor, or weight, of one event of a kind.
        minimum_speed_penalty: The loss of a factor, or the weight, of a minimum-speed event at standstill; the actual
            one falls linearly to 0 at the traffic's speed. 0 where these events cost nothing.
        infraction_names: What result files call each kind, in the file's order.
        criteria: Where the criteria differ.
    """

    name: str
    benchmark: str
    sums_penalties: bool
    penalties: Mapping[EventKind, float]
    minimum_speed_penalty: float
    infraction_names: Mapping[EventKind, str]
    criteria: CriteriaRules

    @property
    def rounds(self) -> bool:
        """Whether result files hold rounded figures and the statistics are computed from those (all but 1.0)."""
        return self.criteria.generation == 2


ROUTE_TIMEOUT = "route_timeout"
"""The one infraction list that no event fills: the route's time limit is not a criterion."""

_PRODUCT_1 = {
    EventKind.COLLISION_PEDESTRIAN: 0.5,
    EventKind.COLLISION_VEHICLE: 0.6,
    EventKind.COLLISION_STATIC: 0.65,
    EventKind.TRAFFIC_LIGHT_INFRACTION: 0.7,
    EventKind.STOP_INFRACTION: 0.8,
}
_PRODUCT_2 = {**_PRODUCT_1, EventKind.SCENARIO_TIMEOUT: 0.7, EventKind.YIELD_TO_EMERGENCY_VEHICLE: 0.7}
_SUM_2 = {
    EventKind.COLLISION_PEDESTRIAN: 1.0,
    EventKind.COLLISION_VEHICLE: 0.7,
    EventKind.COLLISION_STATIC: 0.6,
    EventKind.TRAFFIC_LIGHT_INFRACTION: 0.4,
    EventKind.STOP_INFRACTION: 0.25,
    EventKind.SCENARIO_TIMEOUT: 0.4,
    EventKind.YIELD_TO_EMERGENCY_VEHICLE: 0.4,
}
_NAMES_1 = {
    EventKind.COLLISION_PEDESTRIAN: "collisions_pedestrian",
    EventKind.COLLISION_VEHICLE: "collisions_vehicle",
    EventKind.COLLISION_STATIC: "collisions_layout",
    EventKind.TRAFFIC_LIGHT_INFRACTION: "red_light",
    EventKind.STOP_INFRACTION: "stop_infraction",
    EventKind.OUTSIDE_ROUTE_LANES_INFRACTION: "outside_route_lanes",
    EventKind.ROUTE_DEVIATION: "route_dev",
    EventKind.VEHICLE_BLOCKED: "vehicle_blocked",
}
_NAMES_2 = {
    EventKind.COLLISION_STATIC: "collisions_layout",
    EventKind.COLLISION_PEDESTRIAN: "collisions_pedestrian",
    EventKind.COLLISION_VEHICLE: "collisions_vehicle",
    EventKind.TRAFFIC_LIGHT_INFRACTION: "red_light",
    EventKind.STOP_INFRACTION: "stop_infraction",
    EventKind.OUTSIDE_ROUTE_LANES_INFRACTION: "outside_route_lanes",
    EventKind.MIN_SPEED_INFRACTION: "min_speed_infractions",
    EventKind.YIELD_TO_EMERGENCY_VEHICLE: "yield_emergency_vehicle_infractions",
    EventKind.SCENARIO_TIMEOUT: "scenario_timeouts",
    EventKind.ROUTE_DEVIATION: "route_dev",
    EventKind.VEHICLE_BLOCKED: "vehicle_blocked",
}

RULE_BOOKS: Mapping[str, RuleBook] = MappingProxyType(
    {
        book.name: book
        for book in (
            RuleBook(
                name="leaderboard-1.0",
                benchmark="CARLA leaderboard 1.0",
                sums_penalties=False,
                penalties=MappingProxyType(_PRODUCT_1),
                minimum_speed_penalty=0.0,
                infraction_names=MappingProxyType(_NAMES_1),
                criteria=CriteriaRules(generation=1, minimum_speed_checkpoints=0, has_scenarios=False),
            ),
            RuleBook(
                name="leaderboard-2.0",
                benchmark="CARLA leaderboard 2.0",
                sums_penalties=False,
                penalties=MappingProxyType(_PRODUCT_2),
                minimum_speed_penalty=0.3,
                infraction_names=MappingProxyType(_NAMES_2),
                criteria=CriteriaRules(generation=2, minimum_speed_checkpoints=4),
            ),
            RuleBook(
                name="leaderboard-2.1",
                benchmark="CARLA leaderboard 2.1",
                sums_penalties=True,
                penalties=MappingProxyType(_SUM_2),
                minimum_speed_penalty=0.4,
                infraction_names=MappingProxyType(_NAMES_2),
                criteria=CriteriaRules(generation=2, minimum_speed_checkpoints=4),
            ),
            RuleBook(
                name="bench2drive",
                benchmark="Bench2Drive",
                sums_penalties=False,
                penalties=MappingProxyType(_PRODUCT_2),
                minimum_speed_penalty=0.0,
                infraction_names=MappingProxyType(_NAMES_2),
                criteria=CriteriaRules(
                    generation=2,
                    minimum_speed_checkpoints=20,
                    every_speed_is_an_event=True,
                    blocked_after_s=60.0,
                    tick_limit=4000,
                ),
            ),
        )
    }
)
"""Every rule book by its name."""


def rule_book(name: str) -> RuleBook:
    """The rule book of a name.

    Raises:
        UnknownName: There is none; the message holds the nearest match.
    """
    if name not in RULE_BOOKS:
        raise unknown_name("rule book for driving scores", name, RULE_BOOKS)
    return RULE_BOOKS[name]
