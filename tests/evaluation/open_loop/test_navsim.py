from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from drivevla.errors import DataError
from drivevla.evaluation.open_loop import OpenLoopTruth, Predictions, Samples, load_metric
from drivevla.evaluation.open_loop.navsim.reference import reference_poses
from drivevla.evaluation.open_loop.navsim.simulation import simulate
from drivevla.geometry import compose_se2, transform_points_se2
from drivevla.testing import check_metric

SPEED_MPS = 10.0
TIMES_S = np.arange(1, 9) * 0.5
NOWHERE = 900.0


def straight(times_s: NDArray[np.float64], speed_mps: float = SPEED_MPS) -> NDArray[np.float64]:
    return np.stack([speed_mps * times_s, np.zeros_like(times_s), np.zeros_like(times_s)], axis=-1)


def rectangle(x: tuple[float, float], y: tuple[float, float]) -> list[list[float]]:
    return [[x[0], y[0]], [x[1], y[0]], [x[1], y[1]], [x[0], y[1]]]


def samples_of(plan: NDArray[np.float64], obstacle_x_m: float = NOWHERE, **changes: NDArray[Any]) -> Samples:
    """A straight lane along x, 4 m wide, on a road 8 m wide; something 4 m long stands on it at ``obstacle_x_m``."""
    count, long = 2, (-50.0, 200.0)
    ego = np.zeros((count, 11))
    ego[:, 3] = SPEED_MPS
    past = np.zeros((count, 4, 11))
    past[..., 0], past[..., 3] = np.array([-15.0, -10.0, -5.0, 0.0]), SPEED_MPS
    traffic = np.zeros((count, 1, 51, 3))
    traffic[..., 0] = obstacle_x_m
    details: dict[str, NDArray[Any]] = {
        "ego_state": ego,
        "reference": np.tile(straight(np.arange(1, 41) * 0.1), (count, 1, 1)),
        "map_polygons": np.tile([rectangle(long, (-2.0, 6.0)), rectangle(long, (-2.0, 2.0))], (count, 1, 1, 1)),
        "map_kind": np.tile(["ROADBLOCK", "LANE"], (count, 1)),
        "map_on_route": np.tile([False, True], (count, 1)),
        "centerline": np.tile([[-50.0, 0.0], [200.0, 0.0]], (count, 1, 1)),
        "red_lights": np.tile([rectangle((20.0, 30.0), (-2.0, 2.0))], (count, 1, 1, 1)),
        "red_steps": np.zeros((count, 1, 41), dtype=np.bool_),
        "traffic": traffic,
        "traffic_size": np.tile([4.0, 2.0], (count, 1, 1)),
        "traffic_exists": np.ones((count, 1, 51), dtype=np.bool_),
        "traffic_kind": np.full((count, 1), "VEHICLE"),
        "traffic_speed_mps": np.zeros((count, 1)),
        "past": past,
        "human": np.tile(straight(TIMES_S), (count, 1, 1)),
        "previous_token": np.array(["", ""]),
    }
    tokens = ("s0", "s1")
    return Samples(
        predictions=Predictions(
            tokens=tokens,
            times_s=TIMES_S,
            poses=np.tile(plan, (count, 1, 1, 1)),
            scores=np.ones((count, 1)),
            planned=np.ones(count, dtype=np.bool_),
            texts=(None,) * count,
        ),
        truth=OpenLoopTruth(
            tokens=tokens,
            times_s=np.zeros(0),
            poses=np.zeros((count, 0, 3)),
            valid=np.zeros((count, 0), dtype=np.bool_),
            details={**details, **changes},
        ),
    )


def test_the_simulator_follows_a_steady_straight_plan_exactly() -> None:
    reference = reference_poses(np.concatenate([[0.0], TIMES_S]), straight(np.concatenate([[0.0], TIMES_S])))
    start = np.zeros((1, 11))
    start[0, 3] = SPEED_MPS
    states = simulate(reference[None], start)
    np.testing.assert_allclose(states[0, :, 0], SPEED_MPS * 0.1 * np.arange(41), atol=0.02)
    np.testing.assert_allclose(states[0, :, 1:3], 0.0, atol=1e-9)


