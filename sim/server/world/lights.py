"""Traffic lights that take turns: the phases of a junction run green, yellow, all red, then hand over.

Default times and the rules of freezing and resetting are CARLA's (carla.org, "Traffic lights and signs"; the
controllers of a junction take turns at 10 s green, 3 s yellow, 2 s red).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from drivevla.errors import SimulatorError
from drivevla.sim.server.scene.scene import LightGroup

__all__ = ["GREEN", "OFF", "RED", "UNKNOWN", "YELLOW", "Light", "TrafficLights"]

RED, YELLOW, GREEN, OFF, UNKNOWN = range(5)
"""``carla.TrafficLightState``."""

LONE_RED_S = 10.0
MIN_STATE_S = 1e-3
"""A state set to last no time still lasts this long, so that a cycle always takes time."""


@dataclass(slots=True)
class Timing:
    """Seconds of each state of one phase."""

    green_s: float = 10.0
    yellow_s: float = 3.0
    red_s: float = 2.0


@dataclass(slots=True)
class Light:
    """One traffic light.

    Attributes:
        signal_id: OpenDRIVE signal id.
        group: Index of the junction's group.
        phase: Index of its phase in the group.
        timing: Shared by the lights of the phase.
        pole_index: Position in the group, over all phases.
        state: RED, YELLOW, GREEN, OFF or UNKNOWN.
        since_s: When it took this state, on the clock of ``TrafficLights.now_s``.
    """

    signal_id: str
    group: int
    phase: int
    timing: Timing
    pole_index: int
    state: int = RED
    since_s: float = 0.0


class _Group:
    def __init__(self, index: int, group: LightGroup) -> None:
        timings = [Timing() if len(group.phases) > 1 else Timing(red_s=LONE_RED_S) for _ in group.phases]
        self.phases = [
            [Light(signal_id, index, phase, timings[phase], 0) for signal_id in ids]
            for phase, ids in enumerate(group.phases)
        ]
        for pole, light in enumerate(self.lights):
            light.pole_index = pole
        self.reset(0.0)

    @property
    def lights(self) -> list[Light]:
        return [light for phase in self.phases for light in phase]

    def reset(self, now_s: float) -> None:
        self.phase = 0
        for light in self.lights:
            _show(light, RED, now_s)
        self._enter(GREEN, now_s)

    def advance(self, step_s: float, now_s: float) -> bool:
        self.remaining_s -= step_s
        changed = False
        while self.remaining_s <= 1e-9:  # the sum of 0.05 s steps falls short of 10 s by less than this
            overshoot_s = self.remaining_s
            if self.state == GREEN:
                self._enter(YELLOW, now_s)
            elif self.state == YELLOW:
                self._enter(RED, now_s)
            else:
                self.phase = (self.phase + 1) % len(self.phases)
                self._enter(GREEN, now_s)
            self.remaining_s += overshoot_s
            changed = True
        return changed

    def _enter(self, state: int, now_s: float) -> None:
        lights = self.phases[self.phase]
        self.state = state
        timing = lights[0].timing
        duration_s = {GREEN: timing.green_s, YELLOW: timing.yellow_s, RED: timing.red_s}[state]
        self.remaining_s = max(duration_s, MIN_STATE_S)
        for light in lights:
            _show(light, state, now_s)


class TrafficLights:
    """All lights of a map.

    Args:
        groups: Which lights take turns; the first phase of each begins with green.

    Attributes:
        frozen: Whether time stands still for all lights.
        now_s: Time that the lights have run.
        version: Grows whenever some light or timing changes.
    """

    def __init__(self, groups: Sequence[LightGroup]) -> None:
        self._groups = [
            _Group(index, group) for index, group in enumerate(group for group in groups if any(group.phases))
        ]
        self._lights = {light.signal_id: light for group in self._groups for light in group.lights}
        self.frozen = False
        self.now_s = 0.0
        self.version = 0

    def __iter__(self) -> Iterator[Light]:
        return iter(self._lights.values())

    def advance(self, step_s: float) -> None:
        """Let simulated time pass."""
        if self.frozen:
            return
        self.now_s += step_s
        for group in self._groups:
            if group.advance(step_s, self.now_s):
                self.version += 1

    def touch(self) -> None:
        """Note that a timing or the freezing was changed."""
        self.version += 1

    def light(self, signal_id: str) -> Light:
        """The light of an OpenDRIVE signal.

        Raises:
            SimulatorError: No phase has that signal.
        """
        try:
            return self._lights[signal_id]
        except KeyError:
            raise SimulatorError(f"signal {signal_id!r} is no traffic light of this map") from None

    def group_of(self, signal_id: str) -> list[str]:
        """Ids of all lights of the junction, this one included."""
        return [light.signal_id for light in self._groups[self.light(signal_id).group].lights]

    def set_state(self, signal_id: str, state: int) -> None:
        """Show a state; it lasts until the group's next change, or while frozen."""
        _show(self.light(signal_id), state, self.now_s)
        self.version += 1

    def reset_group(self, signal_id: str) -> None:
        """Begin the junction's cycle anew with its first phase."""
        self._groups[self.light(signal_id).group].reset(self.now_s)
        self.version += 1

    def reset_all(self) -> None:
        """Begin every junction's cycle anew."""
        for group in self._groups:
            group.reset(self.now_s)
        self.version += 1


def _show(light: Light, state: int, now_s: float) -> None:
    if light.state != state:
        light.state, light.since_s = state, now_s
