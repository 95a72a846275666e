"""How a suite of routes is written down in ``configs/suites``: names only, no place of any machine."""

from dataclasses import dataclass

from drivevla.errors import ConfigError

__all__ = ["GeneratedConfig", "SampleConfig", "SuiteConfig"]


@dataclass(frozen=True, kw_only=True)
class SampleConfig:
    """A few routes of many: towns take turns, within a town its scenario types, within a type chance decides."""

    count: int
    seed: int
    towns: tuple[str, ...]
    """Only routes on these, in this order."""

    def __post_init__(self) -> None:
        if self.count < 1 or not self.towns:
            raise ConfigError(f"a sample needs a count of at least 1 and towns, got {self.count} and {self.towns}")


@dataclass(frozen=True, kw_only=True)
class GeneratedConfig:
    """Routes from our own generator."""

    maps: tuple[str, ...]
    """Names of maps; each gets its share of the routes."""
    count: int
    seed: int
    min_length_m: float = 150.0
    max_length_m: float = 500.0

    def __post_init__(self) -> None:
        if not self.maps or self.count < len(self.maps):
            raise ConfigError(f"there must be maps and a route for each, got {self.count} routes for {self.maps}")


@dataclass(frozen=True, kw_only=True)
class SuiteConfig:
    """A named list of routes: a file, a sample of one, or generated."""

    name: str
    """Equals the preset's file name."""
    summary: str
    """One sentence: what is in it and who uses it."""
    file: str | None = None
    """Route file, folder or archive below a folder of routes."""
    ids: tuple[str, ...] = ()
    """Which routes of the file; all when empty."""
    sample: SampleConfig | None = None
    generated: GeneratedConfig | None = None

    def __post_init__(self) -> None:
        if (self.file is None) == (self.generated is None):
            raise ConfigError(f"suite {self.name}: give either file or generated")
        if self.generated is not None and (self.ids or self.sample is not None):
            raise ConfigError(f"suite {self.name}: ids and sample choose from a file, not from generated routes")
