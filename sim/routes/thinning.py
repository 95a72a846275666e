"""From the dense plan to what an agent is given: few points, and which of them to drive to."""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from drivevla.errors import ContractError
from drivevla.sim.routes.plan import DensePlan
from drivevla.sim.routes.road_options import LANE_CHANGES, RoadOption
from drivevla.sim.routes.route import Location

__all__ = ["LEADERBOARD_1_GAP_M", "LEADERBOARD_2_GAP_M", "SparsePlan", "Target", "TargetTracker", "downsample_route"]

LEADERBOARD_1_GAP_M = 50.0
LEADERBOARD_2_GAP_M = 200.0
"""Sample factor that ``AutonomousAgent.set_global_plan`` uses; leaderboard repository, branches 1.0 and 2.0."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SparsePlan:
    """The points of a dense plan that an agent is given, CARLA's frame.

    Attributes:
        location_m: (M, 3).
        option: (M,) ``RoadOption`` numbers.
        index: (M,) places in the dense plan.
    """

    location_m: NDArray[np.float64]
    option: NDArray[np.int8]
    index: NDArray[np.int64]


def downsample_route(plan: DensePlan, *, max_gap_m: float = LEADERBOARD_2_GAP_M) -> SparsePlan:
    """Keep the points where the option changes, both ends of every lane change, the end, and one after each long gap.

    The rules are those of the leaderboard: a point after a lane change does not count as a change of option, the
    distance starts anew at every kept point, and a point is kept once the distance before it exceeds the gap. A lane
    change, whose every point would be kept, has two points there and here.

    Source: ``leaderboard`` repository, ``leaderboard/utils/route_manipulation.py``, ``downsample_route``.

    Args:
        plan: Dense plan.
        max_gap_m: Distance between kept points where nothing happens.

    Raises:
        ContractError: The gap is not positive.
    """
    if not max_gap_m > 0:
        raise ContractError(f"max_gap_m must be positive, got {max_gap_m}")
    options = plan.option.tolist()
    last = len(options) - 1
    kept: list[int] = []
    travelled = 0.0
    before = None
    for number, option in enumerate(options):
        if option in LANE_CHANGES:
            keep = option != before or number == last or options[number + 1] != option
        else:
            keep = (option != before and before not in LANE_CHANGES) or travelled > max_gap_m or number == last
        if keep:
            kept.append(number)
            travelled = 0.0
        else:
            travelled += float(plan.distance_m[number] - plan.distance_m[number - 1])
        before = option
    index = np.array(kept)
    return SparsePlan(location_m=plan.location_m[index], option=plan.option[index], index=index)


class Target(NamedTuple):
    """Where to drive.

    Attributes:
        location_m: x, y, z, CARLA's frame.
        option: What to do there.
    """

    location_m: Location
    option: RoadOption


class TargetTracker:
    """Follows a vehicle along a sparse plan and says which points lie next, as the leaderboard's agents do.

    A point within ``reached_m`` is passed, together with everything before it, if it lies farther away than the other
    points within reach; only points up to ``lookahead_m`` along the plan are looked at, so that a route that comes by
    again later is not cut short. The last two points always remain.

    Source: the route planner of LBC, TransFuser and TCP (``team_code/planner.py``); 7.5 m and 50 m are TransFuser's.
    """

    def __init__(self, plan: SparsePlan, *, reached_m: float = 7.5, lookahead_m: float = 50.0) -> None:
        if not (reached_m > 0 and lookahead_m > 0):
            raise ContractError(f"reached_m and lookahead_m must be positive, got {reached_m} and {lookahead_m}")
        self._targets = [
            Target((x, y, z), RoadOption(option))
            for (x, y, z), option in zip(plan.location_m.tolist(), plan.option.tolist(), strict=True)
        ]
        self._reached_m, self._lookahead_m = reached_m, lookahead_m
        self._passed = 0

    def update(self, x_m: float, y_m: float) -> tuple[Target, Target]:
        """The next target and the one after it (the same twice at the end), for a vehicle at that place."""
        ahead = self._targets[self._passed :]
        travelled = 0.0
        farthest = -math.inf
        passed = 0
        for number in range(1, len(ahead)):
            if travelled > self._lookahead_m:
                break
            travelled += math.dist(ahead[number].location_m[:2], ahead[number - 1].location_m[:2])
            distance = math.dist(ahead[number].location_m[:2], (x_m, y_m))
            if farthest < distance <= self._reached_m:
                farthest = distance
                passed = number
        self._passed += max(min(passed, len(ahead) - 2), 0)
        last = len(self._targets) - 1
        return self._targets[min(self._passed + 1, last)], self._targets[min(self._passed + 2, last)]
