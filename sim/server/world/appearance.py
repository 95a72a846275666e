"""What the renderer needs to know of the world at one instant."""

from typing import get_args

from drivevla.sim.server.catalogue.spec import VehicleSpec, WalkerSpec
from drivevla.sim.server.physics import PhysicsWorld
from drivevla.sim.server.render.frame import BodyKind, DynamicFrame, LightColour, RenderActor, VehicleLights
from drivevla.sim.server.render.weather import Weather
from drivevla.sim.server.scene.mesh import Label
from drivevla.sim.server.world.actors import Actor, ActorTable
from drivevla.sim.server.world.lights import TrafficLights

__all__ = ["dynamic_frame"]

_COLOURS: tuple[LightColour, ...] = get_args(LightColour)  # in the numbering of carla.TrafficLightState
STANDING_MPS = 0.05
FRONT_LEFT = 0
_PROP_RGB = (0.5, 0.5, 0.5)


def dynamic_frame(
    table: ActorTable,
    physics: PhysicsWorld,
    lights: TrafficLights,
    weather: Weather,
    now_s: float,
    dark_lamps: frozenset[int],
) -> DynamicFrame:
    """Everything that is not in the static mesh."""
    states = {light.signal_id: _COLOURS[light.state] for light in lights}
    fleet = physics.vehicles
    steer_deg = dict(zip(fleet.rows.actor_id.tolist(), fleet.wheel_steer_deg().tolist(), strict=True))
    for actor in table.of_kind("vehicle"):
        if FRONT_LEFT in actor.posed_steer_deg and not fleet.rows.simulated[fleet.row(actor.actor_id)]:
            steer_deg[actor.actor_id] = actor.posed_steer_deg[FRONT_LEFT]
    gait = dict(zip(physics.walkers.rows.actor_id.tolist(), physics.walkers.rows.gait, strict=True))
    bodies = tuple(
        _render_actor(table, actor, steer_deg.get(actor.actor_id, 0.0), gait.get(actor.actor_id))
        for actor in table.actors
        if actor.spec is not None
    )
    return DynamicFrame(time_s=now_s, weather=weather, light_states=states, actors=bodies, dark_lamps=dark_lamps)


def _render_actor(table: ActorTable, actor: Actor, steer_deg: float, gait: float | None) -> RenderActor:
    assert actor.spec is not None
    vx, vy, vz = table.velocity_mps[actor.row].tolist()
    return RenderActor(
        actor_id=actor.actor_id,
        type_id=actor.type_id,
        kind=_body_kind(actor),
        pose=table.pose(actor),
        half_extent_m=actor.half_extent_m,
        center_m=actor.center_m,
        label=Label(actor.label),
        velocity_mps=(vx, vy, vz),
        rgb=_paint(actor),
        lights=_lamps(table, actor),
        wheel_steer_deg=steer_deg,
        gait_phase=gait if vx * vx + vy * vy > STANDING_MPS**2 else None,
    )


def _body_kind(actor: Actor) -> BodyKind:
    if isinstance(actor.spec, VehicleSpec):
        return actor.spec.base_type
    return "walker" if isinstance(actor.spec, WalkerSpec) else "prop"


def _paint(actor: Actor) -> tuple[float, float, float]:
    if not isinstance(actor.spec, VehicleSpec):
        return _PROP_RGB
    chosen = actor.attributes.get("color")
    red, green, blue = (int(channel) for channel in chosen.split(",")) if chosen else actor.spec.rgb
    return red / 255.0, green / 255.0, blue / 255.0


def _lamps(table: ActorTable, actor: Actor) -> int:
    # Brake and reversing lamps follow the pedals, whatever else a client has switched on.
    lamps = actor.light_flags
    if isinstance(actor.spec, VehicleSpec):
        record = table.records[actor.row]
        if record["brake"] > 0.0:
            lamps |= VehicleLights.BRAKE
        if record["reverse"]:
            lamps |= VehicleLights.REVERSE
    return lamps
