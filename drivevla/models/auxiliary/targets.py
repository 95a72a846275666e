"""From the truth to what auxiliary heads should have said. What is not known stays unknown; it is never zero.

B batch, C layers of the grid, X and Y cells, M boxes, L heads of lights.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from drivevla.models.auxiliary.categories import object_class
from drivevla.models.auxiliary.leading import leader_on
from drivevla.models.auxiliary.painting import GRID_LAYERS, SEMANTIC_GRID, paint_lanes, paint_objects, paint_ways
from drivevla.types import LightState, LightTruth, ObjectTruth, Truth

__all__ = [
    "LIGHT_REACH_M",
    "LIGHT_STATES",
    "MOST_BOXES",
    "AuxiliaryBatch",
    "AuxiliaryTarget",
    "auxiliary_target",
    "collate_auxiliary",
]

LIGHT_STATES = ("none", LightState.RED, LightState.YELLOW, LightState.GREEN)
"""What the light for the car shows; "none" where no light is for it, or none that is lit."""
LIGHT_REACH_M = 50.0
"""A light whose line is further away is not yet for the car."""
MOST_BOXES = 24
"""The nearest are told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuxiliaryTarget:
    """What is true of one sample; None for what nobody knows.

    Attributes:
        light: Index into ``LIGHT_STATES`` of the light for the car.
        light_distance_m: To its stop line along the route; None without a light, too.
        lead: Whether somebody is ahead on the route.
        lead_gap_m: To them; None without, too.
        lead_speed_mps: Theirs, along the route; None without, too.
        grid_CXY: bool, ``GRID_LAYERS`` on ``SEMANTIC_GRID``.
        grid_known_C: bool, which of them are known.
        boxes_M8: x, y, length, width in metres, cosine and sine of yaw, velocity in m/s (NaN where not known).
        box_class_M: Index into ``OBJECT_CLASSES``.
        lamps_L3: Middles of the heads of all lights, ego frame, metres.
        lamp_whose_L: 1 for those of the light that ``light`` tells of, 0 for others'.
    """

    light: int | None = None
    light_distance_m: float | None = None
    lead: bool | None = None
    lead_gap_m: float | None = None
    lead_speed_mps: float | None = None
    grid_CXY: NDArray[np.bool_] | None = None
    grid_known_C: NDArray[np.bool_] | None = None
    boxes_M8: NDArray[np.float64] | None = None
    box_class_M: NDArray[np.int64] | None = None
    lamps_L3: NDArray[np.float64] | None = None
    lamp_whose_L: NDArray[np.int64] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuxiliaryBatch:
    """The same of a batch.

    Attributes:
        light_B: -1 where not known.
        light_distance_B: NaN where not known or without.
        lead_B: 1 with somebody ahead, 0 without; NaN where not known.
        lead_gap_B: NaN where not known or without.
        lead_speed_B: NaN where not known or without.
        grid_BCXY: bool; eight thousand frames of them take 100 MB.
        grid_known_BC: False where not known.
        boxes_BM8: 0 for padding; velocities NaN where not known.
        box_class_BM: -1 for padding.
        boxes_known_B: False where not known.
        lamps_BL3: 0 for padding.
        lamp_whose_BL: -1 for padding.
        lamps_known_B: False where not known.
    """

    light_B: Tensor
    light_distance_B: Tensor
    lead_B: Tensor
    lead_gap_B: Tensor
    lead_speed_B: Tensor
    grid_BCXY: Tensor
    grid_known_BC: Tensor
    boxes_BM8: Tensor
    box_class_BM: Tensor
    boxes_known_B: Tensor
    lamps_BL3: Tensor
    lamp_whose_BL: Tensor
    lamps_known_B: Tensor


def auxiliary_target(truth: Truth) -> AuxiliaryTarget:
    """What auxiliary heads should say of an instant."""
    light, light_distance_m = (None, None) if truth.lights is None else _light(truth.lights)
    lamps, whose = (None, None) if truth.lights is None else _lamps(truth.lights)
    lead, gap_m, speed_mps = _lead(truth)
    grid, grid_known = _grid(truth)
    boxes, classes = (None, None) if truth.objects is None else _boxes(truth.objects)
    return AuxiliaryTarget(
        light=light,
        light_distance_m=light_distance_m,
        lead=lead,
        lead_gap_m=gap_m,
        lead_speed_mps=speed_mps,
        grid_CXY=grid,
        grid_known_C=grid_known,
        boxes_M8=boxes,
        box_class_M=classes,
        lamps_L3=lamps,
        lamp_whose_L=whose,
    )


