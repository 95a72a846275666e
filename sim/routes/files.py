"""Route files on disk: one file, a folder of files, or a packed folder."""

import logging
import tarfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from drivevla.errors import DataError
from drivevla.sim.routes.route import Route
from drivevla.sim.routes.route_xml import read_routes
from drivevla.sim.routes.subsets import choose

__all__ = ["ARCHIVE_SUFFIXES", "MAX_FILE_BYTES", "RouteSurvey", "load_routes", "survey_routes"]

logger = logging.getLogger(__name__)

ARCHIVE_SUFFIXES = (".tar", ".tar.gz", ".tgz")
MAX_FILE_BYTES = 64 * 2**20
"""Largest route file that is read; the largest official one has 1.2 MB."""


@dataclass(frozen=True, slots=True)
class RouteSurvey:
    """What a file, folder or archive holds.

    Attributes:
        routes: Those that can be used.
        unusable: Why each of the other files cannot, in the order of their names.
    """

    routes: tuple[Route, ...]
    unusable: tuple[DataError, ...]


def load_routes(path: str | Path, *, ids: str | Sequence[str] | None = None) -> tuple[Route, ...]:
    """Routes of a leaderboard 1 or 2 file, or of a folder or tar archive of such files.

    Args:
        path: ``.xml``, a folder, or ``.tar``, ``.tar.gz``, ``.tgz``. The layout is told from the content.
        ids: Which ones, as ids or in the official syntax ``0-5,7``; all when None.

    Raises:
        DataError: The path is missing or of another kind, or a file in it cannot be used: broken XML (with its line),
            another kind of file, a route without points, two routes of one id, a value that is not a number. When
            ``ids`` are given, files that cannot be used and were not asked for do not matter.
        UnknownName: No route has an id that was asked for.
    """
    survey = survey_routes(path)
    if ids is None:
        if survey.unusable:
            more = f" (and {len(survey.unusable) - 1} more files)" if len(survey.unusable) > 1 else ""
            raise DataError(f"{survey.unusable[0]}{more}; name the routes to load, or repair the file")
        return survey.routes
    return choose(survey.routes, ids)


def survey_routes(path: str | Path) -> RouteSurvey:
    """Every usable route, and why the other files of a folder or archive are not; a single file is read strictly.

    Raises:
        DataError: As ``load_routes``, except for single files of a folder or archive; or no file can be used.
    """
    path = Path(path)
    if path.is_dir():
        members = _folder_members(path)
    elif path.name.endswith(ARCHIVE_SUFFIXES) and path.is_file():
        members = _archive_members(path)
    elif path.is_file():
        _check_size(path.stat().st_size, str(path))
        return RouteSurvey(read_routes(path.read_bytes(), origin=str(path)), ())
    else:
        raise DataError(f"there is no route file, folder or archive {path}")
    routes: list[Route] = []
    unusable: list[DataError] = []
    for name, data in members:
        try:
            routes.extend(_renamed(read_routes(data, origin=f"{path}, {name}"), name))
        except DataError as error:
            unusable.append(error)
    if not routes:
        reason = f"; the first: {unusable[0]}" if unusable else ""
        raise DataError(f"{path} holds no usable route file (.xml){reason}")
    return RouteSurvey(_without_common_folder(routes), tuple(unusable))


def _folder_members(path: Path) -> Iterator[tuple[str, bytes]]:
    for file in sorted(path.rglob("*.xml")):
        _check_size(file.stat().st_size, str(file))
        yield file.relative_to(path).as_posix(), file.read_bytes()


def _archive_members(path: Path) -> Iterator[tuple[str, bytes]]:
    found: dict[str, bytes] = {}
    try:
        with tarfile.open(path) as archive:
            for member in archive:
                if not (member.isfile() and member.name.endswith(".xml")):
                    continue
                _check_size(member.size, f"{path}, {member.name}")
                stream = archive.extractfile(member)
                assert stream is not None  # it is a file
                found[member.name] = stream.read()
    except (tarfile.TarError, EOFError, OSError) as error:
        raise DataError(f"{path} is no readable archive: {error}") from error
    yield from sorted(found.items())


def _check_size(size: int, origin: str) -> None:
    if size > MAX_FILE_BYTES:
        raise DataError(f"{origin} has {size} bytes; route files of at most {MAX_FILE_BYTES} bytes are read")


def _renamed(routes: Iterable[Route], member: str) -> Iterator[Route]:
    routes = tuple(routes)
    stem = member.removesuffix(".xml")
    for route in routes:
        yield replace(route, id=stem if len(routes) == 1 else f"{stem}/{route.id}")


def _without_common_folder(routes: Sequence[Route]) -> tuple[Route, ...]:
    """LEAD packs ``data/data_routes/lead/...``: what all names share tells nothing."""
    folders = [PurePosixPath(route.id).parent.parts for route in routes]
    shared = 0
    while all(len(each) > shared for each in folders) and len({each[shared] for each in folders}) == 1:
        shared += 1
    cut = sum(len(part) + 1 for part in folders[0][:shared])
    return tuple(replace(route, id=route.id[cut:]) for route in routes)
