"""One loaded map with everything that lives in it, from its loading until the next one."""

from collections.abc import Iterator

from drivevla.sim.server.pose import Pose
from drivevla.sim.server.scene.mesh import Label
from drivevla.sim.server.scene.scene import Scene
from drivevla.sim.server.wire.streams import StreamServer
from drivevla.sim.server.world.actors import Actor, ActorTable
from drivevla.sim.server.world.sensors.array import SensorArray
from drivevla.sim.server.world.signals import SignalActors

__all__ = ["Episode"]


class Episode:
    """A world.

    Args:
        scene: Everything static.
        episode_id: Differs between any two episodes of a server.
        seed: Decides everything random.
        actor_ids: Where new actors' ids come from.
        stream_ids: Where new sensors' stream ids come from.
        streams: Where measurements go.

    Attributes:
        scene: Everything static.
        episode_id: See above.
        now_s: Simulated seconds since the episode began.
        table: All living actors.
        signals: Lights and signs.
        sensors: Everything that measures.
        spectator: The free camera that every CARLA world has.
    """

    def __init__(
        self,
        scene: Scene,
        *,
        episode_id: int,
        seed: int,
        actor_ids: Iterator[int],
        stream_ids: Iterator[int],
        streams: StreamServer,
    ) -> None:
        self.scene, self.episode_id, self.now_s = scene, episode_id, 0.0
        self._actor_ids, self._stream_ids = actor_ids, stream_ids
        self._ordinal = 0
        self.table = ActorTable()
        self.signals = SignalActors(scene, self.table)
        self.sensors = SensorArray(streams, seed=seed)
        start = scene.spawn_points[0] if scene.spawn_points else Pose((0.0, 0.0, 0.0))
        self.spectator = self.create(Actor(**self.identity(), type_id="spectator", kind="spectator"), start)
        for signal in scene.signals:
            is_light = signal.kind == "traffic_light"
            actor = Actor(
                **self.identity(),
                type_id=signal.type_id,
                kind="light" if is_light else "sign",
                center_m=signal.trigger.center_m,
                half_extent_m=signal.trigger.half_extent_m,
                label=Label.TRAFFIC_LIGHT if is_light else Label.TRAFFIC_SIGNS,
                signal_id=signal.signal_id,
            )
            self.signals.add(signal, self.create(actor, signal.pose))
        self.signals.write_records()

    def identity(self) -> dict[str, int]:
        """A new actor's id and ordinal."""
        self._ordinal += 1
        return {"actor_id": next(self._actor_ids), "ordinal": self._ordinal}

    def create(self, actor: Actor, pose: Pose) -> Actor:
        """Put a new actor into the world."""
        self.table.add(actor, pose)
        return actor

    def advance(self, step_s: float) -> None:
        """Let simulated time pass."""
        self.now_s += step_s
        self.signals.lights.advance(step_s)
        self.signals.write_records()
        self.table.place_children()
