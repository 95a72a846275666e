"""Starts the process of a route, listens for its signs of life, and ends it when they stop."""

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

__all__ = ["run_child"]

LOG_FILE = "log.txt"
LOG_TAIL_CHARACTERS = 600


def run_child(
    folder: Path,
    *,
    hang_s: float,
    beat: Callable[[float, float], None],
    module: str = "drivevla.evaluation.closed_loop.child",
    threads: int | None = None,
) -> str | None:
    """Drive the job of a folder in a process of its own.

    Args:
        folder: Holds ``job.json``; results and ``log.txt`` are left there.
        hang_s: Without a sign of life for so long, the process and the simulator it started are killed.
        beat: Told simulated seconds and percent of the route at every sign of life.
        module: The program that does it, given the folder.
        threads: So many compute a policy's plans; by default as many as the environment allows. Where several children
            share a machine, libraries that each take every core wait for one another most of the time.

    Returns:
        None when the route was driven; otherwise why it was not.
    """
    command = [sys.executable, "-m", module, str(folder)]
    environment = os.environ if threads is None else {**os.environ, "OMP_NUM_THREADS": str(threads)}
    with (folder / LOG_FILE).open("wb") as log:
        # A session of its own: its process group is the route's process and its simulator, nothing else.
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,
            env=environment,
        )
        try:
            hung = _listen(process, hang_s, beat)
            if not hung:
                process.wait(hang_s)
        except subprocess.TimeoutExpired:
            hung = True
        finally:
            _end(process)
    if hung:
        return f"no sign of life for {hang_s:g} s: the simulator or its client hangs"
    if process.returncode != 0:
        tail = (folder / LOG_FILE).read_text(encoding="utf-8", errors="replace")[-LOG_TAIL_CHARACTERS:].strip()
        return f"the route's process ended with code {process.returncode}: {tail}"
    return None


def _listen(process: "subprocess.Popen[bytes]", hang_s: float, beat: Callable[[float, float], None]) -> bool:
    """Until the process has nothing more to say; True when it fell silent without ending."""
    lines: queue.Queue[bytes | None] = queue.Queue()
    assert process.stdout is not None
    threading.Thread(target=_pump, args=(process.stdout.fileno(), lines), daemon=True).start()
    while True:
        try:
            line = lines.get(timeout=hang_s)
        except queue.Empty:
            return True
        if line is None:
            return False
        sign = json.loads(line)
        beat(sign["time_s"], sign["percent"])


def _pump(descriptor: int, lines: "queue.Queue[bytes | None]") -> None:
    with os.fdopen(os.dup(descriptor), "rb") as stream:
        for line in stream:
            lines.put(line)
    lines.put(None)


def _end(process: "subprocess.Popen[bytes]") -> None:
    with contextlib.suppress(ProcessLookupError):  # all of the group has ended already
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    for pipe in (process.stdin, process.stdout):
        assert pipe is not None
        with contextlib.suppress(BrokenPipeError):
            pipe.close()
