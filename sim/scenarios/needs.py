"""What a scenario needs of a place, for the generator that finds places."""

from dataclasses import dataclass

import numpy as np

from drivevla.errors import DataError
from drivevla.sim.routes import DensePlan, Manoeuvre
from drivevla.sim.scenarios.roads import Roads, Side

__all__ = ["ANY_LEFT", "ANY_RIGHT", "ANY_STRAIGHT", "ANY_TURN", "Needs", "Spot", "between"]

ANY_LEFT: tuple[Manoeuvre, ...] = ("left_lights", "left_signs", "left_none")
ANY_RIGHT: tuple[Manoeuvre, ...] = ("right_lights", "right_signs", "right_none")
ANY_STRAIGHT: tuple[Manoeuvre, ...] = ("straight_lights", "straight_signs", "straight_none")
ANY_TURN: tuple[Manoeuvre, ...] = ANY_LEFT + ANY_RIGHT


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """Where a scenario can be placed; beyond this, its own search for places decides.

    Attributes:
        manoeuvres: What the route does at the place, any of these.
        before_junction_m: How far before the junction of that manoeuvre the trigger lies; None for a place on a road.
        room_m: So much of the plan behind the trigger lies outside junctions.
        turn_deg: And turns no more than this.
        lead_in_m: So much of the plan lies before the trigger.
        lead_out_m: So much behind ``room_m`` or the junction.
    """

    manoeuvres: tuple[Manoeuvre, ...] = ("follow", *ANY_STRAIGHT, *ANY_TURN)
    before_junction_m: tuple[float, float] | None = None
    room_m: float = 60.0
    turn_deg: float = 40.0
    lead_in_m: float = 50.0
    lead_out_m: float = 40.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """A place that a scenario may come to.

    Attributes:
        roads: The map.
        plan: The route.
        index: The point of the plan at which the trigger lies.
        difficulty: 0 to 1.
        rng: Decides what is drawn.
    """

    roads: Roads
    plan: DensePlan
    index: int
    difficulty: float
    rng: np.random.Generator

    def check_way_round(self, *, oncoming: bool, side: Side = "left") -> None:
        """Make sure that the lane can be left where the trigger is.

        Args:
            oncoming: By the oncoming lane only; else by a lane of the same direction.
            side: On which side that lies.

        Raises:
            DataError: It cannot.
        """
        x, y, z = self.plan.location_m[self.index].tolist()
        here = self.roads.waypoint((x, y, z))
        beside = self.roads.oncoming_beside(here) if oncoming else self.roads.same_way_beside(here, side)
        if beside is None:
            raise DataError("there is no lane to go round by")


def between(easy: float, hard: float, difficulty: float) -> float:
    """A value on the way from easy to hard."""
    return easy + (hard - easy) * difficulty
