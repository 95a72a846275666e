"""What the vehicle model gives, measured: ``python -m drivevla.sim.server.physics.figures`` prints it.

The rows stand in ``docs/vehicle-model.md`` beside what others identified in CARLA.
"""

import math
import sys
import time
from collections.abc import Iterator

import numpy as np

from drivevla.sim.server.catalogue import VehicleSpec, catalogue
from drivevla.sim.server.physics.ground import PlaneGround
from drivevla.sim.server.physics.vehicles import VehicleControl
from drivevla.sim.server.physics.world import PhysicsWorld
from drivevla.sim.server.pose import Pose
from drivevla.sim.server.scene.obstacles import StaticObstacles

__all__ = ["acceleration_s", "braking_m", "curvature_per_m", "figures", "open_plane", "step_us"]

TICK_S = 0.05
EGO = "vehicle.lincoln.mkz_2020"


def open_plane() -> PhysicsWorld:
    """A world with nothing in it."""
    nothing = StaticObstacles(
        center_m=np.zeros((0, 3)),
        half_extent_m=np.zeros((0, 3)),
        yaw_deg=np.zeros(0),
        object_id=np.zeros(0, dtype=np.uint32),
        label=np.zeros(0, dtype=np.uint8),
    )
    return PhysicsWorld(PlaneGround(), nothing)


def acceleration_s(spec: VehicleSpec, speed_mps: float, *, longest_s: float = 60.0) -> float:
    """Seconds from rest to a speed at full throttle; infinity if it takes longer than ``longest_s``."""
    world = _rolling(spec, 0.0, VehicleControl(throttle=1.0))
    for step in range(round(longest_s / TICK_S)):
        world.step(TICK_S)
        if world.vehicles.forward_speed_mps(1) >= speed_mps:
            return (step + 1) * TICK_S
    return math.inf


def braking_m(spec: VehicleSpec, speed_mps: float) -> float:
    """Metres from a speed to rest with the brake pressed all the way, from the moment it is pressed."""
    world = _rolling(spec, speed_mps, VehicleControl(brake=1.0))
    while world.vehicles.forward_speed_mps(1) > 0.0:
        world.step(TICK_S)
    return float(world.vehicles.rows.location_m[0, 0])


def curvature_per_m(spec: VehicleSpec, steer: float, speed_mps: float) -> float:
    """Curvature of the path once the turn is steady, the speed along the heading being held."""
    world = _rolling(spec, speed_mps, VehicleControl(steer=steer))
    rows = world.vehicles.rows
    for _ in range(80):
        yaw = math.radians(rows.rotation_deg[0, 1])
        lost = speed_mps - world.vehicles.forward_speed_mps(1)
        rows.velocity_mps[0, :2] += lost * math.cos(yaw), lost * math.sin(yaw)
        world.step(TICK_S)
    return float(rows.yaw_rate_radps[0] / np.hypot(rows.velocity_mps[0, 0], rows.velocity_mps[0, 1]))


def step_us(vehicles: int, *, steps: int = 400) -> float:
    """Best of many: processor microseconds of one step with so many vehicles driving in columns."""
    world, specs = open_plane(), list(catalogue().vehicles.values())
    for actor_id in range(vehicles):
        place = Pose((15.0 * (actor_id % 10), 8.0 * (actor_id // 10), 0.0))
        world.add_vehicle(actor_id, specs[actor_id % len(specs)], place)
        world.vehicles.set_constant_velocity(actor_id, (8.0, 0.0, 0.0))
    taken = []
    for _ in range(steps):
        start = time.thread_time()
        world.step(TICK_S)
        taken.append(time.thread_time() - start)
    return 1e6 * min(taken)


def figures() -> Iterator[str]:
    """The lines of the table."""
    ego = catalogue().vehicles[EGO]
    yield f"{EGO}: 0-50 km/h {acceleration_s(ego, 50 / 3.6):.2f} s, 0-100 km/h {acceleration_s(ego, 100 / 3.6):.2f} s"
    yield f"{EGO}: 50-0 km/h {braking_m(ego, 50 / 3.6):.1f} m, 100-0 km/h {braking_m(ego, 100 / 3.6):.1f} m"
    for kph in (10.0, 25.0, 50.0, 80.0):
        row = ", ".join(f"{steer}: {curvature_per_m(ego, steer, kph / 3.6):.4f}" for steer in (0.05, 0.1, 0.2, 0.4))
        yield f"{EGO}: curvature in 1/m at {kph:.0f} km/h by steer: {row}"
    yield f"{'vehicle':<36}{'0-60 s':>8}{'0-100 s':>9}{'50-0 m':>8}"
    for spec in catalogue().vehicles.values():
        times = f"{acceleration_s(spec, 60 / 3.6):8.1f}{acceleration_s(spec, 100 / 3.6):9.1f}"
        yield f"{spec.id:<36}{times}{braking_m(spec, 50 / 3.6):8.1f}"
    yield ", ".join(f"step with {count} vehicles: {step_us(count):.0f} us" for count in (1, 10, 30, 100))


def _rolling(spec: VehicleSpec, speed_mps: float, control: VehicleControl) -> PhysicsWorld:
    world = open_plane()
    world.add_vehicle(1, spec, Pose((0.0, 0.0, 0.0)))
    world.set_velocity(1, (speed_mps, 0.0, 0.0))
    world.vehicles.set_control(1, control)
    return world


if __name__ == "__main__":
    for line in figures():
        sys.stdout.write(line + "\n")
