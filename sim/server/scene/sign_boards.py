"""Stop, yield and speed signs: a face on a post that looks at the traffic it tells something."""

import numpy as np

from drivevla.sim.server.scene.materials import SIGN_BACK, STEEL
from drivevla.sim.server.scene.mesh import Label, Material
from drivevla.sim.server.scene.mesh_builder import MeshBuilder
from drivevla.sim.server.scene.placement import Site
from drivevla.sim.server.scene.registry import ObjectRegistry
from drivevla.sim.server.scene.signals import SignalSite
from drivevla.sim.server.scene.solids import Solid, disc, placed, prism

__all__ = ["add_sign_board"]

_FACE_Z_M, _POST_RADIUS_M = 2.4, 0.04
_CLEARANCE_M, _REACH_M = 0.55, 8.0
_RED, _WHITE = (0.78, 0.08, 0.10), (0.95, 0.95, 0.95)


def add_sign_board(
    builder: MeshBuilder, registry: ObjectRegistry, sign: SignalSite, ground: Site
) -> tuple[tuple[float, float, float], ...]:
    """Build one sign off the road; returns the centre of its face, nothing when there is no place for it."""
    approach = sign.approach
    if approach is None:
        return ()
    own = np.array([*sign.pose.location_m[:2], approach.center_m[2]])
    right = approach.rightward
    spots = [
        spot
        for side in (1, -1)
        if (spot := ground.free_spot(own, side * right, clearance_m=_CLEARANCE_M, reach_m=_REACH_M)) is not None
    ]
    if not spots:
        return ()
    x, y, z = (float(value) for value in min(spots, key=lambda spot: float(np.hypot(*(spot - own)[:2]))))
    top, yaw_deg = _FACE_Z_M + 0.45, approach.yaw_deg + 180.0
    post = registry.add(
        "SignPole",
        label=Label.POLES,
        center_m=(x, y, z + top / 2),
        half_extent_m=(_POST_RADIUS_M, _POST_RADIUS_M, top / 2),
    )
    shaft = placed(prism(_POST_RADIUS_M, top + 0.3, sides=5), (x, y, z - 0.3))
    builder.add_solid(shaft, material=STEEL, label=Label.POLES, object_id=post)
    center = np.array([x, y, z + _FACE_Z_M]) - 0.06 * approach.forward
    face, material = _face(sign)
    board = registry.add(
        "TrafficSign",
        label=Label.TRAFFIC_SIGNS,
        center_m=(float(center[0]), float(center[1]), float(center[2])),
        half_extent_m=(0.03, 0.4, 0.4),
        yaw_deg=yaw_deg,
        is_solid=False,
    )
    front, back = placed(face, center, yaw_deg), placed(face, center + 0.02 * approach.forward, yaw_deg)
    builder.add_solid(front, material=material, label=Label.TRAFFIC_SIGNS, object_id=board)
    builder.add_solid(back, material=SIGN_BACK, label=Label.TRAFFIC_SIGNS, object_id=board)
    return ((float(center[0]), float(center[1]), float(center[2])),)


def _face(sign: SignalSite) -> tuple[Solid, Material]:
    if sign.kind == "stop":
        return disc(0.42, corners=8, first_angle_deg=22.5), Material(surface="sign", rgb=_RED, text="stop")
    if sign.kind == "yield":
        face = disc(0.52, corners=3, first_angle_deg=180.0)
        return face, Material(surface="sign", rgb=_WHITE, text="yield")
    return disc(0.38, corners=20), Material(surface="sign", rgb=_WHITE, text=f"speed_{round(sign.value_kmh or 0.0)}")
