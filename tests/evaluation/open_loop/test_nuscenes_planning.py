"""What the nuScenes protocols must do beyond the official cases: invariances, and hand-worked differences."""

import dataclasses
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from drivevla.errors import DataError
from drivevla.evaluation.open_loop import OpenLoopTruth, Predictions, Samples, Scores, load_metric
from drivevla.evaluation.open_loop.nuscenes.boundary import road_boundary_m
from drivevla.evaluation.open_loop.nuscenes.fine_raster import step_headings_rad
from drivevla.evaluation.open_loop.nuscenes.keyframes import joined_truth, truth_of_scene
from drivevla.evaluation.open_loop.nuscenes.raster import ego_box_cells
from drivevla.evaluation.open_loop.nuscenes.stp3 import without_jitter
from drivevla.geometry import matrix_from_yaw, rigid
from drivevla.testing import check_metric
from drivevla.types import ObjectTruth, Truth

PROTOCOLS = (
    "admlp",
    "bevplanner",
    "nuscenes-stp3",
    "nuscenes-uniad",
    "nuscenes-uniad-upto",
    "nuscenes-vad",
    "opendrivevla",
)
KEYFRAMES = 11
SPEED_MPS = 8.13  # no whole number of cells a step: a rounding error must not decide where a place is cut
WHERE_IT_BEGINS = np.eye(4)
# nuScenes' LIDAR_TOP: x right, y forward, 0.94 m ahead of the rear axle and 1.84 m up.
EGO_FROM_LIDAR = rigid(matrix_from_yaw(-np.pi / 2), [0.94, 0.0, 1.84])


def pose(x: float, y: float, yaw: float) -> NDArray[np.float64]:
    return rigid(matrix_from_yaw(yaw), [x, y, 0.0])


def drive(
    world: NDArray[np.float64] = WHERE_IT_BEGINS,
    *,
    parked: Sequence[tuple[float, float]] = ((20.03, 0.57), (9.07, -8.01)),
) -> OpenLoopTruth:
    """Straight ahead through keyframes half a second apart; cars stand at world places, a child walks."""
    keyframes = []
    for index in range(KEYFRAMES):
        world_from_ego = world @ pose(SPEED_MPS * 0.5 * index, 0.0, 0.0)
        here = [*((f"car{n}", "vehicle.car", x, y) for n, (x, y) in enumerate(parked))]
        here.append(("child", "human.pedestrian.child", 12.0, 3.0 - 0.5 * index))
        objects = tuple(
            ObjectTruth(
                track_id=track,
                category=category,
                ego_from_object=np.linalg.inv(world_from_ego) @ world @ pose(x, y, 0.3),
                size_m=np.array([4.5, 1.9, 1.6]) if track != "child" else np.array([0.6, 0.6, 1.2]),
                lidar_points=5,
            )
            for track, category, x, y in here
        )
        keyframes.append(Truth(timestamp_s=index * 0.5, world_from_ego=world_from_ego, objects=objects))
    truth = truth_of_scene([f"k{index}" for index in range(KEYFRAMES)], keyframes, ego_from_lidar=EGO_FROM_LIDAR)
    seen = np.ones(truth.details["boxes_category"].shape, dtype=np.bool_)
    kerb = np.array([[[-40.0, 5.0], [40.0, 5.0]]])
    extra = {
        "boxes_seen": seen,
        "boundary": np.broadcast_to(kerb, (KEYFRAMES, 1, 2, 2)),
        "boundary_present": np.ones((KEYFRAMES, 1), dtype=np.bool_),
    }
    return dataclasses.replace(truth, details={**truth.details, **extra})


def plans(truth: OpenLoopTruth, poses: NDArray[np.float64]) -> Predictions:
    return Predictions(
        tokens=truth.tokens,
        times_s=truth.times_s,
        poses=poses[:, None],
        scores=np.ones((len(truth), 1)),
        planned=np.ones(len(truth), dtype=np.bool_),
        texts=(None,) * len(truth),
    )


def straight(truth: OpenLoopTruth, speed_mps: float, side_mps: float = 0.0) -> NDArray[np.float64]:
    poses = np.zeros((len(truth), 6, 3))
    poses[..., 0], poses[..., 1] = speed_mps * truth.times_s, side_mps * truth.times_s
    return poses


def scores_of(protocol: str, truth: OpenLoopTruth, poses: NDArray[np.float64]) -> Scores:
    return load_metric(protocol).score(Samples(predictions=plans(truth, poses), truth=truth))


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_perfect_plan_scores_perfect(protocol: str) -> None:
    truth = drive()
    scores = scores_of(protocol, truth, straight(truth, SPEED_MPS))
    assert scores.values
    assert all(value == pytest.approx(0.0, abs=1e-9) for value in scores.values.values())


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_the_contract_is_kept(protocol: str) -> None:
    truth = drive()
    poses = straight(truth, 11.0, -1.0)
    check_metric(load_metric(protocol), Samples(predictions=plans(truth, poses), truth=truth))


