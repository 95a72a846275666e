"""Collisions that are the ego's fault, and those that would come within a second.

For every object the first touch decides: once it was not the ego's fault, the object is ignored from then on.

Source: autonomousvision/navsim v1.1 and main ``pdm_scorer.py``, ``pdm_scorer_utils.py``; motional/nuplan-devkit v1.2
``idm/utils.py`` (angles).
"""

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from drivevla.evaluation.open_loop.navsim.areas import EgoAreas, inside_layer
from drivevla.evaluation.open_loop.navsim.comfort import Version
from drivevla.evaluation.open_loop.navsim.scene import AGENT_KINDS, NavsimScene, boxes_of
from drivevla.evaluation.open_loop.navsim.state import STATES, STEP_S, S, ego_corners, speed_mps

__all__ = ["Outcome", "no_fault_collisions", "time_to_collision"]

_STOPPED_MPS = 0.05
_CREEPING_MPS = 0.005
_AHEAD_RAD, _BEHIND_RAD = np.deg2rad(30.0), np.deg2rad(150.0)
_AHEAD_STEPS = np.array([0, 3, 6, 9])
_REACH_OF_EGO_M = 4.5  # its farthest corner is 4.21 m from the rear axle


@dataclass(frozen=True, slots=True)
class Outcome:
    """What P drives score, and when it was decided.

    Attributes:
        score: (P,) 1 where nothing happened.
        first_step: (P,) of the first fault; infinite where there is none.
    """

    score: NDArray[np.float64]
    first_step: NDArray[np.float64]


def no_fault_collisions(states: NDArray[np.float64], areas: EgoAreas, scene: NavsimScene) -> Outcome:
    """1 without a collision at fault, 0.5 with one with a static object, 0 with one with a road user.

    Args:
        states: (P, 41, 11) simulated.
        areas: Of the same states.
        scene: Their scene.
    """
    corners = ego_corners(states)
    objects = boxes_of(scene, STATES)
    exists = scene.object_exists[:, :STATES]
    touches = _touches(
        corners[:, None],
        states[:, None, :, :2],
        objects[None],
        scene.object_poses[None, :, :STATES],
        scene.object_sizes_m,
    )
    touches &= exists[None]
    front = np.asarray(shapely.linestrings(corners[:, :, [0, 3]]))
    front_hit = touches.copy()
    drive, thing, step = np.nonzero(touches)
    front_hit[drive, thing, step] = shapely.intersects(front[drive, step], objects[thing, step])
    behind = _bearing_rad(states[:, None], scene.object_poses[None, :, :STATES]) > _BEHIND_RAD
    stands = ~np.isin(scene.object_kinds, AGENT_KINDS) | (scene.object_speeds_mps <= _STOPPED_MPS)
    astray = (areas.multiple_lanes | areas.non_drivable)[:, None]
    moving = (speed_mps(states) > _STOPPED_MPS)[:, None]
    fault = moving & (stands[None, :, None] | (~behind & (front_hit | astray)))
    cost = np.where(np.isin(scene.object_kinds, AGENT_KINDS), 1.0, 0.5)
    return _decided(touches, fault, np.arange(STATES), cost)


def time_to_collision(states: NDArray[np.float64], areas: EgoAreas, scene: NavsimScene, version: Version) -> Outcome:
    """0 where the ego, going straight on at its speed for 0, 0.3, 0.6 or 0.9 s, meets what is ahead of it then.

    Beside it counts too while the ego is in several lanes, off the drivable area or in an intersection. Version 1.1
    looks on from all 41 steps and needs 5 s of traffic; version 2 from the first 32.
    """
    steps = STATES if version == "1.1" else STATES - int(_AHEAD_STEPS[-1])
    seen, now = states[:, :steps], np.arange(steps)
    heading, speed = seen[..., S.YAW], speed_mps(seen)
    direction = np.stack([np.cos(heading), np.sin(heading)], axis=-1)
    moved = (direction * speed[..., None])[:, :, None] * (_AHEAD_STEPS * STEP_S)[:, None]  # (P, steps, 4, 2)
    then = now[:, None] + _AHEAD_STEPS
    poses, exists = scene.object_poses[:, then], scene.object_exists[:, then]
    objects = boxes_of(scene, int(then.max()) + 1)[:, then]
    corners = ego_corners(seen)[:, :, None] + moved[..., None, :]
    touches = _touches(
        corners[:, None], (seen[:, :, None, :2] + moved)[:, None], objects[None], poses[None], scene.object_sizes_m
    )
    touches &= exists[None] & (speed >= _CREEPING_MPS)[:, None, :, None]
    bearing = _bearing_rad(seen[:, None, :, None], poses[None])
    crossing = inside_layer(seen[..., :2], scene, "INTERSECTION")
    astray = (areas.multiple_lanes | areas.non_drivable)[:, :steps] | crossing
    fails = (bearing < _AHEAD_RAD) | (astray[:, None, :, None] & (bearing <= _BEHIND_RAD))
    flat = (*touches.shape[:2], -1)
    when = np.broadcast_to(now[:, None], then.shape).ravel()
    return _decided(touches.reshape(flat), fails.reshape(flat), when, np.ones(len(scene.object_kinds)))


def _decided(
    touches: NDArray[np.bool_], fault: NDArray[np.bool_], when: NDArray[np.int64], cost: NDArray[np.float64]
) -> Outcome:
    """Judge (P, A, E) events in order by each object's first touch."""
    if not touches.shape[1]:
        return Outcome(np.ones(len(touches)), np.full(len(touches), np.inf))
    first = touches.argmax(axis=-1)
    guilty = touches.any(axis=-1) & np.take_along_axis(fault, first[..., None], axis=-1)[..., 0]
    score = np.where(guilty, 1.0 - cost, 1.0).min(axis=1)
    return Outcome(score, np.where(guilty, when[first], np.inf).min(axis=1))


def _touches(
    corners: NDArray[np.float64],
    ego_m: NDArray[np.float64],
    objects: NDArray[np.object_],
    poses: NDArray[np.float64],
    sizes_m: NDArray[np.float64],
) -> NDArray[np.bool_]:
    """Whether boxes meet; polygons are made of the ego only where the two can reach each other."""
    shape = np.broadcast_shapes(ego_m.shape[:-1], objects.shape)
    reach = np.linalg.norm(sizes_m, axis=-1) / 2 + _REACH_OF_EGO_M
    apart = np.linalg.norm(ego_m - poses[..., :2], axis=-1)
    near = apart <= reach.reshape(1, -1, *(1,) * (apart.ndim - 2))
    touches = np.zeros(shape, dtype=np.bool_)
    ego = shapely.polygons(np.broadcast_to(corners, (*shape, 4, 2))[near])
    touches[near] = shapely.intersects(ego, np.broadcast_to(objects, shape)[near])
    return touches


def _bearing_rad(states: NDArray[np.float64], poses: NDArray[np.float64]) -> NDArray[np.float64]:
    """Angle between the ego's heading and the way from its rear axle to the object, 0 to pi."""
    offset = poses[..., :2] - states[..., :2]
    yaw = states[..., S.YAW]
    along = offset[..., 0] * np.cos(yaw) + offset[..., 1] * np.sin(yaw)
    aside = -offset[..., 0] * np.sin(yaw) + offset[..., 1] * np.cos(yaw)
    return np.arctan2(np.abs(aside), along)
