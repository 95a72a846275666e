"""From the truth to what auxiliary heads should say."""

import dataclasses
from typing import Any

import numpy as np
import pytest
import torch

from drivevla.geometry import matrix_from_yaw, rigid
from drivevla.models.auxiliary.categories import CYCLIST, OBSTACLE, VEHICLE, WALKER, object_class
from drivevla.models.auxiliary.painting import GRID_LAYERS, SEMANTIC_GRID, WAY_CLASSES
from drivevla.models.auxiliary.targets import AuxiliaryTarget, auxiliary_target, collate_auxiliary
from drivevla.types import LaneTruth, LightState, LightTruth, ObjectTruth, Truth

ROUTE_M = np.column_stack([np.arange(-5.0, 100.0, 2.5), np.zeros(42)])


def truth(**known: Any) -> Truth:
    return Truth(timestamp_s=0.0, world_from_ego=np.eye(4), **known)


def thing(x: float, y: float, *, yaw: float = 0.0, category: str = "vehicle.car", **known: Any) -> ObjectTruth:
    size = {"vehicle.car": (4.0, 2.0, 1.5)}.get(category, (0.6, 0.6, 1.8))
    return ObjectTruth(
        track_id="1",
        category=category,
        ego_from_object=rigid(matrix_from_yaw(yaw), [x, y, 0.75]),
        size_m=np.array(size),
        **known,
    )


def light(state: LightState, stop_m: float | None, *, ours: bool = True) -> LightTruth:
    return LightTruth(
        light_id="1", state=state, position_m=np.array([20.0, 4.0, 5.0]), affects_ego=ours, stop_distance_m=stop_m
    )


def test_what_a_source_does_not_have_is_unknown() -> None:
    nothing = AuxiliaryTarget()
    came = auxiliary_target(truth())
    assert all(getattr(came, field.name) is getattr(nothing, field.name) for field in dataclasses.fields(came))


@pytest.mark.parametrize(
    ("lights", "state", "distance_m"),
    [
        ((), 0, None),
        ((light(LightState.RED, 12.0),), 1, 12.0),
        ((light(LightState.GREEN, 30.0), light(LightState.YELLOW, 8.0)), 2, 8.0),
        ((light(LightState.RED, -1.0), light(LightState.GREEN, 40.0)), 3, 40.0),
        ((light(LightState.RED, 51.0),), 0, None),
        ((light(LightState.RED, None, ours=False),), 0, None),
        ((light(LightState.OFF, 10.0),), 0, None),
        ((light(LightState.UNKNOWN, 10.0),), None, 10.0),
    ],
)
def test_the_next_light_for_the_car_counts(
    lights: tuple[LightTruth, ...], state: int | None, distance_m: float | None
) -> None:
    target = auxiliary_target(truth(lights=lights))
    assert (target.light, target.light_distance_m) == (state, distance_m)


def test_the_leader_is_the_nearest_in_the_way_and_its_speed_is_along_it() -> None:
    cars = (
        thing(42.0, 0.0, velocity_mps=np.array([9.0, 0.0])),
        thing(22.0, 0.5, velocity_mps=np.array([3.0, 4.0])),
        thing(12.0, 3.5, velocity_mps=np.array([0.0, 0.0])),  # in the next lane
        thing(-8.0, 0.0, velocity_mps=np.array([20.0, 0.0])),  # behind
    )
    target = auxiliary_target(truth(route_m=ROUTE_M, objects=cars))
    assert target.lead is True
    assert target.lead_gap_m == pytest.approx(19.0, abs=0.51)  # its tail is at 20 m, met at most 1.25 m before
    assert target.lead_speed_mps == pytest.approx(3.0)


def test_a_leader_round_the_bend_is_as_far_as_the_way_there() -> None:
    way = np.array([[0.0, 0.0], [20.0, 0.0], [20.0, 30.0]])
    car = thing(20.0, 17.0, yaw=np.pi / 2, velocity_mps=np.array([0.0, 5.0]))
    target = auxiliary_target(truth(route_m=way, objects=(car,)))
    assert target.lead_gap_m == pytest.approx(34.0, abs=0.6)  # 20 m ahead, 15 m to its tail, met 1.25 m before
    assert target.lead_speed_mps == pytest.approx(5.0)


def test_a_free_way_has_no_gap_and_an_unknown_way_no_answer() -> None:
    free = auxiliary_target(truth(route_m=ROUTE_M, objects=()))
    assert (free.lead, free.lead_gap_m, free.lead_speed_mps) == (False, None, None)
    assert auxiliary_target(truth(objects=(thing(10.0, 0.0),))).lead is None
    unmeasured = auxiliary_target(truth(route_m=ROUTE_M, objects=(thing(10.0, 0.0),)))
    assert unmeasured.lead is True
    assert unmeasured.lead_speed_mps is None


