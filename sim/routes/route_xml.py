"""Both layouts of route files, told apart by what is in them.

Leaderboard 1: ``<route id town|map>`` with ``<waypoint x y z .../>`` and at most one ``<weather/>``; scenarios lie in a
separate file (``triggers``). The yaw of a waypoint is not kept: the official runner does not use it, and in hand-picked
files it does not agree with the lane.
Leaderboard 2: ``<route id town>`` with ``<weathers>``, ``<waypoints><position/>`` and ``<scenarios>``.

Source: ``leaderboard`` repository, ``leaderboard/utils/route_parser.py``, branches 1.0 and 2.0.
"""

from collections.abc import Iterable
from types import MappingProxyType

from drivevla.errors import ContractError, DataError
from drivevla.sim.routes.route import Interval, Location, Parameter, Place, Route, Scenario
from drivevla.sim.routes.weather import (
    LEADERBOARD_1_WEATHER,
    LEADERBOARD_2_WEATHER,
    Weather,
    WeatherPoint,
    WeatherSchedule,
)
from drivevla.sim.routes.xml_tree import Element, parse_xml

__all__ = ["read_routes"]

_OTHER_ROOTS = {
    "OpenSCENARIO": "an OpenSCENARIO file; run it with scenario_runner",
    "scenarios": "a scenario_runner file of single scenarios",
    "OpenDRIVE": "a map",
}
_WEATHER_NAMES = frozenset(Weather().values())


def read_routes(data: bytes, *, origin: str) -> tuple[Route, ...]:
    """Every route of one file.

    Args:
        data: The file's content.
        origin: Where it came from, for messages.

    Raises:
        DataError: The XML is broken, the file is of another kind, holds no route, or a route has no id, no town, fewer
            than two points, something that is not a number, or an id that another route of the file has.
    """
    root = parse_xml(data, origin=origin)
    if root.tag != "routes":
        what = _OTHER_ROOTS.get(root.tag, f"its root element is <{root.tag}>")
        raise DataError(f"{origin} is no route file ({what}); the root of leaderboard 1 and 2 files is <routes>")
    routes = tuple(_route(element) for element in root.find_all("route"))
    if not routes:
        raise DataError(f"{origin} holds no <route>")
    first: dict[str, Route] = {}
    for route in routes:
        earlier = first.setdefault(route.id, route)
        if earlier is not route:
            raise DataError(f"{route.origin}: the route id {route.id!r} is taken by the route at {earlier.origin}")
    return routes


def _route(element: Element) -> Route:
    first = element.find("waypoint") is not None
    if first and element.find("waypoints") is not None:
        raise DataError(
            f"{element.origin}: a route has <waypoint> (leaderboard 1) or <waypoints> (leaderboard 2), not both"
        )
    points = _locations(element.find_all("waypoint")) if first else _key_points(element)
    if len(points) < 2:
        raise DataError(
            f"{element.origin}: route {element.attributes.get('id')!r} has {len(points)} points; at least two are "
            "needed, as <waypoints><position x y z/> (leaderboard 2) or <waypoint x y z .../> (leaderboard 1)"
        )
    scenarios = element.find("scenarios")
    return Route(
        id=element.text("id"),
        # the first release of leaderboard 1 called it map
        town=element.text("map" if "town" not in element.attributes and "map" in element.attributes else "town"),
        key_points_m=points,
        weather=_single_weather(element) if first else _weather_schedule(element),
        scenarios=() if scenarios is None else tuple(map(_scenario, scenarios.find_all("scenario"))),
        format="leaderboard_1" if first else "leaderboard_2",
        origin=element.origin,
    )


def _key_points(element: Element) -> tuple[Location, ...]:
    waypoints = element.find("waypoints")
    return () if waypoints is None else _locations(waypoints.find_all("position"))


def _locations(elements: Iterable[Element]) -> tuple[Location, ...]:
    return tuple(_location(each) for each in elements)


def _location(element: Element) -> Location:
    return element.number("x"), element.number("y"), element.number("z")


def _single_weather(element: Element) -> WeatherSchedule:
    stated = element.find("weather")
    return WeatherSchedule.constant(LEADERBOARD_1_WEATHER if stated is None else _weather(stated, Weather()))


def _weather_schedule(element: Element) -> WeatherSchedule:
    weathers = element.find("weathers")
    # 350 of LEAD's files misspell the tag of their first state; what carries a percentage is one.
    stated = [] if weathers is None else [each for each in weathers.children if "route_percentage" in each.attributes]
    if not stated:
        return WeatherSchedule.constant(LEADERBOARD_2_WEATHER)
    points = [_weather_point(each) for each in stated]
    return WeatherSchedule(tuple(sorted(points, key=lambda point: point.route_percentage)))


def _weather_point(element: Element) -> WeatherPoint:
    try:
        return WeatherPoint(
            route_percentage=element.number("route_percentage"), weather=_weather(element, LEADERBOARD_2_WEATHER)
        )
    except ContractError as error:
        raise DataError(f"{element.origin}: {error}") from error


def _weather(element: Element, base: Weather) -> Weather:
    stated = {name: element.number(name) for name in element.attributes if name in _WEATHER_NAMES}
    return Weather(**{**base.values(), **stated})


def _scenario(element: Element) -> Scenario:
    trigger: Place | None = None
    parameters: dict[str, Parameter] = {}
    for child in element.children:
        if child.tag == "trigger_point":
            trigger = trigger or _place(child)
        elif child.tag in parameters:
            raise DataError(f"{child.origin}: the scenario's parameter {child.tag!r} is given twice")
        else:
            parameters[child.tag] = _parameter(child)
    if trigger is None:
        raise DataError(f"{element.origin}: the scenario {element.attributes.get('name')!r} has no <trigger_point>")
    return Scenario(
        name=element.text("name"), type=element.text("type"), trigger=trigger, parameters=MappingProxyType(parameters)
    )


def _place(element: Element) -> Place:
    return Place(_location(element), element.number("yaw") if "yaw" in element.attributes else None)


def _parameter(element: Element) -> Parameter:
    names = element.attributes.keys()
    if names == {"value"}:
        written = element.text("value")
        try:
            return float(written)
        except ValueError:
            return written
    if names == {"from", "to"}:
        return Interval(element.number("from"), element.number("to"))
    if {"x", "y", "z"} <= names <= {"x", "y", "z", "yaw"}:
        return _place(element)
    return MappingProxyType(dict(element.attributes))
