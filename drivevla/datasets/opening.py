"""From a folder to its reader."""

from pathlib import Path
from typing import Any

from drivevla import registry
from drivevla.errors import ConfigError, DataError
from drivevla.types import Reader, RecognisesFolder

__all__ = ["open_dataset", "reader_class"]


def reader_class(root: Path, name: str | None = None) -> type[Any]:
    """The class that reads a folder.

    Args:
        root: A data set as downloaded.
        name: The reader's name; found from the files where it is not given.

    Raises:
        DataError: The folder is not there, or no reader or more than one recognises it.
        UnknownName: There is no such reader.
    """
    if not root.is_dir():
        raise DataError(f"{root} is no folder")
    if name is not None:
        chosen: type[Any] = registry.load("readers", name)
        return chosen
    known: dict[str, type[Any]] = {each: registry.load("readers", each) for each in registry.names("readers")}
    found = [each for each, kind in known.items() if _recognises(kind, root)]
    if len(found) != 1:
        what = f"is recognised by {', '.join(found)}" if found else "is no data set that a reader recognises"
        raise DataError(f"{root} {what}; name one with --dataset (known: {', '.join(known)})")
    return known[found[0]]


def _recognises(kind: object, root: Path) -> bool:
    return isinstance(kind, RecognisesFolder) and kind.recognises(root)


def open_dataset(root: Path, name: str | None = None, **options: Any) -> Reader:
    """A reader of a folder.

    Args:
        root: A data set as downloaded.
        name: The reader's name; found from the files where it is not given.
        options: What this reader's constructor takes beyond the folder.

    Raises:
        ConfigError: What is registered under that name keeps not the contract.
    """
    reader = reader_class(root, name)(root, **options)
    if not isinstance(reader, Reader):
        raise ConfigError(f"{type(reader).__name__} is registered as a reader but has no dataset, scenes and sample")
    return reader
