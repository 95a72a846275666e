"""Evaluate a policy in closed loop: drive routes in a simulator, record every tick, score by a rule book.

Examples:
  drivevla evaluate closed-loop --routes generated_20 --policy lane_follower --rig blind_5hz --out runs/lane_follower
  drivevla evaluate closed-loop --routes langauto_tiny --policy stand_still --guidance langauto --out runs/still
  drivevla evaluate closed-loop --routes generated_20 --policy lane_follower --rig blind_5hz --out runs/lf --workers 4
  drivevla evaluate closed-loop --routes generated_20 --policy lane_follower --rig blind_5hz --out runs/lf --resume
  drivevla evaluate rescore runs/lane_follower --rules leaderboard-2.0

What is written where, and what every option means: docs/closed-loop.md.
"""

import argparse
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from drivevla.cli.parser import Parser
from drivevla.errors import UserError, require

if TYPE_CHECKING:
    from drivevla.evaluation.closed_loop.runner import Progress
    from drivevla.evaluation.closed_loop.summary import ClosedLoopSummary

__all__ = ["add_arguments", "run"]


def add_arguments(parser: Parser) -> None:
    """The words and options after `drivevla evaluate`."""
    parser.add_argument("what", choices=["closed-loop", "rescore"], help="drive, or judge a run's records again")
    parser.add_argument("folder", nargs="?", type=Path, metavar="DIR", help="of rescore: the run's folder")
    parser.add_argument("--rules", default="leaderboard-2.1", metavar="NAME", help="rule book (leaderboard-2.1)")
    parser.add_argument("--routes", metavar="FILE|SUITE", help="route file, folder, archive or suite")
    parser.add_argument("--policy", metavar="NAME", help="who drives: a registered name, or a checkpoint's folder")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="an option of the policy")
    parser.add_argument("--out", type=Path, metavar="DIR", help="run folder")
    parser.add_argument("--map", metavar="NAME|FILE", help="drive every route on this map; default: its own town")
    parser.add_argument("--guidance", default="instructions", metavar="NAME", help="what it hears (instructions)")
    parser.add_argument("--language", default="en", metavar="en|zh", help="of the instructions (en)")
    parser.add_argument("--split", default="held_out", metavar="NAME", help="which phrasings (held_out)")
    parser.add_argument("--repetitions", type=int, default=1, metavar="K", help="drive every route so often (1)")
    parser.add_argument("--seed", type=int, default=0, help="of the first repetition (0)")
    parser.add_argument("--rig", default="nano", metavar="NAME", help="sensor rig (nano); blind_5hz has no cameras")
    parser.add_argument(
        "--vehicles",
        type=_vehicles,
        default=0,
        metavar="N",
        help="background traffic on every route (0); leaderboard: as many as leaderboard 1 has in the town",
    )
    parser.add_argument("--video", action="store_true", help="film every drive")
    parser.add_argument("--workers", type=int, default=1, metavar="N", help="so many routes at once, through Ray (1)")
    parser.add_argument("--ray-address", metavar="HOST:PORT", help="a Ray cluster; default: $RAY_ADDRESS or our own")
    parser.add_argument("--host", help="a running CARLA server; without it an embedded one is started for each route")
    parser.add_argument("--port", type=int, default=2000, help="its port (2000)")
    parser.add_argument("--resume", action="store_true", help="go on with the run in the folder")


