"""What moves or changes between two ticks, as the renderer sees it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntFlag
from typing import Literal

from drivevla.sim.server.pose import Pose
from drivevla.sim.server.render.weather import Weather
from drivevla.sim.server.scene.mesh import Label

__all__ = ["BodyKind", "DynamicFrame", "LightColour", "RenderActor", "VehicleLights"]

LightColour = Literal["red", "yellow", "green", "off", "unknown"]
"""States of a traffic light; the last two show no lamp."""

BodyKind = Literal["car", "van", "truck", "bus", "motorcycle", "bicycle", "walker", "prop"]
"""Families of parametric bodies: CARLA's ``base_type`` for vehicles, and what walks or stands."""


class VehicleLights(IntFlag):
    """Bits of ``carla.VehicleLightState``."""

    POSITION = 1
    LOW_BEAM = 2
    HIGH_BEAM = 4
    BRAKE = 8
    RIGHT_BLINKER = 16
    LEFT_BLINKER = 32
    REVERSE = 64
    FOG = 128
    INTERIOR = 256
    SPECIAL1 = 512
    SPECIAL2 = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderActor:
    """A vehicle, walker or prop in one frame.

    Attributes:
        actor_id: CARLA's id; goes into instance images and semantic LiDAR points.
        type_id: Blueprint id, e.g. "vehicle.tesla.model3"; picks special bodies (police, ambulance, each prop).
        kind: Family of the body.
        pose: The actor's pose in the world.
        half_extent_m: Half length (x), width (y) and height (z) of the bounding box.
        center_m: The bounding box's centre in the actor's frame (vehicles: z = half height; walkers: 0).
        label: CARLA's semantic label; a two-wheeler's rider is labelled RIDER besides.
        velocity_mps: World frame.
        rgb: Body colour, sRGB, 0 to 1.
        lights: ``VehicleLights`` bits that are on.
        wheel_steer_deg: Angle of the front wheels, positive to the right.
        gait_phase: Walkers: turns through the walking cycle (distance walked / stride length), only its fraction
            counts; None when standing.
    """

    actor_id: int
    type_id: str
    kind: BodyKind
    pose: Pose
    half_extent_m: tuple[float, float, float]
    center_m: tuple[float, float, float] = (0.0, 0.0, 0.0)
    label: Label = Label.CAR
    velocity_mps: tuple[float, float, float] = (0.0, 0.0, 0.0)
    rgb: tuple[float, float, float] = (0.5, 0.5, 0.5)
    lights: int = 0
    wheel_steer_deg: float = 0.0
    gait_phase: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DynamicFrame:
    """Everything that is not in the static mesh, at one instant.

    Attributes:
        time_s: Simulated time; moves rain and blinks indicators.
        weather: Sky, sun, rain, fog.
        light_states: OpenDRIVE signal id to what the light shows; absent ids show nothing.
        actors: Vehicles, walkers and props.
        dark_lamps: Object ids of the street lamps that somebody switched off.
    """

    time_s: float = 0.0
    weather: Weather = field(default_factory=Weather)
    light_states: Mapping[str, LightColour] = field(default_factory=dict)
    actors: tuple[RenderActor, ...] = ()
    dark_lamps: frozenset[int] = frozenset()
