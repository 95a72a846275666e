"""Stored cases of official code: every ``test_official_FOLDER.py`` is given the cases of that folder.

A test that takes ``case_file`` runs once a case: ``case*.npz`` (or ``.json``), with what the official code printed
beside it. It takes that as ``expected_file`` (``caseN_expected.json``) or ``expected_NAME_file``
(``caseN_expected_NAME.json``). Where there are no cases, it is skipped and says why.
"""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ORACLES = Path(os.environ.get("DRIVEVLA_ORACLES", ROOT.parent / "shared" / "oracles"))
PREFIX = "test_official_"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give a test of official cases its files."""
    module = metafunc.module.__name__.rpartition(".")[2]
    if not module.startswith(PREFIX) or "case_file" not in metafunc.fixturenames:
        return
    if any("case_file" in str(mark.args[0]) for mark in metafunc.definition.iter_markers("parametrize")):
        return
    folder = ORACLES / module.removeprefix(PREFIX)
    expected = next(
        (name for name in metafunc.fixturenames if name.startswith("expected") and name.endswith("_file")), None
    )
    names = ("case_file",) if expected is None else (expected, "case_file")
    found = [pytest.param(*files, id=files[0].stem) for files in _files(folder, expected)]
    missing = pytest.mark.skip(reason=f"no official cases under {folder}; set DRIVEVLA_ORACLES")
    metafunc.parametrize(names, found or [pytest.param(*[folder] * len(names), id="none", marks=missing)])


def _files(folder: Path, expected: str | None) -> list[tuple[Path, ...]]:
    if expected is None:
        return [(path,) for path in sorted(folder.glob("case*.json"))]
    ending = f"_{expected.removesuffix('_file')}.json"
    pairs: list[tuple[Path, ...]] = []
    for path in sorted(folder.glob(f"case*{ending}")):
        stem = path.name.removesuffix(ending)
        pairs.append((path, next(each for each in (folder / f"{stem}.npz", folder / f"{stem}.json") if each.exists())))
    return pairs
