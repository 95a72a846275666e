"""The process that drives one route: ``python -m drivevla.evaluation.closed_loop.child FOLDER``.

It reads ``job.json`` in the folder and leaves its results there. It writes a line of JSON to its standard output at
every sign of life, and ends when its standard input is closed: with the process that started it, however that ended.
"""

import json
import logging
import os
import sys
import threading
from pathlib import Path

from drivevla.errors import SimulatorLost
from drivevla.evaluation.closed_loop.episode import drive_route
from drivevla.evaluation.closed_loop.job import JOB_FILE, RouteJob

__all__ = ["main"]


def main(folder: Path) -> None:
    """Drive the route of a folder's job."""
    logging.basicConfig(level=logging.WARNING)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    lines = os.dup(1)
    os.dup2(2, 1)  # the simulator's client writes to the standard output as it likes

    def beat(time_s: float, percent: float) -> None:
        os.write(lines, (json.dumps({"time_s": time_s, "percent": percent}) + "\n").encode())

    try:
        drive_route(RouteJob.read(folder / JOB_FILE), folder, beat)
    except SimulatorLost as error:
        logging.error("the simulator was lost: %s", error)
        os._exit(1)  # at once: the client would wait for the simulator in its own end


def _end_with_parent() -> None:
    while os.read(0, 1024):
        pass
    os._exit(1)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
    sys.stderr.flush()
    os._exit(0)  # everything is written; the client's own threads can abort in a regular exit
