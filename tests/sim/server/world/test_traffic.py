"""Vehicles in trigger boxes: overlap of rectangles against hand-made cases and a polygon library."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from shapely import Polygon
from shapely.affinity import rotate, translate

from drivevla.sim.server.pose import Pose
from drivevla.sim.server.scene.scene import Signal, TriggerBox
from drivevla.sim.server.world.traffic import TriggerBoxes

CAR = (2.4, 1.0, 0.75)


def _signal(pose: Pose, center_m: tuple[float, float, float], half_m: tuple[float, float, float]) -> Signal:
    return Signal(
        signal_id="1",
        kind="traffic_light",
        pose=pose,
        trigger=TriggerBox(center_m=center_m, half_extent_m=half_m),
        value_kmh=None,
        lanes=(),
        head_locations_m=(),
    )


def _overlap(boxes: TriggerBoxes, x: float, y: float, yaw_deg: float, z: float = 0.75) -> list[int]:
    _, box = boxes.overlaps(np.array([[x, y, z]]), np.array([yaw_deg]), np.array([CAR]))
    return [int(each) for each in box]


def test_box_lies_where_the_signals_frame_puts_it() -> None:
    # The signal looks along +y (yaw 90): its x axis is the world's y, its y axis the world's -x.
    boxes = TriggerBoxes([_signal(Pose((100.0, 50.0, 0.0), (0.0, 90.0, 0.0)), (4.0, 3.0, 0.5), (1.75, 1.5, 1.0))])
    assert _overlap(boxes, 97.0, 54.0, 0.0) == [0]
    assert _overlap(boxes, 97.0 + 1.5 + 2.3, 54.0, 0.0) == [0]
    assert _overlap(boxes, 97.0 + 1.5 + 2.5, 54.0, 0.0) == []
    assert _overlap(boxes, 97.0, 54.0 + 1.75 + 0.9, 0.0) == [0]
    assert _overlap(boxes, 97.0, 54.0 + 1.75 + 1.1, 0.0) == []


def test_vehicle_on_the_bridge_above_is_not_governed() -> None:
    boxes = TriggerBoxes([_signal(Pose((0.0, 0.0, 0.0)), (0.0, 0.0, 0.5), (1.75, 1.5, 1.0))])
    assert _overlap(boxes, 0.0, 0.0, 0.0) == [0]
    assert _overlap(boxes, 0.0, 0.0, 0.0, z=6.0) == []


def test_nearest_of_several_boxes_comes_last() -> None:
    here = [_signal(Pose((x, 0.0, 0.0)), (0.0, 0.0, 0.5), (2.0, 2.0, 1.0)) for x in (0.5, 3.0, -2.0)]
    assert _overlap(TriggerBoxes(here), 0.0, 0.0, 0.0) == [1, 2, 0]


def test_no_signals_govern_nobody() -> None:
    assert _overlap(TriggerBoxes([]), 0.0, 0.0, 0.0) == []


@given(
    st.floats(-6, 6), st.floats(-6, 6), st.floats(-180, 180), st.floats(-180, 180), st.floats(0.5, 4), st.floats(0.5, 4)
)
def test_overlap_is_that_of_the_rectangles(
    x: float, y: float, yaw_deg: float, box_yaw_deg: float, half_x: float, half_y: float
) -> None:
    boxes = TriggerBoxes(
        [_signal(Pose((0.0, 0.0, 0.0), (0.0, box_yaw_deg, 0.0)), (0.0, 0.0, 0.5), (half_x, half_y, 1.0))]
    )
    car = translate(rotate(_rectangle(CAR[0], CAR[1]), yaw_deg, origin=(0, 0)), x, y)
    box = rotate(_rectangle(half_x, half_y), box_yaw_deg, origin=(0, 0))
    found = bool(_overlap(boxes, x, y, yaw_deg))
    if car.intersection(box).area > 1e-6:
        assert found
    elif car.distance(box) > 1e-6:
        assert not found


def _rectangle(half_x: float, half_y: float) -> Polygon:
    return Polygon([(-half_x, -half_y), (half_x, -half_y), (half_x, half_y), (-half_x, half_y)])
