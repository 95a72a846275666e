"""Same seed and calls, same bytes; with the client's Traffic Manager at the wheel."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from drivevla.sim.server import RunningServer, start_server

DRIVE = Path(__file__).with_name("drive.py")
TOWN = "Gen_tee_1"


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def _drive(
    server: RunningServer, vehicles: int, ticks: int, *town: str, limit_s: float = 110.0
) -> tuple[str, str, float]:
    arguments = [server.host, server.port, _free_port(), vehicles, ticks, *town]
    command = [sys.executable, str(DRIVE), *(str(each) for each in arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=limit_s, check=False)
    assert done.returncode == 0, done.stderr
    motion, measured, way_m = done.stdout.split()[-3:]
    return motion, measured, float(way_m)


VEHICLES, TICKS = 6, 60


@pytest.fixture(scope="module")
def drives() -> list[tuple[str, str, float]]:
    """Two drives in one server, the second after loading the map anew: other frame numbers, other actor ids."""
    with start_server(TOWN, seed=3) as server:
        return [_drive(server, VEHICLES, TICKS), _drive(server, VEHICLES, TICKS, TOWN)]


def test_drives_in_one_server_are_bit_identical(drives: list[tuple[str, str, float]]) -> None:
    assert drives[0][2] > 10.0
    assert drives[0] == drives[1]


def test_drives_in_another_process_are_bit_identical_and_another_seed_only_changes_noise(
    drives: list[tuple[str, str, float]],
) -> None:
    with start_server(TOWN, seed=3) as server:
        assert _drive(server, VEHICLES, TICKS) == drives[0]
    with start_server(TOWN, seed=4) as server:
        other = _drive(server, VEHICLES, TICKS)
    assert other[0] == drives[0][0]
    assert other[1] != drives[0][1]


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_long_drives_of_much_traffic_are_bit_identical() -> None:
    drives = []
    for _ in range(2):
        with start_server(TOWN, seed=3) as server:
            drives.append(_drive(server, 30, 600, limit_s=700.0))
    assert drives[0] == drives[1]
