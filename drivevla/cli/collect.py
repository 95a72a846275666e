"""Collect training data: the expert drives generated towns, and what it sees, does and would do is written down.

Examples:
  drivevla collect --suite tiny --out runs/log
  drivevla collect --suite nano --workers 2
  drivevla collect --suite nano --workers 2 --resume

What is written where, and what a suite may say: docs/collection.md.
"""

import argparse
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from drivevla.cli.parser import Parser
from drivevla.errors import require

if TYPE_CHECKING:
    from drivevla.collection.runner import Progress

__all__ = ["add_arguments", "run"]


def add_arguments(parser: Parser) -> None:
    """The options after `drivevla collect`."""
    parser.add_argument("--suite", required=True, metavar="NAME|FILE", help="a preset of configs/collections")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="change one of its values")
    parser.add_argument("--rig", default="nano", metavar="NAME", help="sensor rig (nano)")
    parser.add_argument("--out", type=Path, metavar="DIR", help="the drive log ($DRIVEVLA_HOME/collect/NAME)")
    parser.add_argument("--workers", type=int, default=1, metavar="N", help="so many towns at once (1)")
    parser.add_argument("--resume", action="store_true", help="go on with the collection in the folder")


def run(arguments: argparse.Namespace) -> int:
    """Collect, and say what came of it."""
    from drivevla.collection.config import CollectionConfig
    from drivevla.collection.runner import RUN_FOLDER, collect
    from drivevla.config.places import home
    from drivevla.config.resolve import load_config
    from drivevla.runs.condition import ARTEFACTS

    config = load_config(CollectionConfig, arguments.suite, arguments.set)
    log = arguments.out or home() / "collect" / config.name
    with _progress_line() as progress:
        summary = collect(
            config,
            log,
            rig=arguments.rig,
            workers=arguments.workers,
            existing="resume" if arguments.resume else "refuse",
            progress=progress,
        )
    endings = ", ".join(f"{count} {how}" for how, count in sorted(summary.endings.items()))
    print(f"{summary.frames} frames of {summary.episodes} drives ({endings})")
    if summary.failed_towns:
        print(f"the simulator failed in {', '.join(summary.failed_towns)}; --resume tries again")
    print(f"drive log: {log}")
    print(f"coverage:  {log / RUN_FOLDER / ARTEFACTS / 'coverage.md'}")
    return 1 if summary.failed_towns else 0


@contextmanager
def _progress_line() -> Iterator[Callable[["Progress"], None]]:
    """A bar on a terminal; elsewhere a line a minute."""
    tqdm = require("tqdm", "sim").tqdm
    on_terminal = sys.stderr.isatty()
    layout = "{desc}: {n:.1f} of {total} towns, {elapsed}{postfix}"
    with tqdm(total=1, desc="collecting", bar_format=layout, mininterval=0.5 if on_terminal else 60.0) as bar:

        def show(progress: "Progress") -> None:
            bar.total = progress.towns
            rate = "" if progress.frames_per_s is None else f", {progress.frames_per_s:.1f}/s"
            left = "" if progress.left_s is None else f", about {progress.left_s / 60:.0f} min left"
            bar.set_postfix_str(f"{progress.frames} frames{rate}{left}", refresh=False)
            bar.update(progress.share * progress.towns - bar.n)

        yield show
