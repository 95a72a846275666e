"""What a town's process is told, and what it leaves of each route: plain JSON."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from drivevla.collection.config import CollectionConfig
from drivevla.collection.coverage import Tallies
from drivevla.config.resolve import build_config, plain_config
from drivevla.runs.atomic import write_text_atomically

__all__ = ["JOB_FILE", "TOWN_FILE", "RouteReport", "TownJob", "read_reports"]

JOB_FILE = "job.json"
TOWN_FILE = "town.json"
"""Written when a town is done with."""
ROUTES_FOLDER = "routes"


@dataclass(frozen=True, slots=True, kw_only=True)
class TownJob:
    """One town to collect in.

    Attributes:
        town: Its name.
        log: The drive log that frames go into.
        rig: A preset of sensor rigs.
        config: What is collected.
    """

    town: str
    log: Path
    rig: str
    config: CollectionConfig

    def write(self, path: Path) -> None:
        """Write it as JSON."""
        content = {"town": self.town, "log": str(self.log), "rig": self.rig, "config": plain_config(self.config)}
        write_text_atomically(path, json.dumps(content, indent=2))

    @classmethod
    def read(cls, path: Path) -> "TownJob":
        """Read one back."""
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        config = build_config(CollectionConfig, content["config"], source=str(path))
        return cls(town=content["town"], log=Path(content["log"]), rig=content["rig"], config=config)


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteReport:
    """What became of a route.

    Attributes:
        name: Of its episode.
        ending: How it ended: an ``Ending.how``, or ``not driven``.
        frames: In the log.
        captures: Taken.
        simulated_s: Length of the drive.
        wall_s: Time that it took.
        reason: Why it was not driven.
        tallies: What its frames hold: by subject, how many of each sort.
    """

    name: str
    ending: str
    frames: int = 0
    captures: int = 0
    simulated_s: float = 0.0
    wall_s: float = 0.0
    reason: str | None = None
    tallies: Tallies = field(default_factory=dict)

    def write(self, folder: Path) -> None:
        """Write it beside the town's other routes."""
        (folder / ROUTES_FOLDER).mkdir(exist_ok=True)
        write_text_atomically(folder / ROUTES_FOLDER / f"{self.name}.json", json.dumps(asdict(self), indent=2))


def read_reports(folder: Path) -> tuple[RouteReport, ...]:
    """What became of a town's routes so far."""
    paths = sorted((folder / ROUTES_FOLDER).glob("*.json"))
    return tuple(RouteReport(**json.loads(path.read_text(encoding="utf-8"))) for path in paths)
