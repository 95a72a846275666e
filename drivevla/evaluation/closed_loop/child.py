"""The process that drives one route: ``python -m drivevla.evaluation.closed_loop.child FOLDER``.

It reads ``job.json`` in the folder and leaves its results there.
"""

import json
import logging
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from drivevla.errors import SimulatorLost
from drivevla.evaluation.closed_loop.episode import drive_route
from drivevla.evaluation.closed_loop.job import JOB_FILE, RouteJob

__all__ = ["Beat", "work_as_child"]

Beat = Callable[[float, float], None]
"""Takes simulated seconds and percent of what is to be done: a sign of life."""


def work_as_child(work: Callable[[Path, Beat], None]) -> NoReturn:
    """Do the work of the folder that the command line names, as the child of ``watch.run_child``, and end.

    A line of JSON goes to the standard output at every sign of life; the process ends when its standard input is
    closed: with the process that started it, however that ended.
    """
    logging.basicConfig(level=logging.WARNING)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    lines = os.dup(1)
    os.dup2(2, 1)  # the simulator's client writes to the standard output as it likes

    def beat(time_s: float, percent: float) -> None:
        os.write(lines, (json.dumps({"time_s": time_s, "percent": percent}) + "\n").encode())

    try:
        work(Path(sys.argv[1]), beat)
    except SimulatorLost as error:
        logging.error("the simulator was lost: %s", error)
        os._exit(1)  # at once: the client would wait for the simulator in its own end
    sys.stderr.flush()
    os._exit(0)  # everything is written; the client's own threads can abort in a regular exit


def _end_with_parent() -> None:
    while os.read(0, 1024):
        pass
    os._exit(1)


if __name__ == "__main__":
    work_as_child(lambda folder, beat: drive_route(RouteJob.read(folder / JOB_FILE), folder, beat))
