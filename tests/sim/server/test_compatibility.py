"""The compatibility page tries every method that the client has."""

from pathlib import Path

import carla
import pytest

from drivevla.sim.server import RunningServer
from drivevla.sim.server.calls.every import every_call
from drivevla.sim.server.compatibility import page, try_everything
from drivevla.sim.server.compatibility_probes import PROBES, UNTRIED

PAGE = Path(__file__).parents[3] / "docs" / "carla-compatibility.md"


def _own_methods(name: str) -> set[str]:
    kind = getattr(carla, name)
    inherited = {method for base in kind.__bases__ for method in dir(base)}
    return {method for method in dir(kind) if not method.startswith("_")} - inherited


@pytest.mark.parametrize("name", sorted(PROBES))
def test_every_method_is_tried_or_excused(name: str) -> None:
    assert set(PROBES[name]) | set(UNTRIED.get(name, {})) == _own_methods(name)


def test_page_names_every_call_of_the_server() -> None:
    text = PAGE.read_text(encoding="utf-8")
    missing = [call.name for call in every_call().values() if f"`{call.name}`" not in text]
    assert not missing, "run python -m drivevla.sim.server.compatibility docs/carla-compatibility.md"


def test_page_holds_no_method_that_fails_for_reasons_of_our_own() -> None:
    rows = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if "| fails |" in line]
    without_components = {"get_component_relative_transform", "get_component_world_transform"}
    assert {row.split("`")[1] for row in rows} <= without_components


@pytest.mark.slow
def test_page_is_what_the_client_finds(running_server: RunningServer) -> None:
    assert page(try_everything(running_server)).splitlines()[0] == PAGE.read_text(encoding="utf-8").splitlines()[0]
