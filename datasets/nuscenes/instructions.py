"""Sentences in force at keyframes: a table of ours beside nuScenes' own, which the devkit does not look at."""

import json
from pathlib import Path

from drivevla.datasets.nuscenes.layout import INSTRUCTIONS
from drivevla.errors import DataError

__all__ = ["read_instructions"]


def read_instructions(tables: Path) -> dict[str, str]:
    """The sentence of each sample token; none where the data set has no such table.

    Args:
        tables: The folder of the tables.

    Raises:
        DataError: The table is broken.
    """
    path = tables / f"{INSTRUCTIONS}.json"
    if not path.exists():
        return {}
    try:
        records = json.loads(path.read_text(encoding="utf-8"))
        found = {record["sample_token"]: record["sentence"] for record in records}
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path} must be a list of objects with sample_token and sentence: {error!r}") from error
    if not all(isinstance(sentence, str) for sentence in found.values()):
        raise DataError(f"{path} holds a sentence that is no text")
    return found
