"""Serve the embedded simulator: the unmodified `carla` client, and any program written on it, drives in it.

Examples:
  drivevla sim                                   a generated town on port 2000
  drivevla sim --map Town03 --port 3000          a CARLA town, where its OpenDRIVE is at hand
  drivevla sim --map roads.xodr --seed 7         your own OpenDRIVE
  drivevla sim --make-carla-root carla_root      a folder for evaluators that start $CARLA_ROOT/CarlaUE4.sh themselves
"""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from drivevla.cli.parser import Parser

if TYPE_CHECKING:
    from drivevla.sim.server.server import Server

__all__ = ["add_arguments", "run"]

_DEFAULT_MAP = "Gen_grid_1"


def add_arguments(parser: Parser) -> None:
    """The options after `drivevla sim`."""
    parser.add_argument(
        "--map", default=_DEFAULT_MAP, metavar="NAME|FILE", help=f"map or OpenDRIVE file ({_DEFAULT_MAP})"
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (127.0.0.1)")
    parser.add_argument("--port", type=int, default=2000, help="port of the calls; streams take the next one (2000)")
    parser.add_argument("--seed", type=int, default=0, help="decides everything random (0)")
    parser.add_argument("--make-carla-root", type=Path, metavar="DIR", help="write a stand-in for $CARLA_ROOT and stop")


def run(arguments: argparse.Namespace) -> int:
    """Serve until stopped, or write the stand-in."""
    if arguments.make_carla_root is not None:
        from drivevla.sim.server.carla_root import write_carla_root

        script = write_carla_root(arguments.make_carla_root)
        print(f"wrote {script}; set CARLA_ROOT={script.parent}")
        return 0
    from drivevla.sim.server.serve import serve

    serve(arguments.map, announce=_announce, say=_say, host=arguments.host, port=arguments.port, seed=arguments.seed)
    return 0


def _announce(server: "Server") -> None:
    _say(server.describe())


def _say(line: str) -> None:
    print(line, flush=True)
