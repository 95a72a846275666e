"""What the criteria are told of one tick of a drive.

World frame: right-handed, x and z as CARLA's, y with the opposite sign (``drivevla.geometry.carla``); metres, radians.
Criteria judge the vehicle **actor's origin**, which in CARLA lies on the ground below the middle of the box. It is not
the origin of our ego frame (the rear axle), so a recorder must store the actor's pose for scoring.
"""

import math
from dataclasses import dataclass
from typing import TypeAlias

from drivevla.errors import ContractError

__all__ = ["ActorPose", "Collision", "Point", "Tick", "along"]

Point: TypeAlias = tuple[float, float, float]


def along(vector: Point, direction: Point) -> float:
    """The scalar product of two vectors: how far the first reaches along a unit direction."""
    return vector[0] * direction[0] + vector[1] * direction[1] + vector[2] * direction[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class ActorPose:
    """Where a vehicle actor's origin is and where it points, world frame.

    Attributes:
        position_m: x, y, z.
        yaw_rad: Counter-clockwise.
        pitch_rad: Positive lowers the nose (``drivevla.geometry.matrix_from_euler``).
    """

    position_m: Point
    yaw_rad: float
    pitch_rad: float = 0.0

    def __post_init__(self) -> None:
        """Check that every number is finite.

        Raises:
            ContractError: One is not, or the position is not three numbers.
        """
        _finite("position_m", self.position_m, size=3)
        _finite("yaw_rad and pitch_rad", (self.yaw_rad, self.pitch_rad))

    @property
    def forward(self) -> Point:
        """The unit vector the actor points along."""
        level = math.cos(self.pitch_rad)
        return level * math.cos(self.yaw_rad), level * math.sin(self.yaw_rad), -math.sin(self.pitch_rad)


@dataclass(frozen=True, slots=True, kw_only=True)
class Collision:
    """What the ego's collision sensor reported.

    Attributes:
        actor_id: Id of what was hit; 0 for what has no actor (a building, a kerb).
        type_id: CARLA's type of it, such as ``vehicle.audi.tt``, ``walker.pedestrian.0001`` or ``static.prop.fence``.
    """

    actor_id: int
    type_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """One tick of a drive, as the simulator knows it.

    Attributes:
        index: Counts the ticks of the route from 0.
        time_s: Simulated time; increases from tick to tick.
        ego: The ego actor's origin.
        velocity_mps: The ego's velocity, world frame.
        speed_limit_mps: The limit that applies to the ego now; None where the simulator does not tell one, as CARLA
            before the first sign: the route's time limit then does not grow.
        background_speeds_mps: Planar speeds of the background traffic's vehicles (role ``background``).
        collisions: What the collision sensor reported since the previous tick.
        red_lights: Ids of the traffic lights that are red.
        wrong_lane_excused: True while a scenario asks for driving on the opposite lane.
        blocking_scenarios: Names of the scenarios that stand in the way now. A name stays from the moment its scenario
            blocks the route until it is passed or has timed out.
        emergency_vehicle: The vehicle to yield to, while its scenario runs.
    """

    index: int
    time_s: float
    ego: ActorPose
    velocity_mps: Point
    speed_limit_mps: float | None
    background_speeds_mps: tuple[float, ...] = ()
    collisions: tuple[Collision, ...] = ()
    red_lights: frozenset[int] = frozenset()
    wrong_lane_excused: bool = False
    blocking_scenarios: frozenset[str] = frozenset()
    emergency_vehicle: ActorPose | None = None

    def __post_init__(self) -> None:
        """Check the numbers.

        Raises:
            ContractError: One is not finite, or the speed limit is not positive.
        """
        _finite("time_s", (self.time_s,))
        _finite("velocity_mps", self.velocity_mps, size=3)
        _finite("background_speeds_mps", self.background_speeds_mps)
        if self.speed_limit_mps is not None and not 0.0 < self.speed_limit_mps < math.inf:
            raise ContractError(
                f"speed_limit_mps must be positive or None at tick {self.index}, got {self.speed_limit_mps}: "
                "the route's time limit grows by distance over speed limit"
            )

    @property
    def speed_mps(self) -> float:
        """The planar speed, which every official criterion uses (``calculate_velocity`` leaves out z)."""
        return math.hypot(self.velocity_mps[0], self.velocity_mps[1])


def _finite(name: str, values: tuple[float, ...], *, size: int | None = None) -> None:
    if size is not None and len(values) != size:
        raise ContractError(f"{name} must be {size} numbers, got {len(values)}")
    if not all(map(math.isfinite, values)):
        raise ContractError(f"{name} must be finite, got {values}")
