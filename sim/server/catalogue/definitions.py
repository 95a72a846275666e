"""The attributes of each kind of blueprint, in CARLA's names, types and order."""

from collections.abc import Iterable, Mapping
from typing import Any

from drivevla.sim.server.catalogue.blueprint import Attribute, AttributeType
from drivevla.sim.server.catalogue.spec import PropSpec, VehicleSpec, WalkerSpec

__all__ = [
    "controller_attributes",
    "mesh_prop_attributes",
    "prop_attributes",
    "sensor_attributes",
    "trigger_attributes",
    "vehicle_attributes",
    "walker_attributes",
]

_SENSOR_ROLES = ("front", "back", "left", "right", "front_left", "front_right", "back_left", "back_right")
_TYPES = {
    "bool": AttributeType.BOOL,
    "int": AttributeType.INT,
    "float": AttributeType.FLOAT,
    "string": AttributeType.STRING,
}


def vehicle_attributes(spec: VehicleSpec) -> tuple[Attribute, ...]:
    """A vehicle's: its role, paint and driver, then what it is."""
    driver = (_choice("driver_id", AttributeType.INT, ("1", "2", "3"), restricted=True),)
    return (
        _choice("role_name", AttributeType.STRING, ("autopilot", "scenario", "ego_vehicle")),
        *((_choice("color", AttributeType.COLOR, [_rgb(color) for color in spec.colors]),) if spec.colors else ()),
        *(driver if spec.number_of_wheels == 2 else ()),
        _choice("sticky_control", AttributeType.BOOL, ("true",)),
        _choice("terramechanics", AttributeType.BOOL, ("false",)),
        _fixed("object_type", AttributeType.STRING, ""),
        _fixed("base_type", AttributeType.STRING, spec.base_type),
        _fixed("special_type", AttributeType.STRING, spec.special_type),
        _fixed("number_of_wheels", AttributeType.INT, str(spec.number_of_wheels)),
        _fixed("generation", AttributeType.INT, str(spec.generation)),
        _fixed("has_dynamic_doors", AttributeType.BOOL, _bool(spec.has_dynamic_doors)),
        _fixed("has_lights", AttributeType.BOOL, _bool(spec.has_lights)),
    )


def walker_attributes(spec: WalkerSpec) -> tuple[Attribute, ...]:
    """A pedestrian's: its role, speeds and whether it can be hurt, then who it is."""
    wheelchair = ("false", "true") if spec.can_use_wheelchair else ("false",)
    return (
        _choice("role_name", AttributeType.STRING, ("pedestrian",)),
        _choice("speed", AttributeType.FLOAT, [str(speed) for speed in spec.speeds_mps]),
        _choice("is_invincible", AttributeType.BOOL, ("true",)),
        _choice("use_wheelchair", AttributeType.BOOL, wheelchair, restricted=True),
        _fixed("gender", AttributeType.STRING, spec.gender),
        _fixed("generation", AttributeType.INT, str(spec.generation)),
        _fixed("age", AttributeType.STRING, spec.age),
        _fixed("can_use_wheelchair", AttributeType.BOOL, _bool(spec.can_use_wheelchair)),
    )


def prop_attributes(spec: PropSpec) -> tuple[Attribute, ...]:
    """A prop's: its role and its size in a word."""
    return (
        _choice("role_name", AttributeType.STRING, ("prop",)),
        _fixed("size", AttributeType.STRING, spec.size),
    )


def mesh_prop_attributes(spec: PropSpec) -> tuple[Attribute, ...]:
    """Those of ``static.prop.mesh``, whose mesh is named by a path in CARLA's content."""
    return (
        *prop_attributes(spec),
        _choice("mesh_path", AttributeType.STRING, ("",)),
        _choice("mass", AttributeType.FLOAT, ("0.0",)),
        _choice("scale", AttributeType.FLOAT, ("1.0",)),
    )


def trigger_attributes() -> tuple[Attribute, ...]:
    """Those of ``static.trigger.friction``: the tyres' friction inside it, and half its size in centimetres."""
    return (
        _choice("role_name", AttributeType.STRING, ("trigger",)),
        _choice("friction", AttributeType.FLOAT, ("3.5",)),
        *(_choice(f"extent_{axis}", AttributeType.FLOAT, ("1.0",)) for axis in "xyz"),
    )


def controller_attributes() -> tuple[Attribute, ...]:
    """Those of ``controller.ai.walker``."""
    return (_choice("role_name", AttributeType.STRING, ("default",)),)


def sensor_attributes(rows: Iterable[Mapping[str, Any]]) -> tuple[Attribute, ...]:
    """A sensor's, from rows of ``sensors.json``."""
    own = (
        Attribute(
            id=row["id"],
            type=_TYPES[row["type"]],
            value=row["value"],
            recommended=tuple(row.get("recommended", [row["value"]])),
            restricted=row.get("restricted", False),
        )
        for row in rows
    )
    return (_choice("role_name", AttributeType.STRING, _SENSOR_ROLES), *own)


def _choice(name: str, kind: AttributeType, values: Iterable[str], *, restricted: bool = False) -> Attribute:
    recommended = tuple(values)
    return Attribute(id=name, type=kind, value=recommended[0], recommended=recommended, restricted=restricted)


def _fixed(name: str, kind: AttributeType, value: str) -> Attribute:
    return Attribute(id=name, type=kind, value=value, modifiable=False)


def _bool(value: bool) -> str:
    return "true" if value else "false"


def _rgb(color: tuple[int, int, int]) -> str:
    return ",".join(str(channel) for channel in color)
