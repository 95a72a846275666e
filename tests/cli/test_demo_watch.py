"""A demonstration that nothing is heard of."""

import subprocess
import sys

import pytest

HUNG = """
import time
from drivevla.cli.demo import _Watched
with _Watched(print, patience_s=0.5, again={again!r}) as watched:
    for share in (0.1, 0.2):
        watched(share)
        time.sleep(0.2)
    time.sleep({sleeps})
time.sleep(1.0)
print("came to its end")
"""


def run(sleeps: float, again: tuple[str, ...] = ()) -> "subprocess.CompletedProcess[str]":
    program = HUNG.format(sleeps=sleeps, again=again)
    return subprocess.run(
        [sys.executable, "-u", "-c", program], capture_output=True, text=True, timeout=60, check=False
    )


def test_a_drive_of_which_nothing_is_heard_ends_with_what_to_do() -> None:
    ended = run(30.0)
    assert (ended.returncode, ended.stdout) == (1, "0.1\n0.2\n")
    assert "nothing was heard of the drive for 0.5 s" in ended.stderr
    assert "Run the command again" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_it_is_begun_again_and_given_up_after_the_third_try() -> None:
    counts = "import os; print(os.environ['DRIVEVLA_DEMO_TRY'])"
    ended = run(30.0, again=(sys.executable, "-u", "-c", counts))
    assert (ended.returncode, ended.stdout) == (0, "0.1\n0.2\n2\n")
    assert "beginning again, try 2 of 3" in ended.stderr


def test_a_third_try_is_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DRIVEVLA_DEMO_TRY", "3")
    ended = run(30.0, again=(sys.executable, "-c", "print('never')"))
    assert (ended.returncode, ended.stdout) == (1, "0.1\n0.2\n")


def test_a_drive_with_signs_of_life_comes_to_its_end_and_its_process_goes_on() -> None:
    ended = run(0.05)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.endswith("came to its end\n")
