"""The limit that a vehicle begins with: by hand on the street, and by the text of a town with a highway."""

import itertools
from collections.abc import Callable
from contextlib import closing
from xml.etree import ElementTree as ET

import carla
import pytest

from drivevla.sim.maps.find import find_map
from drivevla.sim.server.pose import Pose
from drivevla.sim.server.scene.build import build_scene
from drivevla.sim.server.scene.scene import Scene
from drivevla.sim.server.wire.streams import StreamServer
from drivevla.sim.server.world.episode import Episode
from drivevla.sim.server.world.limits import SpeedSigns
from drivevla.sim.server.world.spawning import ActorDescription, spawn
from drivevla.sim.server.world.stage import Stage

Street = Callable[..., Scene]


@pytest.mark.parametrize(
    ("x_m", "y_m", "limit_kmh"),
    [(80.0, 1.75, 50.0), (41.0, 1.75, 50.0), (20.0, 1.75, 30.0), (80.0, -1.75, 30.0), (20.0, -1.75, 30.0)],
)
def test_the_sign_behind_on_the_own_lane_holds_and_thirty_without_one(
    street: Street, x_m: float, y_m: float, limit_kmh: float
) -> None:
    # The sign stands at x = 40 for the lane along +x, whose middle is y = 1.75; nothing limits the other lane.
    assert SpeedSigns(street()).behind_kmh(Pose((x_m, y_m, 0.5))) == limit_kmh


def test_passing_a_sign_sets_the_limit_and_it_lasts(street: Street) -> None:
    counts = {"actor_ids": itertools.count(1), "stream_ids": itertools.count(1)}
    with closing(StreamServer("127.0.0.1", 0)) as streams:
        streams.start()
        episode = Episode(Stage(street()), episode_id=1, seed=0, streams=streams, **counts)
        car = spawn(episode, ActorDescription(0, "vehicle.audi.tt", {}), Pose((20.0, 1.75, 0.5)))
        limits = []
        for x_m in (20.0, 37.0, 80.0):  # the sign acts 3 m before it
            episode.move(car, Pose((x_m, 1.75, 0.5)))
            episode.advance(0.05)
            limits.append(float(episode.table.records["speed_limit"][car.row]))
    assert limits == [30.0, 50.0, 50.0]


def test_who_begins_on_a_highway_may_drive_as_fast_as_its_text_says() -> None:
    source = find_map("Gen_highway_1")
    scene = build_scene(source, seed=0)
    signs = SpeedSigns(scene)
    motorways = {
        int(road.get("id", "")): float(speed.get("max", ""))
        for road in ET.fromstring(source.opendrive).iterfind("road")
        if (speed := road.find("type[@type='motorway']/speed")) is not None
    }
    compared = 0
    for pose in scene.spawn_points:
        waypoint = scene.carla_map.get_waypoint(carla.Location(*pose.location_m))
        # A road's own sign stands 12 m after its beginning; before it the limit is that of the road before.
        if waypoint.road_id in motorways and waypoint.s > 15.0:
            assert signs.behind_kmh(pose) == motorways[waypoint.road_id], pose
            compared += 1
    assert compared > 100
