"""What moves and what it runs into: vehicles, walkers, props, contacts."""

from drivevla.sim.server.physics.ackermann import AckermannControl, AckermannSettings
from drivevla.sim.server.physics.contacts import Contact
from drivevla.sim.server.physics.ground import Ground, PlaneGround
from drivevla.sim.server.physics.telemetry import VehicleTelemetry, WheelTelemetry
from drivevla.sim.server.physics.vehicles import VehicleControl, VehicleFleet
from drivevla.sim.server.physics.walkers import WalkerControl, WalkerCrowd
from drivevla.sim.server.physics.world import PhysicsWorld

__all__ = [
    "AckermannControl",
    "AckermannSettings",
    "Contact",
    "Ground",
    "PhysicsWorld",
    "PlaneGround",
    "VehicleControl",
    "VehicleFleet",
    "VehicleTelemetry",
    "WalkerControl",
    "WalkerCrowd",
    "WheelTelemetry",
]
