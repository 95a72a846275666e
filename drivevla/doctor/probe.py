"""A few lines of Python run in a process of their own.

A package may be absent, may refuse to load, may abort the process on an instruction that this processor lacks, or may
hang: whatever it does, the doctor lives to tell.
"""

import re
import signal
import subprocess
import sys
from dataclasses import dataclass

__all__ = ["Answer", "ask"]

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True)
class Answer:
    """What the process said.

    Attributes:
        ok: Whether it ended well.
        text: What it printed, or why it ended badly: the last line of its traceback.
    """

    ok: bool
    text: str


def ask(program: str, *, timeout_s: float = 60.0) -> Answer:
    """Run a program with this interpreter.

    Args:
        program: Python source; what it prints is the answer.
        timeout_s: When to give up.
    """
    command = [sys.executable, "-W", "ignore", "-c", program]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout_s, check=False)
    except subprocess.TimeoutExpired:
        return Answer(ok=False, text=f"gave no answer within {timeout_s:g} s")
    if done.returncode == 0:
        return Answer(ok=True, text=done.stdout.strip())
    if done.returncode < 0:
        return Answer(ok=False, text=f"ended by {signal.Signals(-done.returncode).name}")
    lines = [line for line in _COLOUR.sub("", done.stderr).splitlines() if line.strip()]
    return Answer(ok=False, text=lines[-1] if lines else f"ended with code {done.returncode}")
