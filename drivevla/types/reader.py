"""What a reader of a data set promises. Registered in the group "readers"; made from the data set's folder."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Protocol, runtime_checkable

from drivevla.errors import ContractError
from drivevla.types.sample import Sample

__all__ = ["Fault", "FaultKind", "FindsFaults", "Reader", "RecognisesFolder", "Scene", "SparesSensors"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """One uninterrupted drive.

    Attributes:
        name: What the data set calls it.
        tokens: Its samples in the order of time.
        split: "train", "val", "test" or another name of the data set's own; None where there are no splits.
        map_name: Where it was driven.
        description: What happens, in the data set's words.
    """

    name: str
    tokens: tuple[str, ...]
    split: str | None = None
    map_name: str | None = None
    description: str | None = None

    def __post_init__(self) -> None:
        """Check that the samples are different ones.

        Raises:
            ContractError: The name is empty, or a token occurs twice.
        """
        if not self.name:
            raise ContractError("a scene must have a name")
        if len(set(self.tokens)) != len(self.tokens):
            raise ContractError(f"scene {self.name!r} holds a token twice")


@runtime_checkable
class Reader(Protocol):
    """A data set as it lies on disk. ``drivevla.testing.check_reader`` holds a reader to this contract.

    Made from its folder: ``reader = registry.load("readers", "nuscenes")(Path("/data/nuscenes"))``. Making one reads
    tables, no sensor files.
    """

    @property
    def dataset(self) -> str:
        """The data set and its release."""
        ...

    @property
    def scenes(self) -> Sequence[Scene]:
        """Every drive; tokens are unique over all of them."""
        ...

    def sample(self, token: str) -> Sample:
        """Read one sample, the same each time.

        Raises:
            DataError: A file is missing, or a record is corrupt; the message names it. Nothing is filled in.
            UnknownName: There is no such token.
        """
        ...


@runtime_checkable
class RecognisesFolder(Protocol):
    """A reader that can tell whether a folder is its data set, from names of files alone."""

    @classmethod
    def recognises(cls, root: Path) -> bool:
        """Whether ``root`` looks like this data set, intact or not."""
        ...


@runtime_checkable
class SparesSensors(Protocol):
    """A reader that can leave out pictures and sweep, for those who only ask what was driven."""

    def sample_without_sensors(self, token: str) -> Sample:
        """The sample as ``sample`` reads it, but for what its sensors saw; faults in that are not found.

        Raises:
            DataError: A record is corrupt; the message names it.
            UnknownName: There is no such token.
        """
        ...


class FaultKind(Enum):
    """What is wrong with a file or record."""

    MISSING = "missing"
    """Named elsewhere, but not there."""
    TRUNCATED = "truncated"
    """Ends too early."""
    CORRUPT = "corrupt"
    """Cannot be read, or holds what cannot be: NaN, a calibration that is not orthonormal, a wrong type."""
    INCONSISTENT = "inconsistent"
    """Readable by itself, but at odds with another record: times, counts, poses, units, sides."""
    DUPLICATE = "duplicate"
    """There twice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing that is wrong with a data set.

    Attributes:
        kind: What kind of thing.
        file: The file, relative to the data set's folder.
        record: The record within it, where the file holds several.
        message: What was found, and what was expected.
    """

    kind: FaultKind
    file: str
    message: str
    record: str | None = None

    def __str__(self) -> str:
        place = self.file if self.record is None else f"{self.file} [{self.record}]"
        return f"{self.kind.value}: {place}: {self.message}"


@runtime_checkable
class FindsFaults(Protocol):
    """A reader that can examine a folder, even one that it could not be made from."""

    @classmethod
    def find_faults(cls, root: Path) -> Iterator[Fault]:
        """Every fault of the data set in ``root``; goes on after each."""
        ...
