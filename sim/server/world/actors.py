"""What an actor is, and the table of all living ones with their packed records."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from drivevla.errors import SimulatorError
from drivevla.sim.server.catalogue.blueprint import Blueprint
from drivevla.sim.server.catalogue.spec import PropSpec, VehicleSpec, WalkerSpec
from drivevla.sim.server.pose import Pose, euler_angles_deg, rotation_matrices
from drivevla.sim.server.wire import encode
from drivevla.sim.server.wire.decode import Vector
from drivevla.sim.server.wire.records import ACTOR_RECORD
from drivevla.sim.server.world.skeleton import Skeleton

__all__ = ["Actor", "ActorKind", "ActorTable", "Mount", "Spec"]

ActorKind = Literal["spectator", "vehicle", "walker", "prop", "trigger", "sensor", "controller", "light", "sign"]
Spec = VehicleSpec | WalkerSpec | PropSpec
BODY_KINDS = frozenset({"vehicle", "walker", "prop"})
ZERO: Vector = (0.0, 0.0, 0.0)
ACTIVE = 1


@dataclass(frozen=True, slots=True)
class Mount:
    """How a child follows its parent.

    Attributes:
        relative: Pose in the parent's frame.
        level: Whether the child keeps level and follows the parent's heading only, like a camera on a spring arm.
    """

    relative: Pose
    level: bool = False


@dataclass(slots=True, eq=False, kw_only=True)
class Actor:
    """One living actor.

    Attributes:
        actor_id: Never used twice while the server runs.
        ordinal: How many actors this episode had before it; seeds its noise, so that ids do not matter.
        type_id: Blueprint id.
        kind: What it is.
        blueprint: What it was spawned from; None for the spectator, lights and signs.
        attributes: Every attribute's text: as the client chose, else the blueprint's default.
        spec: Size and mechanics of what has a body.
        center_m: Centre of the bounding box in the actor's frame.
        half_extent_m: Half sizes of the bounding box; for signals that of the trigger volume.
        label: Semantic label.
        parent: What it is attached to.
        mount: How it is attached.
        children: What is attached to it, in order of attachment.
        stream_id: For sensors: the stream its measurements go to; 0 for none.
        row: Where it is in the ``ActorTable``.
        signal_id: For lights and signs: OpenDRIVE signal id.
        light_flags: For vehicles: which lamps a client has switched on.
        open_doors: For vehicles: numbers of the doors that are open.
        posed_steer_deg: For vehicles: angles of wheels as a client posed them; they hold while physics is off.
        posed_roll_deg: Likewise how far wheels are turned about their axles.
        skeleton: For walkers: their bones, once a client has asked for them.
    """

    actor_id: int
    ordinal: int
    type_id: str
    kind: ActorKind
    blueprint: Blueprint | None = None
    attributes: dict[str, str] = field(default_factory=dict)
    spec: Spec | None = None
    center_m: Vector = ZERO
    half_extent_m: Vector = ZERO
    label: int = 0
    parent: "Actor | None" = None
    mount: Mount | None = None
    children: "list[Actor]" = field(default_factory=list)
    stream_id: int = 0
    row: int = -1
    signal_id: str = ""
    light_flags: int = 0
    open_doors: set[int] = field(default_factory=set)
    posed_steer_deg: dict[int, float] = field(default_factory=dict)
    posed_roll_deg: dict[int, float] = field(default_factory=dict)
    skeleton: Skeleton | None = None

    @property
    def is_client_side(self) -> bool:
        """Whether the client computes what it measures by itself, from snapshots: no stream."""
        return self.type_id == "sensor.other.lane_invasion"

    @property
    def is_body(self) -> bool:
        """Whether it has a place in the collision pass: vehicles, walkers, props."""
        return self.kind in BODY_KINDS

    def to_wire(self, token: bytes) -> list[object]:
        """The Actor struct as a client reads it; ``token`` is empty for what has no stream."""
        known = self.blueprint.attributes if self.blueprint else ()
        attributes = [[attribute.id, int(attribute.type), self.attributes[attribute.id]] for attribute in known]
        description = [self.blueprint.uid if self.blueprint else 0, self.type_id, attributes]
        box = encode.bounding_box(self.center_m, self.half_extent_m, actor_id=self.actor_id)
        parent_id = self.parent.actor_id if self.parent else 0
        return [self.actor_id, parent_id, description, box, bytes([self.label]), token]


class ActorTable:
    """All living actors in order of creation, one packed record each, and their states in double precision.

    Attributes:
        actors: In the order of the rows.
        location_m: (capacity, 3).
        rotation_deg: (capacity, 3) pitch, yaw, roll.
        velocity_mps: (capacity, 3) world frame.
        angular_velocity_dps: (capacity, 3).
        acceleration_mps2: (capacity, 3) world frame.
        travelled_m: (capacity,) the way that a vehicle has driven.
        records: (capacity,) of ``ACTOR_RECORD``; the kinds' own fields are written by whoever governs them.
        version: Grows with every actor that comes or goes.
    """

    _VECTORS = ("location_m", "rotation_deg", "velocity_mps", "angular_velocity_dps", "acceleration_mps2")
    _ARRAYS = (*_VECTORS, "travelled_m")

    def __init__(self) -> None:
        self.actors: list[Actor] = []
        self._by_id: dict[int, Actor] = {}
        self.location_m, self.rotation_deg, self.velocity_mps, self.angular_velocity_dps, self.acceleration_mps2 = (
            np.zeros((64, 3)) for _ in self._VECTORS
        )
        self.travelled_m = np.zeros(64)
        self.records: NDArray[np.void] = np.zeros(64, dtype=ACTOR_RECORD)
        self.version = 0
        self._by_kind: dict[ActorKind, list[Actor]] = {}
        self._by_kind_version = -1
        self._levels_version = -1
        self._levels: list[_MountLevel] = []

    def __len__(self) -> int:
        return len(self.actors)

    def add(self, actor: Actor, pose: Pose) -> None:
        """Give the actor a row."""
        actor.row = len(self.actors)
        if actor.row == len(self.records):
            self._grow()
        self.actors.append(actor)
        self._by_id[actor.actor_id] = actor
        for name in self._ARRAYS:
            getattr(self, name)[actor.row] = 0.0
        self.records[actor.row] = np.zeros((), dtype=ACTOR_RECORD)
        self.records["id"][actor.row] = actor.actor_id
        self.records["state"][actor.row] = ACTIVE
        self.set_pose(actor, pose)
        self.version += 1

    def remove(self, actor: Actor) -> None:
        """Take the actor's row away; later rows move up."""
        row, last = actor.row, len(self.actors)
        for array in (*(getattr(self, name) for name in self._ARRAYS), _bytes_of(self.records)):
            array[row : last - 1] = array[row + 1 : last].copy()
        del self.actors[row]
        del self._by_id[actor.actor_id]
        for later in self.actors[row:]:
            later.row -= 1
        actor.row = -1
        self.version += 1

    def find(self, actor_id: int) -> Actor | None:
        """The living actor of that id, or None."""
        return self._by_id.get(actor_id)

    def get(self, actor_id: int) -> Actor:
        """The living actor of that id.

        Raises:
            SimulatorError: There is none.
        """
        actor = self._by_id.get(actor_id)
        if actor is None:
            raise SimulatorError(f"no actor {actor_id}: it was destroyed or never existed")
        return actor

    def of_kind(self, kind: ActorKind) -> list[Actor]:
        """All living actors of one kind, in order of creation."""
        if self._by_kind_version != self.version:
            self._by_kind, self._by_kind_version = {}, self.version
        if kind not in self._by_kind:
            self._by_kind[kind] = [actor for actor in self.actors if actor.kind == kind]
        return self._by_kind[kind]

    def pose(self, actor: Actor) -> Pose:
        """Where the actor is."""
        x, y, z = self.location_m[actor.row].tolist()
        pitch, yaw, roll = self.rotation_deg[actor.row].tolist()
        return Pose((x, y, z), (pitch, yaw, roll))

    def set_pose(self, actor: Actor, pose: Pose) -> None:
        """Put the actor somewhere; children follow with ``place_children``."""
        self.location_m[actor.row] = pose.location_m
        self.rotation_deg[actor.row] = pose.rotation_deg

    def mounted_pose(self, parent: Actor, mount: Mount) -> Pose:
        """Where something mounted on ``parent`` is."""
        base = self.pose(parent)
        if mount.level:
            base = Pose(base.location_m, (0.0, base.rotation_deg[1], 0.0))
        return Pose.from_matrix(base.matrix() @ mount.relative.matrix())

    def world_points(self, actor: Actor, points_m: Sequence[Vector]) -> list[Vector]:
        """Points of the actor's frame in the world."""
        matrix = self.pose(actor).matrix()
        world = np.asarray(points_m).reshape(-1, 3) @ matrix[:3, :3].T + matrix[:3, 3]
        return [(float(x), float(y), float(z)) for x, y, z in world]

    def place_children(self) -> None:
        """Move everything attached to where its parent is now, parents before their children."""
        if self._levels_version != self.version:
            self._levels = _mount_levels(self.actors)
            self._levels_version = self.version
        for level in self._levels:
            level.place(self)

    def pack(self) -> bytes:
        """The records of all actors as the world message carries them."""
        count = len(self.actors)
        records = self.records[:count]
        records["location"] = self.location_m[:count]
        records["rotation"] = self.rotation_deg[:count]
        records["velocity"] = self.velocity_mps[:count]
        records["angular_velocity"] = self.angular_velocity_dps[:count]
        records["acceleration"] = self.acceleration_mps2[:count]
        return records.tobytes()

    def _grow(self) -> None:
        for name in self._ARRAYS:
            array = getattr(self, name)
            setattr(self, name, np.concatenate([array, np.zeros_like(array)]))
        larger = np.zeros(2 * len(self.records), dtype=ACTOR_RECORD)
        _bytes_of(larger)[: len(self.records)] = _bytes_of(self.records)
        self.records = larger


