"""Street lamps as clients see and switch them: the lights of ``carla.LightManager``."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from drivevla.errors import SimulatorError
from drivevla.sim.server.render.weather import Weather
from drivevla.sim.server.scene.scene import StreetLight

__all__ = ["LampState", "StreetLights"]

STREET = 2
"""``carla.LightGroup.Street``."""

_LUMEN = 8000.0
_WARM_WHITE = (255, 237, 199)


@dataclass(frozen=True, slots=True)
class LampState:
    """What a client may change of a lamp.

    Attributes:
        intensity: Lumen; what lanterns at 7 m give. Pictures do not show it.
        group: ``carla.LightGroup``.
        rgb: 0 to 255. Pictures do not show it.
        active: Whether it is switched on; by day pictures do not show it.
    """

    intensity: float = _LUMEN
    group: int = STREET
    rgb: tuple[int, int, int] = _WARM_WHITE
    active: bool = False


class StreetLights:
    """The street lamps of one episode, which begins by day: they go on at dusk and off at dawn.

    Args:
        lights: Of the scene.

    Attributes:
        follow_sun: Whether they do so by themselves: CARLA's "day-night cycle".
        dark: Object ids of the lamps that would shine by now and are switched off.
    """

    def __init__(self, lights: Sequence[StreetLight]) -> None:
        self._lights = {light.object_id: light for light in lights}
        self._states = dict.fromkeys(self._lights, LampState())
        self._night, self.follow_sun = False, True
        self.dark: frozenset[int] = frozenset()

    def __iter__(self) -> Iterator[tuple[StreetLight, LampState]]:
        """Every lamp and its state."""
        return ((light, self._states[object_id]) for object_id, light in self._lights.items())

    def set(self, states: dict[int, LampState]) -> None:
        """Change some lamps.

        Raises:
            SimulatorError: There is no lamp of that id; then none is changed.
        """
        unknown = sorted(states.keys() - self._lights.keys())
        if unknown:
            raise SimulatorError(f"this map has {len(self._lights)} street lights, and none with the ids {unknown[:5]}")
        self._switch(self._states | states)

    def notice(self, weather: Weather) -> bool:
        """Let the weather switch the lamps; whether it did."""
        night = weather.night > 0.0
        dawn_or_dusk, self._night = night != self._night, night
        if not dawn_or_dusk:
            return False
        follow = self.follow_sun
        self._switch({key: replace(s, active=night) if follow else s for key, s in self._states.items()})
        return follow

    def _switch(self, states: dict[int, LampState]) -> None:
        self._states = states
        self.dark = frozenset(key for key, state in states.items() if self._night and not state.active)
