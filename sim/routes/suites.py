"""Suites: named lists of routes, from ``configs/suites``.

A suite's file is looked for in the folders of ``drivevla.config.places.route_folders``.
"""

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from drivevla.config.places import route_folders
from drivevla.config.resolve import load_config
from drivevla.errors import DataError
from drivevla.sim.routes.files import load_routes, survey_routes
from drivevla.sim.routes.generate import generate_routes
from drivevla.sim.routes.route import Route
from drivevla.sim.routes.subsets import choose
from drivevla.sim.routes.suite_config import GeneratedConfig, SampleConfig, SuiteConfig

__all__ = ["find_routes", "load_suite", "sample_routes"]

logger = logging.getLogger(__name__)


def find_routes(name_or_path: str, *, ids: str | Sequence[str] | None = None) -> tuple[Route, ...]:
    """Routes by whatever a user may name: a file, folder or archive that exists, or a suite.

    Args:
        name_or_path: A path (anything with a slash or a dot in it), or the name of a suite.
        ids: Which ones, as in ``load_routes``.

    Raises:
        UnknownName: There is no such suite or route.
        DataError: A file is missing or cannot be used.
    """
    if "/" in name_or_path or "." in name_or_path:
        return load_routes(name_or_path, ids=ids)
    routes = load_suite(name_or_path)
    return routes if ids is None else choose(routes, ids)


def load_suite(name: str) -> tuple[Route, ...]:
    """The routes of a suite, the same on every machine that has its file.

    Args:
        name: A preset of the group ``suites``, or the path of such a file, ending in ``.yaml``.

    Raises:
        UnknownName: There is no such suite.
        ConfigError: The suite's preset is not acceptable.
        DataError: The suite's file is in no folder of routes, or cannot be used.
    """
    config = load_config(SuiteConfig, name)
    if config.generated is not None:
        return _generated(config.generated)
    assert config.file is not None  # the configuration has one of them
    path = _find_file(config.name, config.file)
    if config.ids:
        return load_routes(path, ids=config.ids)
    if config.sample is None:
        return load_routes(path)
    survey = survey_routes(path)
    if survey.unusable:
        logger.warning("%s: %d files cannot be used; the first: %s", path, len(survey.unusable), survey.unusable[0])
    return sample_routes(survey.routes, config.sample)


def sample_routes(routes: Sequence[Route], sample: SampleConfig) -> tuple[Route, ...]:
    """A few routes of many, spread over towns and scenario types; the same seed gives the same routes.

    Towns take turns in the order of the sample. Within a town its scenario types do, in an order that the seed decides;
    within a type the seed decides. A route with several scenarios counts as the type of its first.

    Raises:
        DataError: There are too few routes on those towns.
    """
    rng = np.random.default_rng(sample.seed)
    queues = [_by_turns([route for route in routes if route.town == town], rng) for town in sample.towns]
    chosen = [route for turn in range(max(map(len, queues))) for queue in queues for route in queue[turn : turn + 1]]
    if len(chosen) < sample.count:
        raise DataError(f"{len(chosen)} routes lie on {', '.join(sample.towns)}; {sample.count} were asked for")
    return tuple(chosen[: sample.count])


def _by_turns(routes: Sequence[Route], rng: np.random.Generator) -> list[Route]:
    kinds: dict[str, list[Route]] = {}
    for number in rng.permutation(len(routes)).tolist():
        route = routes[number]
        kinds.setdefault(route.scenarios[0].type if route.scenarios else "", []).append(route)
    longest = max((len(each) for each in kinds.values()), default=0)
    return [route for turn in range(longest) for kind in kinds.values() for route in kind[turn : turn + 1]]


def _find_file(suite: str, file: str) -> Path:
    folders = route_folders()
    for folder in folders:
        if (folder / file).exists():
            return folder / file
    searched = ", ".join(map(str, folders)) or "no folder, since none is set"
    raise DataError(
        f"suite {suite} needs the route file {file}; searched: {searched}. Set DRIVEVLA_ROUTES to its folder."
    )


def _generated(config: GeneratedConfig) -> tuple[Route, ...]:
    import carla

    from drivevla.sim.maps import find_map

    routes: list[Route] = []
    for number, name in enumerate(config.maps):
        source = find_map(name)
        share = config.count // len(config.maps) + (number < config.count % len(config.maps))
        routes += generate_routes(
            carla.Map(source.name, source.opendrive),
            count=share,
            seed=config.seed,
            length_m=(config.min_length_m, config.max_length_m),
        )
    return tuple(replace(route, id=str(number)) for number, route in enumerate(routes))
