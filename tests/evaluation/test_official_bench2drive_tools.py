"""Every stored case of Bench2Drive's result scripts."""

import gzip
import json
import os
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from drivevla.evaluation.driving_score import RouteRecord, read_result_file
from drivevla.evaluation.driving_score.bench2drive import (
    AbilityScores,
    RouteOutline,
    RouteTrace,
    comfort_share,
    score_abilities,
    score_efficiency,
    summarise,
)
from drivevla.evaluation.driving_score.bench2drive.ability import Release

ROOT = Path(__file__).resolve().parents[2]
FOLDER = Path(os.environ.get("DRIVEVLA_ORACLES", ROOT.parent / "shared" / "oracles")) / "bench2drive_tools"
RELATIVE = 1e-9
FIRST = 12  # records that efficiency and smoothness were run on

pytestmark = pytest.mark.real_data


def cases(pattern: str) -> list[Any]:
    found = [pytest.param(path, id=path.stem) for path in sorted(FOLDER.glob(pattern))]
    missing = pytest.mark.skip(reason=f"no {pattern} under {FOLDER}; set DRIVEVLA_ORACLES")
    return found or [pytest.param(FOLDER, id="none", marks=missing)]


RESULTS = cases("case*_expected.json")
SMOOTHNESS = cases("smoothness_case*_expected.json")


@pytest.mark.parametrize("expected_file", RESULTS)
def test_official_driving_score_and_success_rate(expected_file: Path, tmp_path: Path) -> None:
    expected = json.loads(expected_file.read_text())
    summary = summarise(records_of(expected_file, tmp_path))
    assert summary.driving_score == pytest.approx(expected["driving score"], rel=RELATIVE)
    assert summary.success_rate == pytest.approx(expected["success rate"], rel=RELATIVE)
    assert summary.driven_routes == expected["eval num"]


@pytest.mark.parametrize("release", ["0.0.3", "0.0.4"])
@pytest.mark.parametrize("expected_file", RESULTS)
def test_official_abilities(expected_file: Path, release: Release, tmp_path: Path) -> None:
    expected = json.loads(expected_file.read_text())[f"ability_{release}"]
    scores = abilities_of(expected_file, release, tmp_path)
    assert {**scores.shares, "mean": scores.mean} == pytest.approx(
        {name: value for name, value in expected.items() if name != "crashed"}, rel=RELATIVE
    )
    assert [list(missing) for missing in scores.missing] == expected["crashed"]


@pytest.mark.parametrize("expected_file", RESULTS)
def test_official_efficiency(expected_file: Path, tmp_path: Path) -> None:
    expected = json.loads(expected_file.read_text())[f"efficiency_first{FIRST}"]
    efficiency = score_efficiency(records_of(expected_file, tmp_path)[:FIRST])
    assert list(efficiency.by_route.values()) == pytest.approx(expected["per_record"], rel=RELATIVE)
    assert efficiency.mean == pytest.approx(expected["mean"], rel=RELATIVE)


@pytest.mark.parametrize("expected_file", RESULTS)
def test_official_smoothness(expected_file: Path, tmp_path: Path) -> None:
    expected = json.loads(expected_file.read_text())[f"smoothness_first{FIRST}"]
    records = records_of(expected_file, tmp_path)[:FIRST]
    arrays = inputs_of(expected_file)
    names = [record.scenario.save_name for record in records if record.scenario]
    assert_shares([comfort(arrays[f"metric_{name}"]) for name in names], expected)


@pytest.mark.parametrize("expected_file", SMOOTHNESS)
def test_official_smoothness_near_the_limits(expected_file: Path) -> None:
    expected = json.loads(expected_file.read_text())
    with np.load(expected_file.with_name(expected_file.name.replace("_expected.json", ".npz"))) as arrays:
        per_record = {name: comfort(arrays[name]) for name in arrays.files}
    official = expected["per_record"]
    if isinstance(official, dict):
        assert set(official) == set(per_record)
        expected = {**expected, "per_record": [official[name] for name in per_record]}
    assert_shares(list(per_record.values()), expected)


def assert_shares(ours: list[float], expected: Mapping[str, Any]) -> None:
    assert ours == pytest.approx(expected["per_record"], rel=RELATIVE, abs=0.0)
    assert np.mean(ours) == pytest.approx(expected["mean"], rel=RELATIVE, abs=0.0)


def comfort(columns: NDArray[np.float64]) -> float:
    cos, sin = columns[:, 6], columns[:, 7]
    return comfort_share(columns[:, 0:3], columns[:, 5], np.stack([cos, sin], 1), np.stack([-sin, cos], 1))


def abilities_of(expected_file: Path, release: Release, tmp_path: Path) -> AbilityScores:
    arrays = inputs_of(expected_file)
    traces = {
        str(route_id): RouteTrace(points=int(points), first_junction=int(junction))
        for route_id, points, junction in zip(
            arrays["route_id"], arrays["route_points"], arrays["first_junction"], strict=True
        )
    }
    return score_abilities(
        records_of(expected_file, tmp_path),
        outlines_of(sibling(expected_file, "routes.xml.gz")),
        lambda route: traces[route.route_id],
        release=release,
    )


def outlines_of(route_file: Path) -> list[RouteOutline]:
    outlines = []
    for route in ET.fromstring(gzip.decompress(route_file.read_bytes())).iter("route"):
        scenario = route.find("scenarios/scenario")
        assert scenario is not None
        outlines.append(
            RouteOutline(route_id=route.attrib["id"], town=route.attrib["town"], scenario=scenario.attrib["type"])
        )
    return outlines


def records_of(expected_file: Path, tmp_path: Path) -> tuple[RouteRecord, ...]:
    unpacked = tmp_path / "results.json"
    unpacked.write_bytes(gzip.decompress(sibling(expected_file, "results.json.gz").read_bytes()))
    return read_result_file(unpacked, rules="bench2drive").records


def inputs_of(expected_file: Path) -> dict[str, NDArray[Any]]:
    with np.load(sibling(expected_file, "inputs.npz"), allow_pickle=False) as arrays:
        return {name: arrays[name] for name in arrays.files}


def sibling(expected_file: Path, ending: str) -> Path:
    return expected_file.with_name(expected_file.name.replace("expected.json", ending))
