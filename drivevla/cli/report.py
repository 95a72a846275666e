"""Make a page of an evaluation, or of two closed-loop ones side by side: one HTML file that needs no network.

Examples:
  drivevla report runs/lane_follower
  drivevla report runs/open_loop
  drivevla report runs/new --compare runs/old --out comparison.html
"""

import argparse
from pathlib import Path

from drivevla.cli.parser import Parser
from drivevla.errors import UserError

__all__ = ["add_arguments", "run"]


def add_arguments(parser: Parser) -> None:
    """The options after `drivevla report`."""
    parser.add_argument("run", type=Path, metavar="DIR", help="the --out of a finished `drivevla evaluate`")
    parser.add_argument(
        "--compare", type=Path, metavar="DIR2", help="another closed-loop run of the same routes and rules"
    )
    parser.add_argument(
        "--out", type=Path, metavar="FILE", help="where to write (DIR/report.html, DIR/comparison.html)"
    )


def run(arguments: argparse.Namespace) -> int:
    """Write the page and say where it is."""
    from drivevla.report.closed_loop.comparison import comparison_page
    from drivevla.report.closed_loop.run import read_run
    from drivevla.report.closed_loop.views import run_page
    from drivevla.report.page import write_page

    if _is_open_loop(arguments.run):
        from drivevla.report.open_loop.views import open_loop_page

        if arguments.compare is not None:
            raise UserError("two open-loop runs are compared by drivevla evaluate open-loop --compare A B")
        html, name = open_loop_page(arguments.run), "report.html"
    elif arguments.compare is None:
        html, name = run_page(read_run(arguments.run)), "report.html"
    else:
        html, name = comparison_page(read_run(arguments.run), read_run(arguments.compare)), "comparison.html"
    path = arguments.out or arguments.run / name
    write_page(path, html)
    print(f"{path} ({len(html.encode()) / 1e6:.1f} MB)")
    return 0


def _is_open_loop(folder: Path) -> bool:
    from drivevla.evaluation.offline.runner import KIND
    from drivevla.runs import read_manifest
    from drivevla.runs.condition import MANIFEST

    return (folder / MANIFEST).is_file() and read_manifest(folder / MANIFEST).kind == KIND
