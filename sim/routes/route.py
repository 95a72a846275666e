"""The route contract: where to drive, in what weather, and what happens on the way.

Everything here is in CARLA's frame (left-handed: x forward, y right, z up, metres; yaw in degrees, clockwise), as it is
written in the files; nothing is converted before the session.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from drivevla.errors import ContractError
from drivevla.sim.routes.weather import WeatherSchedule

__all__ = ["Interval", "Location", "Parameter", "Place", "Route", "RouteFormat", "Scenario"]

RouteFormat = Literal["leaderboard_1", "leaderboard_2"]
"""The layout of a file: longest6 (carla_garage), LAV and LangAuto are leaderboard 1; Bench2Drive and LEAD are 2."""

Location = tuple[float, float, float]
"""x, y, z in metres, CARLA's frame."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A parameter written with ``from`` and ``to``: a value is drawn from between them."""

    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Place:
    """A parameter written with x, y, z and perhaps a yaw.

    Attributes:
        location_m: x, y, z, CARLA's frame.
        yaw_deg: Clockwise; None where the file states none.
    """

    location_m: Location
    yaw_deg: float | None = None


Parameter = float | str | Interval | Place | Mapping[str, str]
"""``value`` as a number or else a word; ``from``/``to``; a place; any other attributes as they are written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """Something that happens on a route.

    Attributes:
        name: What the file calls it, unique on its route in official files.
        type: What it is: ``ParkedObstacle``, ``Scenario3`` ...
        trigger: Where it starts, with the yaw of the lane there.
        parameters: By name. The same name may come in two kinds: ``frequency`` is an ``Interval`` for most types and a
            number for ``HazardAtSideLaneTwoWays``.
    """

    name: str
    type: str
    trigger: Place
    parameters: Mapping[str, Parameter] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One route.

    Attributes:
        id: Its name, unique among what was loaded together. A file's own id; in a folder or archive the file's path
            inside it without ``.xml``, since ids repeat from file to file there.
        town: The map's name.
        key_points_m: At least two points x, y, z in CARLA's frame; the global planner joins them. They may be 2 m or
            hundreds of metres apart.
        weather: Along the route.
        scenarios: In the order of the file.
        format: The layout of the file that it came from.
        origin: File, member and line, for messages; takes no part in comparisons.
    """

    id: str
    town: str
    key_points_m: tuple[Location, ...]
    weather: WeatherSchedule
    format: RouteFormat
    scenarios: tuple[Scenario, ...] = ()
    origin: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        """Check what every user relies on.

        Raises:
            ContractError: No id, no town, fewer than two points, or a coordinate that is not finite.
        """
        if not self.id or not self.town:
            raise ContractError(f"a route needs an id and a town, got {self.id!r} and {self.town!r}")
        if len(self.key_points_m) < 2:
            raise ContractError(f"route {self.id} needs at least two points, got {len(self.key_points_m)}")
        if not all(len(point) == 3 and all(map(math.isfinite, point)) for point in self.key_points_m):
            raise ContractError(f"route {self.id}: every point must be three finite numbers")
