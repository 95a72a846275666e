"""What a collection is made of."""

from dataclasses import dataclass

from drivevla.errors import ConfigError, unknown_name
from drivevla.evaluation.closed_loop.guidance import GUIDANCES
from drivevla.registry import names
from drivevla.sim.maps import is_test_map
from drivevla.sim.towns.kinds import TOWN_KINDS

__all__ = ["CollectionConfig"]


@dataclass(frozen=True, kw_only=True)
class CollectionConfig:
    """Which towns are driven, in what conditions, and what is kept.

    Attributes:
        name: Equals the preset's file name.
        summary: One sentence: what is collected and for whom.
        kinds: Kinds of generated towns.
        town_seeds: Each kind is driven in a town of each of these seeds; none ends in 9, those are for testing.
        val_towns: Names of those of them that make up the split ``val``; the others are ``train``.
        routes_per_town: Routes without scenarios.
        scenarios_per_town: Routes with a scenario each, of types that take turns.
        scenario_types: Of these types.
        min_length_m: Of a route.
        max_length_m: Likewise.
        min_vehicles: Least background traffic of a route.
        max_vehicles: Most.
        heavy_share: Of that traffic which is trucks and buses on purpose; they are few among CARLA's models.
        min_walkers: Fewest people on the pavements round the start.
        max_walkers: Most.
        weathers: Names of CARLA's presets, drawn for each route.
        chinese_share: Of the routes whose sentences are Chinese, and of the alternatives.
        guidances: What is heard on the routes, drawn for each: names of ``evaluate closed-loop --guidance``.
        keep_every: Every so manieth capture becomes a frame.
        keep_standing_every: The same while the car stands and goes on standing.
        alternatives: For each frame, at most so many other instructions with what would follow.
        disturb_every_s: Mean time of driving between two pushes at the wheel; 0 for none.
        student: A trained policy, by name or folder, that drives some of the way while the expert shows what to do;
            none by default.
        student_share: Of the time in which it has the wheel, while it stays on the route.
        seed: Of everything that is drawn.
    """

    name: str
    summary: str
    kinds: tuple[str, ...]
    town_seeds: tuple[int, ...]
    val_towns: tuple[str, ...] = ()
    routes_per_town: int = 4
    scenarios_per_town: int = 0
    scenario_types: tuple[str, ...] = ()
    min_length_m: float = 100.0
    max_length_m: float = 300.0
    min_vehicles: int = 0
    max_vehicles: int = 20
    heavy_share: float = 0.0
    min_walkers: int = 0
    max_walkers: int = 10
    weathers: tuple[str, ...] = ("ClearNoon",)
    chinese_share: float = 0.35
    guidances: tuple[str, ...] = ("instructions",)
    keep_every: int = 1
    keep_standing_every: int = 5
    alternatives: int = 3
    disturb_every_s: float = 8.0
    student: str = ""
    student_share: float = 0.7
    seed: int = 0

    def __post_init__(self) -> None:
        """Check everything that would fail in some town.

        Raises:
            ConfigError: A number is out of range, or a town is kept for testing.
            UnknownName: There is no such kind of town, scenario or guidance.
        """
        for what, given, known in (
            ("kind of town", self.kinds, TOWN_KINDS),
            ("guidance", self.guidances, GUIDANCES),
            ("scenario", self.scenario_types, names("scenarios")),
        ):
            for name in given:
                if name not in known:
                    raise unknown_name(what, name, known)
        if reserved := [town for town in self.towns if is_test_map(town)]:
            raise ConfigError(
                f"collection {self.name}: {', '.join(reserved)} are kept for testing, as are all seeds that end in 9; "
                "choose other town_seeds"
            )
        self._check_numbers()

    @property
    def towns(self) -> tuple[str, ...]:
        """Names of the towns; kinds take turns, so that any beginning of them holds all kinds."""
        return tuple(f"Gen_{kind}_{seed}" for seed in self.town_seeds for kind in self.kinds)

    def split_of(self, town: str) -> str:
        """The split that a town belongs to."""
        return "val" if town in self.val_towns else "train"

    def _check_numbers(self) -> None:
        if not (self.kinds and self.town_seeds and self.weathers and self.guidances):
            raise ConfigError(f"collection {self.name}: kinds, town_seeds, weathers and guidances must not be empty")
        if unknown := sorted(set(self.val_towns) - set(self.towns)):
            raise ConfigError(f"collection {self.name}: val_towns {', '.join(unknown)} are none of its towns")
        if self.scenarios_per_town and not self.scenario_types:
            raise ConfigError(f"collection {self.name}: scenarios_per_town needs scenario_types")
        ranges = {
            "routes_per_town": self.routes_per_town >= 1,
            "scenarios_per_town": self.scenarios_per_town >= 0,
            "min_length_m and max_length_m": 20.0 <= self.min_length_m < self.max_length_m,
            "min_vehicles and max_vehicles": 0 <= self.min_vehicles <= self.max_vehicles <= 200,
            "min_walkers and max_walkers": 0 <= self.min_walkers <= self.max_walkers <= 200,
            "heavy_share": 0.0 <= self.heavy_share <= 1.0,
            "chinese_share": 0.0 <= self.chinese_share <= 1.0,
            "keep_every": self.keep_every >= 1,
            "keep_standing_every": self.keep_standing_every >= 1,
            "alternatives": self.alternatives >= 0,
            "disturb_every_s": self.disturb_every_s >= 0.0,
            "student_share": 0.0 < self.student_share < 1.0,
        }
        if wrong := [name for name, is_right in ranges.items() if not is_right]:
            raise ConfigError(f"collection {self.name}: out of range: {'; '.join(wrong)}")
