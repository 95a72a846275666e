"""Routes: read, planned over a map's lanes, thinned to what a policy hears, generated and listed in suites.

==================  ==================================================================================
``route``           the contract: ``Route``, ``Scenario`` and their parameters; ``weather`` along a route
``files``           ``load_routes``: a file, folder or archive; ``route_xml`` tells both layouts apart
``write``           leaderboard 2 files
``triggers``        leaderboard 1's scenarios, which lie in a file of their own
``plan``            ``plan_route``: the dense plan, one metre apart, with CARLA's road options
``thinning``        the points an agent is given, and which of them comes next
``manoeuvres``      what a plan asks of a driver
``generate``        ``generate_routes``: our own routes for any map
``suites``          ``find_routes``: named lists of routes
``lanes``           a map's lanes as points; ``network``, ``search`` and ``turns`` plan on them
==================  ==================================================================================

Everything is in CARLA's frame: left-handed, x forward, y right, z up, metres; degrees, clockwise.
"""

from drivevla.sim.routes.files import RouteSurvey, load_routes, survey_routes
from drivevla.sim.routes.generate import generate_routes
from drivevla.sim.routes.manoeuvres import MANOEUVRES, Manoeuvre, ManoeuvreSite, manoeuvres_on
from drivevla.sim.routes.plan import DensePlan, plan_points, plan_route
from drivevla.sim.routes.road_options import RoadOption
from drivevla.sim.routes.route import Interval, Location, Parameter, Place, Route, RouteFormat, Scenario
from drivevla.sim.routes.suites import find_routes, load_suite
from drivevla.sim.routes.thinning import SparsePlan, Target, TargetTracker, downsample_route
from drivevla.sim.routes.triggers import read_triggers, scenarios_along
from drivevla.sim.routes.weather import Weather, WeatherPoint, WeatherSchedule
from drivevla.sim.routes.write import routes_to_xml, write_routes

__all__ = [
    "MANOEUVRES",
    "DensePlan",
    "Interval",
    "Location",
    "Manoeuvre",
    "ManoeuvreSite",
    "Parameter",
    "Place",
    "RoadOption",
    "Route",
    "RouteFormat",
    "RouteSurvey",
    "Scenario",
    "SparsePlan",
    "Target",
    "TargetTracker",
    "Weather",
    "WeatherPoint",
    "WeatherSchedule",
    "downsample_route",
    "find_routes",
    "generate_routes",
    "load_routes",
    "load_suite",
    "manoeuvres_on",
    "plan_points",
    "plan_route",
    "read_triggers",
    "routes_to_xml",
    "scenarios_along",
    "survey_routes",
    "write_routes",
]
