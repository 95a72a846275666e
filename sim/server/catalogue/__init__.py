"""CARLA's blueprints with true sizes: vehicles, walkers, props, sensors."""

from drivevla.sim.server.catalogue.blueprint import Attribute, AttributeType, Blueprint
from drivevla.sim.server.catalogue.catalogue import AI_WALKER, FRICTION_TRIGGER, MESH_PROP, Catalogue, catalogue
from drivevla.sim.server.catalogue.spec import (
    Box,
    Gear,
    PropSpec,
    VehiclePhysics,
    VehicleSpec,
    WalkerSpec,
    WheelPhysics,
)

__all__ = [
    "AI_WALKER",
    "FRICTION_TRIGGER",
    "MESH_PROP",
    "Attribute",
    "AttributeType",
    "Blueprint",
    "Box",
    "Catalogue",
    "Gear",
    "PropSpec",
    "VehiclePhysics",
    "VehicleSpec",
    "WalkerSpec",
    "WheelPhysics",
    "catalogue",
]
