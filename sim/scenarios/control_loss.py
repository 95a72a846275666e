"""Loss of control on a dirty road.

Source: scenario_runner (94ff3b8a), ``control_loss.py``, ``ControlLoss`` and ``AddNoiseToRouteEgo``. There the noisy
steering is cut to 0 .. 1, so that steering left becomes straight on; here noise is added to either side.
"""

from __future__ import annotations

from typing import ClassVar

from drivevla.sim.scenarios.needs import Needs
from drivevla.sim.scenarios.path import place_of
from drivevla.sim.scenarios.scenario import Play, Scenario

__all__ = ["ControlLoss"]

DEBRIS_M = (14, 48, 74)
NEAR_M = 2.0
END_M = 110.0
THROTTLE = (0.03, 0.01)
STEERING = (0.055, 0.015)
"""Mean and standard deviation of the noise; the mean's sign is drawn for every heap."""


class ControlLoss(Scenario):
    """Three heaps of debris 14, 48 and 74 m ahead; on each, throttle and steering are disturbed."""

    needs: ClassVar[Needs] = Needs(room_m=120.0, turn_deg=90.0)

    def find_places(self) -> None:
        """The heaps on the lane."""
        way = self.roads.ahead(self.trigger, DEBRIS_M[-1], plan=self.plan)
        self.heaps = [place_of(way[distance].transform) for distance in DEBRIS_M]
        self._signs = [(self.draw_sign(), self.draw_sign()) for _ in self.heaps]
        self._noise: tuple[float, float] | None = None

    def draw_sign(self) -> float:
        """1 or -1."""
        return 1.0 if self.rng.random() < 0.5 else -1.0

    def play(self) -> Play:
        """Lie there; disturb the ego on each heap; end 110 m behind the trigger."""
        for heap in self.heaps:
            self.prop("static.prop.dirtdebris01", heap)
        yield from self.until_triggered()
        end_m = self.stage.ego.driven_m + END_M
        while self.stage.ego.driven_m < end_m and self.stage.ego.along_m < self.plan.length_m - 3.0:
            near = [
                number for number, heap in enumerate(self.heaps) if self.stage.ego.distance_m(heap.location_m) < NEAR_M
            ]
            self._noise = self._signs[near[0]] if near else None
            yield

    def disturbed(self, throttle: float, steering: float) -> tuple[float, float]:
        """With the noise of the heap that the ego is on."""
        if self._noise is None:
            return throttle, steering
        more = self._noise[0] * THROTTLE[0] + THROTTLE[1] * self.rng.standard_normal()
        aside = self._noise[1] * STEERING[0] + STEERING[1] * self.rng.standard_normal()
        return min(max(throttle + more, 0.0), 1.0), min(max(steering + aside, -1.0), 1.0)
