"""``python -m drivevla.sim.server``: the embedded simulator as a program."""

import argparse
import json
import logging
import sys

from drivevla.errors import DriveVLAError, UserError
from drivevla.sim.server.serve import DEFAULT_MAP, serve
from drivevla.sim.server.server import Server


def main() -> int:
    """Serve until stopped; the exit code is 2 when what was asked for is impossible, 1 when something failed."""
    parser = argparse.ArgumentParser(prog="python -m drivevla.sim.server", description=__doc__)
    parser.add_argument("--map", default=DEFAULT_MAP)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--child", action="store_true", help="announce in JSON, and stop when standard input ends")
    options = parser.parse_args()
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    try:
        serve(
            options.map,
            announce=_announce_json if options.child else _announce,
            say=_say_json if options.child else _say,
            host=options.host,
            port=options.port,
            seed=options.seed,
            while_stdin_is_open=options.child,
        )
    except DriveVLAError as error:
        sys.stderr.write(f"{error}\n")
        return 2 if isinstance(error, UserError) else 1
    return 0


def _announce_json(server: Server) -> None:
    _say(json.dumps({"port": server.port, "stream_port": server.stream_port, "map": server.map_name}))


def _announce(server: Server) -> None:
    _say(server.describe())


def _say_json(message: str) -> None:
    _say(json.dumps({"busy": message}))


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
