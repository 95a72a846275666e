"""Which vehicle or walker plays a part: the catalogue filtered as scenario_runner filters it, drawn by a generator.

Source of the filters: scenario_runner (94ff3b8a), ``attribute_filter`` of the scenarios and
``CarlaDataProvider.create_blueprint``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from drivevla.errors import DataError

if TYPE_CHECKING:
    import carla
    import numpy as np

__all__ = ["CAR", "CAR_WITH_DOORS", "CAR_WITH_LIGHTS", "EMERGENCY", "PARKED_CAR", "cast", "cast_bicycle", "cast_walker"]

Filter = Mapping[str, str]

CAR: Filter = {"base_type": "car", "special_type": ""}
CAR_WITH_LIGHTS: Filter = {"base_type": "car", "has_lights": "true", "special_type": ""}
PARKED_CAR: Filter = {"base_type": "car", "generation": "2", "special_type": ""}
CAR_WITH_DOORS: Filter = {"base_type": "car", "has_dynamic_doors": "true"}
EMERGENCY: Filter = {"special_type": "emergency"}

_BICYCLES = ("vehicle.bh.crossbike", "vehicle.diamondback.century", "vehicle.gazelle.omafiets")


def cast(library: carla.BlueprintLibrary, wanted: Filter, rng: np.random.Generator) -> Any:
    """A painted vehicle blueprint that meets a filter.

    Raises:
        DataError: The simulator has none.
    """
    fitting = [each for each in library.filter("vehicle.*") if _meets(each, wanted)]
    if not fitting:
        raise DataError(f"this simulator has no vehicle with {dict(wanted)}")
    fitting.sort(key=lambda each: str(each.id))
    return _painted(fitting[int(rng.integers(len(fitting)))], rng)


def cast_bicycle(library: carla.BlueprintLibrary, rng: np.random.Generator) -> Any:
    """One of CARLA's three bicycles."""
    return _painted(library.find(_BICYCLES[int(rng.integers(len(_BICYCLES)))]), rng)


def cast_walker(library: carla.BlueprintLibrary, rng: np.random.Generator) -> Any:
    """A walker that a collision can be told of.

    Raises:
        DataError: The simulator has none.
    """
    walkers = sorted(library.filter("walker.pedestrian.*"), key=lambda each: str(each.id))
    if not walkers:
        raise DataError("this simulator has no walkers")
    walker = walkers[int(rng.integers(len(walkers)))]
    if walker.has_attribute("is_invincible"):
        walker.set_attribute("is_invincible", "false")
    return walker


def _meets(blueprint: Any, wanted: Filter) -> bool:
    return all(
        blueprint.has_attribute(name) and str(_value(blueprint.get_attribute(name))).lower() == value
        for name, value in wanted.items()
    )


def _value(attribute: Any) -> object:
    for read in (attribute.as_str, attribute.as_bool, attribute.as_int):
        try:
            return read()
        except (RuntimeError, ValueError):
            continue
    return None


def _painted(blueprint: Any, rng: np.random.Generator) -> Any:
    if blueprint.has_attribute("color"):
        colours = list(blueprint.get_attribute("color").recommended_values)
        if colours:
            blueprint.set_attribute("color", colours[int(rng.integers(len(colours)))])
    return blueprint
