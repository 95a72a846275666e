"""Questions about what is where: rays, and the things of the level."""

from drivevla.sim.server.calls.table import CallGroup
from drivevla.sim.server.render.measurements import RayHit
from drivevla.sim.server.scene.scene import SceneObject
from drivevla.sim.server.wire import decode, encode
from drivevla.sim.server.wire.decode import Vector
from drivevla.sim.server.world.simulator import Simulator

__all__ = ["CALLS"]

CALLS = CallGroup()

ANY_LABEL = 255


@CALLS.value("project_point", decode.vector, decode.vector, decode.number)
def project_point(simulator: Simulator, start_m: Vector, direction: Vector, distance_m: float) -> list[object]:
    """The first thing on the way, and whether there is any."""
    episode = simulator.episode
    hit = episode.stage.renderer.project_point(start_m, direction, distance_m, episode.frame_now(simulator.weather))
    return [hit is not None, _labelled(hit) if hit else [[0.0, 0.0, 0.0], 0]]


@CALLS.value("cast_ray", decode.vector, decode.vector)
def cast_ray(simulator: Simulator, start_m: Vector, end_m: Vector) -> list[object]:
    """Everything between two points."""
    episode = simulator.episode
    return [
        _labelled(hit) for hit in episode.stage.renderer.cast_ray(start_m, end_m, episode.frame_now(simulator.weather))
    ]


@CALLS.value("get_all_level_BBs", decode.integer)
def get_all_level_bbs(simulator: Simulator, label: int) -> list[object]:
    """World boxes of the level's things with a label."""
    return [_world_box(thing) for thing in _labelled_objects(simulator, label)]


@CALLS.value("get_environment_objects", decode.integer)
def get_environment_objects(simulator: Simulator, label: int) -> list[object]:
    """The level's things with a label."""
    return [
        [encode.transform(thing.pose), _world_box(thing), thing.object_id, thing.name, int(thing.label)]
        for thing in _labelled_objects(simulator, label)
    ]


@CALLS.value("get_names_of_all_objects")
def get_names_of_all_objects(simulator: Simulator) -> list[str]:
    """Names of the level's things."""
    return [thing.name for thing in simulator.episode.scene.objects]


def _labelled_objects(simulator: Simulator, label: int) -> list[SceneObject]:
    objects = simulator.episode.scene.objects
    return [thing for thing in objects if label in (ANY_LABEL, int(thing.label))]


def _world_box(thing: SceneObject) -> list[object]:
    return encode.bounding_box(thing.pose.location_m, thing.half_extent_m, thing.pose.rotation_deg)


def _labelled(hit: RayHit) -> list[object]:
    return [list(hit.location_m), int(hit.label)]
