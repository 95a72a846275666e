"""Pushes at the wheel: the recorded car leaves its line now and then, and the expert brings it back.

Imitation of a driver who never errs knows no way back from the first error of its own; noise that is injected while
the teacher drives, and is not itself a label, shows it (Laskey et al., "DART: Noise Injection for Robust Imitation
Learning", CoRL 2017; carla_garage shifts its cameras for the same end).
"""

from dataclasses import replace

import numpy as np

from drivevla.planner.control import BicycleModel, VehicleControl

__all__ = ["Disturbance"]

_SLOWEST_MPS = 2.0
_DURATION_S = (0.4, 0.7)
_TURN_RAD = (float(np.radians(4.0)), float(np.radians(12.0)))
"""By so much a push turns the car: at 8 m/s and 8 degrees it comes 0.3 m off its line during the push, and about a
metre before the expert has it back."""
_HARDEST_MPS2 = 4.0
"""No push is harder across the car than this."""


class Disturbance:
    """Draws pushes and lays them over the expert's steering.

    Args:
        every_s: Mean time of driving between two; 0 for none.
        rng: Decides when and how.
    """

    def __init__(self, *, every_s: float, rng: np.random.Generator) -> None:
        self._every_s, self._rng = every_s, rng
        self._model = BicycleModel()
        self._left_s, self._steering = 0.0, 0.0

    @property
    def is_on(self) -> bool:
        """Whether the wheel is being pushed; a capture now shows a movement that is nobody's intention."""
        return self._left_s > 0.0

    def over(self, control: VehicleControl, *, speed_mps: float, room: bool, tick_s: float) -> VehicleControl:
        """What reaches the wheels in the coming tick.

        Args:
            control: What the expert wants.
            speed_mps: How fast the car is.
            room: Whether nobody is near enough to be hit.
            tick_s: Length of a tick.
        """
        if self._left_s > 0.0:
            self._left_s -= tick_s
        elif self._every_s > 0.0 and room and speed_mps > _SLOWEST_MPS and self._rng.random() < tick_s / self._every_s:
            self._begin(speed_mps)
        if self._left_s <= 0.0:
            return control
        return replace(control, steering=float(np.clip(control.steering + self._steering, -1.0, 1.0)))

    def _begin(self, speed_mps: float) -> None:
        self._left_s = float(self._rng.uniform(*_DURATION_S))
        turn_rad = float(self._rng.uniform(*_TURN_RAD)) * float(self._rng.choice((-1.0, 1.0)))
        bend_per_m = turn_rad / (speed_mps * self._left_s)
        most_per_m = _HARDEST_MPS2 / speed_mps**2
        angle_rad = self._model.steer_from_curvature(float(np.clip(bend_per_m, -most_per_m, most_per_m)))
        self._steering = angle_rad / self._model.limits.steer_range_rad(speed_mps)
