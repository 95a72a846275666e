"""Score a prediction file by an open-loop protocol.

Examples:
  drivevla score --list
  drivevla score nuscenes-uniad --predictions plans.parquet --truth val.npz
  drivevla score covla --predictions plans.npz --truth covla.npz --json
  drivevla score nuscenes-uniad --predictions plans.parquet --truth /data/nuscenes --split val
  drivevla score nuscenes-vad --predictions plans.parquet --truth val.npz --missing leave_out

What files hold, and what every protocol compares: docs/open-loop.md.
"""

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from drivevla.cli.parser import Parser
from drivevla.errors import UserError

if TYPE_CHECKING:
    from drivevla.evaluation.open_loop import Definition, OpenLoopReport, OpenLoopTruth

__all__ = ["add_arguments", "run"]


def add_arguments(parser: Parser) -> None:
    """The words and options after `drivevla score`."""
    parser.add_argument("protocol", nargs="?", metavar="PROTOCOL", help="a name of `drivevla score --list`")
    parser.add_argument("--predictions", type=Path, metavar="FILE", help="what was planned (.parquet or .npz)")
    parser.add_argument("--truth", type=Path, metavar="FILE|DIR", help="what was driven (.npz), or a data set")
    parser.add_argument("--split", metavar="NAME", help="of a data set given as --truth: its drives alone")
    parser.add_argument(
        "--missing",
        default="refuse",
        choices=["refuse", "leave_out"],
        help="samples without a plan: refuse them, or leave them out and say so (refuse)",
    )
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.add_argument("--list", action="store_true", help="list the protocols")


def run(arguments: argparse.Namespace) -> int:
    """Read, score, and say what came of it."""
    from drivevla import registry
    from drivevla.evaluation.open_loop import load_metric, read_predictions, score_predictions

    if arguments.list:
        for name in registry.names("metrics"):
            print(f"{name:<20} {load_metric(name).definition.summary}")
        return 0
    if arguments.protocol is None or arguments.predictions is None or arguments.truth is None:
        raise UserError("a protocol, --predictions FILE and --truth FILE are needed; --list lists the protocols")
    metric = load_metric(arguments.protocol)
    truth = _truth(arguments.truth, arguments.split, metric.definition)
    report = score_predictions(metric, read_predictions(arguments.predictions), truth, missing=arguments.missing)
    print(json.dumps(report.as_json(), indent=2) if arguments.json else _text(report))
    return 0


def _truth(place: Path, split: str | None, definition: "Definition") -> "OpenLoopTruth":
    from drivevla.evaluation.offline.selection import open_reader, samples_of
    from drivevla.evaluation.offline.truths import dataset_truth
    from drivevla.evaluation.open_loop import read_truth

    if place.is_dir():
        return dataset_truth(definition, samples_of(open_reader(place, None, sensors=False), split=split, scenes=()))
    if split is not None:
        raise UserError(f"--split chooses drives of a data set, and --truth {place} is none")
    return read_truth(place)


def _text(report: "OpenLoopReport") -> str:
    definition, scores = report.definition, report.scores
    lines = [f"{definition.name} (version {definition.version}): {definition.summary}"]
    width = max(map(len, scores.values), default=0)
    lines += [f"  {name:<{width}}  {value:.6g}" for name, value in scores.values.items()]
    lines += [f"  {name}: {count}" for name, count in scores.counts.items()]
    left = report.missing + report.without_plan
    if left and report.missing_rule == "leave_out":
        lines.append(
            f"  INCOMPLETE: of {report.samples} samples {report.missing} have no prediction and "
            f"{report.without_plan} no plan; do not compare this score"
        )
    return "\n".join(lines)
