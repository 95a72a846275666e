"""Everything that can be spawned: blueprints for the client, sizes and mechanics for the server.

The tables are the JSON files beside this module, each with its sources in its first line.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from drivevla.errors import unknown_name
from drivevla.sim.server.catalogue.blueprint import Attribute, AttributeType, Blueprint
from drivevla.sim.server.catalogue.definitions import (
    controller_attributes,
    mesh_prop_attributes,
    prop_attributes,
    sensor_attributes,
    trigger_attributes,
    vehicle_attributes,
    walker_attributes,
)
from drivevla.sim.server.catalogue.mechanics import mechanics, read_powertrain
from drivevla.sim.server.catalogue.spec import Box, PropSpec, VehiclePhysics, VehicleSpec, WalkerSpec

__all__ = ["AI_WALKER", "FRICTION_TRIGGER", "MESH_PROP", "Catalogue", "catalogue"]

AI_WALKER = "controller.ai.walker"
FRICTION_TRIGGER = "static.trigger.friction"
MESH_PROP = "static.prop.mesh"

_ADULT_KG, _TEENAGER_KG, _CHILD_KG = 75.0, 55.0, 25.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """The tables, by blueprint id.

    Attributes:
        blueprints: All blueprints, sorted by id; their uids count from 1 in this order.
        vehicles: Vehicles.
        walkers: Pedestrians.
        props: Props; ``static.prop.mesh`` has the size of a small box until it is given a mesh.
    """

    blueprints: Mapping[str, Blueprint]
    vehicles: Mapping[str, VehicleSpec]
    walkers: Mapping[str, WalkerSpec]
    props: Mapping[str, PropSpec]

    def blueprint(self, blueprint_id: str) -> Blueprint:
        """One blueprint.

        Raises:
            UnknownName: No blueprint has that id; carries the nearest match.
        """
        if blueprint_id not in self.blueprints:
            raise unknown_name("blueprint", blueprint_id, self.blueprints)
        return self.blueprints[blueprint_id]


@cache
def catalogue() -> Catalogue:
    """The catalogue, read once."""
    powertrains = {row["id"]: read_powertrain(row) for row in _table("powertrains.json")["powertrains"]}
    vehicles = {
        row["id"]: _vehicle(row, mechanics(row, powertrains[row["powertrain"]]))
        for row in _table("vehicles.json")["vehicles"]
    }
    walkers = {row["id"]: _walker(row) for row in _table("walkers.json")["walkers"]}
    props = {row["id"]: _prop(row) for row in _table("props.json")["props"]}
    attributes: dict[str, tuple[Attribute, ...]] = {
        **{spec.id: vehicle_attributes(spec) for spec in vehicles.values()},
        **{spec.id: walker_attributes(spec) for spec in walkers.values()},
        **{spec.id: prop_attributes(spec) for spec in props.values()},
        MESH_PROP: mesh_prop_attributes(props[MESH_PROP]),
        FRICTION_TRIGGER: trigger_attributes(),
        AI_WALKER: controller_attributes(),
        **_sensors(_table("sensors.json")),
    }
    blueprints = {
        blueprint_id: _blueprint(uid, blueprint_id, attributes[blueprint_id])
        for uid, blueprint_id in enumerate(sorted(attributes), start=1)
    }
    return Catalogue(blueprints=blueprints, vehicles=vehicles, walkers=walkers, props=props)


def _blueprint(uid: int, blueprint_id: str, attributes: tuple[Attribute, ...]) -> Blueprint:
    ros_name = Attribute(id="ros_name", type=AttributeType.STRING, value=blueprint_id, recommended=(blueprint_id,))
    return Blueprint(uid=uid, id=blueprint_id, tags=tuple(blueprint_id.split(".")), attributes=(*attributes, ros_name))


def _table(name: str) -> dict[str, Any]:
    text = (files("drivevla.sim.server.catalogue") / name).read_text(encoding="utf-8")
    table: dict[str, Any] = json.loads(text)
    return table


def _vector(values: list[float]) -> tuple[float, float, float]:
    x, y, z = (float(value) for value in values)
    return x, y, z


def _box(row: Mapping[str, Any]) -> Box:
    return Box(center_m=_vector(row["center"]), half_extent_m=_vector(row["half_extent"]))


def _color(text: str) -> tuple[int, int, int]:
    red, green, blue = (int(channel) for channel in text.split(","))
    return red, green, blue


def _vehicle(row: Mapping[str, Any], physics: VehiclePhysics) -> VehicleSpec:
    return VehicleSpec(
        id=row["id"],
        base_type=row["base_type"],
        special_type=row["special_type"],
        generation=row["generation"],
        has_lights=row["has_lights"],
        has_dynamic_doors=row["has_dynamic_doors"],
        box=_box(row["box"]),
        body=_box(row.get("body", row["box"])),
        physics=physics,
        rgb=_color(row["paint"]),
        colors=tuple(_color(text) for text in row["colors"]),
    )


def _walker(row: Mapping[str, Any]) -> WalkerSpec:
    standing, walking, running = row["speeds_mps"]
    return WalkerSpec(
        id=row["id"],
        age=row["age"],
        gender=row["gender"],
        generation=row["generation"],
        can_use_wheelchair=row["can_use_wheelchair"],
        box=Box(center_m=(0.0, 0.0, 0.0), half_extent_m=_vector(row["half_extent"])),
        speeds_mps=(standing, walking, running),
        mass_kg={"adult": _ADULT_KG, "teenager": _TEENAGER_KG, "child": _CHILD_KG}[row["age"]],
    )


def _prop(row: Mapping[str, Any]) -> PropSpec:
    half = _vector(row["half_extent"])
    box = Box(center_m=(0.0, 0.0, half[2]), half_extent_m=half)
    return PropSpec(
        id=row["id"],
        size=row["size"],
        box=box,
        body=_box(row["body"]) if "body" in row else box,
        mass_kg=row["mass_kg"],
        solid=row["solid"],
    )


def _sensors(table: Mapping[str, Any]) -> dict[str, tuple[Attribute, ...]]:
    return {
        row["id"]: sensor_attributes(
            [entry for group in row["groups"] for entry in table[f"group {group}"]] + row.get("attributes", [])
        )
        for row in table["sensors"]
    }
