"""What is wrong with a nuScenes folder, from its tables and files alone: the devkit gives up at the first fault."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias

from drivevla.datasets.examining import fault
from drivevla.datasets.nuscenes.file_faults import file_faults
from drivevla.datasets.nuscenes.layout import TABLES, find_version
from drivevla.datasets.nuscenes.record_faults import record_faults
from drivevla.errors import DataError
from drivevla.types import Fault, FaultKind

__all__ = ["find_faults"]

Record: TypeAlias = Mapping[str, Any]

_REFERENCES = {  # table: field -> table that it points into
    "scene": {"log_token": "log", "first_sample_token": "sample", "last_sample_token": "sample"},
    "sample": {"scene_token": "scene"},
    "sample_data": {
        "sample_token": "sample",
        "ego_pose_token": "ego_pose",
        "calibrated_sensor_token": "calibrated_sensor",
    },
    "calibrated_sensor": {"sensor_token": "sensor"},
    "sample_annotation": {"sample_token": "sample", "instance_token": "instance"},
    "instance": {"category_token": "category"},
}
_CHAINED = ("sample", "sample_data", "sample_annotation")


def find_faults(root: Path) -> Iterator[Fault]:
    """Every fault of every release in a folder."""
    versions = sorted(folder.name for folder in root.glob("v1.0-*") if folder.is_dir())
    if not versions:
        yield fault(FaultKind.MISSING, "v1.0-*", "no folder with tables")
    for version in versions:
        find_version(root, version)
        tables: dict[str, dict[str, Record]] = {}
        for name in TABLES:
            tables[name] = {}
            yield from _read_table(root, f"{version}/{name}.json", tables[name])
        yield from _references(version, tables)
        yield from record_faults(version, tables)
        yield from file_faults(root, version, tables)


def _read_table(root: Path, file: str, table: dict[str, Record]) -> Iterator[Fault]:
    try:
        records = _json_list(root / file)
    except FileNotFoundError:
        yield fault(FaultKind.MISSING, file, "the table is not there")
        return
    except DataError as error:
        kind = FaultKind.TRUNCATED if "ends" in str(error) else FaultKind.CORRUPT
        yield fault(kind, file, str(error))
        return
    for index, record in enumerate(records):
        token = record.get("token") if isinstance(record, dict) else None
        if not isinstance(token, str) or not token:
            yield fault(FaultKind.CORRUPT, file, "a record has no token", f"record {index}")
        elif token in table:
            yield fault(FaultKind.DUPLICATE, file, "the token is there twice", token)
        else:
            table[token] = record


def _json_list(path: Path) -> list[Any]:
    text = path.read_text(encoding="utf-8", errors="replace")
    try:
        records = json.loads(text)
    except json.JSONDecodeError as error:
        where = f"is no JSON at character {error.pos}" if text.rstrip().endswith("]") else "ends too early"
        raise DataError(f"the table {where}: {error.msg}") from error
    if not isinstance(records, list):
        raise DataError(f"the table must be a list of records, got {type(records).__name__}")
    return records


def _references(version: str, tables: Mapping[str, Mapping[str, Record]]) -> Iterator[Fault]:
    for name, fields in _REFERENCES.items():
        for token, record in tables[name].items():
            for field, target in fields.items():
                if record.get(field) not in tables[target]:
                    message = f"{field} {record.get(field)!r} is not in {target}.json"
                    yield fault(FaultKind.MISSING, f"{version}/{name}.json", message, token)
    for name in _CHAINED:
        for token, record in tables[name].items():
            for field, back in (("prev", "next"), ("next", "prev")):
                other = record.get(field)
                if not other:
                    continue
                if other not in tables[name]:
                    yield fault(FaultKind.MISSING, f"{version}/{name}.json", f"{field} {other!r} is not there", token)
                elif tables[name][other].get(back) != token:
                    message = f"{field} leads to {other}, whose {back} leads elsewhere"
                    yield fault(FaultKind.INCONSISTENT, f"{version}/{name}.json", message, token)
