"""What a demonstration shows."""

from dataclasses import dataclass

from drivevla.errors import ConfigError
from drivevla.policies.loading import shipped_policies

__all__ = ["EXPERT", "DemoConfig", "shipped_policy"]

EXPERT = "expert"
_SHIPPED = "nano"


@dataclass(frozen=True, kw_only=True)
class DemoConfig:
    """What the demonstration shows.

    Attributes:
        map: Which town; the default is one of the towns that are kept for testing. None keeps a running server's own.
        weather: A word (clear, rain, night ...) or one of CARLA's presets, e.g. "HardRainSunset".
        policy: Who drives: a registered name, or a checkpoint's folder; the shipped one where None, or the expert while
            none ships.
        sentences: What is asked for, one after the other.
        idle: What is said while nothing else is in force, and is not judged; empty for silence.
        start: Where the car begins: x, y in metres and yaw in degrees, CARLA's frame; a place where the first sentence
            can be obeyed where None.
        seconds: Simulated length at most.
        sentence_s: How long one sentence may take.
        vehicles: How many others are on the road.
        rig: The car's sensors.
        seed: Decides everything random.
    """

    map: str | None = "Gen_mixed_9"
    weather: str = "clear"
    policy: str | None = None
    sentences: tuple[str, ...] = ()
    idle: str = "Follow the road."
    start: tuple[float, float, float] | None = None
    seconds: float = 75.0
    sentence_s: float = 40.0
    vehicles: int = 20
    rig: str = "nano"
    seed: int = 0

    def __post_init__(self) -> None:
        """Check.

        Raises:
            ConfigError: A number is out of range, or a sentence is empty.
        """
        for name, most in (("seconds", 36_000.0), ("sentence_s", 600.0)):
            if not 1.0 <= getattr(self, name) <= most:
                raise ConfigError(f"{name} must lie between 1 and {most:g}, got {getattr(self, name):g}")
        if not 0 <= self.vehicles <= 200:
            raise ConfigError(f"vehicles must lie between 0 and 200, got {self.vehicles}")
        if any(not sentence.strip() for sentence in self.sentences):
            raise ConfigError("a sentence is empty; say something, or leave it out for the preset's sentences")


def shipped_policy() -> str | None:
    """The name of the checkpoint that drives the demo; None where the package came without it."""
    return _SHIPPED if _SHIPPED in shipped_policies() else None
