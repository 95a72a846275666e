"""Anything with a body: velocities, pushes, and whether physics moves it at all."""

from drivevla.sim.server.calls.table import CallGroup
from drivevla.sim.server.wire import decode
from drivevla.sim.server.wire.decode import Vector
from drivevla.sim.server.world.simulator import Simulator

__all__ = [
    "CALLS",
    "add_actor_angular_impulse",
    "add_actor_force",
    "add_actor_impulse",
    "add_actor_torque",
    "set_actor_enable_gravity",
    "set_actor_simulate_physics",
    "set_actor_target_angular_velocity",
    "set_actor_target_velocity",
]

CALLS = CallGroup()

ID = decode.uint32


@CALLS.nothing("set_actor_target_velocity", ID, decode.vector)
def set_actor_target_velocity(simulator: Simulator, actor_id: int, velocity_mps: Vector) -> None:
    """Give a body a velocity in the world."""
    simulator.episode.physics.set_velocity(actor_id, velocity_mps)


@CALLS.nothing("set_actor_target_angular_velocity", ID, decode.vector)
def set_actor_target_angular_velocity(simulator: Simulator, actor_id: int, rate_dps: Vector) -> None:
    """Give a body a spin about the world's axes, in degrees per second."""
    simulator.episode.physics.set_angular_velocity(actor_id, rate_dps)


@CALLS.nothing("enable_actor_constant_velocity", ID, decode.vector)
def enable_actor_constant_velocity(simulator: Simulator, actor_id: int, velocity_mps: Vector) -> None:
    """Hold a vehicle at a velocity in its own frame."""
    simulator.episode.physics.vehicles.set_constant_velocity(actor_id, velocity_mps)


@CALLS.nothing("disable_actor_constant_velocity", ID)
def disable_actor_constant_velocity(simulator: Simulator, actor_id: int) -> None:
    """Give a vehicle back to its pedals."""
    simulator.episode.physics.vehicles.set_constant_velocity(actor_id, None)


@CALLS.nothing("add_actor_impulse", ID, decode.vector)
def add_actor_impulse(simulator: Simulator, actor_id: int, impulse_ns: Vector) -> None:
    """Push a body once."""
    simulator.episode.physics.add_impulse(actor_id, impulse_ns)


@CALLS.nothing("add_actor_force", ID, decode.vector)
def add_actor_force(simulator: Simulator, actor_id: int, force_n: Vector) -> None:
    """Push a body during the next tick."""
    simulator.episode.physics.add_force(actor_id, force_n)


@CALLS.nothing("add_actor_angular_impulse", ID, decode.vector)
def add_actor_angular_impulse(simulator: Simulator, actor_id: int, impulse: Vector) -> None:
    """Turn a body once."""
    simulator.episode.physics.add_angular_impulse(actor_id, impulse)


@CALLS.nothing("add_actor_torque", ID, decode.vector)
def add_actor_torque(simulator: Simulator, actor_id: int, torque: Vector) -> None:
    """Turn a body during the next tick."""
    simulator.episode.physics.add_torque(actor_id, torque)


@CALLS.nothing("set_actor_simulate_physics", ID, decode.boolean)
def set_actor_simulate_physics(simulator: Simulator, actor_id: int, simulated: bool) -> None:
    """Whether a body moves by itself."""
    # Never an error: the Traffic Manager calls from a thread in which an exception ends the client's process.
    if actor_id in simulator.episode.physics:
        simulator.episode.physics.set_simulated(actor_id, simulated)


@CALLS.nothing("set_actor_collisions", ID, decode.boolean)
def set_actor_collisions(simulator: Simulator, actor_id: int, colliding: bool) -> None:
    """Whether a body can be run into."""
    simulator.episode.physics.set_colliding(actor_id, colliding)


@CALLS.nothing("set_actor_enable_gravity", ID, decode.boolean)
def set_actor_enable_gravity(simulator: Simulator, actor_id: int, enabled: bool) -> None:
    """Whether a body falls."""
    simulator.episode.physics.set_falling(actor_id, enabled)


@CALLS.nothing("set_actor_dead", ID)
def set_actor_dead(simulator: Simulator, actor_id: int) -> None:
    """Let an actor come to rest for good: it no longer moves by itself."""
    simulator.episode.physics.set_simulated(actor_id, False)
