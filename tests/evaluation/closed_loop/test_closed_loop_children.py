"""The processes that drive routes."""

from pathlib import Path

import pytest

from drivevla.evaluation.closed_loop.watch import run_child


@pytest.mark.parametrize(("threads", "says"), [(3, "3"), (None, "7")])
def test_a_child_computes_with_as_many_threads_as_it_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, threads: int | None, says: str
) -> None:
    (tmp_path / "told.py").write_text(
        "import os, pathlib, sys\npathlib.Path(sys.argv[1], 'threads').write_text(os.environ['OMP_NUM_THREADS'])\n",
        encoding="utf-8",
    )
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert run_child(tmp_path, hang_s=60.0, beat=lambda *_: None, module="told", threads=threads) is None
    assert (tmp_path / "threads").read_text(encoding="utf-8") == says