def collate_auxiliary(targets: Sequence[AuxiliaryTarget | None]) -> AuxiliaryBatch | None:
    """A batch of targets; None where no sample has any."""
    if all(target is None for target in targets):
        return None
    each = [target or AuxiliaryTarget() for target in targets]
    boxes, classes = _padded([(one.boxes_M8, one.box_class_M) for one in each], 8)
    lamps, whose = _padded([(one.lamps_L3, one.lamp_whose_L) for one in each], 3)
    nothing = np.zeros((len(GRID_LAYERS), *SEMANTIC_GRID.shape), dtype=np.bool_)
    unknown = np.zeros(len(GRID_LAYERS), dtype=np.bool_)
    grids = np.stack([nothing if one.grid_CXY is None else one.grid_CXY for one in each])
    known = np.stack([unknown if one.grid_known_C is None else one.grid_known_C for one in each])
    return AuxiliaryBatch(
        light_B=torch.tensor([-1 if one.light is None else one.light for one in each]),
        light_distance_B=_numbers([one.light_distance_m for one in each]),
        lead_B=_numbers([one.lead for one in each]),
        lead_gap_B=_numbers([one.lead_gap_m for one in each]),
        lead_speed_B=_numbers([one.lead_speed_mps for one in each]),
        grid_BCXY=torch.from_numpy(grids),
        grid_known_BC=torch.from_numpy(known),
        boxes_BM8=boxes,
        box_class_BM=classes,
        boxes_known_B=torch.tensor([one.boxes_M8 is not None for one in each]),
        lamps_BL3=lamps,
        lamp_whose_BL=whose,
        lamps_known_B=torch.tensor([one.lamps_L3 is not None for one in each]),
    )


def _light(lights: tuple[LightTruth, ...]) -> tuple[int | None, float | None]:
    """Of the light whose line comes next, and how far that is."""
    light = _next_light(lights)
    if light is None:
        return 0, None
    if light.state is LightState.UNKNOWN:
        return None, light.stop_distance_m
    return (0, None) if light.state is LightState.OFF else (LIGHT_STATES.index(light.state), light.stop_distance_m)


def _next_light(lights: tuple[LightTruth, ...]) -> LightTruth | None:
    ahead = [
        (light.stop_distance_m, index)
        for index, light in enumerate(lights)
        if light.affects_ego and light.stop_distance_m is not None and 0.0 <= light.stop_distance_m <= LIGHT_REACH_M
    ]
    return lights[min(ahead)[1]] if ahead else None


def _lamps(lights: tuple[LightTruth, ...]) -> tuple[NDArray[np.float64] | None, NDArray[np.int64] | None]:
    """All heads and whose they are; None where the heads of a light are not known."""
    if any(light.heads_m is None for light in lights):
        return None, None
    own = _next_light(lights)
    heads = [light.heads_m for light in lights if light.heads_m is not None]
    whose = [np.full(len(light_heads), int(light is own)) for light, light_heads in zip(lights, heads, strict=True)]
    return np.concatenate([np.zeros((0, 3)), *heads]), np.concatenate([np.zeros(0, dtype=np.int64), *whose])


def _lead(truth: Truth) -> tuple[bool | None, float | None, float | None]:
    if truth.route_m is None or truth.objects is None or len(truth.route_m) < 2:
        return None, None, None
    leader = leader_on(truth.route_m, truth.objects)
    return (False, None, None) if leader is None else (True, leader.gap_m, leader.speed_mps)


def _grid(truth: Truth) -> tuple[NDArray[np.bool_] | None, NDArray[np.bool_] | None]:
    if truth.lanes is None and truth.objects is None:
        return None, None
    grid = np.zeros((len(GRID_LAYERS), *SEMANTIC_GRID.shape), dtype=np.bool_)
    if truth.lanes is not None:
        grid[0] = paint_lanes(truth.lanes)
        grid[3:] = paint_ways(truth.lanes)
    if truth.objects is not None:
        grid[1:3] = paint_objects(truth.objects)
    lanes, objects = truth.lanes is not None, truth.objects is not None
    return grid, np.array([lanes, objects, objects, lanes, lanes, lanes])


def _boxes(objects: tuple[ObjectTruth, ...]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """The boxes on the grid, nearest first."""
    (low_x, high_x), (low_y, high_y) = SEMANTIC_GRID.ahead_m, SEMANTIC_GRID.aside_m
    rows = []
    for each in objects:
        pose = each.ego_from_object
        x, y = pose[:2, 3]
        if low_x <= x < high_x and low_y <= y < high_y:
            forward = pose[:2, 0] / max(float(np.linalg.norm(pose[:2, 0])), 1e-9)
            velocity = (np.nan, np.nan) if each.velocity_mps is None else each.velocity_mps
            rows.append(
                (float(np.hypot(x, y)), object_class(each.category), [x, y, *each.size_m[:2], *forward, *velocity])
            )
    nearest = sorted(rows, key=lambda row: row[0])[:MOST_BOXES]
    boxes = np.array([row[2] for row in nearest], dtype=np.float64).reshape(-1, 8)
    return boxes, np.array([row[1] for row in nearest], dtype=np.int64)


def _padded(
    items: Sequence[tuple[NDArray[np.float64] | None, NDArray[np.int64] | None]], columns: int
) -> tuple[Tensor, Tensor]:
    """Rows of numbers and an index for each: zeros and -1 where a sample has fewer than another, or none are known."""
    longest = max((len(numbers) for numbers, _ in items if numbers is not None), default=0)
    padded = torch.zeros(len(items), longest, columns)
    indices = torch.full((len(items), longest), -1)
    for row, (numbers, index) in enumerate(items):
        if numbers is not None and index is not None:
            padded[row, : len(numbers)] = torch.from_numpy(numbers).float()
            indices[row, : len(numbers)] = torch.from_numpy(index)
    return padded, indices


def _numbers(values: Sequence[float | None]) -> Tensor:
    return torch.tensor([float("nan") if value is None else float(value) for value in values])
