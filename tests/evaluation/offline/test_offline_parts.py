from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivevla.errors import DataError, UnknownName, UserError
from drivevla.evaluation.altered import Altered, altered_policy, change_called, changes_for
from drivevla.evaluation.offline.ego_only import EgoOnly, ego_features, train_ego_only
from drivevla.evaluation.offline.facts import manoeuvre_of, speed_group
from drivevla.evaluation.offline.intervals import interval_by_drive, share_by_drive
from drivevla.evaluation.offline.scores import ProtocolScores, groups_json
from drivevla.evaluation.offline.selection import SampleSet
from drivevla.evaluation.offline.truths import futures_table
from drivevla.policies import ConstantVelocity
from drivevla.testing import check_policy
from drivevla.types import EgoState, Future, Observation, PastPoses, Provenance, Sample, Scene, Truth

TIMES_S = np.arange(1, 9) * 0.5


def future_of(
    speed_mps: float, *, end_mps: float | None = None, turn_radps: float = 0.0, aside_m: float = 0.0
) -> Future:
    end_mps = speed_mps if end_mps is None else end_mps
    grown = np.minimum(TIMES_S, 3.0)
    along = (
        speed_mps * TIMES_S + 0.5 * (end_mps - speed_mps) / 3.0 * grown**2 + (end_mps - speed_mps) * (TIMES_S - grown)
    )
    yaw = turn_radps * TIMES_S
    poses = np.stack([along * np.cos(yaw / 2), along * np.sin(yaw / 2) + aside_m * grown / 3.0, yaw], axis=-1)
    return Future(times_s=TIMES_S, poses=poses, valid=np.ones(8, dtype=np.bool_))


@pytest.mark.parametrize(
    ("future", "speed_mps", "words"),
    [
        (future_of(0.0), 0.0, "standing"),
        (future_of(5.0, turn_radps=0.1), 5.0, "turning left"),
        (future_of(5.0, turn_radps=-0.1), 5.0, "turning right"),
        (future_of(10.0, aside_m=2.5), 10.0, "moving left"),
        (future_of(0.0, end_mps=6.0), 0.0, "setting off"),
        (future_of(6.0, end_mps=0.0), 6.0, "stopping"),
        (future_of(6.0, end_mps=9.0), 6.0, "speeding up"),
        (future_of(9.0, end_mps=6.0), 9.0, "slowing down"),
        (future_of(9.0), 9.0, "straight on"),
        (None, 9.0, "not known"),
    ],
)
def test_manoeuvres(future: Future | None, speed_mps: float, words: str) -> None:
    assert manoeuvre_of(future, speed_mps) == words


def test_speeds_fall_into_ranges() -> None:
    assert [speed_group(speed) for speed in (-0.2, 0.4, 0.5, 7.0, 15.0)] == [
        "standing",
        "standing",
        "0.5 to 5 m/s",
        "5 to 10 m/s",
        "15 m/s and more",
    ]


def test_an_interval_draws_drives_and_not_samples() -> None:
    # Two drives, 0 and 1: a draw takes one twice or both, so that its mean is 0, 1 or between; 300 alike samples do
    # not narrow that.
    column = np.repeat([0.0, 1.0], [100, 300])
    found = interval_by_drive(column, ["a"] * 100 + ["b"] * 300)
    assert found is not None
    assert (found.value, found.low, found.high) == (0.75, 0.0, 1.0)
    alone = interval_by_drive(column, ["a"] * 400)
    assert alone is not None
    assert (alone.low, alone.high) == (None, None)
    assert interval_by_drive(np.full(2, np.nan), ["a", "b"]) is None


@given(st.lists(st.floats(-100, 100), min_size=2, max_size=20), st.floats(-50, 50))
def test_shifting_every_sample_shifts_the_interval(values: list[float], shift: float) -> None:
    drives = [str(index % 4) for index in range(len(values))]
    before, after = (interval_by_drive(np.array(values) + by, drives) for by in (0.0, shift))
    assert before is not None
    assert after is not None
    assert after.value == pytest.approx(before.value + shift, abs=1e-6)
    assert after.low == pytest.approx((before.low or 0.0) + shift, abs=1e-6)


