"""Traffic lights and signs as actors: where they stand, what they govern, where they act.

CARLA attaches a signal to lanes through its references; the client library resolves these, so its landmarks are read
instead of the XML. Poses follow CARLA: the actor's x axis runs across the lanes, 90 degrees from the landmark's yaw.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from drivevla.sim.server.pose import Pose, rotation_matrices
from drivevla.sim.server.scene.approaches import Approach, LaneGraph, Reference
from drivevla.sim.server.scene.scene import SignalKind, TriggerBox

if TYPE_CHECKING:
    import carla

__all__ = ["SignalSite", "find_signal_sites", "trigger_box"]

SIGNAL_KINDS: dict[str, SignalKind] = {"1000001": "traffic_light", "206": "stop", "205": "yield", "274": "speed_limit"}
"""OpenDRIVE signal types (German sign catalogue, as CARLA uses it) that become actors."""

_TRIGGER_HALF_LENGTH_M, _TRIGGER_HALF_HEIGHT_M = 1.5, 1.0
_LARGEST_MISALIGNMENT_DEG = 10.0
_MOST_LANES = 100  # a text may name lanes beyond those that are there, some to mean all


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalSite:
    """A signal before anything is built for it.

    Attributes:
        signal_id: OpenDRIVE id.
        kind: What it is.
        pose: Pose of its actor.
        value_kmh: The limit, for speed limits.
        approach: The lanes it governs, None when the text attaches it to no driving lane.
    """

    signal_id: str
    kind: SignalKind
    pose: Pose
    value_kmh: float | None
    approach: Approach | None


def find_signal_sites(carla_map: "carla.Map", graph: LaneGraph) -> list[SignalSite]:
    """All lights and signs of a map, in the order of the client's landmarks, each once."""
    by_id: dict[str, list[carla.Landmark]] = {}
    for landmark in carla_map.get_all_landmarks():
        if landmark.type in SIGNAL_KINDS:
            by_id.setdefault(landmark.id, []).append(landmark)
    return [_site(signal_id, by_id[signal_id], graph) for signal_id in sorted(by_id, key=_natural_order)]


def _natural_order(signal_id: str) -> tuple[int, str]:
    return (int(signal_id), "") if signal_id.isdecimal() else (2**62, signal_id)


def _site(signal_id: str, landmarks: "Sequence[carla.Landmark]", graph: LaneGraph) -> SignalSite:
    # The library's order of one signal's references varies between processes; ours must not.
    landmarks = sorted(landmarks, key=lambda landmark: (landmark.road_id, landmark.s, _lanes(landmark)))
    first, kind = landmarks[0], SIGNAL_KINDS[landmarks[0].type]
    approach = graph.approach([Reference(mark.road_id, mark.s, _lanes(mark)) for mark in landmarks])
    location, yaw_deg = first.transform.location, first.transform.rotation.yaw
    if approach is not None and abs(_turn_deg(yaw_deg, approach.yaw_deg)) > _LARGEST_MISALIGNMENT_DEG:
        yaw_deg = approach.yaw_deg  # clients walk along the x axis to find the lanes: it must run across them
    return SignalSite(
        signal_id=signal_id,
        kind=kind,
        pose=Pose((location.x, location.y, location.z), (0.0, _turn_deg(yaw_deg + 90.0, 0.0), 0.0)),
        # CARLA takes the number as km/h whatever unit the text names: its towns have limits of 30, 60 and 90 km/h.
        value_kmh=float(first.value) if kind == "speed_limit" else None,
        approach=approach,
    )


def _lanes(landmark: "carla.Landmark") -> tuple[int, ...]:
    spans = [sorted(span) for span in landmark.get_lane_validities()]
    within = [range(max(low, -_MOST_LANES), min(high, _MOST_LANES) + 1) for low, high in spans]
    return tuple(sorted({lane for span in within for lane in span if lane != 0}))


def _turn_deg(to_deg: float, from_deg: float) -> float:
    return float((to_deg - from_deg + 180.0) % 360.0 - 180.0)


def trigger_box(site: SignalSite) -> TriggerBox:
    """Where the signal acts; around the signal itself when it governs no lane."""
    if site.approach is None:
        return TriggerBox(center_m=(0.0, 0.0, 0.0), half_extent_m=(1.0, _TRIGGER_HALF_LENGTH_M, _TRIGGER_HALF_HEIGHT_M))
    across = site.approach.right_m - site.approach.left_m
    world_from_actor = rotation_matrices(site.pose.rotation_deg)
    center = (site.approach.trigger_m - np.array(site.pose.location_m)) @ world_from_actor
    return TriggerBox(
        center_m=(float(center[0]), float(center[1]), float(center[2])),
        half_extent_m=(float(np.hypot(*across[:2]) / 2), _TRIGGER_HALF_LENGTH_M, _TRIGGER_HALF_HEIGHT_M),
    )
