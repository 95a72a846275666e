"""What is true, for teachers, losses and scores; never for a policy. What is not known is None, never zero."""

from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from drivevla.errors import ContractError
from drivevla.language import Goal, Instruction
from drivevla.types.checks import real_array, real_number, rigid_transform, set_field, whole_array
from drivevla.types.observation import Command

__all__ = [
    "Future",
    "LaneTruth",
    "LightState",
    "LightTruth",
    "ObjectTruth",
    "SignKind",
    "SignTruth",
    "Truth",
    "VehicleLight",
    "Visibility",
]


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


class VehicleLight(Enum):
    """A light that a vehicle shows."""

    BRAKE = "brake"
    LEFT_INDICATOR = "left_indicator"
    RIGHT_INDICATOR = "right_indicator"
    REVERSE = "reverse"
    EMERGENCY = "emergency"
    """Blue or red flashing lights."""


class Visibility(Enum):
    """How much of an object all cameras together see, in nuScenes' four steps and by its numbers."""

    BELOW_40_PERCENT = 1
    BELOW_60_PERCENT = 2
    BELOW_80_PERCENT = 3
    UP_TO_100_PERCENT = 4


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
        visibility: How much of it the cameras see; None where nobody has judged it.
        acceleration_mps2: (2,) over ground, along the ego frame's axes.
        yaw_rate_radps: Counter-clockwise.
        steering_rad: Road-wheel angle of a vehicle's front axle, positive to the left.
        lights: The lights that a vehicle shows.
        parked: Whether a vehicle's hand brake is on.
        door_open: Whether a door of a vehicle stands open.
        lane_id: The lane of the truth's ``lanes`` that its middle is on; None off the lanes, or where not looked for.
    """

    track_id: str
    category: str
    ego_from_object: NDArray[np.float64]
    size_m: NDArray[np.float64]
    velocity_mps: NDArray[np.float64] | None = None
    lidar_points: int | None = None
    visibility: Visibility | None = None
    acceleration_mps2: NDArray[np.float64] | None = None
    yaw_rate_radps: float | None = None
    steering_rad: float | None = None
    lights: frozenset[VehicleLight] | None = None
    parked: bool | None = None
    door_open: bool | None = None
    lane_id: str | None = None

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
        if self.visibility is not None and not isinstance(self.visibility, Visibility):
            raise ContractError(f"visibility must be a Visibility or None, got {self.visibility!r}")
        for name in ("velocity_mps", "acceleration_mps2"):
            if getattr(self, name) is not None:
                set_field(self, name, real_array(name, getattr(self, name), (2,)))
        for name in ("yaw_rate_radps", "steering_rad"):
            if getattr(self, name) is not None:
                set_field(self, name, real_number(name, getattr(self, name)))


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
        position_m: (3,) where it stands, ego frame.
        affects_ego: Whether it is for the ego's own lane.
        stop_distance_m: Along the route from the ego's origin to its stop line, where it affects the ego; negative
            once passed.
        heads_m: (H, 3) middles of the heads that show it, ego frame; None where not known.
    """

    light_id: str
    state: LightState
    position_m: NDArray[np.float64]
    affects_ego: bool
    stop_distance_m: float | None = None
    heads_m: NDArray[np.float64] | None = None

    def __post_init__(self) -> None:
        """Check and freeze.

        Raises:
            ContractError: The state is not a LightState, or a number is not finite.
        """
        if not isinstance(self.state, LightState):
            raise ContractError(f"state must be a LightState, got {self.state!r}")
        set_field(self, "position_m", real_array("position_m", self.position_m, (3,)))
        if self.heads_m is not None:
            set_field(self, "heads_m", real_array("heads_m", self.heads_m, ("H", 3)))
        if self.stop_distance_m is not None:
            set_field(self, "stop_distance_m", real_number("stop_distance_m", self.stop_distance_m))


class SignKind(Enum):
    """A sign that regulates who goes first."""

    STOP = "stop"
    YIELD = "yield"


