"""What is compiled is kept under a name that changes with whatever is compiled in."""

import os
from pathlib import Path

import pytest

from drivevla.sim.server import numba_import
from drivevla.sim.server.numba_import import _folder, _sources, is_everything_kept, note_everything_kept


def test_a_kept_loop_is_named_by_the_modules_of_its_callees_and_constants() -> None:
    kernels = {file.name for file in _sources(("kernel",))}
    loops = {file.name for file in _sources(("compiled", "inlined"))}
    assert {"tyres.py", "vehicle_rows.py"} <= kernels, "friction, and the layout of a vehicle's row"
    assert {"vectors.py", "triangles.py"} <= loops, "a function written out into loops, and a constant of theirs"
    assert "shading.py" not in kernels, "to edit what shades need not compile the bodies' step anew"


def test_a_changed_callee_gives_another_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "step.py").write_text("from drivevla.sim.server.gains import GAIN\n\n@kernel\ndef step(): ...\n")
    (tmp_path / "gains.py").write_text("GAIN = 1.0\n")
    (tmp_path / "other.py").write_text("OTHER = 1.0\n")
    monkeypatch.setattr(numba_import, "__file__", str(tmp_path / "numba_import.py"))
    monkeypatch.setattr(numba_import, "cache_folder", lambda: tmp_path)

    def folder() -> Path | None:
        _folder.cache_clear()
        return _folder("kernel")

    try:
        before = folder()
        (tmp_path / "other.py").write_text("OTHER = 2.0\n")
        assert folder() == before
        (tmp_path / "gains.py").write_text("GAIN = 2.0\n")
        assert folder() != before
    finally:
        _folder.cache_clear()


def test_a_file_that_numba_would_compile_anew_is_not_taken_as_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = tmp_path / "step.py"
    step.write_text("@kernel\ndef step(): ...\n")
    monkeypatch.setattr(numba_import, "__file__", str(tmp_path / "numba_import.py"))
    monkeypatch.setattr(numba_import, "cache_folder", lambda: tmp_path / "cache")
    _folder.cache_clear()
    try:
        assert not is_everything_kept()
        note_everything_kept()
        assert is_everything_kept()
        os.utime(step, (1.0, 1.0))
        assert not is_everything_kept()
    finally:
        _folder.cache_clear()
