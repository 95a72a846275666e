"""Pedestrians: they walk where they are told, fall, jump, climb kerbs, and are knocked down by what hits them."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from drivevla.errors import ContractError
from drivevla.sim.server.catalogue import WalkerSpec
from drivevla.sim.server.physics.ground import Ground
from drivevla.sim.server.physics.rows import Flags, Kind, Numbers, Table, Vectors
from drivevla.sim.server.physics.tyres import GRAVITY_MPS2
from drivevla.sim.server.pose import Pose

__all__ = ["WalkerControl", "WalkerCrowd", "WalkerRows"]

Floats = NDArray[np.float64]

WALK_ACCELERATION_MPS2 = 20.48
"""Unreal Engine 4's character movement default."""

JUMP_MPS = 4.2
STEP_UP_M = 0.45
"""Unreal Engine 4's character movement defaults: jump speed, height of a step."""

TURN_RATE_RADPS = 2.0 * math.pi
"""A walker faces where it goes within half a second."""

NAVIGATION_LIFT_M = 0.9
NAVIGATION_KEEP_M = 1.0
"""CARLA lifts a pedestrian navigation pose by this much, and keeps the old height if the new one is this close."""

STRIDE_PER_STATURE = 0.8
"""Length of a walking cycle (two steps) over the body's height, at a comfortable pace (Murray et al., Walking patterns
of normal men, 1964)."""

LYING_S = 4.0
SLIDING_MPS2 = 5.0
KNOCK_MPS = 1.5
"""A push that changes the speed by more, and to more, throws a walker down; it then slides with friction 0.5 and lies
for a while. Walking into a wall does not."""


@dataclass(frozen=True, slots=True)
class WalkerControl:
    """Where to and how fast, in the order of the wire's WalkerControl; the direction's length scales the speed."""

    direction: tuple[float, float, float] = (1.0, 0.0, 0.0)
    speed_mps: float = 0.0
    jump: bool = False


class WalkerRows(Table):
    """Walkers in order of creation; ``location_m`` is the middle of the body, as in CARLA.

    ``gait`` counts walking cycles, ``lying_s`` the time until a fallen walker gets up, ``carried`` marks those that
    were placed by the pedestrian navigation since the last step.
    """

    location_m: Vectors
    rotation_deg: Vectors
    velocity_mps: Vectors
    angular_velocity_dps: Vectors
    acceleration_mps2: Vectors
    direction: Vectors
    speed_mps: Numbers
    jump: Flags
    half_m: Vectors
    mass_kg: Numbers
    gait: Numbers
    lying_s: Numbers
    carried: Flags
    was_m: Vectors
    simulated: Flags
    colliding: Flags
    falling: Flags
    standing: Flags
    mortal: Flags


