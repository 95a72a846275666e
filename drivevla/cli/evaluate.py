"""Evaluate a policy in closed loop: drive routes in a simulator, record every tick, score by a rule book.

Examples:
  drivevla evaluate closed-loop --routes generated_20 --policy lane_follower --out runs/lane_follower
  drivevla evaluate closed-loop --routes routes.xml --policy constant_velocity --set least_speed_mps=4 --out runs/cv
  drivevla evaluate closed-loop --routes generated_20 --policy lane_follower --out runs/lane_follower --resume
  drivevla evaluate closed-loop --routes langauto_tiny --policy stand_still --repetitions 3 --out runs/still
"""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from drivevla.cli.parser import Parser

if TYPE_CHECKING:
    from drivevla.evaluation.closed_loop.runner import Progress
    from drivevla.evaluation.closed_loop.summary import ClosedLoopSummary

__all__ = ["add_arguments", "run"]


def add_arguments(parser: Parser) -> None:
    """The options after `drivevla evaluate`."""
    parser.add_argument("kind", choices=["closed-loop"], help="what to evaluate")
    parser.add_argument("--routes", required=True, metavar="FILE|SUITE", help="route file, folder, archive or suite")
    parser.add_argument("--policy", required=True, metavar="NAME", help="who drives: a name of the registry")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="an option of the policy")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="run folder")
    parser.add_argument("--map", metavar="NAME|FILE", help="drive every route on this map; default: its own town")
    parser.add_argument("--rules", default="leaderboard-2.1", metavar="NAME", help="rule book (leaderboard-2.1)")
    parser.add_argument("--repetitions", type=int, default=1, metavar="K", help="drive every route so often (1)")
    parser.add_argument("--seed", type=int, default=0, help="of the first repetition (0)")
    parser.add_argument("--rig", default="nano", metavar="NAME", help="sensor rig (nano)")
    parser.add_argument("--vehicles", type=int, default=0, metavar="N", help="background traffic on every route (0)")
    parser.add_argument("--host", help="a running CARLA server; without it an embedded one is started for each route")
    parser.add_argument("--port", type=int, default=2000, help="its port (2000)")
    parser.add_argument("--resume", action="store_true", help="go on with the run in the folder")


def run(arguments: argparse.Namespace) -> int:
    """Drive, score, and say what came of it."""
    from drivevla.evaluation.closed_loop.runner import ClosedLoopConfig, evaluate_closed_loop

    config = ClosedLoopConfig(
        routes=arguments.routes,
        policy=arguments.policy,
        options=tuple(arguments.set),
        map=arguments.map,
        rules=arguments.rules,
        repetitions=arguments.repetitions,
        seed=arguments.seed,
        rig=arguments.rig,
        vehicles=arguments.vehicles,
    )
    summary = evaluate_closed_loop(
        config,
        arguments.out,
        host=arguments.host,
        port=arguments.port,
        existing="resume" if arguments.resume else "refuse",
        progress=_show if sys.stderr.isatty() else None,
    )
    print(_text(summary))
    print(f"results: {arguments.out}")
    return 0


def _show(progress: "Progress") -> None:
    left = "" if progress.left_s is None else f", about {progress.left_s / 60:.0f} min left"
    line = f"route {progress.done + 1} of {progress.planned} ({progress.route_id}): {progress.percent:3.0f} %{left}"
    print(f"\r  {line:<76}", end="", file=sys.stderr, flush=True)


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
    if summary.begun_again:
        lines.append(f"  routes begun again after the simulator was lost: {summary.begun_again}")
    if summary.scenarios_left_out:
        total = sum(summary.scenarios_left_out.values())
        lines.append(f"  INCOMPLETE: {total} scenarios of the routes did not take place; do not compare this score")
    return "\n".join(lines)
