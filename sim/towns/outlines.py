"""Outlines of lanes on the ground, as shapely polygons in OpenDRIVE's frame."""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from shapely.geometry import Polygon

from drivevla.sim.towns.network import Lane, Road, value_at

__all__ = ["lane_outlines", "road_outline"]


def lane_outlines(road: Road, *, step_m: float = 3.0) -> Iterator[tuple[Lane, Polygon]]:
    """Each lane of each section with the ground it covers.

    Args:
        road: A road.
        step_m: Distance between corners along the road.
    """
    starts = [section.s_m for section in road.sections]
    for section, (begin, end) in zip(road.sections, pairwise([*starts, road.curve.length_m]), strict=True):
        distances = np.linspace(begin, end, max(int(np.ceil((end - begin) / step_m)), 1) + 1)
        borders = [section.borders_m(s, value_at(road.offsets, s)) for s in distances]
        for lane_id, lane in section.lanes().items():
            sides = [
                [road.curve.at(s, border[lane_id][side]).xy_m for s, border in zip(distances, borders, strict=True)]
                for side in (0, 1)
            ]
            yield lane, Polygon([*sides[0], *reversed(sides[1])])


def road_outline(road: Road, *, step_m: float = 3.0) -> Polygon:
    """The ground that a road covers from its left edge to its right edge, sidewalks and shoulders among them."""
    distances = sorted({*road.curve.distances(step_m), *(section.s_m for section in road.sections)})
    edges = [(s, *road.edges_m(s)) for s in distances]
    left = [road.curve.at(s, t).xy_m for s, t, _ in edges]
    right = [road.curve.at(s, t).xy_m for s, _, t in edges]
    return Polygon([*left, *reversed(right)])
