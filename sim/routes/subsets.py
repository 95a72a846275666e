"""Choosing routes by id, in the official syntax: ``0-5,7``."""

from collections.abc import Sequence

from drivevla.errors import DataError, unknown_name
from drivevla.sim.routes.route import Route

__all__ = ["choose"]


def choose(routes: Sequence[Route], ids: str | Sequence[str]) -> tuple[Route, ...]:
    """The routes that were asked for, in the order of the file.

    Args:
        routes: To choose from, ids unique.
        ids: Ids, or text with ids and ranges separated by commas. A range ``A-B`` runs from the route A to the route
            B in the order of the file, both included, as in the official runner (``leaderboard`` repository,
            ``leaderboard/utils/route_parser.py``); ids are compared as text.

    Raises:
        UnknownName: No route has that id.
        DataError: Nothing was asked for, or a range runs backwards.
    """
    position = {route.id: index for index, route in enumerate(routes)}
    groups = ids.replace(" ", "").split(",") if isinstance(ids, str) else list(ids)
    groups = [group for group in groups if group]
    if not groups:
        raise DataError(f"no route was asked for by {ids!r}; write ids and ranges such as 0-5,7")
    chosen: set[int] = set()
    for group in groups:
        chosen.update(_positions(group, position))
    return tuple(routes[index] for index in sorted(chosen))


def _positions(group: str, position: dict[str, int]) -> range:
    if group in position:  # an id may hold a hyphen
        return range(position[group], position[group] + 1)
    first, hyphen, last = group.partition("-")
    for each in (first, last) if hyphen else (group,):
        if each not in position:
            raise unknown_name("route", each, position)
    if position[last] < position[first]:
        raise DataError(f"the range {group} runs backwards: route {last} comes before route {first} in the file")
    return range(position[first], position[last] + 1)
