"""Drive through a town with traffic and film it, on the embedded simulator or on a real CARLA.

What drives is CARLA's Traffic Manager: no trained policy ships yet, and no instruction is taken.

Examples:
  drivevla demo                                       30 s in a generated town
  drivevla demo weather=HardRainSunset seconds=60     another weather, longer
  drivevla demo map=Town03 --out runs/town03          a CARLA town, where its OpenDRIVE is at hand
  drivevla demo --host 127.0.0.1 --port 2000          on a CARLA server that runs already
"""

import argparse
import sys
from pathlib import Path

from drivevla.cli.parser import Parser

__all__ = ["add_arguments", "run"]


def add_arguments(parser: Parser) -> None:
    """The options after `drivevla demo`."""
    parser.add_argument("overrides", nargs="*", metavar="KEY=VALUE", help="map, weather, seconds, vehicles, seed")
    parser.add_argument("--out", type=Path, default=Path("runs/demo"), metavar="DIR", help="run folder (runs/demo)")
    parser.add_argument("--host", help="a running CARLA server; without it the embedded simulator is started")
    parser.add_argument("--port", type=int, default=2000, help="its port (2000)")


def run(arguments: argparse.Namespace) -> int:
    """Drive and say what came of it."""
    from drivevla.config.resolve import load_config
    from drivevla.demo import DemoConfig, run_demo

    config = load_config(DemoConfig, "town", arguments.overrides)
    print(f"driving {config.seconds:g} s through {config.map} with {config.vehicles} other vehicles ...", flush=True)
    result = run_demo(config, arguments.out, host=arguments.host, port=arguments.port, progress=_bar())
    print(f"drove {result.driven_m:.0f} m with {result.collisions} collisions on: {result.backend}")
    print(f"film: {result.film}")
    return 0


def _bar() -> "_Bar":
    return _Bar(shown=sys.stderr.isatty())


class _Bar:
    """A bar in a terminal, silence in a file."""

    def __init__(self, *, shown: bool) -> None:
        self._shown, self._percent = shown, -1

    def __call__(self, share: float) -> None:
        percent = int(100 * share)
        if self._shown and percent != self._percent:
            self._percent = percent
            bar = "#" * (percent // 4)
            print(f"\r  [{bar:<25}] {percent:3d} %", end="\n" if percent == 100 else "", file=sys.stderr, flush=True)
