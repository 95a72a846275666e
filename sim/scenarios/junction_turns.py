"""Unprotected turns: left across oncoming traffic, right into traffic from the left; with and without lights.

Source: scenario_runner (94ff3b8a), ``signalized_junction_left_turn.py`` and ``signalized_junction_right_turn.py``.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from drivevla.errors import DataError
from drivevla.sim.routes import Interval, Parameter
from drivevla.sim.scenarios.flow import Flow
from drivevla.sim.scenarios.junction_lights import both_green
from drivevla.sim.scenarios.needs import Needs, Spot, between
from drivevla.sim.scenarios.path import Path
from drivevla.sim.scenarios.roads import Entry
from drivevla.sim.scenarios.scenario import Play, Scenario, race

__all__ = [
    "NonSignalizedJunctionLeftTurn",
    "NonSignalizedJunctionRightTurn",
    "SignalizedJunctionLeftTurn",
    "SignalizedJunctionRightTurn",
]

END_M = 10.0


class NonSignalizedJunctionLeftTurn(Scenario):
    """A flow of cars comes towards the ego and goes straight on, where the ego has to turn left.

    Parameters: ``flow_speed`` 20 m/s, ``source_dist_interval`` 25 to 50 m between two cars.
    """

    blocks_the_way: ClassVar[bool] = True
    coming_from: ClassVar[Literal["opposite", "left"]] = "opposite"
    signalised: ClassVar[bool] = False
    before_s: ClassVar[float] = 4.0
    after_s: ClassVar[float] = 2.5
    filled: ClassVar[bool] = False

    needs: ClassVar[Needs] = Needs(manoeuvres=("left_signs", "left_none"), before_junction_m=(25.0, 50.0), room_m=30.0)

    @classmethod
    def draw_parameters(cls, spot: Spot) -> dict[str, Parameter]:
        """The harder, the faster the cars and the closer they follow each other."""
        return {
            "flow_speed": between(7.0, 12.0, spot.difficulty),
            "source_dist_interval": Interval(
                between(50.0, 30.0, spot.difficulty), between(90.0, 70.0, spot.difficulty)
            ),
        }

    def find_places(self) -> None:
        """The flow's way straight through the junction.

        Raises:
            DataError: Nobody can come from there and go straight on.
        """
        self.ego_way = self.crossing()
        self.speed_mps = self.number("flow_speed", 20.0)
        self.spacing_m = self.interval("source_dist_interval", (25.0, 50.0))
        entries = [each for each in self.roads.entries(self.ego_way, self.plan) if each.coming_from == self.coming_from]
        if not entries:
            raise DataError(f"scenario {self.spec.name} ({self.spec.type}): no lane comes from {self.coming_from}")
        self.entry = self.choose(entries)
        self.path = self.way_of(
            self.entry, before_m=self.before_s * self.speed_mps, after_m=self.after_s * self.speed_mps
        )

    def way_of(self, entry: Entry, *, before_m: float, after_m: float) -> Path:
        """The flow's way through the junction.

        Raises:
            DataError: None leads on as it should.
        """
        return self.roads.straight_through(entry, self.ego_way, before_m=before_m, after_m=after_m)[0]

    def choose(self, entries: list[Entry]) -> Entry:
        """One of the lanes that lead straight on, drawn.

        Raises:
            DataError: None does.
        """
        straight = [each for each in entries if self.leads_on(each)]
        if not straight:
            raise DataError(
                f"scenario {self.spec.name} ({self.spec.type}): no lane from {self.coming_from} leads straight on"
            )
        return straight[int(self.rng.integers(len(straight)))]

    def leads_on(self, entry: Entry) -> bool:
        """Whether it does."""
        try:
            self.way_of(entry, before_m=5.0, after_m=5.0)
        except DataError:
            return False
        return True

    def play(self) -> Play:
        """Flow from the trigger until the ego is 10 m behind the junction."""
        yield from self.until_triggered()
        self.keep_free(self.path)
        flow = Flow(self, self.path, speed_mps=self.speed_mps, spacing_m=self.spacing_m, filled=self.filled)
        plays = [self.through(), flow.run()]
        if self.signalised:
            plays.append(both_green(self, self.ego_way, (self.entry,)))
        yield from race(*plays)

    def through(self) -> Play:
        """The ego leaves the junction and drives on a little."""
        yield from self.until_ego_left(self.ego_way)
        yield from self.until_ego_drove(END_M)


class SignalizedJunctionLeftTurn(NonSignalizedJunctionLeftTurn):
    """The same at lights: the flow has green, 5 s later the ego too. Parameters likewise."""

    needs: ClassVar[Needs] = Needs(manoeuvres=("left_lights",), before_junction_m=(25.0, 50.0), room_m=30.0)
    signalised = True


class NonSignalizedJunctionRightTurn(NonSignalizedJunctionLeftTurn):
    """A flow comes from the left and goes straight on, into the road that the ego turns right into.

    Parameters: ``flow_speed`` 20 m/s, ``source_dist_interval`` 25 to 50 m.
    """

    needs: ClassVar[Needs] = Needs(
        manoeuvres=("right_signs", "right_none"), before_junction_m=(25.0, 50.0), room_m=30.0
    )
    coming_from = "left"
    before_s = 5.0
    after_s = 3.0
    filled = True

    def choose(self, entries: list[Entry]) -> Entry:
        """The rightmost lane that leads straight on.

        Raises:
            DataError: None does.
        """
        straight = [each for each in entries if self.leads_on(each)]
        if not straight:
            raise DataError(f"scenario {self.spec.name} ({self.spec.type}): no lane from the left leads straight on")
        return max(straight, key=lambda each: abs(self.roads.graph.lanes[each.lane].key[2]))


class SignalizedJunctionRightTurn(NonSignalizedJunctionRightTurn):
    """The same at lights: the flow has green, 5 s later the ego too. Parameters likewise."""

    needs: ClassVar[Needs] = Needs(manoeuvres=("right_lights",), before_junction_m=(25.0, 50.0), room_m=30.0)
    signalised = True
