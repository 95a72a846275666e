"""What the scene builder hands to the renderer: a triangle mesh with materials, CARLA's labels and object ids.

Everything is in CARLA's world frame (see ``drivevla.sim.server.pose``), metres.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from drivevla.errors import ContractError

__all__ = ["Label", "Material", "SceneMesh", "Surface"]


class Label(IntEnum):
    """CARLA 0.9.16's CityObjectLabel (carla.org, "Semantic segmentation camera")."""

    NONE = 0
    ROADS = 1
    SIDEWALKS = 2
    BUILDINGS = 3
    WALLS = 4
    FENCES = 5
    POLES = 6
    TRAFFIC_LIGHT = 7
    TRAFFIC_SIGNS = 8
    VEGETATION = 9
    TERRAIN = 10
    SKY = 11
    PEDESTRIANS = 12
    RIDER = 13
    CAR = 14
    TRUCK = 15
    BUS = 16
    TRAIN = 17
    MOTORCYCLE = 18
    BICYCLE = 19
    STATIC = 20
    DYNAMIC = 21
    OTHER = 22
    WATER = 23
    ROAD_LINES = 24
    GROUND = 25
    BRIDGE = 26
    RAIL_TRACK = 27
    GUARD_RAIL = 28


Surface = Literal[
    "plain",  # one colour
    "asphalt",  # road surface: grain, cracks, puddles when wet
    "concrete",  # kerbs, sidewalks: slabs
    "paint",  # lane markings, crosswalks, stop lines: bright, retro-reflective at night
    "grass",
    "facade",  # uv in metres along the wall and up from its foot: windows, floors, a door
    "roof",
    "foliage",
    "bark",
    "metal",
    "glass",
    "bulb",  # a traffic light's lamp: lit when the light of `signal_id` shows `bulb`
    "sign",  # a traffic sign's face; `text` names what it shows
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """How a triangle looks.

    Attributes:
        surface: Which procedural texture, evaluated on the uv coordinates in metres.
        rgb: Base colour, sRGB, 0 to 1.
        seed: Varies the procedural texture between objects of one kind (window lay-out, tint).
        signal_id: For bulbs: OpenDRIVE signal id of the light the lamp belongs to.
        bulb: For bulbs: which lamp.
        text: For signs: what the face shows, e.g. "stop", "yield", "speed_30".
        emission: Fraction of the base colour that shines by itself at night (lit windows, street lamps).
    """

    surface: Surface
    rgb: tuple[float, float, float]
    seed: int = 0
    signal_id: str | None = None
    bulb: Literal["red", "yellow", "green"] | None = None
    text: str | None = None
    emission: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SceneMesh:
    """A triangle mesh with what each triangle is.

    Attributes:
        vertices_m: (V, 3) float32, CARLA's world frame (or the object's own frame for models).
        uv_m: (V, 2) float32 texture coordinates in metres.
        triangles: (T, 3) uint32 indices into the vertices.
        material: (T,) uint16 indices into ``materials``.
        label: (T,) uint8, ``Label`` values.
        object_id: (T,) uint32, equal for all triangles of one object; 0 for what is no object of its own.
        materials: The table that ``material`` points into.
    """

    vertices_m: NDArray[np.float32]
    uv_m: NDArray[np.float32]
    triangles: NDArray[np.uint32]
    material: NDArray[np.uint16]
    label: NDArray[np.uint8]
    object_id: NDArray[np.uint32]
    materials: tuple[Material, ...]

    def __post_init__(self) -> None:
        """Check that the arrays agree.

        Raises:
            ContractError: A shape is wrong, or an index points outside its table.
        """
        vertices, triangles = len(self.vertices_m), len(self.triangles)
        expected = {
            "vertices_m": (self.vertices_m.shape, (vertices, 3)),
            "uv_m": (self.uv_m.shape, (vertices, 2)),
            "triangles": (self.triangles.shape, (triangles, 3)),
            "material": (self.material.shape, (triangles,)),
            "label": (self.label.shape, (triangles,)),
            "object_id": (self.object_id.shape, (triangles,)),
        }
        for name, (came, wanted) in expected.items():
            if came != wanted:
                raise ContractError(f"{name} must have shape {wanted}, got {came}")
        if triangles and int(self.triangles.max()) >= vertices:
            raise ContractError(f"a triangle points at vertex {int(self.triangles.max())} of {vertices}")
        if triangles and int(self.material.max()) >= len(self.materials):
            raise ContractError(f"a triangle has material {int(self.material.max())} of {len(self.materials)}")
