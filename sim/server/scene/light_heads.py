"""Traffic-light heads on posts and mast arms, placed where drivers look.

One head stands where the map puts the signal; a second one on the other side of the junction or at the stop line, so
that one is readable both from afar and from the first row. Posts keep off every paved lane; arms hang 5 m above it.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from drivevla.sim.server.scene.approaches import Approach
from drivevla.sim.server.scene.materials import HEAD_BLACK, HEAD_FRAME, STEEL
from drivevla.sim.server.scene.mesh import Label, Material
from drivevla.sim.server.scene.mesh_builder import MeshBuilder
from drivevla.sim.server.scene.placement import Site
from drivevla.sim.server.scene.registry import ObjectRegistry
from drivevla.sim.server.scene.signals import SignalSite
from drivevla.sim.server.scene.solids import Solid, box, disc, panel, placed, prism

__all__ = ["BULB_DIAMETER_M", "Mount", "add_light_heads", "find_mounts"]

BULB_DIAMETER_M = 0.30
"""The larger of the two standard lens sizes of EN 12368."""

_BULB_RISE_M = {"red": 0.34, "yellow": 0.0, "green": -0.34}
_BULB_RGB = {"red": (0.95, 0.10, 0.08), "yellow": (1.0, 0.75, 0.05), "green": (0.10, 0.90, 0.35)}
_HOUSING_M = (0.24, 0.44, 1.12)
_BACKPLATE_M = (0.72, 1.40)
_POST_HEAD_Z_M, _MAST_HEAD_Z_M = 3.1, 5.8
_POST_RADIUS_M, _MAST_RADIUS_M = 0.07, 0.11
_LONGEST_ARM_M = 9.0
_CLEARANCE_M = 0.5
_FAR_M = 10.0
_AIM_BEFORE_LINE_M = 15.0
_LONGEST_JUNCTION_M = 55.0
_SAME_PLACE_M, _STEP_BACK_M = 1.0, 0.5


@dataclass(frozen=True, slots=True)
class Mount:
    """A post and the head it carries.

    Attributes:
        foot_m: Foot of the post.
        head_m: Centre of the head.
        yaw_deg: Where the head looks.
    """

    foot_m: NDArray[np.float64]
    head_m: NDArray[np.float64]
    yaw_deg: float


def find_mounts(site: SignalSite, ground: Site, taken_m: list[NDArray[np.float64]]) -> list[Mount]:
    """Places for the heads of one light; heads keep clear of those ``taken_m`` and are appended to them."""
    approach = site.approach
    if approach is None:
        return []
    own = np.array(site.pose.location_m)
    own[2] = approach.center_m[2]
    ahead = float((own - approach.center_m) @ approach.forward)
    if ahead < 0:  # some maps put the signal before the line, where the first row would not see it
        own -= ahead * approach.forward
    far_away = ahead > _FAR_M
    mounts = [_mount(_own_spot(own, approach, ground), approach, is_far=far_away)]
    if far_away:
        near = approach.right_m + 0.6 * approach.rightward
        mounts.append(_mount(_beside(near, approach.rightward, ground), approach, is_far=False))
    else:
        mounts.append(_mount(_far_spot(approach, ground), approach, is_far=True))
    found = []
    for mount in mounts:
        clear = None if mount is None else _moved_clear(mount, approach, ground, taken_m)
        if clear is not None:
            found.append(clear)
            taken_m.append(clear.head_m)
    return found


def _beside(start_m: NDArray[np.float64], outwards: NDArray[np.float64], ground: Site) -> NDArray[np.float64] | None:
    return ground.free_spot(start_m, outwards, clearance_m=_CLEARANCE_M, reach_m=20.0)


def _own_spot(own_m: NDArray[np.float64], approach: Approach, ground: Site) -> NDArray[np.float64] | None:
    """Where the map puts the signal, moved off the road to whichever side is nearer."""
    spots = [spot for side in (1, -1) if (spot := _beside(own_m, side * approach.rightward, ground)) is not None]
    return min(spots, key=lambda spot: float(np.hypot(*(spot - own_m)[:2]))) if spots else None


def _far_spot(approach: Approach, ground: Site) -> NDArray[np.float64] | None:
    """Right of the exit that lies straight ahead; without one, straight ahead where the road ends."""
    ends = [path[-1] for path in approach.paths if _turn_deg(path, approach) < 35.0]
    if ends:
        nearest = min(ends, key=lambda end: float(np.linalg.norm(end - approach.center_m)))
        start = nearest + 1.5 * approach.forward + 1.5 * approach.rightward
        spot = _beside(start, approach.rightward, ground)
    else:
        start = approach.center_m + 8.0 * approach.forward
        spot = ground.free_spot(start, approach.forward, clearance_m=_CLEARANCE_M, reach_m=_LONGEST_JUNCTION_M)
    if spot is None or np.linalg.norm(spot - approach.center_m) > _LONGEST_JUNCTION_M:
        return None
    return spot


def _turn_deg(path_m: NDArray[np.float64], approach: Approach) -> float:
    last = path_m[-1] - path_m[-2]
    yaw = float(np.degrees(np.arctan2(last[1], last[0])))
    return abs((yaw - approach.yaw_deg + 180.0) % 360.0 - 180.0)


def _mount(foot_m: NDArray[np.float64] | None, approach: Approach, *, is_far: bool) -> Mount | None:
    if foot_m is None:
        return None
    head = foot_m.copy()
    if is_far:
        aside = float((foot_m - approach.center_m) @ approach.rightward)
        arm = min(max(abs(aside) - 0.5, 0.0), _LONGEST_ARM_M)
        head -= np.sign(aside) * arm * approach.rightward
        head[2] = max(foot_m[2], approach.center_m[2]) + _MAST_HEAD_Z_M
    else:
        head[2] = max(foot_m[2], approach.center_m[2]) + _POST_HEAD_Z_M
        head -= (_HOUSING_M[0] / 2 + _POST_RADIUS_M) * approach.forward
    gaze = approach.center_m - _AIM_BEFORE_LINE_M * approach.forward - head
    return Mount(foot_m, head, float(np.degrees(np.arctan2(gaze[1], gaze[0]))))


def _moved_clear(mount: Mount, approach: Approach, ground: Site, taken_m: list[NDArray[np.float64]]) -> Mount | None:
    """Two signals of one approach would hang in one place: the second moves back along the road's edge, if it can."""
    shift = np.zeros(3)
    while any(np.linalg.norm(mount.head_m + shift - other) < _SAME_PLACE_M for other in taken_m):
        shift = shift - _STEP_BACK_M * approach.forward
    if not shift.any():
        return mount
    foot = ground.free_spot(mount.foot_m + shift, approach.rightward, clearance_m=_CLEARANCE_M, reach_m=0.0)
    return None if foot is None else Mount(foot, mount.head_m + shift, mount.yaw_deg)


