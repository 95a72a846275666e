"""Pedestrians through the real client, with its own navigation."""

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import carla
import pytest

from drivevla.sim.server import RunningServer


def test_walker_walks_where_it_is_told(world: Any, spawn: Callable[..., Any]) -> None:
    walker = spawn("walker.pedestrian.0002")
    for _ in range(10):
        world.tick()
    start = walker.get_location()
    walker.apply_control(carla.WalkerControl(carla.Vector3D(0.0, 1.0, 0.0), 1.5, False))
    for _ in range(40):
        world.tick()
    moved = walker.get_location() - start
    assert moved.y == pytest.approx(3.0, abs=0.3)
    assert abs(moved.x) < 0.05
    control = walker.get_control()
    assert (control.speed, control.direction.y) == pytest.approx((1.5, 1.0))


def test_bones_stand_on_the_ground_and_follow_what_a_client_poses(world: Any, spawn: Callable[..., Any]) -> None:
    walker = spawn("walker.pedestrian.0002")
    for _ in range(10):
        world.tick()
    bones = {bone.name: bone for bone in walker.get_bones().bone_transforms}
    head, foot = bones["crl_Head__C"], bones["crl_foot__L"]
    height = 2 * walker.bounding_box.extent.z
    assert 0.8 * height < head.component.location.z < height
    assert 0.0 < foot.component.location.z < 0.1 * height
    middle = walker.get_location()
    assert head.world.location.z > middle.z > foot.world.location.z

    arm = carla.Transform(bones["crl_foreArm__R"].relative.location, carla.Rotation(pitch=90.0))
    posed = carla.WalkerBoneControlIn()
    posed.bone_transforms = [("crl_foreArm__R", arm)]
    walker.set_bones(posed)
    walker.blend_pose(1.0)
    raised = {bone.name: bone for bone in walker.get_bones().bone_transforms}
    assert raised["crl_foreArm__R"].relative.rotation.pitch == pytest.approx(90.0)
    # The hand hung straight down; with the fore-arm pitched up by 90 degrees it points ahead.
    assert raised["crl_hand__R"].component.location.x > bones["crl_hand__R"].component.location.x + 0.1
    walker.blend_pose(0.0)
    rest = {bone.name: bone for bone in walker.get_bones().bone_transforms}
    assert rest["crl_foreArm__R"].relative.rotation.pitch == pytest.approx(0.0)


def test_navigation_gives_places_on_sidewalks(world: Any) -> None:
    world.tick()
    places = [world.get_random_location_from_navigation() for _ in range(20)]
    assert None not in places
    carla_map = world.get_map()
    for place in places:
        nearest = carla_map.get_waypoint(place, project_to_road=True, lane_type=carla.LaneType.Sidewalk)
        assert nearest.transform.location.distance(place) < nearest.lane_width


_AI_WALKER = """
import sys, carla
client = carla.Client(sys.argv[1], int(sys.argv[2]), worker_threads=8)
client.set_timeout(20.0)
world = client.get_world()
library = world.get_blueprint_library()
world.tick()
start = world.get_random_location_from_navigation()
start.z += 1.0
walker = world.spawn_actor(library.find("walker.pedestrian.0003"), carla.Transform(start))
controller = world.spawn_actor(library.find("controller.ai.walker"), carla.Transform(), walker)
world.tick()
controller.start()
controller.go_to_location(world.get_random_location_from_navigation())
controller.set_max_speed(1.4)
begin = walker.get_location()
for _ in range(100):
    world.tick()
print(walker.get_location().distance_2d(begin))
controller.stop()
"""


def test_ai_walker_walks_at_its_speed(world: Any, running_server: RunningServer) -> None:
    # In a child process: the client's navigation is native code that crashes on a mesh that it does not like.
    command = [sys.executable, "-c", _AI_WALKER, running_server.host, str(running_server.port)]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert answer.returncode == 0, answer.stderr
    assert float(answer.stdout) == pytest.approx(7.0, abs=1.5)  # 5 s at 1.4 m/s
