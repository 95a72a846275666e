from dataclasses import replace
from pathlib import Path

import numpy as np

from drivevla.datasets.nuscenes import NuScenesReader
from drivevla.evaluation.open_loop.nuscenes.keyframes import truth_of_scene
from drivevla.types import Truth, Visibility


def unseen(truth: Truth, category: str) -> Truth:
    objects = [
        replace(each, visibility=Visibility.BELOW_40_PERCENT) if each.category == category else each
        for each in truth.objects or ()
    ]
    return replace(truth, objects=tuple(objects))


def test_objects_count_as_seen_for_two_keyframes_after_they_were(nuscenes_root: Path) -> None:
    reader = NuScenesReader(nuscenes_root, cameras=(), lidar=False)
    tokens = reader.scenes[0].tokens
    keyframes = [reader.truth(token) for token in tokens]
    hidden = [each if index == 1 else unseen(each, "vehicle.car") for index, each in enumerate(keyframes)]
    truth = truth_of_scene(tokens, hidden, ego_from_lidar=reader.ego_from_lidar(tokens[0]))
    car = truth.details["boxes_category"][0].tolist().index("vehicle.car")
    assert truth.details["boxes_seen"][:, car].tolist() == [False, True, True, True, *[False] * 5]
    lorry = truth.details["boxes_category"][0].tolist().index("vehicle.truck")
    assert truth.details["boxes_seen"][:, lorry].all()


def test_planning_truth_agrees_with_the_readers_plan(nuscenes_root: Path) -> None:
    reader = NuScenesReader(nuscenes_root, cameras=(), lidar=False)
    tokens = reader.scenes[1].tokens
    truth = truth_of_scene(
        tokens, [reader.truth(token) for token in tokens], ego_from_lidar=reader.ego_from_lidar(tokens[0])
    )
    assert [len(reader.lidar_plan_m(token)) for token in tokens] == truth.valid.sum(axis=1).tolist()
    lidar_from_ego = np.linalg.inv(reader.ego_from_lidar(tokens[0]))
    yaw, lever = truth.poses[0, -1, 2], np.array([0.94, 0.0, 1.84])
    ahead = np.array([0.94 * np.cos(yaw), 0.94 * np.sin(yaw), 1.84]) + np.array([*truth.poses[0, -1, :2], 0.0])
    assert np.allclose(lidar_from_ego[:3, :3] @ (ahead - lever), [*reader.lidar_plan_m(tokens[0])[-1], 0.0])
