"""What a policy answers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike, NDArray

from drivevla.errors import ContractError
from drivevla.geometry import interpolate_poses
from drivevla.types.checks import real_array, real_number, set_field

__all__ = ["Plan", "PlanModes"]

Diagnostic = str | float | int | bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanModes:
    """Alternatives that the policy weighed.

    Attributes:
        waypoints: (K, T, 3) x, y, yaw, at the plan's own times.
        scores: (K,) at least 0, summing to 1.
    """

    waypoints: NDArray[np.float64]
    scores: NDArray[np.float64]

    def __post_init__(self) -> None:
        """Check and freeze.

        Raises:
            ContractError: The shapes disagree, or the scores are no distribution.
        """
        waypoints = real_array("modes.waypoints", self.waypoints, ("K", "T", 3))
        scores = real_array("modes.scores", self.scores, (len(waypoints),))
        if (scores < 0).any() or abs(float(scores.sum()) - 1.0) > 1e-3:
            raise ContractError(f"modes.scores must be at least 0 and sum to 1, got a sum of {float(scores.sum()):g}")
        set_field(self, "waypoints", waypoints)
        set_field(self, "scores", scores)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The trajectory a policy wants to follow, in the ego frame at the observation's time.

    Attributes:
        waypoints: (T, 3) x, y, yaw at dt_s, 2 dt_s, ...; the present pose (0, 0, 0) is not repeated.
        dt_s: Time between waypoints; 0.25 s over 4 s unless a recipe says otherwise.
        path_m: (P, 2) the same way as pure geometry, starting at the car, at even spacing; None without one.
        path_spacing_m: Distance between two points of the path.
        target_speed_mps: Speed to aim for now; None to take it from the waypoints.
        modes: Alternatives with scores; the waypoints above are the one chosen.
        text: A short sentence saying why.
        refused: The instruction was refused; the waypoints then say what is done instead.
        diagnostics: Anything worth recording: which part of the safety layer acted, what input was missing.
    """

    waypoints: NDArray[np.float64]
    dt_s: float = 0.25
    path_m: NDArray[np.float64] | None = None
    path_spacing_m: float = 1.0
    target_speed_mps: float | None = None
    modes: PlanModes | None = None
    text: str | None = None
    refused: bool = False
    diagnostics: Mapping[str, Diagnostic] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check and freeze.

        Raises:
            ContractError: A shape is wrong, a number is not finite, or a field is not of its type.
        """
        waypoints = real_array("waypoints", self.waypoints, ("T", 3))
        if len(waypoints) == 0:
            raise ContractError("a plan has at least one waypoint; to stand still, repeat (0, 0, 0)")
        set_field(self, "waypoints", waypoints)
        set_field(self, "dt_s", real_number("dt_s", self.dt_s, above=0.0))
        set_field(self, "path_spacing_m", real_number("path_spacing_m", self.path_spacing_m, above=0.0))
        if self.path_m is not None:
            set_field(self, "path_m", self._checked_path(self.path_m))
        if self.target_speed_mps is not None:
            set_field(self, "target_speed_mps", real_number("target_speed_mps", self.target_speed_mps, at_least=0.0))
        if self.modes is not None and self.modes.waypoints.shape[1] != len(waypoints):
            raise ContractError(
                f"modes must have the plan's {len(waypoints)} waypoints, got {self.modes.waypoints.shape[1]}"
            )
        if not isinstance(self.text, str | None) or not isinstance(self.refused, bool):
            raise ContractError("text must be a string or None, and refused True or False")
        set_field(self, "diagnostics", _checked_diagnostics(self.diagnostics))

    def _checked_path(self, path_m: ArrayLike) -> NDArray[np.float64]:
        path = real_array("path_m", path_m, ("P", 2))
        steps = np.linalg.norm(np.diff(path, axis=0), axis=1)
        # A chord is a little shorter than the arc it cuts; it is never longer.
        if steps.size and steps.max() > self.path_spacing_m * 1.01 + 1e-6:
            raise ContractError(
                f"path_m must have a point every {self.path_spacing_m:g} m, got a gap of {steps.max():.3g} m; "
                "drivevla.geometry.resample_path makes the spacing even"
            )
        return path

    @property
    def times_s(self) -> NDArray[np.float64]:
        """(T,) seconds from now of the waypoints."""
        return np.arange(1, len(self.waypoints) + 1) * self.dt_s

    @property
    def horizon_s(self) -> float:
        """Seconds from now of the last waypoint."""
        return len(self.waypoints) * self.dt_s

    def at(self, times_s: ArrayLike) -> NDArray[np.float64]:
        """The plan at other times, by interpolation; the present pose counts as time 0.

        Args:
            times_s: (M,) seconds from now, between 0 and the horizon.

        Returns:
            (M, 3) x, y, yaw.

        Raises:
            ContractError: A time lies beyond the horizon.
        """
        with_present = np.concatenate([np.zeros((1, 3)), self.waypoints], axis=0)
        return interpolate_poses(np.concatenate([[0.0], self.times_s]), with_present, times_s)


def _checked_diagnostics(diagnostics: Mapping[str, Diagnostic]) -> Mapping[str, Diagnostic]:
    for key, value in diagnostics.items():
        if not isinstance(key, str) or not isinstance(value, str | float | int | bool | None):
            raise ContractError(
                f"diagnostics map names to text, numbers or flags, got {key!r}: {type(value).__name__}; "
                "records keep them as JSON"
            )
    return MappingProxyType(dict(diagnostics))
