import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from drivevla.cli import main
from drivevla.datasets.nuscenes import NuScenesReader
from drivevla.types import Fault, FaultKind

Table = list[dict[str, Any]]


def change(root: Path, table: str, edit: Callable[[Table], object]) -> None:
    path = root / "v1.0-mini" / f"{table}.json"
    records = json.loads(path.read_text())
    edit(records)
    path.write_text(json.dumps(records))


def faults(root: Path) -> list[Fault]:
    return list(NuScenesReader.find_faults(root))


def setter(field: str, value: object, index: int = 0) -> Callable[[Table], object]:
    def edit(records: Table) -> None:
        records[index][field] = value

    return edit


def test_a_whole_data_set_has_no_faults(nuscenes_root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert faults(nuscenes_root) == []
    assert main(["data", "validate", str(nuscenes_root)]) == 0
    assert "no faults" in capsys.readouterr().out


def compass_for_yaw(records: Table) -> None:
    for record in records:
        w, x, y, z = record["rotation"]
        record["rotation"] = [(w + z) / np.sqrt(2), x, y, (w - z) / np.sqrt(2)]  # yaw becomes 90 degrees - yaw


def swap_sides(records: Table) -> None:
    left, right = records[0], records[2]
    left["sensor_token"], right["sensor_token"] = right["sensor_token"], left["sensor_token"]


def swap_sizes(records: Table) -> None:
    for record in records:
        record["size"] = [record["size"][1], record["size"][0], record["size"][2]]


@pytest.mark.parametrize(
    ("table", "edit", "kind", "words"),
    [
        ("sample", setter("timestamp", 1.6e9), FaultKind.CORRUPT, "microseconds"),
        ("sample", setter("timestamp", 1_600_000_009_000_000), FaultKind.INCONSISTENT, "later"),
        ("sample", setter("next", "nobody"), FaultKind.MISSING, "not there"),
        ("sample", lambda records: records.pop(4), FaultKind.MISSING, "not there"),
        ("sample", lambda records: records.append(records[0]), FaultKind.DUPLICATE, "twice"),
        ("scene", setter("nbr_samples", 40), FaultKind.INCONSISTENT, "its chain has 9"),
        ("scene", setter("log_token", "x"), FaultKind.MISSING, r"log\.json"),
        ("sample_data", setter("ego_pose_token", "x"), FaultKind.MISSING, r"ego_pose\.json"),
        ("sample_data", setter("width", 1600), FaultKind.INCONSISTENT, "160 x 90 pixels where 1600"),
        ("ego_pose", setter("translation", [float("nan"), 0, 0]), FaultKind.CORRUPT, "finite"),
        ("ego_pose", setter("translation", [900.0, 0, 0], -1), FaultKind.INCONSISTENT, "jumps"),
        ("ego_pose", compass_for_yaw, FaultKind.INCONSISTENT, "sideways"),
        ("calibrated_sensor", setter("rotation", [1, 1, 0, 0]), FaultKind.CORRUPT, "unit quaternion"),
        ("calibrated_sensor", setter("translation", [1700, 0, 1500]), FaultKind.CORRUPT, "within the car"),
        ("calibrated_sensor", setter("camera_intrinsic", [[0, 0, 0]] * 3), FaultKind.CORRUPT, "pinhole"),
        ("calibrated_sensor", swap_sides, FaultKind.INCONSISTENT, "sides swapped"),
        ("sample_annotation", setter("size", [190, 450, 160]), FaultKind.CORRUPT, "in metres"),
        ("sample_annotation", setter("visibility_token", "9"), FaultKind.MISSING, "visibility"),
        ("sample_annotation", swap_sizes, FaultKind.INCONSISTENT, "wider than long"),
    ],
)
def test_a_planted_fault_is_named(
    nuscenes_copy: Path, table: str, edit: Callable[[Table], object], kind: FaultKind, words: str
) -> None:
    change(nuscenes_copy, table, edit)
    found = faults(nuscenes_copy)
    named = [fault for fault in found if (fault.kind is kind and table in fault.file) or "pixels" in fault.message]
    assert any(re.search(words, fault.message) for fault in named), found


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-30])


def not_a_number(path: Path) -> None:
    points = np.fromfile(path, dtype="<f4")
    points[7] = np.nan
    points.tofile(path)


def millimetres(path: Path) -> None:
    (np.fromfile(path, dtype="<f4") * 1000).tofile(path)


@pytest.mark.parametrize(
    ("pattern", "harm", "kind"),
    [
        ("samples/CAM_FRONT/*", Path.unlink, FaultKind.MISSING),
        ("samples/CAM_BACK/*", lambda path: path.write_bytes(path.read_bytes()[:400]), FaultKind.TRUNCATED),
        ("samples/CAM_BACK/*", lambda path: path.write_bytes(b""), FaultKind.TRUNCATED),
        ("samples/CAM_BACK/*", lambda path: path.write_bytes(b"<html>not found</html>"), FaultKind.CORRUPT),
        ("sweeps/LIDAR_TOP/*", Path.unlink, FaultKind.MISSING),
        ("sweeps/LIDAR_TOP/*", cut, FaultKind.TRUNCATED),
        ("samples/LIDAR_TOP/*", not_a_number, FaultKind.CORRUPT),
        ("samples/LIDAR_TOP/*", millimetres, FaultKind.INCONSISTENT),
        ("maps/*", Path.unlink, FaultKind.MISSING),
        ("v1.0-mini/log.json", Path.unlink, FaultKind.MISSING),
        ("v1.0-mini/category.json", cut, FaultKind.TRUNCATED),
        ("v1.0-mini/category.json", lambda path: path.write_text("[{]"), FaultKind.CORRUPT),
    ],
)
def test_a_harmed_file_is_named(
    nuscenes_copy: Path, pattern: str, harm: Callable[[Path], object], kind: FaultKind
) -> None:
    path = sorted(nuscenes_copy.glob(pattern))[0]
    harm(path)
    found = faults(nuscenes_copy)
    assert (kind, str(path.relative_to(nuscenes_copy))) in [(fault.kind, fault.file) for fault in found]


def test_examination_goes_on_counts_and_fails(nuscenes_copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for path in (nuscenes_copy / "samples" / "CAM_FRONT").iterdir():
        path.unlink()
    cut(next((nuscenes_copy / "samples" / "LIDAR_TOP").iterdir()))
    assert main(["data", "validate", str(nuscenes_copy)]) == 1
    assert capsys.readouterr().out.splitlines()[-1] == "18 missing, 1 truncated"
