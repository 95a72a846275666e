"""One tick of a small world that nobody sees, so that whatever is compiled is compiled before a client waits for it."""

import itertools

from drivevla.sim.server.numba_import import is_everything_kept, note_everything_kept
from drivevla.sim.server.physics import Contact
from drivevla.sim.server.pose import Pose
from drivevla.sim.server.wire.streams import StreamServer
from drivevla.sim.server.world.episode import Episode
from drivevla.sim.server.world.spawning import ActorDescription, spawn
from drivevla.sim.server.world.stage import Stage

__all__ = ["rehearse"]

_CAST = ("vehicle.lincoln.mkz_2020", "vehicle.lincoln.mkz_2020", "walker.pedestrian.0001", "static.prop.barrel")
_STEP_S = 0.05


def rehearse(stage: Stage, streams: StreamServer) -> tuple[Contact, ...]:
    """Let two vehicles, a walker and a prop meet in one place for a tick.

    Where no earlier process compiled what draws pictures, the stage's renderer is built too; otherwise that waits until
    somebody wants to look.

    Args:
        stage: Where; it is as before afterwards.
        streams: Nobody listens to what they could send.

    Returns:
        Their contacts.
    """
    episode = Episode(
        stage, episode_id=0, seed=0, actor_ids=itertools.count(1), stream_ids=itertools.count(1), streams=streams
    )
    for place, type_id in enumerate(_CAST):
        spawn(episode, ActorDescription(0, type_id, {}), Pose((50.0 * place, 0.0, 1000.0)))
    for actor in episode.table.actors[-len(_CAST) :]:
        episode.move(actor, Pose((0.0, 0.0, 1000.0)))
    episode.advance(_STEP_S)
    if not is_everything_kept():
        stage.renderer  # noqa: B018 -- building one takes a first picture
        note_everything_kept()
    return episode.physics.contacts
