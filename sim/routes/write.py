"""Writing leaderboard 2 route files, in the layout that the official runner reads."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from xml.etree import ElementTree as ET

from drivevla.sim.routes.route import Interval, Location, Parameter, Place, Route, Scenario
from drivevla.sim.routes.weather import LEADERBOARD_2_WEATHER, WeatherPoint

__all__ = ["routes_to_xml", "write_routes"]


def write_routes(routes: Iterable[Route], path: str | Path) -> None:
    """Write a leaderboard 2 file that ``load_routes`` reads back equal (but for the format that routes came in)."""
    Path(path).write_text(routes_to_xml(routes), encoding="utf-8")


def routes_to_xml(routes: Iterable[Route]) -> str:
    """The text of a leaderboard 2 file. Every route gets its weather and scenarios, even where there is none."""
    root = ET.Element("routes")
    for route in routes:
        _add_route(root, route)
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _add_route(root: ET.Element, route: Route) -> None:
    element = ET.SubElement(root, "route", id=route.id, town=route.town)
    weathers = ET.SubElement(element, "weathers")
    for point in route.weather.points:
        ET.SubElement(weathers, "weather", _weather(point))
    waypoints = ET.SubElement(element, "waypoints")
    for location in route.key_points_m:
        ET.SubElement(waypoints, "position", _xyz(location))
    scenarios = ET.SubElement(element, "scenarios")  # the official reader fails on a route without this element
    for scenario in route.scenarios:
        _add_scenario(scenarios, scenario)


def _add_scenario(scenarios: ET.Element, scenario: Scenario) -> None:
    element = ET.SubElement(scenarios, "scenario", name=scenario.name, type=scenario.type)
    ET.SubElement(element, "trigger_point", _attributes(scenario.trigger))
    for name, parameter in scenario.parameters.items():
        ET.SubElement(element, name, _attributes(parameter))


def _weather(point: WeatherPoint) -> dict[str, str]:
    # A reader starts from this base, so that only what differs need be written.
    base = LEADERBOARD_2_WEATHER.values()
    stated = {name: _number(value) for name, value in point.weather.values().items() if value != base[name]}
    return {"route_percentage": _number(point.route_percentage), **stated}


def _attributes(parameter: Parameter) -> dict[str, str]:
    match parameter:
        case Interval(start, end):
            return {"from": _number(start), "to": _number(end)}
        case Place(location, yaw_deg):
            return _xyz(location) | ({} if yaw_deg is None else {"yaw": _number(yaw_deg)})
        case Mapping():
            return dict(parameter)
        case str():
            return {"value": parameter}
        case _:
            return {"value": _number(parameter)}


def _xyz(location: Location) -> dict[str, str]:
    return {axis: _number(value) for axis, value in zip("xyz", location, strict=True)}


def _number(value: float) -> str:
    """Whole numbers without a point: some official parameters are read with ``int``."""
    return str(int(value)) if float(value).is_integer() else repr(float(value))
