"""Files of JSON records that may follow each other without line breaks.

Source: the layouts of the full and the mini release, as loaders in public repositories and Milvus' documentation show
them; the data set itself is gated.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from drivevla.errors import DataError

__all__ = ["PICTURE_PX", "field_of", "read_records"]

PICTURE_PX = (1928, 1208)
"""Width and height of every picture."""


def read_records(path: Path) -> list[Any]:
    """Every record of a file, wrapped or flat.

    Raises:
        DataError: The file is missing, or holds something else at the named character.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise DataError(f"{path} is missing") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is no UTF-8 text at byte {error.start}") from error
    decoder, records, at = json.JSONDecoder(), list[Any](), 0
    while at < len(text):
        if text[at].isspace():
            at += 1
            continue
        try:
            record, end = decoder.raw_decode(text, at)
        except json.JSONDecodeError as error:
            whole = "ends within" if not text.rstrip().endswith(("}", "]")) else "is broken in"
            raise DataError(
                f"{path} {whole} record {len(records)}, which begins at character {at}: {error.msg}"
            ) from error
        if not isinstance(record, dict | list):
            raise DataError(f"{path}: record {len(records)} at character {at} is no object but {record!r:.40}")
        records.append(_unwrapped(record, len(records), path))
        at = end
    return records


def _unwrapped(record: Any, index: int, path: Path) -> Any:
    """The inner record of ``{"17": {...}}``; others as they are."""
    if isinstance(record, dict) and len(record) == 1:
        (key, inner), *_ = record.items()
        if key.isdecimal() and isinstance(inner, dict | list):
            if int(key) != index:
                raise DataError(f"{path}: record {index} is of frame {key}: one is missing, double or out of order")
            return inner
    return record


def field_of(record: Mapping[str, Any], *spellings: str) -> Any:
    """The first field that is there, of several spellings; None where none is."""
    return next((record[name] for name in spellings if name in record), None)
