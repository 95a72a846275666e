"""Routes: read, planned over a map's lanes, thinned to what a policy hears, generated and listed in suites."""

from drivevla.sim.routes.files import RouteSurvey, load_routes, survey_routes
from drivevla.sim.routes.route import Interval, Location, Parameter, Place, Route, RouteFormat, Scenario
from drivevla.sim.routes.weather import Weather, WeatherPoint, WeatherSchedule
from drivevla.sim.routes.write import routes_to_xml, write_routes

__all__ = [
    "Interval",
    "Location",
    "Parameter",
    "Place",
    "Route",
    "RouteFormat",
    "RouteSurvey",
    "Scenario",
    "Weather",
    "WeatherPoint",
    "WeatherSchedule",
    "load_routes",
    "routes_to_xml",
    "survey_routes",
    "write_routes",
]
