"""The process that collects in one town: ``python -m drivevla.collection.child FOLDER``.

One simulator serves all routes of the town. A route's episode is in the log whole or not at all.
"""

import logging
import time
from collections.abc import Callable
from pathlib import Path

from drivevla.collection.drive import DATASET, Ending, drive_and_record
from drivevla.collection.job import JOB_FILE, RouteReport, TownJob, read_reports
from drivevla.collection.routes import RouteDraw, routes_of
from drivevla.config.sensor_rig import load_rig
from drivevla.datasets.drivelog import DriveLogWriter
from drivevla.errors import UserError, require
from drivevla.evaluation.closed_loop.child import Beat, work_as_child
from drivevla.evaluation.closed_loop.town import Town
from drivevla.sim.maps import find_map
from drivevla.sim.server import start_server

__all__ = ["collect_town"]

logger = logging.getLogger(__name__)

FEWEST_FRAMES = 10
"""A drive that broke off earlier is no episode."""


class _TooShort(Exception):
    """The drive broke off before it was worth anything."""

    def __init__(self, ending: Ending) -> None:
        self.ending = ending


def collect_town(folder: Path, beat: Beat) -> None:
    """Drive the routes of a town that are not in the log yet.

    Raises:
        SimulatorError: The simulator failed; what was driven before stays.
    """
    job = TownJob.read(folder / JOB_FILE)
    source = find_map(job.town)
    carla_map = require("carla", "sim").Map(source.name, source.opendrive)
    town = Town(name=job.town, carla_map=carla_map, opendrive=source.opendrive)
    draws = routes_of(job.config, job.town, carla_map)
    beat(0.0, 0.0)
    writer = DriveLogWriter(job.log, rig=load_rig(job.rig), dataset=DATASET)
    done = {report.name for report in read_reports(folder)} | writer.finished
    waiting = [draw for draw in draws if draw.name not in done]
    if not waiting:
        return
    with start_server(town.name, seed=job.config.seed) as server:
        for draw in waiting:
            share = draws.index(draw) / len(draws)

            def tell(time_s: float, percent: float, share: float = share) -> None:
                beat(time_s, 100.0 * share + percent / len(draws))

            _collect_route(job, draw, town, writer, server.host, server.port, tell).write(folder)


def _collect_route(
    job: TownJob,
    draw: RouteDraw,
    town: Town,
    writer: DriveLogWriter,
    host: str,
    port: int,
    beat: Callable[[float, float], None],
) -> RouteReport:
    began_s = time.monotonic()
    try:
        with writer.episode(
            draw.name,
            split=draw.split,
            map_name=draw.route.town,
            description=draw.route.origin,
            labels=_labels(draw),
        ) as episode:
            ending = drive_and_record(
                draw,
                job.config,
                town=town,
                rig=load_rig(job.rig),
                host=host,
                port=port,
                record=episode,
                beat=beat,
            )
            if ending.frames < FEWEST_FRAMES:
                raise _TooShort(ending)
    except _TooShort as error:
        return RouteReport(name=draw.name, ending=error.ending.how, captures=error.ending.captures)
    except UserError as error:
        logger.warning("route %s: %s", draw.name, error)
        return RouteReport(name=draw.name, ending="not driven", reason=str(error))
    return RouteReport(
        name=draw.name,
        ending=ending.how,
        frames=ending.frames,
        captures=ending.captures,
        simulated_s=ending.simulated_s,
        wall_s=time.monotonic() - began_s,
        tallies=ending.tallies,
    )


def _labels(draw: RouteDraw) -> dict[str, str]:
    scenario = draw.route.scenarios[0].type if draw.route.scenarios else "none"
    return {
        "weather": draw.weather,
        "language": draw.language,
        "guidance": draw.guidance,
        "scenario": scenario,
        "vehicles": str(draw.vehicles),
        "walkers": str(draw.walkers),
    }


if __name__ == "__main__":
    work_as_child(collect_town)
