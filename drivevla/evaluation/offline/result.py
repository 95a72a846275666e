"""The result file of an open-loop evaluation, and the comparison of two, which must be of the same thing."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drivevla.errors import DataError
from drivevla.evaluation.offline.intervals import Interval, interval_by_drive
from drivevla.runs.atomic import write_text_atomically
from drivevla.runs.condition import ARTEFACTS

__all__ = [
    "COLUMNS_FILE",
    "FORMAT",
    "RESULT_FILE",
    "Difference",
    "compare_results",
    "read_columns",
    "read_result",
    "write_result",
]

FORMAT = 1
RESULT_FILE, COLUMNS_FILE = "open_loop.json", "columns.npz"
_MUST_AGREE = {
    "split_hash": "other samples",
    "data_fingerprint": "other data (ego states, instructions or driven futures)",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One value of two runs.

    Attributes:
        protocol: Its protocol.
        name: The value.
        a: Of the first run.
        b: Of the second.
        less: The first less the second over samples that count in both, with its interval by drive; None for a value
            that is no mean over samples.
    """

    protocol: str
    name: str
    a: float
    b: float
    less: Interval | None


def write_result(folder: Path, result: Mapping[str, Any], columns: Mapping[str, NDArray[Any]]) -> None:
    """Write a result into a run's artefacts; the JSON comes last, so that a run without it is not finished."""
    with (folder / COLUMNS_FILE).open("wb") as file:
        np.savez_compressed(file, **columns)
    write_text_atomically(folder / RESULT_FILE, json.dumps({"format": FORMAT, **result}, indent=2) + "\n")


def read_result(folder: Path) -> dict[str, Any]:
    """The result of a run.

    Args:
        folder: The ``--out`` of ``drivevla evaluate open-loop``.

    Raises:
        DataError: There is none, it is damaged, or of another format.
    """
    path = folder / ARTEFACTS / RESULT_FILE
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{path} is no result of an open-loop evaluation that is finished: {error}") from error
    if content.get("format") != FORMAT:
        raise DataError(f"{path} is of format {content.get('format')}; this version reads {FORMAT}")
    return content


def read_columns(folder: Path) -> dict[str, NDArray[Any]]:
    """Arrays of the run: ``token`` and ``drive`` (N,), and ``PROTOCOL/POLICY/VALUE`` (N,)."""
    path = folder / ARTEFACTS / COLUMNS_FILE
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files}
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read: {error}") from error


def compare_results(a: Path, b: Path) -> tuple[Difference, ...]:
    """Every value of the judged policies of two runs, side by side.

    Raises:
        DataError: The runs judge other samples or other data, share no protocol, or have a protocol in another version.
    """
    results = [read_result(folder) for folder in (a, b)]
    for key, what in _MUST_AGREE.items():
        ours, theirs = (result["data"][key] for result in results)
        if ours != theirs:
            raise DataError(
                f"{a} and {b} are of {what}: {key} {ours[:12]} and {theirs[:12]}; numbers of different sample sets are "
                "not compared, evaluate both on the same"
            )
    shared = [name for name in results[0]["protocols"] if name in results[1]["protocols"]]
    if not shared:
        raise DataError(f"{a} has {_listed(results[0])} and {b} has {_listed(results[1])}: no protocol in common")
    for name in shared:
        protocols = [result["protocols"][name] for result in results]
        versions = [protocol["definition"]["version"] for protocol in protocols]
        if versions[0] != versions[1]:
            raise DataError(f"{name} is version {versions[0]} in {a} and {versions[1]} in {b}; evaluate one again")
        if protocols[0]["truth_fingerprint"] != protocols[1]["truth_fingerprint"]:
            raise DataError(f"{a} and {b} were held against different truths under {name}; evaluate one again")
    columns = [read_columns(folder) for folder in (a, b)]
    return tuple(each for name in shared for each in _differences(name, results, columns))


def _differences(
    protocol: str, results: Sequence[Mapping[str, Any]], columns: Sequence[Mapping[str, NDArray[Any]]]
) -> list[Difference]:
    policies = [result["policy"] for result in results]
    found = [result["protocols"][protocol]["policies"].get(who) for result, who in zip(results, policies, strict=True)]
    if None in found:
        return []
    drives = [str(each) for each in columns[0]["drive"]]
    differences = []
    for name in found[0]["values"]:
        if name not in found[1]["values"]:
            continue
        keys = [f"{protocol}/{who}/{name}" for who in policies]
        paired = all(key in column for key, column in zip(keys, columns, strict=True))
        less = interval_by_drive(columns[0][keys[0]] - columns[1][keys[1]], drives) if paired else None
        a, b = (each["values"][name]["value"] for each in found)
        differences.append(Difference(protocol=protocol, name=name, a=a, b=b, less=less))
    return differences


def _listed(result: Mapping[str, Any]) -> str:
    return ", ".join(result["protocols"]) or "no protocol"