def run(arguments: argparse.Namespace) -> int:
    """Drive or judge again, score, and say what came of it."""
    if arguments.what == "rescore":
        return _rescore(arguments)
    from drivevla.evaluation.closed_loop.guidance import GuidanceConfig
    from drivevla.evaluation.closed_loop.runner import ClosedLoopConfig, evaluate_closed_loop

    missing = [name for name in ("routes", "policy", "out") if getattr(arguments, name) is None]
    if missing or arguments.folder is not None:
        raise UserError(
            "closed-loop needs --routes, --policy and --out, and no other word; "
            + (f"missing: --{', --'.join(missing)}" if missing else f"got {str(arguments.folder)!r}")
        )
    config = ClosedLoopConfig(
        routes=arguments.routes,
        policy=arguments.policy,
        options=tuple(arguments.set),
        map=arguments.map,
        rules=arguments.rules,
        guidance=GuidanceConfig(name=arguments.guidance, language=arguments.language, split=arguments.split),
        repetitions=arguments.repetitions,
        seed=arguments.seed,
        rig=arguments.rig,
        vehicles=arguments.vehicles,
        video=arguments.video,
    )
    with _progress_bar() as progress:
        summary = evaluate_closed_loop(
            config,
            arguments.out,
            host=arguments.host,
            port=arguments.port,
            workers=arguments.workers,
            ray_address=arguments.ray_address,
            existing="resume" if arguments.resume else "refuse",
            progress=progress,
        )
    print(_text(summary))
    print(f"results: {arguments.out}")
    return 0


def _vehicles(text: str) -> int | str:
    """A number, or the word that the configuration knows."""
    return int(text) if text.lstrip("-").isdigit() else text


def _rescore(arguments: argparse.Namespace) -> int:
    from drivevla.evaluation.closed_loop.rescore import RESCORED, rescore_run
    from drivevla.runs.condition import ARTEFACTS

    if arguments.folder is None:
        raise UserError("rescore needs the folder of a run: drivevla evaluate rescore DIR --rules NAME")
    print(_text(rescore_run(arguments.folder, arguments.rules)))
    print(f"results: {arguments.folder / ARTEFACTS / RESCORED / arguments.rules}")
    return 0


@contextmanager
def _progress_bar() -> Iterator[Callable[["Progress"], None]]:
    """A bar that counts drives; the one under way counts by its share of the route."""
    tqdm = require("tqdm", "sim").tqdm
    layout = "{desc}: {n:.1f} of {total} drives, {elapsed}{postfix}"
    with tqdm(total=1, desc="driving", disable=not sys.stderr.isatty(), bar_format=layout) as bar:

        def show(progress: "Progress") -> None:
            bar.total = progress.planned
            bar.n = min(progress.done + progress.percent / 100.0, progress.planned)
            left = "" if progress.left_s is None else f", about {progress.left_s / 60:.0f} min left"
            bar.set_postfix_str(f"{progress.route_id}: {progress.percent:.0f} %{left}")

        yield show


def _text(summary: "ClosedLoopSummary") -> str:
    names = {"score_composed": "driving score", "score_route": "route completion", "score_penalty": "penalty"}
    told = ", told the truth" if summary.privileged else ""
    lines = [
        f"{summary.policy}{told}, by {summary.rules} on {', '.join(summary.backends) or 'no simulator'}: "
        f"{summary.drives} of {summary.planned} drives"
    ]
    for key, name in names.items():
        score = summary.scores[key]
        around = (
            "" if score.std is None else f"  std {score.std:.3f}, 95 % of means {score.low:.3f} to {score.high:.3f}"
        )
        lines.append(f"  {name:<17} {score.mean:8.3f}{around}")
    lines += [f"  {name}: {count}" for name, count in summary.infractions.items() if count]
    lines += [f"  {status}: {count}" for status, count in summary.failures.items()]
    said = summary.instructions
    if said.given:
        lines.append(
            f"  instructions: {said.given} given, {said.reached} done, {said.failed} not, {said.not_judged} not judged"
        )
    if summary.begun_again:
        lines.append(f"  routes begun again after the simulator was lost: {summary.begun_again}")
    if summary.ended_early:
        lines.append(f"  {summary.ended_early} drives were ended by their own rules before these would have ended them")
    if summary.scenarios_left_out:
        total = sum(summary.scenarios_left_out.values())
        lines.append(f"  INCOMPLETE: {total} scenarios of the routes did not take place; do not compare this score")
    return "\n".join(lines)