class Bends:
    """Drives whose yaw rate says where they go, which constant velocity does not know."""

    dataset = "bends"

    def __init__(self, root: Path) -> None:
        self.scenes = (Scene(name="bends", tokens=tuple(map(str, range(60)))),)

    def sample(self, token: str) -> Sample:
        speed_mps, turn_radps = 5.0 + int(token) % 4, 0.1 * (int(token) % 5 - 2)
        past_s = np.linspace(-2.0, 0.0, 9)
        past = np.stack([speed_mps * past_s, 0 * past_s, turn_radps * past_s], axis=-1)
        return Sample(
            source=Provenance(dataset=self.dataset, scene="bends", token=token),
            observation=Observation(
                timestamp_s=0.0,
                ego=EgoState(speed_mps=speed_mps, yaw_rate_radps=turn_radps),
                past=PastPoses(times_s=past_s, poses=past),
            ),
            truth=Truth(timestamp_s=0.0, world_from_ego=np.eye(4), future=future_of(speed_mps, turn_radps=turn_radps)),
        )


def test_ego_only_learns_from_motion_alone_and_the_same_each_time() -> None:
    reader = Bends(Path())
    samples = SampleSet(reader=reader, scenes=reader.scenes)
    (policy, fit), (again, _) = (train_ego_only(samples, seed=3) for _ in range(2))
    sample = reader.sample("4")  # the sharpest bend to the left
    plan, same = policy.act(sample.observation), again.act(sample.observation)
    assert np.array_equal(plan.waypoints, same.waypoints)
    assert sample.truth.future is not None
    driven_m = sample.truth.future.poses[5, :2]
    wrong_m = np.linalg.norm(plan.at([3.0])[0, :2] - driven_m)
    assert wrong_m < 0.4 * np.linalg.norm(ConstantVelocity().act(sample.observation).at([3.0])[0, :2] - driven_m)
    assert (fit.samples, fit.scenes) == (60, ("bends",))
    check_policy(policy, [sample.observation])


def test_ego_features_mark_what_is_not_known() -> None:
    alone = ego_features(Observation(timestamp_s=0.0, ego=EgoState(speed_mps=3.0)))
    assert alone.tolist() == [3.0, 0.0, 0.0] + [0.0] * 16
    short = PastPoses(times_s=np.array([-1.0, 0.0]), poses=np.array([[-3.0, 0, 0], [0, 0, 0]]))
    known = ego_features(Observation(timestamp_s=0.0, ego=EgoState(speed_mps=3.0), past=short))[3:].reshape(4, 4)
    assert known[:, 3].tolist() == [0.0, 0.0, 1.0, 1.0]  # 2, 1.5, 1 and 0.5 s before
    assert known[3, 0] == pytest.approx(-1.5)


def test_ego_only_needs_a_future_to_learn_from() -> None:
    class Blank(Bends):
        def sample(self, token: str) -> Sample:
            whole = super().sample(token)
            return Sample(
                source=whole.source,
                observation=whole.observation,
                truth=Truth(timestamp_s=0.0, world_from_ego=np.eye(4)),
            )

    reader = Blank(Path())
    with pytest.raises(DataError, match="no sample of bends"):
        train_ego_only(SampleSet(reader=reader, scenes=reader.scenes), seed=0)
    assert EgoOnly.__doc__


def test_futures_of_one_table_have_the_same_times() -> None:
    jitter = Future(times_s=TIMES_S + 0.002, poses=np.zeros((8, 3)), valid=np.ones(8, dtype=np.bool_))
    times_s, _, valid = futures_table([future_of(5.0), jitter, None])
    assert times_s.tolist() == TIMES_S.tolist()
    assert valid.sum(axis=1).tolist() == [8, 8, 0]
    later = Future(times_s=TIMES_S + 0.02, poses=np.zeros((8, 3)), valid=np.ones(8, dtype=np.bool_))
    with pytest.raises(DataError, match="sample 1"):
        futures_table([future_of(5.0), later])


