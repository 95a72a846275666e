import importlib.util
import subprocess
import sys
from typing import cast

import pytest

from drivevla import registry
from drivevla.errors import UnknownName
from drivevla.registry import BUILT_IN, GROUPS, Group


def test_every_group_has_a_table() -> None:
    assert set(BUILT_IN) == set(GROUPS)


def test_every_built_in_name_leads_to_something() -> None:
    for group, table in BUILT_IN.items():
        for name, target in table.items():
            module, _, attribute = target.partition(":")
            assert importlib.util.find_spec(module) is not None, f"{group}/{name}: no module {module}"
            assert attribute


def test_an_unknown_group_names_the_nearest() -> None:
    with pytest.raises(UnknownName, match="did you mean 'metrics'"):
        registry.names(cast(Group, "metric"))


def test_an_unknown_name_names_the_nearest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(cast(dict[str, object], BUILT_IN), "heads", {"regression": "json:JSONDecoder"})

    with pytest.raises(UnknownName, match="no head 'regresion'; did you mean 'regression'"):
        registry.load("heads", "regresion")


def test_a_name_is_loaded_from_its_module(monkeypatch: pytest.MonkeyPatch) -> None:
    import json

    monkeypatch.setitem(cast(dict[str, object], BUILT_IN), "readers", {"json": "json:JSONDecoder"})

    assert registry.load("readers", "json") is json.JSONDecoder


def test_listing_imports_nothing() -> None:
    program = """
import sys
from drivevla import registry
registry.BUILT_IN["heads"]["x"] = "tabnanny:check"
assert "x" in registry.names("heads")
assert "tabnanny" not in sys.modules
"""

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)

    assert done.returncode == 0, done.stderr
