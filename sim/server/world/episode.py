"""One loaded map with everything that lives in it, from its loading until the next one."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from drivevla.sim.server.physics import Contact, PhysicsWorld
from drivevla.sim.server.pose import Pose
from drivevla.sim.server.render.frame import DynamicFrame
from drivevla.sim.server.render.weather import Weather
from drivevla.sim.server.scene.mesh import Label
from drivevla.sim.server.wire.streams import StreamServer
from drivevla.sim.server.world.actors import Actor, ActorTable
from drivevla.sim.server.world.appearance import dynamic_frame
from drivevla.sim.server.world.embodiment import Embodiment
from drivevla.sim.server.world.limits import SpeedSigns
from drivevla.sim.server.world.sensors.array import SensorArray, Tick
from drivevla.sim.server.world.sensors.inertial import attribute_number
from drivevla.sim.server.world.signals import SignalActors
from drivevla.sim.server.world.stage import Stage
from drivevla.sim.server.world.street_lights import StreetLights

__all__ = ["Episode"]


class Episode:
    """A world.

    Args:
        stage: Everything static; whatever an earlier episode hid is shown again.
        episode_id: Differs between any two episodes of a server.
        seed: Decides everything random.
        actor_ids: Where new actors' ids come from.
        stream_ids: Where new sensors' stream ids come from.
        streams: Where measurements go.

    Attributes:
        stage: Everything static, and what draws it.
        scene: The stage's scene.
        episode_id: See above.
        now_s: Simulated seconds since the episode began.
        table: All living actors.
        physics: Everything with a body.
        signals: Lights and signs.
        street_lights: Lamps beside the streets.
        sensors: Everything that measures.
        spectator: The free camera that every CARLA world has.
    """

    def __init__(
        self,
        stage: Stage,
        *,
        episode_id: int,
        seed: int,
        actor_ids: Iterator[int],
        stream_ids: Iterator[int],
        streams: StreamServer,
    ) -> None:
        scene = stage.scene
        stage.show_everything()
        self.stage, self.scene, self.episode_id, self.now_s = stage, scene, episode_id, 0.0
        self._actor_ids, self._stream_ids = actor_ids, stream_ids
        self._ordinal = 0
        self._frame: DynamicFrame | None = None
        self.table = ActorTable()
        self.physics = PhysicsWorld(scene.ground, scene.obstacles)
        self._bodies = Embodiment(self.table, self.physics)
        self.signals = SignalActors(scene, self.table)
        self._speed_signs = SpeedSigns(scene)
        self.street_lights = StreetLights(scene.street_lights)
        self.sensors = SensorArray(streams, seed=seed)
        start = scene.spawn_points[0] if scene.spawn_points else Pose((0.0, 0.0, 0.0))
        self.spectator = self.new_actor(type_id="spectator", kind="spectator")
        self.table.add(self.spectator, start)
        for signal in scene.signals:
            is_light = signal.kind == "traffic_light"
            actor = self.new_actor(
                type_id=signal.type_id,
                kind="light" if is_light else "sign",
                center_m=signal.trigger.center_m,
                half_extent_m=signal.trigger.half_extent_m,
                label=Label.TRAFFIC_LIGHT if is_light else Label.TRAFFIC_SIGNS,
                signal_id=signal.signal_id,
            )
            self.table.add(actor, signal.pose)
            self.signals.add(signal, actor)
        self.signals.write_records()

    def new_actor(self, **properties: Any) -> Actor:
        """An actor with the next id, not yet in the world."""
        self._ordinal += 1
        return Actor(actor_id=next(self._actor_ids), ordinal=self._ordinal, **properties)

    def add(self, actor: Actor, pose: Pose) -> None:
        """Put a spawned actor into the world.

        Raises:
            DriveVLAError: One of its attributes is out of range; then the world is as before.
        """
        if actor.kind == "sensor" and not actor.is_client_side:
            actor.stream_id = next(self._stream_ids)
            self.sensors.add(actor)
        elif actor.kind == "trigger":
            friction = attribute_number(actor.attributes, "friction")
            self.physics.friction.add(actor.actor_id, pose, actor.half_extent_m, friction)
        elif actor.is_body:
            self._bodies.add(actor, pose)
        self.table.add(actor, pose)
        if actor.kind == "vehicle":
            self.table.records["speed_limit"][actor.row] = self._speed_signs.behind_kmh(pose)
        if actor.parent is not None:
            actor.parent.children.append(actor)
        self._frame = None

    def remove(self, actor: Actor) -> None:
        """Take an actor without children out of the world."""
        if actor.parent is not None:
            actor.parent.children.remove(actor)
        if actor.is_body:
            self.physics.remove(actor.actor_id)
        elif actor.kind == "trigger":
            self.physics.friction.remove(actor.actor_id)
        self.sensors.remove(actor)
        self.table.remove(actor)
        self._frame = None

    def move(self, actor: Actor, pose: Pose) -> None:
        """Put an actor somewhere else by decree; for what is attached the pose is in its parent's frame."""
        if actor.parent is not None and actor.mount is not None:
            actor.mount = replace(actor.mount, relative=pose)
            pose = self.table.mounted_pose(actor.parent, actor.mount)
            self.table.version += 1
        self.table.set_pose(actor, pose)
        if actor.is_body:
            self.physics.set_pose(actor.actor_id, pose)
        self.sensors.lose_track(actor)
        self._frame = None

    def show(self, object_ids: set[int], *, shown: bool) -> None:
        """Show things of the level, or take them out of it: then nothing sees them or runs into them."""
        self.stage.show(object_ids, shown=shown)
        self.physics.let_through(self.stage.hidden)

    def advance(self, step_s: float) -> None:
        """Let simulated time pass."""
        self.now_s += step_s
        self._frame = None
        self.signals.lights.advance(step_s)
        self.signals.write_records()
        self.physics.step(step_s)
        self._bodies.follow(self.signals, step_s)
        self.table.place_children()
        self._bodies.carry()

    def measure(self, tick: Tick) -> None:
        """Send what the sensors see, after ``advance``."""
        self.sensors.capture(self, tick)

    def frame_now(self, weather: Weather) -> DynamicFrame:
        """The world as the renderer sees it; built once a tick."""
        dark = self.street_lights.dark
        if self._frame is None or self._frame.weather is not weather or self._frame.dark_lamps is not dark:
            self._frame = dynamic_frame(self.table, self.physics, self.signals.lights, weather, self.now_s, dark)
        return self._frame

    def struck(self, actor_id: int, object_id: int, label: int) -> list[object]:
        """The Actor struct of what was touched: a living actor, or something of the level, which has id 0."""
        actor = self.table.find(actor_id) if actor_id else None
        if actor is not None:
            return actor.to_wire(b"")
        thing = self.stage.thing(object_id)
        type_id = f"static.{Label(label).name.lower().replace('_', '')}"
        half_extent_m = thing.half_extent_m if thing else (0.0, 0.0, 0.0)
        return Actor(
            actor_id=0, ordinal=0, type_id=type_id, kind="prop", half_extent_m=half_extent_m, label=label
        ).to_wire(b"")

    def touched(self, contact: Contact) -> list[object]:
        """The Actor struct of the other side of a contact."""
        if contact.obstacle is None:
            return self.struck(contact.other_id or 0, 0, Label.NONE)
        obstacles = self.scene.obstacles
        return self.struck(0, int(obstacles.object_id[contact.obstacle]), int(obstacles.label[contact.obstacle]))
