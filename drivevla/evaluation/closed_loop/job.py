"""What one route's process is told, and what it leaves: plain JSON, so that it can be run again by hand."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from drivevla.errors import ConfigError
from drivevla.evaluation.closed_loop.guidance import GuidanceConfig
from drivevla.evaluation.closed_loop.instructions import InstructionCounts
from drivevla.runs.atomic import write_text_atomically
from drivevla.sim.routes import RouteFormat

__all__ = ["DRIVE_FILE", "JOB_FILE", "RESULT_FILE", "TICKS_FILE", "DriveSummary", "RouteJob", "policy_options"]

JOB_FILE = "job.json"
TICKS_FILE = "ticks.parquet"
RESULT_FILE = "result.json"
DRIVE_FILE = "drive.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteJob:
    """One route to drive once.

    Attributes:
        routes_file: Where the routes are, seen from the drive's folder.
        format: The layout that the route came in; the file holds every route as leaderboard 2.
        index: Which one of them, from 0.
        repetition: Which time it is driven, from 0.
        planned: How many routes one repetition has.
        map_name: The map; the route's town when None.
        policy: A name of the registry.
        options: What the policy is made with, ``key=value`` each.
        rules: The rule book.
        rig: A preset of sensor rigs.
        guidance: What the policy hears.
        vehicles: Background traffic.
        video: Whether a film of it is made.
        seed: Of everything random in this drive.
        host: A running CARLA server; None starts an embedded one.
        port: Its port.
    """

    routes_file: str
    index: int
    repetition: int
    planned: int
    policy: str
    rules: str
    rig: str
    seed: int
    format: RouteFormat
    guidance: GuidanceConfig
    options: tuple[str, ...] = ()
    video: bool = False
    map_name: str | None = None
    vehicles: int = 0
    host: str | None = None
    port: int = 2000

    @property
    def name(self) -> str:
        """The folder of this drive."""
        return f"{self.index:04d}_rep{self.repetition}"

    def write(self, path: Path) -> None:
        """Write it as JSON."""
        write_text_atomically(path, json.dumps(asdict(self), indent=2))

    @classmethod
    def read(cls, path: Path) -> "RouteJob":
        """Read one back."""
        content = json.loads(path.read_text(encoding="utf-8"))
        guidance = GuidanceConfig(**content["guidance"])
        return cls(**{**content, "options": tuple(content["options"]), "guidance": guidance})


@dataclass(frozen=True, slots=True, kw_only=True)
class DriveSummary:
    """What a result file in the leaderboard's layout has no place for.

    Attributes:
        route_id: The route's own id.
        town: The map it was driven on.
        repetition: Which time.
        privileged: Whether the policy was told the truth.
        backend: Which simulator; None where none came up.
        stop: Why the rules ended the route; None where something else did.
        error: What went wrong with the policy, the route or the simulator.
        attempts: How often it was begun by this run's process.
        failure: What the rules call it when something else than them ended the route: a name of ``Failure``.
        scenarios: Types of the route's scenarios that could take place.
        scenarios_left_out: Types of those that could not; the drive is incomplete.
        instructions: What was said, and how much of it was done.
        sensors: The leaderboard's names of the ego's sensors.
        simulated_s: Length of the drive.
        wall_s: Time that it took, the simulator's start not counted.
    """

    route_id: str
    town: str
    repetition: int
    privileged: bool
    backend: str | None = None
    stop: str | None = None
    error: str | None = None
    attempts: int = 1
    failure: str | None = None
    scenarios: tuple[str, ...] = ()
    scenarios_left_out: tuple[str, ...] = ()
    instructions: InstructionCounts = field(default_factory=InstructionCounts)
    sensors: tuple[str, ...] = ()
    simulated_s: float = 0.0
    wall_s: float = 0.0

    def write(self, path: Path) -> None:
        """Write it as JSON."""
        write_text_atomically(path, json.dumps(asdict(self), indent=2))

    @classmethod
    def read(cls, path: Path) -> "DriveSummary":
        """Read one back."""
        content = json.loads(path.read_text(encoding="utf-8"))
        lists = {name: tuple(content[name]) for name in ("scenarios", "scenarios_left_out", "sensors")}
        return cls(**{**content, **lists, "instructions": InstructionCounts(**content["instructions"])})


def policy_options(pairs: tuple[str, ...]) -> dict[str, Any]:
    """``key=value`` pairs as arguments: a value that is JSON (a number, true, null) is that, any other is text.

    Raises:
        ConfigError: A pair has no name or no equals sign, or a name comes twice.
    """
    options: dict[str, Any] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not (name.isidentifier() and equals) or name in options:
            raise ConfigError(f"a policy's options are name=value, each name once; got {pair!r}")
        try:
            options[name] = json.loads(value)
        except ValueError:
            options[name] = value
    return options
