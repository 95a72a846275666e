"""Optical flow: how far each pixel's surface has moved in the image since the last picture."""

import numpy as np
from numpy.typing import NDArray

from drivevla.sim.server.render.casting import Hits
from drivevla.sim.server.render.frame import DynamicFrame
from drivevla.sim.server.render.pinhole import pixel_directions, project
from drivevla.sim.server.render.requests import CameraShot
from drivevla.sim.server.render.triangles import SKY_ROW

__all__ = ["optical_flow"]

_HORIZON_M = 1e5
"""Where the sky is taken to be."""


def optical_flow(
    shot: CameraShot,
    frame: DynamicFrame,
    rays: NDArray[np.float32],
    hits: Hits,
    actor_index: NDArray[np.intp],
) -> NDArray[np.float32]:
    """(H, W, 2) motion to the right and down as a share of the image's width and height; zeros at the first picture.

    The scale is CARLA's (carla.org, "Optical flow camera": values in [-2, 2], times the image size they are pixels).

    Args:
        shot: The picture, with the pose and frame of the one before.
        frame: The actors now.
        rays: (H * W, 6).
        hits: Of the rays.
        actor_index: (H * W,) which of the frame's actors each ray hit, -1 for none.
    """
    spec = shot.spec
    if shot.previous_pose is None or shot.previous_frame is None:
        return np.zeros((spec.height_px, spec.width_px, 2), np.float32)
    reach = np.where(hits.row == SKY_ROW, np.float32(_HORIZON_M), hits.distance)
    point = rays[:, :3] + rays[:, 3:] * reach[:, None].astype(np.float64)
    before = {actor.actor_id: actor.pose for actor in shot.previous_frame.actors}
    for index in np.unique(actor_index[actor_index >= 0]):
        actor = frame.actors[int(index)]
        if actor.actor_id not in before:
            continue
        chosen = actor_index == index
        then_from_now = before[actor.actor_id].matrix() @ np.linalg.inv(actor.pose.matrix())
        point[chosen] = point[chosen] @ then_from_now[:3, :3].T + then_from_now[:3, 3]
    pixel, depth = project(spec, shot.previous_pose, point)
    plane = pixel_directions(spec)
    now = np.stack(
        [spec.width_px / 2.0 + spec.focal_px * plane[:, 1], spec.height_px / 2.0 - spec.focal_px * plane[:, 2]], axis=1
    )
    motion = np.where(depth[:, None] > 0.0, (now - pixel) / [spec.width_px, spec.height_px], 0.0)
    flow: NDArray[np.float32] = np.clip(motion, -2.0, 2.0).astype(np.float32)
    return flow.reshape(spec.height_px, spec.width_px, 2)
