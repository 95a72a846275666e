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
import hashlib
from drivevla.sim.towns.generate import generate_town
from drivevla.sim.towns.kinds import TOWN_KINDS
for kind in reversed(list(TOWN_KINDS)):
    print(kind, hashlib.sha256(generate_town(kind, seed=7).encode()).hexdigest())
"""


def test_the_text_is_equal_across_processes() -> None:
    environment = os.environ | {"PYTHONHASHSEED": "4711"}
    printed = subprocess.run(
        [sys.executable, "-c", _PROGRAM], env=environment, check=True, capture_output=True, text=True, timeout=100
    ).stdout.split()
    theirs = dict(zip(printed[::2], printed[1::2], strict=True))
    ours = {kind: hashlib.sha256(generate_town(kind, seed=7).encode()).hexdigest() for kind in TOWN_KINDS}
    assert theirs == ours


@pytest.mark.parametrize("kind", ["grid", "mixed"])
def test_a_town_takes_little_time(kind: str) -> None:
    begin = time.process_time()
    generate_town(kind, seed=5)
    assert time.process_time() - begin < 3.0
