"""One placed route a scenario type, driven by several policies: which situations need a driver, and who is one.

``python -m drivevla.bench.scenarios FOLDER [--policy NAME ...] [--type NAME ...] [--page PAGE]`` writes
``FOLDER/table.md``, and between the marks of a page where one is named. A route counts as solved when it is completed
without any infraction but slowness. A folder that was begun goes on: its routes stay, and what was driven is not
driven again.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from drivevla import registry
from drivevla.errors import DataError
from drivevla.evaluation.closed_loop.runner import ClosedLoopConfig, evaluate_closed_loop
from drivevla.evaluation.driving_score import RouteRecord, read_result_file
from drivevla.sim.maps import find_map
from drivevla.sim.routes import Route, load_routes, write_routes
from drivevla.sim.scenarios import place_scenarios
from drivevla.sim.server import start_server

__all__ = ["Outcome", "main", "placed_routes", "put_on_page", "table"]

TOWNS = ("Gen_grid_1", "Gen_multilane_1", "Gen_highway_1")
POLICIES = ("stand_still", "constant_velocity", "expert")
BEGIN, END = "<!-- who needs a driver: generated -->", "<!-- end -->"
_SLOWNESS = "min_speed_infractions"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a policy did on a type's route.

    Attributes:
        solved: Completed, and nothing went wrong.
        words: Share of the route and what went wrong.
    """

    solved: bool
    words: str


def placed_routes(types: Sequence[str], *, seed: int = 1, difficulty: float = 0.5) -> list[Route]:
    """One route a type, on the first of our towns that has a place for it."""
    import carla

    left = list(types)
    routes: list[Route] = []
    for town in TOWNS:
        source = find_map(town)
        found = place_scenarios(carla.Map(source.name, source.opendrive), left, seed=seed, difficulty=difficulty)
        routes.extend(found)
        left = [each for each in left if each not in {route.scenarios[0].type for route in found}]
    return routes


def outcome(record: RouteRecord) -> Outcome:
    """One route's record in a few words."""
    wrong = {name: len(messages) for name, messages in record.infractions.items() if messages and name != _SLOWNESS}
    words = f"{record.score_route:.0f} %" + "".join(f", {name} {count}" for name, count in wrong.items())
    return Outcome(solved=record.completed and not wrong, words=words)


def table(routes: Sequence[Route], results: Mapping[str, Mapping[str, Outcome]]) -> str:
    """Markdown: a line a type, a column a policy."""
    lines = ["| type | town | " + " | ".join(results) + " |", "| --- " * (len(results) + 2) + "|"]
    for route in routes:
        cells = []
        for of_policy in results.values():
            seen = of_policy.get(route.id)
            cells.append("not driven" if seen is None else f"{'**solved**' if seen.solved else 'failed'}: {seen.words}")
        lines.append(f"| {route.scenarios[0].type} | {route.town} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def put_on_page(page: str, table: str) -> str:
    """A page with a new table between its marks.

    Raises:
        DataError: The page has no such marks.
    """
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise DataError(f"the page has no lines {BEGIN!r} and {END!r} for the table to stand between: add them")
    return f"{before}{begin}\n{table}{end}{after}"


def main(argv: Sequence[str] | None = None) -> int:
    """Place, drive, tell."""
    parser = argparse.ArgumentParser(prog="python -m drivevla.bench.scenarios", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--policy", action="append", choices=registry.names("policies"))
    parser.add_argument("--type", action="append", choices=registry.names("scenarios"))
    parser.add_argument("--page", type=Path, help="a Markdown page that shows the table")
    arguments = parser.parse_args(argv)
    folder: Path = arguments.folder
    folder.mkdir(parents=True, exist_ok=True)
    routes_file = folder / "routes.xml"
    if not routes_file.exists():
        write_routes(placed_routes(arguments.type or registry.names("scenarios")), routes_file)
    routes = load_routes(routes_file)
    results: dict[str, dict[str, Outcome]] = {}
    with start_server(routes[0].town) as server:
        for policy in arguments.policy or POLICIES:
            config = ClosedLoopConfig(routes=str(routes_file), policy=policy, rig="blind")
            evaluate_closed_loop(config, folder / policy, host=server.host, port=server.port, existing="resume")
            records = read_result_file(folder / policy / "artefacts/result.json", rules="leaderboard-2.1").records
            results[policy] = {route.id: outcome(record) for route, record in zip(routes, records, strict=True)}
            (folder / "table.md").write_text(table(routes, results), encoding="utf-8")
    if arguments.page is not None:
        page: Path = arguments.page
        text = put_on_page(page.read_text(encoding="utf-8"), (folder / "table.md").read_text(encoding="utf-8"))
        page.write_text(text, encoding="utf-8")
    sys.stdout.write((folder / "table.md").read_text(encoding="utf-8"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
