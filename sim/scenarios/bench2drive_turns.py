"""The types that Bench2Drive adds to leaderboard 2: a left turn into a flow, and situations without adversaries.

Source: Thinklab-SJTU/Bench2Drive (7ec25d1), ``srunner/scenarios``: ``left_turn_enter_flow.py``, ``t_junction.py``,
``sequentially_lane_change.py``, ``vanilla_turn.py``.
"""

from __future__ import annotations

from typing import ClassVar

from drivevla.sim.scenarios.junction_lights import ego_shows
from drivevla.sim.scenarios.junction_turns import END_M, NonSignalizedJunctionLeftTurn
from drivevla.sim.scenarios.needs import ANY_TURN, Needs
from drivevla.sim.scenarios.path import Path
from drivevla.sim.scenarios.roads import Entry
from drivevla.sim.scenarios.scenario import Play, Scenario

__all__ = [
    "NonSignalizedJunctionLeftTurnEnterFlow",
    "SequentialLaneChange",
    "SignalizedJunctionLeftTurnEnterFlow",
    "T_Junction",
    "VanillaNonSignalizedTurn",
    "VanillaNonSignalizedTurnEncounterStopsign",
    "VanillaSignalizedTurnEncounterGreenLight",
    "VanillaSignalizedTurnEncounterRedLight",
]

LIGHT_S = 5.0
DRIVE_M = 200.0


class NonSignalizedJunctionLeftTurnEnterFlow(NonSignalizedJunctionLeftTurn):
    """A flow comes towards the ego and turns right, into the road that the ego turns left into.

    Parameters: ``flow_speed`` 20 m/s, ``source_dist_interval`` 25 to 50 m.
    """

    def way_of(self, entry: Entry, *, before_m: float, after_m: float) -> Path:
        """Right through the junction."""
        return self.roads.turning_right(entry, self.ego_way, before_m=before_m, after_m=after_m)


class SignalizedJunctionLeftTurnEnterFlow(NonSignalizedJunctionLeftTurnEnterFlow):
    """The same at lights: the flow has green, 5 s later the ego too. Parameters likewise."""

    needs: ClassVar[Needs] = Needs(manoeuvres=("left_lights",), before_junction_m=(25.0, 50.0), room_m=30.0)
    signalised = True


class T_Junction(Scenario):  # noqa: N801 - the file format's name
    """A T-junction; nothing is added."""

    blocks_the_way: ClassVar[bool] = True
    needs: ClassVar[Needs] = Needs(manoeuvres=ANY_TURN, before_junction_m=(25.0, 50.0), room_m=30.0)

    def find_places(self) -> None:
        """Nothing but the route is needed."""

    def play(self) -> Play:
        """Until the ego has driven 200 m."""
        yield from self.until_triggered()
        yield from self.until_ego_drove(DRIVE_M)


class SequentialLaneChange(T_Junction):
    """Lane changes one after the other; nothing is added."""

    needs: ClassVar[Needs] = Needs(manoeuvres=("lane_change_left", "lane_change_right"), room_m=30.0, turn_deg=180.0)


class VanillaNonSignalizedTurn(Scenario):
    """A turn at a junction without lights; nothing is added."""

    needs: ClassVar[Needs] = Needs(
        manoeuvres=("left_none", "right_none", "left_signs", "right_signs"), before_junction_m=(25.0, 50.0), room_m=30.0
    )

    def find_places(self) -> None:
        """The junction."""
        self.ego_way = self.crossing()

    def play(self) -> Play:
        """Until the ego is 10 m behind the junction."""
        yield from self.until_triggered()
        yield from self.until_ego_left(self.ego_way)
        yield from self.until_ego_drove(END_M)


class VanillaNonSignalizedTurnEncounterStopsign(VanillaNonSignalizedTurn):
    """The same where a stop sign stands."""

    needs: ClassVar[Needs] = Needs(
        manoeuvres=("left_signs", "right_signs"), before_junction_m=(25.0, 50.0), room_m=30.0
    )


class VanillaSignalizedTurnEncounterGreenLight(VanillaNonSignalizedTurn):
    """The ego's light is green for 5 s from the trigger on, then red for 5 s; all others are red."""

    needs: ClassVar[Needs] = Needs(
        manoeuvres=("left_lights", "right_lights"), before_junction_m=(25.0, 50.0), room_m=30.0
    )

    def play(self) -> Play:
        """Both states, then the lights' own cycle until the ego is through."""
        yield from self.until_triggered()
        with ego_shows(self, self.ego_way, "green"):
            yield from self.wait(LIGHT_S)
        with ego_shows(self, self.ego_way, "red"):
            yield from self.wait(LIGHT_S)
        yield from self.until_ego_left(self.ego_way)
        yield from self.until_ego_drove(END_M)


class VanillaSignalizedTurnEncounterRedLight(VanillaSignalizedTurnEncounterGreenLight):
    """The ego's light is red for 5 s from the trigger on, then green until it is through; all others are red."""

    def play(self) -> Play:
        """Both states."""
        yield from self.until_triggered()
        with ego_shows(self, self.ego_way, "red"):
            yield from self.wait(LIGHT_S)
        with ego_shows(self, self.ego_way, "green"):
            yield from self.until_ego_left(self.ego_way)
            yield from self.until_ego_drove(END_M)
