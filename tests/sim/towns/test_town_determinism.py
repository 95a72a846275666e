"""A town is its kind and seed: the same bytes in every process."""

import hashlib
import os
import subprocess
import sys
import time

import pytest

from drivevla.sim.towns.generate import generate_town
from drivevla.sim.towns.kinds import TOWN_KINDS

_PROGRAM = """
import hashlib, sys
from drivevla.sim.towns.generate import generate_town
for kind in sys.argv[1:]:
    print(kind, hashlib.sha256(generate_town(kind, seed=7).encode()).hexdigest())
"""


@pytest.mark.parametrize(
    "kinds", [("mixed", "roundabout"), pytest.param(tuple(TOWN_KINDS), marks=pytest.mark.slow)], ids=["two", "all"]
)
def test_the_text_is_equal_across_processes(kinds: tuple[str, ...]) -> None:
    environment = os.environ | {"PYTHONHASHSEED": "4711"}
    command = [sys.executable, "-c", _PROGRAM, *reversed(kinds)]
    printed = subprocess.run(command, env=environment, check=True, capture_output=True, text=True, timeout=100).stdout
    theirs = dict(line.split() for line in printed.splitlines())
    ours = {kind: hashlib.sha256(generate_town(kind, seed=7).encode()).hexdigest() for kind in kinds}
    assert theirs == ours


@pytest.mark.parametrize("kind", ["grid", "mixed"])
def test_a_town_takes_little_time(kind: str) -> None:
    begin = time.process_time()
    generate_town(kind, seed=5)
    assert time.process_time() - begin < 3.0
