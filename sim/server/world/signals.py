"""Lights and signs as actors: their records in the snapshot, and what they mean to each vehicle."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from drivevla.errors import SimulatorError
from drivevla.sim.server.numba_import import kernel
from drivevla.sim.server.scene.scene import Scene, Signal
from drivevla.sim.server.wire.records import VEHICLE_RECORD
from drivevla.sim.server.world.actors import Actor, ActorTable
from drivevla.sim.server.world.lights import GREEN, Light, TrafficLights
from drivevla.sim.server.world.traffic import TriggerBoxes

__all__ = ["SignalActors"]

FloatArray = NDArray[np.float64]


class SignalActors:
    """The signals of one episode.

    Args:
        scene: Where the signals and the groups of lights come from.
        table: Where the actors' records are.

    Attributes:
        lights: The lights' cycle.
    """

    def __init__(self, scene: Scene, table: ActorTable) -> None:
        self._table = table
        self.lights = TrafficLights(scene.light_groups)
        self._actors: dict[str, Actor] = {}
        self._signals = {signal.signal_id: signal for signal in scene.signals}
        light_signals = [signal for signal in scene.signals if signal.kind == "traffic_light"]
        limit_signals = [signal for signal in scene.signals if signal.kind == "speed_limit"]
        self._light_signals = light_signals
        self._boxes = TriggerBoxes([*light_signals, *limit_signals])
        self._limits_kmh = np.array([signal.value_kmh or 0.0 for signal in limit_signals])
        self._written = (-1, -1)
        self._rows: NDArray[np.intp] = np.zeros(0, dtype=np.intp)
        self._since_s: FloatArray = np.zeros(0)
        self._states: NDArray[np.uint8] = np.zeros(0, dtype=np.uint8)
        self._light_ids: NDArray[np.uint32] = np.zeros(0, dtype=np.uint32)

    def add(self, signal: Signal, actor: Actor) -> None:
        """Note which actor stands for a signal; every signal of the scene has one."""
        self._actors[signal.signal_id] = actor
        self._table.records["sign_id"][actor.row] = signal.signal_id.encode()[:32]

    def actor(self, signal_id: str) -> Actor:
        """The actor of an OpenDRIVE signal.

        Raises:
            SimulatorError: The map has no such signal.
        """
        try:
            return self._actors[signal_id]
        except KeyError:
            raise SimulatorError(f"this map has no signal {signal_id!r}") from None

    def signal(self, signal_id: str) -> Signal:
        """What the scene says of an OpenDRIVE signal.

        Raises:
            SimulatorError: The map has no such signal.
        """
        self.actor(signal_id)
        return self._signals[signal_id]

    def light_of(self, actor: Actor) -> Light:
        """The light that an actor stands for.

        Raises:
            SimulatorError: The actor is no traffic light.
        """
        if actor.kind != "light":
            raise SimulatorError(f"actor {actor.actor_id} is a {actor.type_id}, no traffic light")
        return self.lights.light(actor.signal_id)

    def write_records(self) -> None:
        """Bring the lights' records up to date."""
        version = (self.lights.version, self._table.version)
        if version != self._written:
            self._rewrite()
            self._written = version
        if len(self._rows):
            records = self._table.records
            records["elapsed_time"][self._rows] = self.lights.now_s - self._since_s

    def govern(
        self, rows: NDArray[np.intp], center_m: FloatArray, yaw_deg: FloatArray, half_extent_m: FloatArray
    ) -> None:
        """Write into the vehicles' records which light and which limit holds for each; after ``write_records``."""
        vehicle, box = self._boxes.overlaps(center_m, yaw_deg, half_extent_m)
        records = self._table.records.view(VEHICLE_RECORD)
        _govern(records, rows, vehicle, box, self._light_ids, self._states, self._limits_kmh)

    def _rewrite(self) -> None:
        actors = [self._actors[signal.signal_id] for signal in self._light_signals]
        lights = [self.lights.light(signal.signal_id) for signal in self._light_signals]
        self._rows = np.array([actor.row for actor in actors], dtype=np.intp)
        self._light_ids = np.array([actor.actor_id for actor in actors], dtype=np.uint32)
        self._states = np.array([light.state for light in lights], dtype=np.uint8)
        self._since_s = np.array([light.since_s for light in lights])
        if not lights:
            return
        records = self._table.records
        records["light_state"][self._rows] = self._states
        records["green_time"][self._rows] = [light.timing.green_s for light in lights]
        records["yellow_time"][self._rows] = [light.timing.yellow_s for light in lights]
        records["red_time"][self._rows] = [light.timing.red_s for light in lights]
        records["pole_index"][self._rows] = [light.pole_index for light in lights]
        records["frozen"][self._rows] = self.lights.frozen


@kernel
def _govern(
    records: Any,
    rows: NDArray[np.intp],
    vehicle: NDArray[np.intp],
    box: NDArray[np.intp],
    light_id: NDArray[np.uint32],
    state: NDArray[np.uint8],
    limit_kmh: FloatArray,
) -> None:
    """Write light and limit of each vehicle; of several boxes over one vehicle the last one holds."""
    for row in rows:
        record = records[row]
        record.has_traffic_light, record.traffic_light_id, record.vehicle_light = False, 0, GREEN
    for pair in range(len(vehicle)):
        record, signal = records[rows[vehicle[pair]]], box[pair]
        if signal < len(light_id):
            record.has_traffic_light, record.traffic_light_id = True, light_id[signal]
            record.vehicle_light = state[signal]
        else:
            record.speed_limit = limit_kmh[signal - len(light_id)]
