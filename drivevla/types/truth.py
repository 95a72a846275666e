"""What is true, for teachers, losses and scores; never for a policy. What is not known is None, never zero."""

from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from drivevla.errors import ContractError
from drivevla.types.checks import real_array, real_number, rigid_transform, set_field, whole_array

__all__ = ["Future", "LaneTruth", "LightState", "LightTruth", "ObjectTruth", "Truth"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Future:
    """Where the car went.

    Attributes:
        times_s: (T,) seconds from now, increasing, positive.
        poses: (T, 3) x, y, yaw in the current ego frame; anything finite where not valid.
        valid: (T,) bool, false where the log ended.
    """

    times_s: NDArray[np.float64]
    poses: NDArray[np.float64]
    valid: NDArray[np.bool_]

    def __post_init__(self) -> None:
        """Check and freeze.

        Raises:
            ContractError: The shapes disagree, or the times do not increase from above 0.
        """
        times = real_array("times_s", self.times_s, ("T",))
        if not (np.all(np.diff(times) > 0) and (times > 0).all()):
            raise ContractError("times_s of a future must increase strictly and be positive")
        set_field(self, "times_s", times)
        set_field(self, "poses", real_array("poses", self.poses, (len(times), 3)))
        set_field(self, "valid", whole_array("valid", self.valid, (len(times),), np.bool_))


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectTruth:
    """Somebody or something on or by the road.

    Attributes:
        track_id: The same for the same object over time.
        category: Class name in the data set's own words ("vehicle.car").
        ego_from_object: (4, 4) pose of the box's middle; x along its length.
        size_m: (3,) length, width, height.
        velocity_mps: (2,) over ground, along the ego frame's axes; None where not known.
        lidar_points: How many returns hit it; None where not counted.
    """

    track_id: str
    category: str
    ego_from_object: NDArray[np.float64]
    size_m: NDArray[np.float64]
    velocity_mps: NDArray[np.float64] | None = None
    lidar_points: int | None = None

    def __post_init__(self) -> None:
        """Check and freeze.

        Raises:
            ContractError: The pose is not rigid, a size is not positive, or a shape is wrong.
        """
        set_field(self, "ego_from_object", rigid_transform("ego_from_object", self.ego_from_object))
        size = real_array("size_m", self.size_m, (3,))
        if not (size > 0).all():
            raise ContractError(f"size_m must be positive length, width, height, got {size.tolist()}")
        set_field(self, "size_m", size)
        if self.velocity_mps is not None:
            set_field(self, "velocity_mps", real_array("velocity_mps", self.velocity_mps, (2,)))


class LightState(Enum):
    """What a traffic light shows."""

    RED = "red"
    YELLOW = "yellow"
    GREEN = "green"
    OFF = "off"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class LightTruth:
    """A traffic light.

    Attributes:
        light_id: The same for the same light over time.
        state: What it shows now.
        position_m: (3,) of its head, ego frame.
        affects_ego: Whether it stands over the ego's own lane.
        stop_distance_m: Along the lane to its stop line, where it affects the ego.
    """

    light_id: str
    state: LightState
    position_m: NDArray[np.float64]
    affects_ego: bool
    stop_distance_m: float | None = None

    def __post_init__(self) -> None:
        """Check and freeze.

        Raises:
            ContractError: The state is not a LightState, or a number is not finite.
        """
        if not isinstance(self.state, LightState):
            raise ContractError(f"state must be a LightState, got {self.state!r}")
        set_field(self, "position_m", real_array("position_m", self.position_m, (3,)))
        if self.stop_distance_m is not None:
            set_field(self, "stop_distance_m", real_number("stop_distance_m", self.stop_distance_m))


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneTruth:
    """One lane near the car.

    Attributes:
        lane_id: The same for the same lane over time.
        centerline_m: (N, 2) in driving direction, ego frame.
        width_m: Typical width.
        in_junction: Whether it crosses a junction.
    """

    lane_id: str
    centerline_m: NDArray[np.float64]
    width_m: float
    in_junction: bool = False

    def __post_init__(self) -> None:
        """Check and freeze.

        Raises:
            ContractError: A shape is wrong, or the width is not positive.
        """
        set_field(self, "centerline_m", real_array("centerline_m", self.centerline_m, ("N", 2)))
        set_field(self, "width_m", real_number("width_m", self.width_m, above=0.0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """What is true at one instant. A field that the source does not have is None; an empty tuple says "none there".

    Attributes:
        timestamp_s: The observation's time.
        world_from_ego: (4, 4) pose of the ego frame in its world (CARLA's made right-handed; nuScenes' global).
        map_name: Which map or location the world is.
        future: Where the car went.
        objects: Boxes with tracks.
        lights: Traffic lights.
        lanes: Lanes near the car.
        route_m: (R, 2) the route ahead, ego frame.
        speed_limit_mps: What applies here.
    """

    timestamp_s: float
    world_from_ego: NDArray[np.float64]
    map_name: str | None = None
    future: Future | None = None
    objects: tuple[ObjectTruth, ...] | None = None
    lights: tuple[LightTruth, ...] | None = None
    lanes: tuple[LaneTruth, ...] | None = None
    route_m: NDArray[np.float64] | None = None
    speed_limit_mps: float | None = None

    def __post_init__(self) -> None:
        """Check and freeze.

        Raises:
            ContractError: A field is not of its type or shape.
        """
        set_field(self, "timestamp_s", real_number("timestamp_s", self.timestamp_s))
        set_field(self, "world_from_ego", rigid_transform("world_from_ego", self.world_from_ego))
        for name, kind in (("objects", ObjectTruth), ("lights", LightTruth), ("lanes", LaneTruth)):
            items = getattr(self, name)
            if items is not None and not all(isinstance(item, kind) for item in items):
                raise ContractError(f"{name} must be {kind.__name__} items or None")
        if self.route_m is not None:
            set_field(self, "route_m", real_array("route_m", self.route_m, ("R", 2)))
        if self.speed_limit_mps is not None:
            set_field(self, "speed_limit_mps", real_number("speed_limit_mps", self.speed_limit_mps, at_least=0.0))
