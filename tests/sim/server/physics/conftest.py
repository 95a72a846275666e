"""Worlds to drive in: planes with or without boxes standing on them."""

from collections.abc import Callable

import numpy as np
import pytest

from drivevla.sim.server.catalogue import catalogue
from drivevla.sim.server.physics import Ground, PhysicsWorld, PlaneGround
from drivevla.sim.server.pose import Pose
from drivevla.sim.server.scene.obstacles import StaticObstacles

MakeWorld = Callable[..., PhysicsWorld]
AddCar = Callable[..., None]

MKZ = "vehicle.lincoln.mkz_2020"


def obstacles(*boxes: tuple[float, float, float, float, float]) -> StaticObstacles:
    """Boxes 4 m high from (x, y, half x, half y, yaw in degrees)."""
    table = np.array(boxes, dtype=np.float64).reshape(-1, 5)
    count, height = len(table), np.full(len(table), 2.0)
    return StaticObstacles(
        center_m=np.column_stack([table[:, :2], height]),
        half_extent_m=np.column_stack([table[:, 2:4], height]),
        yaw_deg=table[:, 4],
        object_id=np.arange(1, count + 1, dtype=np.uint32),
        label=np.zeros(count, dtype=np.uint8),
    )


@pytest.fixture
def make_world() -> MakeWorld:
    """``make_world(*boxes, ground=...)``: a plane, level unless told, with boxes on it."""

    def make(*boxes: tuple[float, float, float, float, float], ground: Ground | None = None) -> PhysicsWorld:
        return PhysicsWorld(ground or PlaneGround(), obstacles(*boxes))

    return make


@pytest.fixture
def add_car() -> AddCar:
    """``add_car(world, actor_id, x, y, yaw_deg, speed_mps, type_id)``: rolling in the gear for its speed."""

    def add(
        world: PhysicsWorld,
        actor_id: int = 1,
        x_m: float = 0.0,
        y_m: float = 0.0,
        yaw_deg: float = 0.0,
        speed_mps: float = 0.0,
        type_id: str = MKZ,
    ) -> None:
        world.add_vehicle(actor_id, catalogue().vehicles[type_id], Pose((x_m, y_m, 0.0), (0.0, yaw_deg, 0.0)))
        yaw = np.radians(yaw_deg)
        world.set_velocity(actor_id, (speed_mps * float(np.cos(yaw)), speed_mps * float(np.sin(yaw)), 0.0))

    return add
