"""The server in a child process, for code that wants a simulator and nothing to clean up."""

import contextlib
import json
import logging
import os
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from drivevla.errors import SimulatorError, SimulatorLost, UserError

__all__ = ["BACKEND", "RunningServer", "ask_backend", "start_server"]

BACKEND = "drivevla-embedded"
"""What the call ``drivevla_backend`` answers; a real CARLA server does not know that call."""

STOP_S = 5.0
USER_ERROR = 2
"""Exit code of a child that was asked for something impossible: an unknown map, a port that is taken."""

LOG_TAIL_BYTES = 4000

FIRST_ANSWER_S = 30.0

BUSY_S = 600.0
"""How much longer to wait for a child that says that it has something to do once, on however loaded a machine."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningServer:
    """A server that answers.

    Attributes:
        host: Where it listens.
        port: Port for ``carla.Client``.
        stream_port: Port of the streams.
        map_name: The map it began with.
        seed: Decides everything random.
        pid: Process id.
    """

    host: str
    port: int
    stream_port: int
    map_name: str
    seed: int
    pid: int
    _process: "subprocess.Popen[bytes]" = field(repr=False)
    _log: "_Log" = field(repr=False)

    def check(self, *, timeout_s: float = 5.0) -> None:
        """Make sure that the server lives and answers.

        Raises:
            SimulatorLost: It ended (with what it said last), or does not answer in time.
        """
        if self._process.poll() is not None:
            raise SimulatorLost(self._last_words())
        try:
            backend = ask_backend(self.host, self.port, timeout_s)
        except OSError as error:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(0.5)  # a connection that breaks off mostly means that the server is ending
                raise SimulatorLost(self._last_words()) from error
            raise SimulatorLost(
                f"the simulator on port {self.port} does not answer within {timeout_s:g} s: {error}"
            ) from error
        if backend != BACKEND:
            raise SimulatorLost(f"what answers on port {self.port} is {backend!r}, not {BACKEND!r}")

    def ignored_calls(self) -> dict[str, tuple[int, str]]:
        """By call, how often a fire-and-forget request was ignored, and why the last one was.

        Raises:
            SimulatorLost: It does not answer.
        """
        try:
            rows = _ask(self.host, self.port, "drivevla_ignored_calls", 5.0)
        except OSError as error:
            raise SimulatorLost(f"the simulator on port {self.port} does not answer: {error}") from error
        return {name: (count, reason) for name, count, reason in rows}

    def _last_words(self) -> str:
        return f"the simulator ended with code {self._process.returncode}: {self.log_tail()}"

    def log_tail(self) -> str:
        """The end of what the server wrote to its log."""
        return self._log.tail()


class _Log:
    """What a child writes to its standard error; readable while it writes and after it ended."""

    def __init__(self) -> None:
        self.file = tempfile.TemporaryFile()  # noqa: SIM115 -- closed by close(), which keeps its end
        self._kept: str | None = None

    def tail(self) -> str:
        if self._kept is not None:
            return self._kept
        # Not by seeking: the child writes at the offset that it shares with us.
        descriptor = self.file.fileno()
        begin = max(0, os.fstat(descriptor).st_size - LOG_TAIL_BYTES)
        return os.pread(descriptor, LOG_TAIL_BYTES, begin).decode(errors="replace").strip()

    def close(self) -> None:
        self._kept = self.tail()
        self.file.close()


@contextmanager
def start_server(
    map_name: str | Path, *, seed: int = 0, host: str = "127.0.0.1", port: int = 0, startup_s: float = 120.0
) -> Iterator[RunningServer]:
    """Run the embedded simulator in a child process for as long as the context lasts.

    The child ends with the context, and also when this process dies without leaving it.

    Args:
        map_name: A map's name, or the path of an OpenDRIVE file.
        seed: Decides everything random.
        host: Address to listen on.
        port: Port of the calls; 0 takes free ones, any other is taken together with the next one.
        startup_s: How long building the map may take. The first server of a machine compiles its loops before that;
            then a warning is logged, and the wait is ten minutes longer.

    Raises:
        UserError: There is no such map, or the port is taken; the message is what the child said.
        SimulatorError: The child could not start; likewise.
        SimulatorLost: It started and does not answer.
    """
    command = [sys.executable, "-m", "drivevla.sim.server", "--map", str(map_name), "--seed", str(seed)]
    command += ["--host", host, "--port", str(port), "--child"]
    with contextlib.closing(_Log()) as log:
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log.file)
        try:
            ready = _wait_until_ready(process, log, startup_s)
            server = RunningServer(
                host=host,
                port=ready["port"],
                stream_port=ready["stream_port"],
                map_name=ready["map"],
                seed=seed,
                pid=process.pid,
                _process=process,
                _log=log,
            )
            server.check(timeout_s=FIRST_ANSWER_S)
            yield server
        finally:
            _stop(process)


def _wait_until_ready(process: "subprocess.Popen[bytes]", log: _Log, startup_s: float) -> dict[str, Any]:
    line, in_time = _line_within(startup_s, process)
    if line and (busy := json.loads(line).get("busy")):
        logger.warning("%s", busy)
        startup_s += BUSY_S
        line, in_time = _line_within(startup_s, process)
    if line:
        ready: dict[str, Any] = json.loads(line)
        return ready
    code = process.wait()
    if code == USER_ERROR:
        raise UserError(log.tail())
    if not in_time:
        raise SimulatorError(f"the simulator was not ready within {startup_s:g} s: {log.tail()}")
    raise SimulatorError(f"the simulator ended with code {code} before it was ready: {log.tail()}")


def _line_within(limit_s: float, process: "subprocess.Popen[bytes]") -> tuple[bytes, bool]:
    """What a child says next, and whether it had the time to; a child that takes longer is ended."""
    assert process.stdout is not None
    # Reading blocks: the deadline ends the child, and with it the read.
    too_late = threading.Event()

    def end() -> None:
        too_late.set()  # said, not measured: a clock read beside the timer's can be a moment short of the limit
        process.kill()

    timer = threading.Timer(limit_s, end)
    timer.start()
    try:
        line = process.stdout.readline()
    finally:
        timer.cancel()
    return line, not too_late.is_set()


def _stop(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for pipe in (process.stdin, process.stdout):
        assert pipe is not None
        with contextlib.suppress(BrokenPipeError):
            pipe.close()


def ask_backend(host: str, port: int, timeout_s: float) -> object:
    """What a server says that it is: ``BACKEND``, or, from a real CARLA, an error that it does not know the question.

    Raises:
        OSError: Nothing answers there in time.
    """
    return _ask(host, port, "drivevla_backend", timeout_s)


def _ask(host: str, port: int, call: str, timeout_s: float) -> Any:
    import msgpack

    with socket.create_connection((host, port), timeout=timeout_s) as sock:
        sock.sendall(msgpack.packb([0, 1, call, [[False]]]))
        unpacker = msgpack.Unpacker()
        while data := sock.recv(4096):
            unpacker.feed(data)
            for _, _, error, result in unpacker:
                return error or result[0][1]
    raise ConnectionError("the connection was closed before the answer")