def add_light_heads(
    builder: MeshBuilder, registry: ObjectRegistry, site: SignalSite, mounts: list[Mount]
) -> tuple[tuple[float, float, float], ...]:
    """Build posts, arms and heads; returns the centres of the heads."""
    for mount in mounts:
        _add_post(builder, registry, mount)
        _add_head(builder, registry, mount, site.signal_id)
    return tuple((float(m.head_m[0]), float(m.head_m[1]), float(m.head_m[2])) for m in mounts)


def _add_post(builder: MeshBuilder, registry: ObjectRegistry, mount: Mount) -> None:
    reach = mount.head_m[:2] - mount.foot_m[:2]
    arm, height = float(np.hypot(*reach)), float(mount.head_m[2] - mount.foot_m[2])
    radius = _MAST_RADIUS_M if arm > 1.0 else _POST_RADIUS_M
    top = height + 0.35
    x, y, z = (float(value) for value in mount.foot_m)
    object_id = registry.add(
        "TrafficLightPole", label=Label.POLES, center_m=(x, y, z + top / 2), half_extent_m=(radius, radius, top / 2)
    )
    parts = [placed(prism(radius, top + 0.3), (x, y, z - 0.3))]
    if arm > 1.0:
        beam = box((arm, 0.12, 0.12))
        middle = mount.foot_m[:2] + reach / 2
        parts.append(placed(beam, (*middle, z + height + 0.2), float(np.degrees(np.arctan2(reach[1], reach[0])))))
    for part in parts:
        builder.add_solid(part, material=STEEL, label=Label.POLES, object_id=object_id)


def _add_head(builder: MeshBuilder, registry: ObjectRegistry, mount: Mount, signal_id: str) -> None:
    length, width, height = _HOUSING_M
    x, y, z = (float(value) for value in mount.head_m)
    object_id = registry.add(
        "TrafficLight",
        label=Label.TRAFFIC_LIGHT,
        center_m=(x, y, z),
        half_extent_m=(length / 2, width / 2, height / 2),
        yaw_deg=mount.yaw_deg,
        is_solid=False,
    )

    def add(part: Solid, material: Material) -> None:
        solid = placed(part, mount.head_m, mount.yaw_deg)
        builder.add_solid(solid, material=material, label=Label.TRAFFIC_LIGHT, object_id=object_id)

    add(placed(box(_HOUSING_M), (0.0, 0.0, -height / 2)), HEAD_FRAME)
    add(placed(panel(*_BACKPLATE_M), (length / 2 + 0.01, 0.0, 0.0)), HEAD_BLACK)
    for bulb, rise in _BULB_RISE_M.items():
        lens = placed(disc(BULB_DIAMETER_M / 2, corners=12), (length / 2 + 0.03, 0.0, rise))
        add(lens, Material(surface="bulb", rgb=_BULB_RGB[bulb], signal_id=signal_id, bulb=bulb))  # type: ignore[arg-type]