def test_changes_say_whether_there_was_something_to_change() -> None:
    seen = Observation(timestamp_s=0.0, ego=EgoState(speed_mps=3.0), instruction="turn left at the next junction")
    swapped = change_called("swapped_sides").apply(seen)
    assert swapped.instruction == "turn right at the next junction"
    plan = Altered(ConstantVelocity(), change_called("no_ego_state")).act(seen)
    assert np.abs(plan.waypoints).max() == 0.0
    assert plan.diagnostics == {"altered.change": "no_ego_state", "altered.applied": True}
    assert Altered(ConstantVelocity(), change_called("no_lidar")).act(seen).diagnostics["altered.applied"] is False
    assert change_called("no_camera.left").apply(seen) is seen
    assert [change.name for change in changes_for(["left", "front"])][:3] == [
        "no_camera.front",
        "no_camera.left",
        "no_cameras",
    ]


def test_changed_policies_are_made_by_name_for_closed_loop_too() -> None:
    policy = altered_policy(policy="constant_velocity", change="no_history")
    check_policy(policy, [Observation(timestamp_s=0.0, ego=EgoState(speed_mps=3.0))])
    with pytest.raises(UserError, match="told the truth"):
        altered_policy(policy="lane_follower", change="no_lidar")
    with pytest.raises(UnknownName, match="did you mean 'no_lidar'"):
        altered_policy(policy="constant_velocity", change="no_ladar")


def test_a_share_is_of_the_others_mean_and_drawn_by_drive() -> None:
    drives = ["a", "a", "b", "b"]
    ours, theirs = np.array([1.0, 1.0, 3.0, np.nan]), np.array([2.0, 2.0, 4.0, 4.0])
    share = share_by_drive(ours, theirs, drives)
    assert share is not None
    assert share.value == pytest.approx(5.0 / 8.0 - 1.0)
    assert share.samples == 3  # the last one counts for neither
    assert [share.low, share.high] == pytest.approx([-0.5, -0.25])  # drive a alone, drive b alone
    one_drive = share_by_drive(ours[:2], theirs[:2], drives[:2])
    assert one_drive is not None
    assert one_drive.value == pytest.approx(-0.5)
    assert one_drive.low is None
    assert share_by_drive(ours, np.zeros(4), drives) is None


def test_turns_of_both_sides_are_one_group_too_and_hold_the_policy_beside_the_others() -> None:
    manoeuvres = ["turning left", "turning right", "straight on", "turning left"]
    columns = {"mine": np.array([1.0, 3.0, 9.0, 2.0]), "constant_velocity": np.array([2.0, 4.0, 9.0, 2.0])}
    scores = ProtocolScores(
        name="displacement",
        reports={},
        unscored={},
        columns={who: {"L2_upto_3s_m": column} for who, column in columns.items()},
        drives=("a", "b", "a", "b"),
    )
    groups = groups_json(scores, manoeuvres, "mine")
    assert {name: each["samples"] for name, each in groups.items()} == {
        "straight on": 1,
        "turning left": 2,
        "turning right": 1,
        "turning either way": 3,
    }
    turning = groups["turning either way"]
    assert turning["policies"]["mine"]["L2_upto_3s_m"]["value"] == pytest.approx(2.0)
    assert turning["judged_beside"]["constant_velocity"]["value"] == pytest.approx(6.0 / 8.0 - 1.0)
    assert "mine" not in turning["judged_beside"]


def test_ranges_of_speed_stand_in_their_order() -> None:
    speeds = ["10 to 15 m/s", "standing", "0.5 to 5 m/s", "5 to 10 m/s"]
    columns = {"mine": {"L2_upto_3s_m": np.ones(4)}}
    scores = ProtocolScores(name="displacement", reports={}, unscored={}, columns=columns, drives=("a",) * 4)
    assert list(groups_json(scores, speeds, "mine")) == [speeds[1], speeds[2], speeds[3], speeds[0]]
