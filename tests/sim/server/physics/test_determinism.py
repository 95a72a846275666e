"""Same calls, same bits; ids do not matter."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from drivevla.sim.server.catalogue import catalogue
from drivevla.sim.server.physics import PhysicsWorld, VehicleControl, WalkerControl
from drivevla.sim.server.pose import Pose

MakeWorld = Callable[..., PhysicsWorld]
States = dict[str, NDArray[np.float64]]

STATES = ("location_m", "rotation_deg", "velocity_mps", "angular_velocity_dps", "acceleration_mps2")


def busy(make_world: MakeWorld, *, first_id: int, spare: bool = False) -> States:
    """Twenty vehicles, walkers and props among boxes, much of it colliding, for five seconds."""
    rng = np.random.default_rng(3)
    boxes = [(*rng.uniform(-60.0, 60.0, 2), *rng.uniform(0.2, 3.0, 2), rng.uniform(0.0, 90.0)) for _ in range(30)]
    world = make_world(*boxes)
    specs = list(catalogue().vehicles.values())
    if spare:
        world.add_vehicle(10**6, specs[0], Pose((1e4, 0.0, 0.0)))
    for place in range(20):
        actor_id = first_id + 7 * place
        x, y, yaw = (rng.uniform(-1.0, 1.0, 3) * (50.0, 50.0, 180.0)).tolist()
        world.add_vehicle(actor_id, specs[place], Pose((x, y, 0.3), (0.0, yaw, 0.0)))
        steer, throttle = rng.uniform(-0.3, 0.3), rng.uniform(0.3, 1.0)
        world.vehicles.set_control(actor_id, VehicleControl(throttle=throttle, steer=steer))
    if spare:
        world.remove(10**6)
    for place in range(5):
        x, y = rng.uniform(-50.0, 50.0, 2).tolist()
        world.add_walker(first_id + 1000 + place, catalogue().walkers["walker.pedestrian.0001"], Pose((x, y, 0.93)))
        world.walkers.set_control(first_id + 1000 + place, WalkerControl((1.0, 0.2, 0.0), 1.5))
        x, y = rng.uniform(-50.0, 50.0, 2).tolist()
        world.add_prop(first_id + 2000 + place, catalogue().props["static.prop.barrel"], Pose((x, y, 0.0)))
        world.set_simulated(first_id + 2000 + place, True)
    contacts = 0
    for _ in range(100):
        world.step(0.05)
        contacts += len(world.contacts)
    assert contacts > 20
    tables = (world.vehicles.rows, world.walkers.rows, world.props.rows)
    return {name: np.concatenate([getattr(table, name) for table in tables]) for name in STATES}


def test_the_same_calls_give_the_same_bits_whatever_the_ids(make_world: MakeWorld) -> None:
    runs = [
        busy(make_world, first_id=1),
        busy(make_world, first_id=1),
        busy(make_world, first_id=50_000),
        busy(make_world, first_id=1, spare=True),
    ]
    for other in runs[1:]:
        for name in STATES:
            np.testing.assert_array_equal(runs[0][name], other[name], err_msg=name)
    assert np.isfinite(runs[0]["location_m"]).all()
    assert np.abs(runs[0]["velocity_mps"]).max() < 60.0
