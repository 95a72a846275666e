"""Which lights of a junction may be green together.

A map's controllers propose the phases; a phase whose signals open ways that cross is split. Without controllers every
approach has a phase of its own.
"""

from collections.abc import Sequence

import numpy as np
import shapely

from drivevla.sim.server.scene.approaches import Approach
from drivevla.sim.server.scene.opendrive import RoadNetwork
from drivevla.sim.server.scene.scene import LightGroup
from drivevla.sim.server.scene.signals import SignalSite

__all__ = ["conflict", "light_groups"]

_MERGE_M = 1.5


def light_groups(sites: Sequence[SignalSite], network: RoadNetwork) -> tuple[LightGroup, ...]:
    """Group all traffic lights by junction and order their phases.

    Returns:
        One group for each junction with lights, by junction id; then one for each light that stands at no junction.
    """
    lights = [site for site in sites if site.kind == "traffic_light"]
    by_junction: dict[int, list[SignalSite]] = {}
    alone = []
    for site in lights:
        if site.approach is None or site.approach.junction_id == -1:
            alone.append(LightGroup(junction_id=-1, phases=((site.signal_id,),)))
        else:
            by_junction.setdefault(site.approach.junction_id, []).append(site)
    groups = [_group(junction_id, by_junction[junction_id], network) for junction_id in sorted(by_junction)]
    return (*groups, *alone)


def conflict(one: Approach, other: Approach) -> bool:
    """Whether traffic of two approaches could meet: their ways cross, or end in one lane.

    Lanes of one road in one direction never conflict.
    """
    if one.road_id == other.road_id and (one.lane_ids[0] > 0) == (other.lane_ids[0] > 0):
        return False
    if not one.paths or not other.paths:
        return True
    lines = [np.array([shapely.linestrings(path[:, :2]) for path in side.paths]) for side in (one, other)]
    crosses = bool(np.any(shapely.intersects(lines[0][:, None], lines[1][None])))
    targets = [np.array([path[-1] for path in side.paths]) for side in (one, other)]
    ends = targets[0][:, None] - targets[1][None]
    return crosses or bool(np.any(np.linalg.norm(ends, axis=-1) < _MERGE_M))


def _group(junction_id: int, sites: Sequence[SignalSite], network: RoadNetwork) -> LightGroup:
    by_id = {site.signal_id: site for site in sites}
    junction = network.junctions[junction_id]
    proposed = [
        [by_id[signal_id] for signal_id in network.controllers.get(controller_id, ()) if signal_id in by_id]
        for controller_id in _controllers_of(junction.controller_ids, by_id, network)
    ]
    seen: set[str] = set()
    phases: list[list[SignalSite]] = []
    for phase in proposed:
        fresh = [site for site in phase if site.signal_id not in seen]
        seen.update(site.signal_id for site in fresh)
        phases.extend(_without_conflicts(fresh))
    phases.extend(_one_per_approach([site for site in sites if site.signal_id not in seen]))
    return LightGroup(
        junction_id=junction_id, phases=tuple(tuple(site.signal_id for site in phase) for phase in phases)
    )


def _controllers_of(listed: tuple[str, ...], sites: dict[str, SignalSite], network: RoadNetwork) -> tuple[str, ...]:
    """The junction's own controllers in their order, then any other that switches one of its signals."""
    others = [key for key, signals in network.controllers.items() if key not in listed and set(signals) & set(sites)]
    return (*listed, *others)


def _without_conflicts(phase: Sequence[SignalSite]) -> list[list[SignalSite]]:
    """Split greedily: each signal joins the first part with which it does not conflict."""
    parts: list[list[SignalSite]] = []
    for site in phase:
        for part in parts:
            if not any(_sites_conflict(site, member) for member in part):
                part.append(site)
                break
        else:
            parts.append([site])
    return parts


def _one_per_approach(sites: Sequence[SignalSite]) -> list[list[SignalSite]]:
    by_approach: dict[tuple[int, bool], list[SignalSite]] = {}
    for site in sites:
        assert site.approach is not None
        by_approach.setdefault((site.approach.road_id, site.approach.lane_ids[0] > 0), []).append(site)
    return list(by_approach.values())


def _sites_conflict(one: SignalSite, other: SignalSite) -> bool:
    assert one.approach is not None
    assert other.approach is not None
    return conflict(one.approach, other.approach)