class WalkerCrowd(Kind[WalkerRows]):
    """All walkers.

    Args:
        ground: What they stand on.
    """

    def __init__(self, ground: Ground) -> None:
        super().__init__(ground, WalkerRows(), "walker")

    def add(self, actor_id: int, spec: WalkerSpec, pose: Pose, *, mortal: bool = False) -> None:
        """Put a walker into the world, standing.

        Args:
            actor_id: Its id.
            spec: What it is.
            pose: Where the middle of its body is.
            mortal: Whether it stays down once knocked down (``is_invincible`` false).
        """
        self._append(
            actor_id,
            location_m=pose.location_m,
            rotation_deg=pose.rotation_deg,
            was_m=pose.location_m,
            half_m=spec.box.half_extent_m,
            mass_kg=spec.mass_kg,
            simulated=True,
            colliding=True,
            falling=True,
            mortal=mortal,
        )

    def set_control(self, actor_id: int, control: WalkerControl) -> None:
        """Tell it where to go until the next control.

        Raises:
            ContractError: The direction or speed is not a number.
        """
        if not math.isfinite(sum(control.direction) + control.speed_mps):
            raise ContractError(f"a walker's direction and speed must be finite, got {control}")
        self.rows.assign(
            self.row(actor_id), direction=control.direction, speed_mps=max(control.speed_mps, 0.0), jump=control.jump
        )

    def control(self, actor_id: int) -> WalkerControl:
        """The command that holds now."""
        rows, row = self.rows, self.row(actor_id)
        x, y, z = rows.direction[row].tolist()
        return WalkerControl((x, y, z), float(rows.speed_mps[row]), bool(rows.jump[row]))

    def set_state(self, actor_id: int, pose: Pose, speed_mps: float) -> None:
        """Place a walker where the pedestrian navigation has it; one that lies stays where it is.

        Args:
            actor_id: Its id.
            pose: On the ground; the walker's middle is lifted above it as CARLA does.
            speed_mps: For its control as the client reads it back.
        """
        rows, row = self.rows, self.row(actor_id)
        if rows.lying_s[row] > 0.0:
            return
        x, y, z = pose.location_m
        lifted = z + NAVIGATION_LIFT_M
        if abs(float(rows.location_m[row, 2]) - lifted) < NAVIGATION_KEEP_M:
            lifted = float(rows.location_m[row, 2])
        yaw = math.radians(pose.rotation_deg[1])
        rows.assign(
            row,
            location_m=(x, y, lifted),
            rotation_deg=(0.0, pose.rotation_deg[1], 0.0),
            direction=(math.cos(yaw), math.sin(yaw), 0.0),
            speed_mps=max(speed_mps, 0.0),
            carried=True,
        )

    def knock(self, struck: NDArray[np.intp]) -> None:
        """Throw walkers down."""
        self.rows.lying_s[struck] = np.where(self.rows.mortal[struck], np.inf, LYING_S)

    def step(self, dt_s: float) -> None:
        """Move all walkers.

        Args:
            dt_s: Length of the step.
        """
        if not len(self):
            return
        rows = self.rows
        before = rows.velocity_mps.copy()
        lying = rows.lying_s > 0.0
        free = rows.simulated & ~rows.carried
        self._walk(dt_s, lying, free)
        z, _ = self.ground.query(rows.location_m[:, :2], rows.location_m[:, 2] - rows.half_m[:, 2])
        self._fall(z, dt_s)
        moved = rows.location_m - rows.was_m
        rows.velocity_mps[:] = np.where(rows.carried[:, None], moved / dt_s, rows.velocity_mps)
        rows.acceleration_mps2[:] = (rows.velocity_mps - before) / dt_s
        stride = STRIDE_PER_STATURE * 2.0 * rows.half_m[:, 2]
        rows.gait += np.where(lying, 0.0, np.hypot(moved[:, 0], moved[:, 1]) / stride)
        rows.lying_s[:] = np.maximum(rows.lying_s - dt_s, 0.0)
        rows.rotation_deg[:, 0] = np.where(rows.lying_s > 0.0, 90.0, 0.0)
        rows.was_m[:] = rows.location_m
        rows.carried[:] = False

    def _walk(self, dt_s: float, lying: NDArray[np.bool_], free: NDArray[np.bool_]) -> None:
        rows = self.rows
        length = np.hypot(rows.direction[:, 0], rows.direction[:, 1])
        scale = np.where(length > 1e-6, rows.speed_mps * np.minimum(length, 1.0) / np.maximum(length, 1e-6), 0.0)
        wanted = np.where(lying[:, None], 0.0, rows.direction[:, :2] * scale[:, None])
        change = wanted - rows.velocity_mps[:, :2]
        reach = np.where(lying, SLIDING_MPS2, WALK_ACCELERATION_MPS2) * dt_s * rows.standing
        size = np.hypot(change[:, 0], change[:, 1])
        share = np.minimum(1.0, reach / np.maximum(size, 1e-9)) * free
        rows.velocity_mps[:, :2] += change * share[:, None]
        rows.location_m[:, :2] += rows.velocity_mps[:, :2] * (dt_s * free)[:, None]
        heading = np.arctan2(rows.direction[:, 1], rows.direction[:, 0])
        yaw = np.radians(rows.rotation_deg[:, 1])
        away = np.arctan2(np.sin(heading - yaw), np.cos(heading - yaw))
        turning = free & ~lying & (scale > 0.0)
        turn = np.where(turning, np.clip(away, -TURN_RATE_RADPS * dt_s, TURN_RATE_RADPS * dt_s), 0.0)
        rows.rotation_deg[:, 1] = (np.degrees(yaw + turn) + 180.0) % 360.0 - 180.0
        rows.angular_velocity_dps[:, 2] = np.degrees(turn) / dt_s

    def _fall(self, ground_m: Floats, dt_s: float) -> None:
        rows = self.rows
        stand = ground_m + np.where(rows.lying_s > 0.0, rows.half_m[:, 0], rows.half_m[:, 2])
        jumping = rows.jump & rows.standing & (rows.lying_s <= 0.0)
        rows.velocity_mps[:, 2] = np.where(jumping, JUMP_MPS, rows.velocity_mps[:, 2])
        rows.jump[jumping] = False
        speed = rows.velocity_mps[:, 2] - np.where(rows.falling, GRAVITY_MPS2, 0.0) * dt_s
        height = rows.location_m[:, 2] + 0.5 * (rows.velocity_mps[:, 2] + speed) * dt_s
        kept_down = rows.standing & ~jumping & (rows.location_m[:, 2] - stand < STEP_UP_M)
        landed = (height <= stand) | kept_down
        rows.standing[:] = np.where(rows.simulated, landed, rows.standing)
        rows.velocity_mps[:, 2] = np.where(landed, 0.0, speed)
        height = np.where(landed, stand, height)
        rows.location_m[:, 2] = np.where(rows.simulated, height, rows.location_m[:, 2])