def test_the_grid_shows_lanes_vehicles_and_people() -> None:
    lane = LaneTruth(lane_id="1", centerline_m=np.array([[-40.0, 0.0], [80.0, 0.0]]), width_m=4.0)
    objects = (thing(10.5, 0.5), thing(20.5, 5.5, category="walker"), thing(30.5, 5.5, category="static.prop.cone"))
    target = auxiliary_target(truth(lanes=(lane,), objects=objects))
    assert target.grid_CXY is not None
    assert target.grid_known_C is not None
    assert target.grid_known_C.all()
    lanes, vehicles, walkers, *ways = target.grid_CXY
    assert not np.any(ways)  # it crosses no junction
    assert lanes.sum() == 64 * 4  # four metres of sixty-four are lane, all along
    # Middles at half metres: 4 m of car hold the five from 8.5 to 12.5, and 2 m the three from -0.5 to 1.5.
    assert vehicles.sum() == 5 * 3
    assert walkers.sum() == 1
    centres = SEMANTIC_GRID.centres().numpy()
    assert centres[walkers][0].tolist() == [20.5, 5.5]


def test_a_source_without_lanes_leaves_their_cells_unknown() -> None:
    target = auxiliary_target(truth(objects=()))
    assert target.grid_known_C is not None
    assert dict(zip(GRID_LAYERS, target.grid_known_C.tolist(), strict=True)) == {
        "lane": False,
        "vehicle": True,
        "walker": True,
        **dict.fromkeys(WAY_CLASSES, False),
    }


def test_the_grid_shows_where_the_ways_through_a_junction_lead() -> None:
    def way(*points: tuple[float, float]) -> LaneTruth:
        return LaneTruth(lane_id=str(points), centerline_m=np.array(points), width_m=3.5, in_junction=True)

    left = way((10.0, 0.0), (14.0, 0.0), (18.0, 4.0), (18.0, 12.0))
    right = way((10.0, 0.0), (13.0, 0.0), (15.0, -2.0), (15.0, -9.0))
    from_the_left = way((12.0, 10.0), (12.0, -10.0))
    target = auxiliary_target(truth(lanes=(left, right, from_the_left)))
    assert target.grid_CXY is not None
    ways = dict(zip(GRID_LAYERS, target.grid_CXY, strict=True))
    centres = SEMANTIC_GRID.centres().numpy()
    to_the_left, to_the_right = (centres[ways[name]] for name in ("way_left", "way_right"))
    # two metres wide, not beyond its ends: eight metres of the last leg, whose middles lie at half metres
    assert {(17.5, 10.5), (18.5, 10.5)} <= set(map(tuple, to_the_left.tolist()))
    assert to_the_left[:, 1].min() > -1.0
    assert {(14.5, -8.5), (15.5, -8.5)} <= set(map(tuple, to_the_right.tolist()))
    assert to_the_right[:, 1].max() < 1.0
    assert not ways["way_straight"].any()  # nobody who comes as the car does can go there


def test_a_way_straight_on_may_bend_a_little() -> None:
    bent = LaneTruth(
        lane_id="1", centerline_m=np.array([[5.0, 0.0], [15.0, 1.0], [25.0, 4.0]]), width_m=3.5, in_junction=True
    )
    target = auxiliary_target(truth(lanes=(bent,)))
    assert target.grid_CXY is not None
    left, straight, right = target.grid_CXY[3:]
    assert straight.sum() >= 20
    assert not (left | right).any()


def test_boxes_come_nearest_first_and_only_from_the_grid() -> None:
    cars = (thing(30.0, 0.0), thing(5.0, 5.0, yaw=np.pi / 2, velocity_mps=np.array([0.0, 2.0])), thing(60.0, 0.0))
    target = auxiliary_target(truth(objects=cars))
    assert target.boxes_M8 is not None
    np.testing.assert_allclose(target.boxes_M8[0], [5.0, 5.0, 4.0, 2.0, 0.0, 1.0, 0.0, 2.0], atol=1e-12)
    assert len(target.boxes_M8) == 2
    assert np.isnan(target.boxes_M8[1, 6:]).all()


def test_both_vocabularies_have_the_same_few_kinds() -> None:
    kinds = {
        "vehicle.car": VEHICLE,
        "vehicle.bicycle": CYCLIST,
        "vehicle.motorcycle": CYCLIST,
        "vehicle.truck": VEHICLE,
        "walker": WALKER,
        "human.pedestrian.adult": WALKER,
        "static.prop.trafficcone01": OBSTACLE,
        "movable_object.barrier": OBSTACLE,
    }
    assert {name: object_class(name) for name in kinds} == kinds


def test_a_batch_keeps_what_is_unknown_apart_from_zero() -> None:
    known = auxiliary_target(truth(lights=(), route_m=ROUTE_M, objects=(thing(10.0, 0.0),)))
    batch = collate_auxiliary([None, known])
    assert batch is not None
    assert batch.light_B.tolist() == [-1, 0]
    assert batch.lead_B.isnan().tolist() == [True, False]
    assert batch.boxes_known_B.tolist() == [False, True]
    assert batch.box_class_BM.tolist() == [[-1], [VEHICLE]]
    assert not batch.grid_known_BC[0].any()
    assert torch.isnan(batch.light_distance_B).all()


def test_a_batch_without_any_target_is_none() -> None:
    assert collate_auxiliary([None, None]) is None
