"""METEOR 1.5 for English, by its own Java program with its own paraphrase tables, as pycocoevalcap 1.2 runs it.

Program and tables come with the package pycocoevalcap; none of its code is run. The program is spoken to over its
standard input and output (``-stdio``): it answers every ``SCORE`` line with the statistics of a sample, and ``EVAL``
with the score of each and of all of them together.

Source: Denkowski and Lavie, "Meteor Universal" (WMT 2014), version 1.5; salaniz/pycocoevalcap 1.2, ``meteor/meteor.py``
for the options (``-l en -norm``) and the order of the lines.
"""

import importlib.util
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from drivevla.errors import MissingExtra, UserError

__all__ = ["Meteor", "meteor", "require_meteor"]

_MEMORY = "-Xmx2G"  # the tables fill most of it
_BETWEEN = " ||| "

Words = Sequence[str]


@dataclass(frozen=True, slots=True)
class Meteor:
    """METEOR of a corpus and of its items.

    Attributes:
        corpus: Of all items together, which is not the mean of the items.
        items: (N,) of every item alone.
    """

    corpus: float
    items: NDArray[np.float64]


def require_meteor() -> tuple[str, Path]:
    """The Java command and METEOR's jar.

    Raises:
        MissingExtra: Java or the package that brings METEOR is not installed; both are named where both lack.
    """
    java = shutil.which("java")
    package = importlib.util.find_spec("pycocoevalcap")
    folders = [] if package is None else [Path(each) / "meteor" for each in package.submodule_search_locations or ()]
    jar = next((path for folder in folders for path in folder.glob("meteor-*.jar")), None)
    lacking = [] if java else ["Java 1.8 or newer (no 'java' on the PATH; install a Java runtime)"]
    lacking += [] if jar else ["the package with its jar and tables (pip install 'drivevla[meteor]')"]
    if java is None or jar is None:
        raise MissingExtra(
            f"METEOR is a Java program and lacks {' and '.join(lacking)}; the protocol text needs neither"
        )
    return java, jar


def meteor(hypotheses: Sequence[Words], references: Sequence[Sequence[Words]]) -> Meteor:
    """Score hypotheses, each against at least one reference; loading the tables takes some seconds of every call.

    Args:
        hypotheses: Words as ``penn_words`` splits them.
        references: The same of every hypothesis' references.

    Raises:
        MissingExtra: Java or the package is not there.
        UserError: The program failed; the message holds what it said.
    """
    java, jar = require_meteor()
    command = [java, _MEMORY, "-Dfile.encoding=UTF-8", "-jar", jar.name, "-", "-", "-stdio", "-l", "en", "-norm"]
    with (
        tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as said,
        subprocess.Popen(
            command, cwd=jar.parent, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=said, encoding="utf-8"
        ) as program,
    ):
        assert program.stdin is not None  # both are pipes
        assert program.stdout is not None
        try:
            statistics = [
                _asked(program.stdin, program.stdout, ["SCORE", *map(_line, refs), _line(words)])
                for words, refs in zip(hypotheses, references, strict=True)
            ]
            items = [float(_asked(program.stdin, program.stdout, ["EVAL", *statistics]))]
            items += [float(_answer(program.stdout)) for _ in statistics]
        except (OSError, ValueError) as error:
            program.kill()
            program.wait()
            with suppress(OSError):  # what was not written yet goes nowhere
                program.stdin.close()
            said.seek(0)
            raise UserError(
                f"METEOR's program stopped or gave no numbers ({error}); it said: {said.read()[-500:] or 'nothing'}"
            ) from error
        program.stdin.close()
    return Meteor(corpus=items[-1], items=np.array(items[:-1]))


def _line(words: Words) -> str:
    return " ".join(word for word in words if "|||" not in word)


def _asked(stdin: IO[str], stdout: IO[str], parts: Sequence[str]) -> str:
    stdin.write(_BETWEEN.join(parts) + "\n")
    stdin.flush()
    return _answer(stdout)


def _answer(stdout: IO[str]) -> str:
    answer = stdout.readline().strip()
    if not answer:
        raise ValueError("it ended early")
    return answer
