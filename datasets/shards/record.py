"""One sample as bytes: its row as packed text, its pictures and its sweep as they lie in the drive log.

Curves (futures, lanes, the route) are written as second differences of whole steps: evenly spaced points on an almost
straight line become small numbers, which pack well, and nothing is lost that a row holds.
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from drivevla.datasets.drivelog.rows import Row
from drivevla.errors import DataError

__all__ = ["MOST_RECORD_BYTES", "pack_record", "unpack_record"]

MOST_RECORD_BYTES = 1 << 26
_MOST_ROW_BYTES = 1 << 24
_LENGTH = struct.Struct("<I")
_ABSENT = 0xFFFFFFFF

_MILLI, _CENTI, _YAW, _MICRO = 1e3, 1e2, 1e5, 1e6
_FUTURE = {"times_s": _MICRO, "x_m": _MILLI, "y_m": _MILLI, "yaw_rad": _YAW}


def pack_record(row: Row, pictures: Mapping[str, bytes], sweep: bytes | None) -> bytes:
    """A sample as bytes.

    Args:
        row: As ``DriveLogReader.encoded`` gives it.
        pictures: JPEG by camera.
        sweep: Its sweep, or None.
    """
    text = json.dumps(_reshaped(row, _steps), ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    packed = zlib.compress(text.encode("utf-8"), 9)
    parts = [packed, *(pictures.get(camera["name"], None) for camera in row["cameras"]), sweep]
    lengths = [_ABSENT if part is None else len(part) for part in parts]
    return b"".join(
        [
            _LENGTH.pack(len(parts)),
            *(_LENGTH.pack(length) for length in lengths),
            *(part for part in parts if part is not None),
        ]
    )


def unpack_record(data: bytes) -> tuple[Row, dict[str, bytes], bytes | None]:
    """The row, pictures and sweep of a record.

    Raises:
        DataError: The record is cut short or damaged.
    """
    parts = _parts(data)
    if len(parts) < 2 or parts[0] is None:
        raise DataError("the record holds no row")
    inflater = zlib.decompressobj()
    try:
        text = inflater.decompress(parts[0], _MOST_ROW_BYTES)
        if not inflater.eof:
            raise DataError(f"the record's row is cut short or longer than {_MOST_ROW_BYTES} bytes")
        row: Row = _reshaped(json.loads(text), _numbers)
        names = [camera["name"] for camera in row["cameras"]]
    except (zlib.error, ValueError, KeyError, TypeError) as error:
        raise DataError(f"the record's row is damaged: {error}") from error
    pictures = parts[1:-1]
    if len(pictures) != len(names):
        raise DataError(f"the record names {len(names)} cameras and holds {len(pictures)} pictures")
    return row, {name: data for name, data in zip(names, pictures, strict=True) if data is not None}, parts[-1]


def _parts(data: bytes) -> list[bytes | None]:
    """The parts of a record; every length is held against what is there before anything is cut out."""
    if len(data) < _LENGTH.size:
        raise DataError(f"a record of {len(data)} bytes is cut short")
    (count,) = _LENGTH.unpack_from(data)
    start = _LENGTH.size * (count + 1)
    if start > len(data):
        raise DataError(f"a record of {len(data)} bytes says that it has {count} parts")
    lengths = [length for (length,) in _LENGTH.iter_unpack(data[_LENGTH.size : start])]
    if start + sum(length for length in lengths if length != _ABSENT) != len(data):
        raise DataError(f"a record of {len(data)} bytes is not as long as its parts together")
    parts: list[bytes | None] = []
    for length in lengths:
        parts.append(None if length == _ABSENT else data[start : start + length])
        start += 0 if length == _ABSENT else length
    return parts


Curve = Callable[[list[Any], float], list[Any]]


def _reshaped(row: Mapping[str, Any], curve: Curve) -> Row:
    """The row with its curves written the other way."""
    changed = dict(row)
    changed["future"] = _future(row["future"], curve)
    changed["alternatives"] = _each(
        row["alternatives"], lambda each: {**each, "future": _future(each["future"], curve)}
    )
    changed["lanes"] = _each(row["lanes"], lambda each: {**each, "centerline_m": _path(each["centerline_m"], curve)})
    route = row["route"]
    changed["route"] = None if route is None else {**route, "points_m": _path(route["points_m"], curve)}
    return changed


def _future(future: Mapping[str, Any] | None, curve: Curve) -> Row | None:
    if future is None:
        return None
    return {**future, **{name: curve(future[name], scale) for name, scale in _FUTURE.items()}}


def _path(points: list[Any], curve: Curve) -> list[Any]:
    """Points x, y, x, y, ...: each coordinate is a curve by itself."""
    path: list[Any] = [0] * len(points)
    path[0::2], path[1::2] = curve(points[0::2], _CENTI), curve(points[1::2], _CENTI)
    return path


def _each(items: list[Any] | None, change: Callable[[Any], Row]) -> list[Row] | None:
    return None if items is None else [change(item) for item in items]


def _steps(values: list[Any], scale: float) -> list[Any]:
    """Second differences of whole steps; the first two numbers are a place and a difference."""
    steps = np.round(np.asarray(values, dtype=np.float64) * scale).astype(np.int64)
    return np.diff(np.diff(steps, prepend=0), prepend=0).tolist()


def _numbers(steps: list[Any], scale: float) -> list[Any]:
    return (np.cumsum(np.cumsum(np.asarray(steps, dtype=np.int64))) / scale).tolist()