@pytest.mark.parametrize(("protocol", "name"), [("navsim-v1.1", "PDMS"), ("navsim-v2", "EPDMS")])
def test_the_reference_itself_is_perfect(protocol: str, name: str) -> None:
    scores = check_metric(load_metric(protocol), samples_of(straight(TIMES_S)))
    assert scores.values[name] == pytest.approx(1.0, abs=2e-3)
    assert all(value == pytest.approx(1.0, abs=2e-3) for value in scores.values.values())


def test_who_stops_makes_no_progress_but_hits_nothing() -> None:
    braking = straight(TIMES_S, 0.0)
    braking[:, 0] = 12.0 * (1 - np.exp(-TIMES_S))
    values = load_metric("navsim-v1.1").score(samples_of(braking, obstacle_x_m=30.0)).values
    assert values["no_at_fault_collisions"] == 1.0
    # The reference runs into the obstacle, so that the best progress without a fault is the plan's own.
    assert values["ego_progress"] == 1.0


def test_who_drives_into_a_standing_car_scores_nothing() -> None:
    values = load_metric("navsim-v1.1").score(samples_of(straight(TIMES_S), obstacle_x_m=30.0)).values
    assert [values[name] for name in ("no_at_fault_collisions", "time_to_collision_within_bound", "PDMS")] == [0, 0, 0]


def test_static_things_cost_half() -> None:
    cone = np.full((2, 1), "TRAFFIC_CONE")
    values = load_metric("navsim-v1.1").score(samples_of(straight(TIMES_S), 30.0, traffic_kind=cone)).values
    assert values["no_at_fault_collisions"] == 0.5


def test_what_the_human_does_too_is_excused_in_version_2() -> None:
    red = np.ones((2, 1, 41), dtype=np.bool_)
    excused = load_metric("navsim-v2").score(samples_of(straight(TIMES_S), red_steps=red)).values
    assert excused["traffic_light_compliance"] == 1.0
    waiting = np.tile(straight(TIMES_S, 1.0), (2, 1, 1))
    blamed = load_metric("navsim-v2").score(samples_of(straight(TIMES_S), red_steps=red, human=waiting)).values
    assert [blamed["traffic_light_compliance"], blamed["EPDMS"]] == [0.0, 0.0]


def test_leaving_the_road_scores_nothing() -> None:
    swerve = straight(TIMES_S)
    swerve[:, 1] = -np.linspace(0.2, 5.0, 8)
    swerve[:, 2] = -0.12
    assert load_metric("navsim-v1.1").score(samples_of(swerve)).values["drivable_area_compliance"] == 0.0


def test_extended_comfort_counts_where_there_is_a_plan_before() -> None:
    samples = samples_of(straight(TIMES_S), previous_token=np.array(["", "s0"]))
    scores = load_metric("navsim-v2").score(samples)
    assert scores.counts["with_previous"] == 1
    assert scores.values["extended_comfort"] == 1.0


@settings(max_examples=8, deadline=None)
@given(x=st.floats(-500, 500), y=st.floats(-500, 500), yaw=st.floats(-3, 3))
def test_moving_the_whole_scene_changes_nothing(x: float, y: float, yaw: float) -> None:
    samples, moved = samples_of(straight(TIMES_S, 9.0), obstacle_x_m=60.0), np.array([x, y, yaw])
    details = dict(samples.truth.details)
    for name in ("map_polygons", "centerline", "red_lights"):
        details[name] = transform_points_se2(moved, details[name])
    for name in ("reference", "traffic"):
        details[name] = compose_se2(moved, details[name])
    for name in ("ego_state", "past"):
        details[name] = np.concatenate([compose_se2(moved, details[name][..., :3]), details[name][..., 3:]], axis=-1)
    elsewhere = Samples(predictions=samples.predictions, truth=replace(samples.truth, details=details))
    metric = load_metric("navsim-v2")
    assert metric.score(elsewhere).values == pytest.approx(dict(metric.score(samples).values), abs=1e-6)


def test_traffic_that_ends_early_is_refused() -> None:
    short = np.zeros((2, 1, 41, 3))
    with pytest.raises(DataError, match="51 steps"):
        load_metric("navsim-v1.1").score(samples_of(straight(TIMES_S), traffic=short))