@pytest.mark.parametrize("protocol", PROTOCOLS)
@settings(max_examples=3)
@given(st.floats(-900, 900), st.floats(-900, 900), st.floats(-3.1, 3.1))
def test_moving_the_whole_scene_changes_nothing(protocol: str, x: float, y: float, yaw: float) -> None:
    here, there = drive(), drive(pose(x, y, yaw))
    poses = straight(here, 10.07, 0.713)
    assert scores_of(protocol, there, poses).values == pytest.approx(scores_of(protocol, here, poses).values, abs=1e-6)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_objects_beyond_the_grid_change_nothing(protocol: str) -> None:
    near, more = drive(), drive(parked=((20.03, 0.57), (9.07, -8.01), (300.0, 0.0), (-20.0, 140.0)))
    poses = straight(near, 10.0)
    assert scores_of(protocol, more, poses).values == scores_of(protocol, near, poses).values


def test_errors_are_a_metre_where_the_plan_is_a_metre_beside() -> None:
    truth = drive(parked=())
    poses = straight(truth, SPEED_MPS)
    poses[..., 1] += 1.0
    vad = scores_of("nuscenes-vad", truth, poses)
    uniad = scores_of("nuscenes-uniad", truth, poses)

    assert vad.counts["samples"] == KEYFRAMES - 6
    assert [vad.values[f"L2_{t}_m"] for t in ("1s", "2s", "3s", "avg")] == pytest.approx([1.0] * 4)
    # The last keyframes have no future and count as no error: 9, 7 and 5 of 11 samples are left.
    assert [uniad.values[f"L2_{t}s_m"] for t in (1, 2, 3)] == pytest.approx([9 / 11, 7 / 11, 5 / 11])
    assert uniad.counts == {"samples": 11, "left_out": 0, "samples_without_full_future": 6}


def test_at_and_up_to_differ_for_the_same_plan() -> None:
    truth = drive(parked=()).take(np.arange(5))
    poses = straight(truth, SPEED_MPS + 2.0)  # 1 m more at every step
    assert scores_of("nuscenes-uniad", truth, poses).values["L2_3s_m"] == pytest.approx(6.0)
    assert scores_of("nuscenes-uniad-upto", truth, poses).values["L2_3s_m"] == pytest.approx(3.5)


def test_only_vad_and_stp3_see_the_child() -> None:
    truth = drive(parked=()).take(np.arange(2, 5))
    # The child crosses the axis at x = 12 m in keyframe 6; every plan waits on its way.
    poses = np.zeros((3, 6, 3))
    poses[..., 0] = 12.0 - 1.5 - SPEED_MPS * 0.5 * np.arange(2, 5)[:, None]
    assert scores_of("nuscenes-vad", truth, poses).values["collision_3s"] > 0
    assert scores_of("nuscenes-stp3", truth, poses).values["collision_3s"] > 0
    assert scores_of("nuscenes-uniad", truth, poses).values["collision_3s"] == 0
    assert scores_of("bevplanner", truth, poses).values["collision_3s"] == 0


def test_bevplanner_counts_any_hit_and_vad_the_share_of_steps() -> None:
    truth = drive(parked=((SPEED_MPS * 0.5 + 24.0, 0.0),)).take(np.array([1]))
    poses = straight(truth, SPEED_MPS)
    # The driven car drives through the parked one in keyframe 1 + 3 s; stop inside it from 2 s on instead.
    poses[:, :, 0] = [4.0, 8.0, 12.0, 24.0, 24.0, 24.0]
    vad, bev = (scores_of(name, truth, poses).values["collision_3s"] for name in ("nuscenes-vad", "bevplanner"))
    assert bev == 1.0
    assert 0.0 < vad <= 0.5


def test_the_kerb_is_crossed_once_for_good() -> None:
    truth = drive(parked=()).take(np.arange(5))
    values = scores_of("bevplanner", truth, straight(truth, SPEED_MPS, 2.0)).values
    # The box turns 14 degrees with the plan, so that its corner is 1.7 m to the left: 5 m are reached at 1.6 s.
    assert [values[f"intersection_{t}s"] for t in (1, 2, 3)] == [0.0, 1.0, 1.0]
    assert values["intersection_avg"] == pytest.approx(2 / 3)


def test_a_car_that_disappears_for_a_keyframe_is_lost_to_vad() -> None:
    truth = drive(parked=((20.0, 0.0),)).take(np.array([0]))
    poses = straight(truth, SPEED_MPS)
    poses[..., 0] = 19.0
    before = scores_of("nuscenes-vad", truth, poses).values["collision_3s"]
    present = truth.details["boxes_present"].copy()
    present[:, 2] = False
    gap = dataclasses.replace(truth, details={**truth.details, "boxes_present": present})
    after = scores_of("nuscenes-vad", gap, poses).values["collision_3s"]
    assert before > after > 0.0


