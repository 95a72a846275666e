"""The server as a child process and as a program."""

import contextlib
import os
import random
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from drivevla.errors import SimulatorError, SimulatorLost, UserError
from drivevla.sim.server import start_server
from drivevla.sim.server.carla_root import CarlaArguments, parse_carla_arguments, write_carla_root
from drivevla.sim.server.numba_import import COMPILING

MAP = "Gen_tee_1"


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def _gone_within(pid: int, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while _alive(pid):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def _free_port_pair() -> int:
    """The first of two free neighbours, for calls and streams, below the range that other sockets are drawn from."""
    for port in random.sample(range(20000, 32000), 50):
        with socket.socket() as calls, socket.socket() as streams, contextlib.suppress(OSError):
            calls.bind(("127.0.0.1", port))
            streams.bind(("127.0.0.1", port + 1))
            return port
    raise AssertionError("no two free ports side by side in 50 tries")


def test_server_ends_with_its_context() -> None:
    with start_server(MAP) as server:
        server.check()
        assert _alive(server.pid)
    assert not _alive(server.pid)
    with pytest.raises(SimulatorLost, match="ended with code"):
        server.check()


@pytest.mark.slow
def test_the_first_server_of_a_machine_says_that_it_compiles_and_answers_at_once_afterwards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("DRIVEVLA_HOME", str(tmp_path))
    with start_server(MAP) as server:
        assert caplog.messages == [COMPILING]
        server.check(timeout_s=5.0)
    caplog.clear()
    with start_server(MAP):
        assert caplog.messages == []


def test_killed_server_is_reported_as_lost() -> None:
    with start_server(MAP) as server:
        os.kill(server.pid, signal.SIGKILL)
        assert _gone_within(server.pid, 5.0)
        with pytest.raises(SimulatorLost, match="ended with code -9"):
            server.check()


def test_childs_words_come_with_the_error() -> None:
    with pytest.raises(UserError, match="no_such_town"), start_server("no_such_town"):
        pass


def test_port_that_is_taken_is_named() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(SimulatorError, match=str(port)), start_server(MAP, port=port):
            pass


def test_server_that_is_not_ready_in_time_is_ended() -> None:
    with pytest.raises(SimulatorError, match="was not ready within"), start_server(MAP, startup_s=0.05):
        pass


def test_no_orphan_when_the_parent_is_killed() -> None:
    program = f"""
import sys, time
from drivevla.sim.server import start_server
with start_server({MAP!r}) as server:
    print(server.pid, flush=True)
    time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert _alive(pid)
        parent.kill()
        parent.wait()
    assert _gone_within(pid, 10.0)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_program_says_where_it_listens_and_stops_cleanly(number: int) -> None:
    port = _free_port_pair()
    command = [sys.executable, "-m", "drivevla", "sim", "--map", MAP, "--port", str(port), "--seed", "5"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        line = program.stdout.readline()
        program.send_signal(number)
        _, errors = program.communicate(timeout=20)
    assert f"127.0.0.1:{port}" in line
    assert MAP in line
    assert "seed 5" in line
    assert "drivevla-embedded" in line
    assert (program.returncode, errors) == (0, "")


def test_carla_root_starts_the_server_as_evaluators_do(tmp_path: Path) -> None:
    script = write_carla_root(tmp_path / "carla")
    assert os.access(script, os.X_OK)
    port = _free_port_pair()
    command = [str(script), MAP, "-RenderOffScreen", "-nosound", f"-carla-rpc-port={port}", "-graphicsadapter=0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        line = program.stdout.readline()
        program.terminate()
        program.wait(20)
    assert f"127.0.0.1:{port}" in line
    write_carla_root(tmp_path / "carla")  # writing it again is no error


def test_carla_root_leaves_a_real_installation_alone(tmp_path: Path) -> None:
    (tmp_path / "CarlaUE4.sh").write_text("#!/bin/sh\n")
    with pytest.raises(UserError, match="not ours"):
        write_carla_root(tmp_path)


def test_arguments_of_carlas_script() -> None:
    assert parse_carla_arguments([]) == CarlaArguments()
    asked = parse_carla_arguments(
        [
            "/Game/Carla/Maps/Town03?game=x",
            "-carla-rpc-port=3000",
            "-carla-streaming-port=0",
            "-quality-level=Low",
            "-x",
        ]
    )
    assert asked == CarlaArguments(map_name="/Game/Carla/Maps/Town03", port=3000, stream_port=0)
    assert parse_carla_arguments(["--carla-world-port=4000"]).port == 4000
    with pytest.raises(UserError, match="port"):
        parse_carla_arguments(["-carla-rpc-port=many"])
