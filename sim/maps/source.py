"""A map as every other room sees it: its name, its OpenDRIVE text and where it came from."""

import gzip
import zlib
from dataclasses import dataclass
from pathlib import Path
from xml.parsers import expat

from drivevla.errors import DataError

__all__ = ["MAP_SUFFIXES", "MAX_FILE_BYTES", "MAX_TEXT_BYTES", "MapSource", "check_opendrive", "map_name", "read_map"]

MAP_SUFFIXES = (".xodr", ".xodr.gz")
MAX_FILE_BYTES = 64 * 2**20
"""Largest map file that is opened; CARLA's Town11 has 23 MB of text, 2.4 MB packed."""
MAX_TEXT_BYTES = 256 * 2**20
"""Most text that a packed map may unfold to; unpacking stops there, so that a gzip bomb costs no more memory."""


@dataclass(frozen=True, slots=True)
class MapSource:
    """One map.

    Attributes:
        name: What CARLA calls it: ``Town03``, ``Gen_grid_7``, or a file's name without its suffix.
        opendrive: The OpenDRIVE text, well-formed and with at least one road that has a geometry and lanes.
        origin: Where it came from: the file's path, or ``generator``.
    """

    name: str
    opendrive: str
    origin: str


def map_name(path: Path) -> str:
    """The map's name in a file's name: ``maps/Town03.xodr.gz`` holds ``Town03``."""
    name = path.name
    for suffix in sorted(MAP_SUFFIXES, key=len, reverse=True):
        if name.endswith(suffix):
            return name.removesuffix(suffix)
    return path.stem


def read_map(path: Path) -> MapSource:
    """Read a map from a ``.xodr`` or ``.xodr.gz`` file.

    Raises:
        DataError: The file is missing, of another kind, too large, damaged, or holds no usable OpenDRIVE.
    """
    if not path.name.endswith(MAP_SUFFIXES):
        raise DataError(f"{path} is no map file: its name must end in {' or '.join(MAP_SUFFIXES)}")
    if not path.is_file():
        raise DataError(f"there is no map file {path}")
    size = path.stat().st_size
    if size > MAX_FILE_BYTES:
        raise DataError(f"{path} has {size} bytes; map files of at most {MAX_FILE_BYTES} bytes are read")
    data = _unpacked(path) if path.suffix == ".gz" else path.read_bytes()
    text = _decoded(data, path)
    check_opendrive(text, origin=str(path))
    return MapSource(name=map_name(path), opendrive=text, origin=str(path))


def check_opendrive(text: str, *, origin: str) -> None:
    """Refuse text that is not an OpenDRIVE road network.

    Args:
        text: The whole document.
        origin: Where it came from, for the message.

    Raises:
        DataError: The XML is broken (the message has line and column), declares entities, is no OpenDRIVE, or has no
            road with both a geometry and a lane.
    """
    if len(text) > MAX_TEXT_BYTES:
        raise DataError(f"{origin} has {len(text)} characters; maps of at most {MAX_TEXT_BYTES} are accepted")
    census = _Census(origin)
    try:
        census.parser.Parse(text.encode(), True)
    except expat.ExpatError as error:
        what = expat.errors.messages[error.code]
        raise DataError(f"{origin} is broken XML: {what} at line {error.lineno}, column {error.offset + 1}") from error
    if census.roads == 0:
        raise DataError(f"{origin} has no <road>: there is nothing to drive on")
    if census.incomplete is not None:
        raise DataError(f"{origin}: {census.incomplete}")


class _Census:
    """Counts, in one streaming pass, what a map must have; never builds a tree of a large file."""

    def __init__(self, origin: str) -> None:
        self.origin = origin
        self.roads = 0
        self.incomplete: str | None = None
        self._road: str | None = None
        self._seen: set[str] = set()
        self._depth = 0
        self.parser = expat.ParserCreate()
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.StartDoctypeDeclHandler = self._refuse_doctype

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        if self._depth == 0 and tag != "OpenDRIVE":
            raise DataError(f"{self.origin} is XML but no OpenDRIVE: its root element is <{tag}>, not <OpenDRIVE>")
        if tag == "road" and self._depth == 1:
            self.roads += 1
            self._road = attributes.get("id", "without id")
            self._seen.clear()
        self._depth += 1
        self._seen.add(tag)

    def _end(self, tag: str) -> None:
        self._depth -= 1
        if tag != "road" or self._depth != 1:
            return
        missing = {"geometry", "laneSection", "lane"} - self._seen
        if missing and self.incomplete is None:
            line = self.parser.CurrentLineNumber
            self.incomplete = f"road {self._road} (ends at line {line}) has no <{min(missing)}>"

    def _refuse_doctype(self, *_: object) -> None:
        line = self.parser.CurrentLineNumber
        raise DataError(f"{self.origin}, line {line}: OpenDRIVE has no document type; entities are not expanded")


def _unpacked(path: Path) -> bytes:
    try:
        with gzip.open(path) as packed:
            data = packed.read(MAX_TEXT_BYTES + 1)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(f"{path} is no complete gzip file: {error}") from error
    if len(data) > MAX_TEXT_BYTES:
        raise DataError(f"{path} unfolds to more than {MAX_TEXT_BYTES} bytes: no road map is that large")
    return data


def _decoded(data: bytes, path: Path) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise DataError(f"{path}, line {line}: the text is not UTF-8 ({error.reason} at byte {error.start})") from error