@dataclass(frozen=True, slots=True, kw_only=True)
class SignTruth:
    """A stop or yield sign.

    Attributes:
        sign_id: The same for the same sign over time.
        kind: Which sign.
        position_m: (3,) where it stands, ego frame.
        affects_ego: Whether it is for the ego's own way.
        stop_distance_m: Along the route from the ego's origin to where one stops for it, where it affects the ego;
            negative once passed.
    """

    sign_id: str
    kind: SignKind
    position_m: NDArray[np.float64]
    affects_ego: bool
    stop_distance_m: float | None = None

    def __post_init__(self) -> None:
        """Check and freeze.

        Raises:
            ContractError: The kind is not a SignKind, or a number is not finite.
        """
        if not isinstance(self.kind, SignKind):
            raise ContractError(f"kind must be a SignKind, got {self.kind!r}")
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
        left_id: The lane beside it on the left, "" where there is none to drive on.
        right_id: Likewise on the right.
        left_same_direction: Whether traffic on the left lane drives the same way; None where there is no such lane.
        may_change_left: Whether the marking may be crossed to the left, by the law, where the ego is or nearest to it.
        may_change_right: Likewise.
        successors: Lanes that it leads into, near or not.
    """

    lane_id: str
    centerline_m: NDArray[np.float64]
    width_m: float
    in_junction: bool = False
    left_id: str | None = None
    right_id: str | None = None
    left_same_direction: bool | None = None
    may_change_left: bool | None = None
    may_change_right: bool | None = None
    successors: tuple[str, ...] | None = None

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
        signs: Stop and yield signs.
        lanes: Lanes near the car.
        route_m: (R, 2) the route ahead, ego frame.
        route_commands: What the route asks for at each of its points.
        route_lane_ids: The lane that each of its points is on; a lane change belongs to the first lane up to its
            middle.
        route_in_junction: (R,) bool, which of its points lie in a junction.
        route_distance_m: How far along the whole route its first point here is.
        route_left_m: How far the whole route leads on from its first point here.
        speed_limit_mps: What applies here.
        instruction: What the car was asked to do, in force now.
        goal: What must become true for it; ``Refuse`` where it must be refused.
    """

    timestamp_s: float
    world_from_ego: NDArray[np.float64]
    map_name: str | None = None
    future: Future | None = None
    objects: tuple[ObjectTruth, ...] | None = None
    lights: tuple[LightTruth, ...] | None = None
    signs: tuple[SignTruth, ...] | None = None
    lanes: tuple[LaneTruth, ...] | None = None
    route_m: NDArray[np.float64] | None = None
    route_commands: tuple[Command, ...] | None = None
    route_lane_ids: tuple[str, ...] | None = None
    route_in_junction: NDArray[np.bool_] | None = None
    route_distance_m: float | None = None
    route_left_m: float | None = None
    speed_limit_mps: float | None = None
    instruction: Instruction | None = None
    goal: Goal | None = None

    def __post_init__(self) -> None:
        """Check and freeze.

        Raises:
            ContractError: A field is not of its type or shape.
        """
        set_field(self, "timestamp_s", real_number("timestamp_s", self.timestamp_s))
        set_field(self, "world_from_ego", rigid_transform("world_from_ego", self.world_from_ego))
        kinds = {"objects": ObjectTruth, "lights": LightTruth, "signs": SignTruth, "lanes": LaneTruth}
        for name, kind in kinds.items():
            items = getattr(self, name)
            if items is not None and not all(isinstance(item, kind) for item in items):
                raise ContractError(f"{name} must be {kind.__name__} items or None")
        if self.route_m is not None:
            set_field(self, "route_m", real_array("route_m", self.route_m, ("R", 2)))
        self._check_route()
        if self.speed_limit_mps is not None:
            set_field(self, "speed_limit_mps", real_number("speed_limit_mps", self.speed_limit_mps, at_least=0.0))

    def _check_route(self) -> None:
        points = None if self.route_m is None else len(self.route_m)
        for name in ("route_commands", "route_lane_ids", "route_in_junction"):
            along = getattr(self, name)
            if along is not None and len(along) != points:
                raise ContractError(f"{name} must have one entry for each point of route_m, got {len(along)}")
        if self.route_in_junction is not None:
            flags = whole_array("route_in_junction", self.route_in_junction, ("R",), np.bool_)
            set_field(self, "route_in_junction", flags)
        for name in ("route_distance_m", "route_left_m"):
            if getattr(self, name) is not None:
                set_field(self, name, real_number(name, getattr(self, name), at_least=0.0))
