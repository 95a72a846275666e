"""What one map becomes: everything static that the server's world, renderer and physics need to know.

Everything is in CARLA's world frame (``drivevla.sim.server.pose``): metres, degrees, z up, yaw clockwise from above.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from drivevla.sim.server.pose import Pose
from drivevla.sim.server.scene.ground import GroundSurface
from drivevla.sim.server.scene.mesh import Label, SceneMesh
from drivevla.sim.server.scene.obstacles import StaticObstacles

if TYPE_CHECKING:
    import carla

    from drivevla.sim.maps.source import MapSource

__all__ = ["LaneKey", "LightGroup", "Scene", "SceneObject", "Signal", "SignalKind", "StreetLight", "TriggerBox"]

SignalKind = Literal["traffic_light", "stop", "yield", "speed_limit"]

LaneKey = tuple[int, int]
"""OpenDRIVE road id and lane id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerBox:
    """The area in front of a light or sign that a vehicle must be in to be governed by it.

    Attributes:
        center_m: Centre in the frame of the signal's actor.
        half_extent_m: Half sizes along the actor's axes: x across the lanes, y along them, z up.
    """

    center_m: tuple[float, float, float]
    half_extent_m: tuple[float, float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """A traffic light or traffic sign that is an actor.

    Attributes:
        signal_id: OpenDRIVE signal id, which ``Material.signal_id`` of the lamps repeats.
        kind: What it is.
        pose: Pose of the actor: where the OpenDRIVE signal stands, yaw turned 90 degrees against the landmark's, so
            that the actor's x axis runs across the governed lanes.
        trigger: Where it acts, in the actor's frame.
        value_kmh: For speed limits: the limit. None for everything else.
        lanes: Approach lanes it governs, outside junctions wherever the map has such a lane.
        head_locations_m: Centres of the light heads or of the sign's face, for tests and annotations.
    """

    signal_id: str
    kind: SignalKind
    pose: Pose
    trigger: TriggerBox
    value_kmh: float | None
    lanes: tuple[LaneKey, ...]
    head_locations_m: tuple[tuple[float, float, float], ...]

    @property
    def type_id(self) -> str:
        """The blueprint id of CARLA's actor for this signal."""
        if self.kind == "speed_limit":
            return f"traffic.speed_limit.{round(self.value_kmh or 0.0)}"
        return f"traffic.{self.kind}"


@dataclass(frozen=True, slots=True, kw_only=True)
class LightGroup:
    """The lights that take turns at one junction.

    Attributes:
        junction_id: OpenDRIVE junction id, or -1 for a light away from junctions.
        phases: In their order; each holds the ids of the signals that are green together. Paths of signals in one
            phase never conflict. Every light of the group is in exactly one phase.
    """

    junction_id: int
    phases: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SceneObject:
    """A thing of the level that clients may ask for: environment object and level bounding box.

    Attributes:
        object_id: As in ``SceneMesh.object_id`` and ``StaticObstacles.object_id``; unique, at least 1.
        name: Unique within the map, e.g. "Building_012".
        label: CARLA's semantic label.
        pose: Centre and orientation of its bounding box.
        half_extent_m: Half sizes of its bounding box.
        landmark: Semantic id of the landmark of a generated town that this object is part of.
    """

    object_id: int
    name: str
    label: Label
    pose: Pose
    half_extent_m: tuple[float, float, float]
    landmark: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StreetLight:
    """A lamp beside a street that shines at night.

    Attributes:
        object_id: Of the scene object that it is.
        location_m: Of its lantern.
    """

    object_id: int
    location_m: tuple[float, float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """Everything static of one map.

    Attributes:
        source: The map's name and OpenDRIVE text.
        carla_map: The client library's own road model of the same text.
        mesh: What the renderer draws; bulbs carry their signal's id.
        ground: Height queries.
        obstacles: Oriented boxes of everything solid.
        signals: Lights and signs, in the order of the OpenDRIVE file.
        light_groups: Which lights take turns.
        spawn_points: Recommended vehicle poses, half a metre above the road.
        navmesh: Detour navigation mesh in the layout of CARLA's ``.bin`` files.
        objects: Everything with an id.
        street_lights: Those of them that are street lamps.
    """

    source: MapSource
    carla_map: carla.Map
    mesh: SceneMesh
    ground: GroundSurface
    obstacles: StaticObstacles
    signals: tuple[Signal, ...]
    light_groups: tuple[LightGroup, ...]
    spawn_points: tuple[Pose, ...]
    navmesh: bytes
    objects: tuple[SceneObject, ...]
    street_lights: tuple[StreetLight, ...]
