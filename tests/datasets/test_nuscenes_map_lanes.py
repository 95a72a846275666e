"""Lanes of a map expansion, through the real devkit."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from drivevla.datasets.nuscenes import NuScenesReader
from drivevla.datasets.nuscenes.fixture import write_nuscenes_fixture
from drivevla.errors import DataError
from drivevla.testing import check_reader
from drivevla.types import LaneTruth

pytest.importorskip("nuscenes", reason="the extra nuscenes is not installed")

EXPANSION = "maps/expansion/singapore-onenorth.json"
TURNED = 30.0 / 75.0  # the fixture's connectors: 30 m along a bend of 75 m


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("nuscenes_with_map")
    write_nuscenes_fixture(root, keyframes=5, map_expansion=True)
    return root


@pytest.fixture(scope="module")
def reader(root: Path) -> NuScenesReader:
    return NuScenesReader(root, cameras=(), lidar=False)


def lanes_at(reader: NuScenesReader, scene: int, keyframe: int) -> dict[str, LaneTruth]:
    lanes = reader.truth(reader.scenes[scene].tokens[keyframe]).lanes
    assert lanes is not None
    return {lane.lane_id: lane for lane in lanes}


def test_lanes_near_the_car_come_with_what_they_lead_into(reader: NuScenesReader) -> None:
    lanes = lanes_at(reader, 0, 0)
    assert {name: (lane.in_junction, lane.successors) for name, lane in lanes.items()} == {
        "approach": (False, ("left", "right")),
        "oncoming": (False, ()),
        "left": (True, ("left-exit",)),
        "right": (True, ("right-exit",)),
        "left-exit": (False, ()),
        "right-exit": (False, ()),
    }, "and not the lane that is a kilometre away"
    assert all(lane.left_id is None and lane.may_change_left is None for lane in lanes.values()), "nobody knows"


def test_centre_lines_run_in_driving_direction_in_the_ego_frame(reader: NuScenesReader) -> None:
    lanes = lanes_at(reader, 0, 0)  # the car stands at the world's origin and looks along x
    approach, oncoming, left = (lanes[name].centerline_m for name in ("approach", "oncoming", "left"))
    assert approach == pytest.approx(np.column_stack([np.arange(-30.0, 1.0), np.zeros(31)]), abs=1e-9)
    assert oncoming[[0, -1]] == pytest.approx(np.array([[0.0, 3.5], [-30.0, 3.5]]), abs=1e-9)
    assert left[-1] == pytest.approx([75.0 * np.sin(TURNED), 75.0 * (1.0 - np.cos(TURNED))], abs=1e-6)
    assert np.linalg.norm(np.diff(left, axis=0), axis=1) == pytest.approx(1.0, abs=0.01)


def test_the_drive_goes_along_its_connector(reader: NuScenesReader) -> None:
    """After 2 s at 6 m/s, 12 m into the bend."""
    for scene, name in enumerate(("left", "right")):
        lanes = lanes_at(reader, scene, 4)
        assert lanes[name].centerline_m[12] == pytest.approx([0.0, 0.0], abs=1e-6)
        side = 1.0 if name == "left" else -1.0
        start = [-75.0 * np.sin(0.16), side * 75.0 * (1.0 - np.cos(0.16))]
        assert lanes[name].centerline_m[0] == pytest.approx(start, abs=1e-6)
        assert lanes["approach"].centerline_m[-1] == pytest.approx(start, abs=1e-6)


def test_widths_are_the_polygons_and_connectors_take_their_neighbours(reader: NuScenesReader) -> None:
    widths = {name: lane.width_m for name, lane in lanes_at(reader, 0, 0).items()}
    assert widths == pytest.approx(
        {"approach": 3.5, "oncoming": 3.5, "left": 3.25, "right": 3.25, "left-exit": 3.0, "right-exit": 3.0}
    )


def test_the_reader_keeps_the_contract_with_lanes(reader: NuScenesReader) -> None:
    assert check_reader(reader, samples_per_scene=2, tolerance_m=0.02) == 4


def test_without_the_expansion_lanes_are_not_known(nuscenes_root: Path) -> None:
    reader = NuScenesReader(nuscenes_root, cameras=(), lidar=False)
    assert reader.truth(reader.scenes[0].tokens[0]).lanes is None


def test_our_pictures_keep_their_style(reader: NuScenesReader) -> None:
    import matplotlib

    lanes_at(reader, 0, 0)
    assert matplotlib.rcParams["axes.grid"] == matplotlib.rcParamsDefault["axes.grid"]


def edited(root: Path, folder: Path, edit: Callable[[dict[str, Any]], object]) -> NuScenesReader:
    """A data set of its own with a changed map."""
    write_nuscenes_fixture(folder, keyframes=2)
    document = json.loads((root / EXPANSION).read_text())
    edit(document)
    (folder / EXPANSION).parent.mkdir(parents=True)
    (folder / EXPANSION).write_text(json.dumps(document))
    return NuScenesReader(folder, cameras=(), lidar=False)


def test_what_has_no_centre_line_or_no_width_is_left_out(root: Path, tmp_path: Path) -> None:
    def edit(document: dict[str, Any]) -> None:
        del document["arcline_path_3"]["oncoming"]
        document["connectivity"]["right"] = {"incoming": [], "outgoing": []}
        del document["connectivity"]["left-exit"]
        for node in document["node"][-4:]:  # the polygon of the right exit comes last
            node["y"] = 0.0

    lanes = lanes_at(edited(root, tmp_path, edit), 0, 0)
    assert set(lanes) == {"approach", "left", "left-exit"}
    assert lanes["left-exit"].successors is None


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (lambda document: document.update(version="1.2"), r"version 1\.2.*1\.3"),
        (lambda document: document.pop("connectivity"), "connectivity"),
        (lambda document: document["polygon"].pop(), "right-exit-polygon"),
    ],
)
def test_a_broken_expansion_is_an_error_that_names_it(
    root: Path, tmp_path: Path, edit: Callable[[dict[str, Any]], object], words: str
) -> None:
    reader = edited(root, tmp_path, edit)
    with pytest.raises(DataError, match=f"onenorth.*{words}"):
        reader.truth(reader.scenes[0].tokens[0])


def test_an_expansion_that_was_cut_short_is_an_error(root: Path, tmp_path: Path) -> None:
    reader = edited(root, tmp_path, lambda document: None)
    path = tmp_path / EXPANSION
    path.write_text(path.read_text()[:-40])
    with pytest.raises(DataError, match="no map expansion"):
        reader.truth(reader.scenes[0].tokens[0])