def _bytes_of(records: NDArray[np.void]) -> NDArray[np.uint8]:
    # Copies go byte by byte: NumPy would copy field by field, and concatenating lays overlapping fields out anew.
    return records.view(np.uint8).reshape(len(records), ACTOR_RECORD.itemsize)


class _MountLevel:
    """Children whose parents have equally many ancestors, placed in one go."""

    def __init__(self, children: list[Actor]) -> None:
        self.rows = np.array([child.row for child in children])
        self.parent_rows = np.array([child.parent.row for child in children if child.parent])
        mounts = [child.mount for child in children if child.mount]
        self.offset_m = np.array([mount.relative.location_m for mount in mounts])
        self.relative_deg = np.array([mount.relative.rotation_deg for mount in mounts])
        self.relative = rotation_matrices(self.relative_deg)
        self.level = np.array([mount.level for mount in mounts])
        self.any_level = bool(self.level.any())
        self.any_turned = bool(self.relative_deg.any())

    def place(self, table: ActorTable) -> None:
        parent_deg = table.rotation_deg[self.parent_rows]
        if self.any_level:
            parent_deg[self.level, 0] = 0.0
            parent_deg[self.level, 2] = 0.0
        world_from_parent = rotation_matrices(parent_deg)
        offset_m = np.einsum("nij,nj->ni", world_from_parent, self.offset_m)
        table.location_m[self.rows] = table.location_m[self.parent_rows] + offset_m
        table.velocity_mps[self.rows] = table.velocity_mps[self.parent_rows]
        table.angular_velocity_dps[self.rows] = table.angular_velocity_dps[self.parent_rows]
        table.acceleration_mps2[self.rows] = table.acceleration_mps2[self.parent_rows]
        if self.any_turned:
            table.rotation_deg[self.rows] = euler_angles_deg(world_from_parent @ self.relative)
        else:
            table.rotation_deg[self.rows] = parent_deg


def _mount_levels(actors: list[Actor]) -> list[_MountLevel]:
    by_depth: dict[int, list[Actor]] = {}
    for actor in actors:
        if actor.parent is not None:
            by_depth.setdefault(_depth(actor), []).append(actor)
    return [_MountLevel(by_depth[depth]) for depth in sorted(by_depth)]


def _depth(actor: Actor) -> int:
    return 0 if actor.parent is None else 1 + _depth(actor.parent)
