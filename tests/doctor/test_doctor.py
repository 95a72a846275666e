import socket
from pathlib import Path

import pytest

from drivevla.doctor import CHECKS, Check, Result, examine
from drivevla.doctor.finding import found
from drivevla.doctor.machine import check_disk, check_memory, check_ports, check_python, memory_limits_bytes
from drivevla.doctor.maps import check_maps
from drivevla.doctor.probe import ask

DOCUMENTATION = Path(__file__).parents[2] / "docs" / "configuration.md"


def test_an_old_python_is_named_with_what_is_needed() -> None:
    result = check_python((3, 10, 4))

    assert not result.ok
    assert "3.10.4" in result.detail
    assert "3.11" in result.remedy


def test_this_python_will_do() -> None:
    assert check_python().ok


def test_the_containers_limit_bounds_the_machines_memory(tmp_path: Path) -> None:
    (tmp_path / "meminfo").write_text("MemTotal:       16000000 kB\nMemFree: 1 kB\n")
    (tmp_path / "memory.max").write_text("2000000000\n")

    assert memory_limits_bytes(tmp_path / "meminfo", tmp_path / "memory.max") == [16000000 * 1024, 2000000000]
    cramped = check_memory(tmp_path / "meminfo", tmp_path / "memory.max")
    assert not cramped.ok
    assert "2.0 GB of memory" in cramped.detail
    (tmp_path / "memory.max").write_text("max\n")
    assert check_memory(tmp_path / "meminfo", tmp_path / "memory.max").ok


def test_a_home_that_is_a_file_cannot_be_written_to(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    result = check_disk(tmp_path / "file" / "home")

    assert not result.ok
    assert "DRIVEVLA_HOME" in result.remedy


def test_a_home_that_does_not_exist_yet_will_do(tmp_path: Path) -> None:
    assert str(tmp_path / "a" / "b") in check_disk(tmp_path / "a" / "b").detail


def test_a_port_in_use_is_said_and_is_no_obstacle(monkeypatch: pytest.MonkeyPatch) -> None:
    from drivevla.doctor import machine

    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        port = server.getsockname()[1]
        monkeypatch.setattr(machine, "CARLA_PORT", port)
        result = check_ports()

    assert result.ok
    assert f"{port}" in result.detail
    assert "in use" in result.detail


def test_maps_are_counted_once_whatever_their_packing(tmp_path: Path) -> None:
    for name in ("Town01.xodr", "Town01.xodr.gz", "Town02.xodr.gz", "notes.txt"):
        (tmp_path / name).write_text("")

    assert check_maps((tmp_path,)).detail == "2: Town01, Town02"
    assert not check_maps(()).ok


@pytest.mark.parametrize(
    ("program", "text"),
    [
        ("import no_such_package", "ModuleNotFoundError: No module named 'no_such_package'"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGILL)", "ended by SIGILL"),
        ("import sys; sys.exit(7)", "ended with code 7"),
        ("raise ValueError('first\\n\\x1b[0;m')", "ValueError: first"),
    ],
)
def test_a_package_that_fails_says_how(program: str, text: str) -> None:
    answer = ask(program)

    assert not answer.ok
    assert answer.text == text


def test_a_package_that_hangs_is_given_up() -> None:
    assert ask("import time; time.sleep(60)", timeout_s=0.3).text == "gave no answer within 0.3 s"


def test_findings_keep_the_order_of_the_table() -> None:
    checks = tuple(Check(str(each), each % 2 == 0, lambda: found("here")) for each in range(9))

    findings = examine(checks)

    assert [finding.name for finding in findings] == [str(each) for each in range(9)]
    assert [finding.essential for finding in findings] == [each % 2 == 0 for each in range(9)]


def test_the_documentation_lists_the_essential_checks() -> None:
    essential = ", ".join(f"`{check.name}`" for check in CHECKS if check.essential)
    optional = ", ".join(f"`{check.name}`" for check in CHECKS if not check.essential)

    text = " ".join(DOCUMENTATION.read_text().split())

    assert f"Essential: {essential}." in text
    assert f"Optional: {optional}." in text


def test_a_bug_in_a_check_is_not_taken_for_an_answer() -> None:
    def broken() -> Result:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        examine((Check("broken", True, broken),))