@pytest.mark.parametrize(
    ("name", "protocol"),
    [
        ("boxes_tracked", "nuscenes-vad"),
        ("boxes_lidar_points", "nuscenes-vad"),
        ("past_keyframes", "admlp"),
        ("boundary", "bevplanner"),
        ("ego_from_lidar", "nuscenes-uniad"),
        ("boxes", "opendrivevla"),
    ],
)
def test_what_the_truth_lacks_is_asked_for(name: str, protocol: str) -> None:
    truth = drive()
    lacking = dataclasses.replace(truth, details={key: each for key, each in truth.details.items() if key != name})
    with pytest.raises(DataError, match=f"{protocol} needs the array '{name}'"):
        scores_of(protocol, lacking, straight(truth, SPEED_MPS))


def test_without_tracks_or_sightings_there_are_no_collisions_and_that_is_counted() -> None:
    truth = drive()
    untracked = {**truth.details, "boxes_tracked": np.zeros(len(truth), dtype=np.bool_)}
    unseen = {key: each for key, each in truth.details.items() if key != "boxes_seen"}
    for protocol, details in (("nuscenes-vad", untracked), ("nuscenes-stp3", unseen), ("admlp", unseen)):
        scores = scores_of(protocol, dataclasses.replace(truth, details=details), straight(truth, SPEED_MPS))
        whole = scores_of(protocol, truth, straight(truth, SPEED_MPS))
        assert scores.counts["collisions_not_scored"] == scores.counts["samples"] == whole.counts["samples"]
        distances = {name: value for name, value in whole.values.items() if "collision" not in name}
        assert scores.values == distances != whole.values


def test_objects_whose_names_never_come_again_have_no_tracks() -> None:
    def keyframe(names: tuple[str, ...]) -> Truth:
        things = tuple(
            ObjectTruth(
                track_id=name, category="vehicle.car", ego_from_object=np.eye(4), size_m=np.array([4.0, 2.0, 1.5])
            )
            for name in names
        )
        return Truth(timestamp_s=0.0, world_from_ego=np.eye(4), objects=things)

    for names, tracked in ((("a", "b"), True), (("c", "d"), False)):
        keyframes = [keyframe(("a", "e")), keyframe(names)]
        truth = truth_of_scene(["0", "1"], keyframes, ego_from_lidar=np.eye(4))
        assert truth.details["boxes_tracked"].tolist() == [tracked, tracked]


def test_names_that_are_not_nuscenes_are_refused() -> None:
    truth = drive()
    category = np.where(truth.details["boxes_category"] == "vehicle.car", "car", truth.details["boxes_category"])
    renamed = dataclasses.replace(truth, details={**truth.details, "boxes_category": category})
    with pytest.raises(DataError, match="'car'"):
        scores_of("nuscenes-uniad", renamed, straight(truth, SPEED_MPS))


def test_no_sample_with_a_full_future_is_no_number() -> None:
    truth = drive().take(np.array([8, 9, 10]))
    with pytest.raises(DataError, match="none of the 3 samples"):
        scores_of("nuscenes-vad", truth, straight(truth, SPEED_MPS))


def test_the_ego_box_is_cut_towards_zero_and_kept_on_the_border() -> None:
    rows, columns = ego_box_cells(np.array([[0.3, -0.3], [80.0, 0.0]]))
    assert rows[0].tolist() == list(range(96, 104))  # 97 - 0.6 is cut down to 96
    assert columns[0].tolist() == list(range(98, 102))
    assert set(columns[1].tolist()) == {199}


def test_a_plan_that_trembles_stands_still_for_admlp() -> None:
    planned = np.array([[[0.05, 0.09]], [[0.05, 0.11]]])
    assert without_jitter(planned).tolist() == [[[0.0, 0.0]], [[0.05, 0.11]]]


def test_short_steps_have_no_direction() -> None:
    places = np.array([[[0.0, 2.0], [0.0, 2.9], [1.0, 2.9]]])
    assert step_headings_rad(places).tolist() == [[np.pi / 2, 0.0, 0.0]]


def test_the_boundary_is_the_outline_of_the_whole_road() -> None:
    lanes = [[(-60, -4), (60, -4), (60, 0), (-60, 0)], [(-60, 0), (60, 0), (60, 4), (-60, 4)]]
    lines = road_boundary_m(lanes)
    assert lines.shape == (2, 20, 2)
    assert sorted({round(y, 6) for y in lines[..., 1].ravel()}) == [-4.0, 4.0]  # nothing where the lanes touch
    assert np.abs(lines[..., 0]).max(axis=1) == pytest.approx(51.0)


def test_joined_scenes_score_as_the_mean_of_both() -> None:
    one, two = drive(), drive(parked=((14.0, 0.0), (5.0, 9.0), (22.0, -1.0)))
    two = dataclasses.replace(two, tokens=tuple(f"second {token}" for token in two.tokens))
    poses = straight(one, 10.0)
    both = scores_of("nuscenes-vad", joined_truth([one, two]), np.concatenate([poses, poses]))
    apart = [scores_of("nuscenes-vad", each, poses) for each in (one, two)]
    for name, value in both.values.items():
        assert value == pytest.approx(np.mean([each.values[name] for each in apart]))
