"""Serving until told to stop: by a signal, or by the end of the process that started us."""

import os
import select
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType

from drivevla.errors import SimulatorError
from drivevla.sim.maps.find import find_map
from drivevla.sim.server.numba_import import COMPILING, is_everything_kept
from drivevla.sim.server.server import Server

__all__ = ["DEFAULT_MAP", "serve"]

DEFAULT_MAP = "Gen_grid_1"
"""A generated town: always at hand, whatever maps the machine has."""

PARENT_CHECK_S = 1.0
SWITCH_S = 0.5e-3
"""How long a tick waits at most for a thread that prepares pictures to hand the interpreter over; Python's is 5 ms."""


def serve(
    map_name: str,
    *,
    announce: Callable[[Server], None],
    say: Callable[[str], None],
    host: str = "127.0.0.1",
    port: int = 2000,
    stream_port: int | None = None,
    seed: int = 0,
    while_stdin_is_open: bool = False,
) -> None:
    """Serve a map until SIGINT or SIGTERM; call from the main thread.

    Args:
        map_name: A map's name, or the path of an OpenDRIVE file.
        announce: Called once clients can connect, which is when the world can tick.
        say: Called with what takes long before that.
        host: Address to listen on.
        port: Port of the calls; 0 takes free ones.
        stream_port: Port of the streams, where it is not the next one.
        seed: Decides everything random.
        while_stdin_is_open: Stop also when standard input ends, which is how a child learns that its parent is gone.

    Raises:
        SimulatorError: A port is taken.
        DriveVLAError: The map is unknown or cannot be built.
    """
    if seed < 0:
        raise SimulatorError(f"the seed must be 0 or more, got {seed}")
    stop = threading.Event()

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    sys.setswitchinterval(SWITCH_S)
    previous = {number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
    if while_stdin_is_open:
        threading.Thread(target=_watch_parent, args=(stop,), name="watch-parent", daemon=True).start()
    try:
        if not is_everything_kept():
            say(COMPILING)
        with Server(find_map(map_name), host=host, port=port, stream_port=stream_port, seed=seed) as server:
            announce(server)
            if not while_stdin_is_open:
                # CARLA's own examples wait two seconds for a tick, also for the first that draws a picture.
                server.simulator.episode.stage.prepare()
            stop.wait()
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _watch_parent(stop: threading.Event) -> None:
    # The pipe ends with the parent; a process forked from the parent may keep it open, so its id is watched as well.
    parent = os.getppid()
    while not stop.is_set() and os.getppid() == parent:
        readable, _, _ = select.select([sys.stdin.fileno()], [], [], PARENT_CHECK_S)
        if readable and not os.read(sys.stdin.fileno(), 4096):
            break
    stop.set()
