"""A record of a drive is read back equal, and the summary of repetitions is worked out by hand."""

from pathlib import Path

import numpy as np
import pytest

from drivevla.errors import ConfigError, ContractError, DataError, UnknownName
from drivevla.evaluation.closed_loop.job import policy_options
from drivevla.evaluation.closed_loop.record import Recorder, TickRow, read_record
from drivevla.evaluation.closed_loop.runner import ClosedLoopConfig
from drivevla.evaluation.closed_loop.summary import spread
from drivevla.evaluation.driving_score import ActorPose, Collision, Tick
from drivevla.planner.control import VehicleControl
from drivevla.types import Plan

pytest.importorskip("pyarrow", exc_type=ImportError, reason="pyarrow cannot be imported")


def _rows() -> list[TickRow]:
    plain = Tick(
        index=0,
        time_s=0.05,
        ego=ActorPose(position_m=(1.0, -2.5, 0.1), yaw_rad=0.3, pitch_rad=-0.01),
        velocity_mps=(3.0, 0.25, -0.125),
        speed_limit_mps=8.3,
    )
    eventful = Tick(
        index=1,
        time_s=0.1,
        ego=ActorPose(position_m=(1.15, -2.5, 0.1), yaw_rad=0.31),
        velocity_mps=(3.0, 0.0, 0.0),
        speed_limit_mps=13.9,
        background_speeds_mps=(4.0, 0.1),
        collisions=(Collision(actor_id=7, type_id="vehicle.audi.tt"), Collision(actor_id=0, type_id="static.wall")),
        red_lights=frozenset({12, 3}),
        wrong_lane_excused=True,
        blocking_scenarios=frozenset({"ParkedObstacle_1"}),
        emergency_vehicle=ActorPose(position_m=(0.0, 1.0, 2.0), yaw_rad=-3.0),
    )
    plan = Plan(
        waypoints=np.arange(12.0).reshape(4, 3) / 7,
        dt_s=0.5,
        path_m=np.array([[0.0, 0.0], [1.0, 0.0], [2.0, 0.1]]),
        target_speed_mps=4.5,
        text="前方左转",
        refused=True,
    )
    return [
        TickRow(tick=plain, control=VehicleControl(throttle=0.5, steering=-0.25)),
        TickRow(tick=eventful, control=VehicleControl(brake=1.0, reverse=True), plan=plan),
        TickRow(tick=eventful, control=VehicleControl(), plan=Plan(waypoints=np.zeros((1, 3)))),
    ]


def test_a_record_is_read_back_equal(tmp_path: Path) -> None:
    recorder = Recorder({"route": "3", "seed": 5})
    rows = _rows()
    for row in rows:
        recorder.add(row)
    recorder.write(tmp_path / "ticks.parquet")
    record = read_record(tmp_path / "ticks.parquet")
    assert record.about == {"route": "3", "seed": 5}
    for came, meant in zip(record.rows, rows, strict=True):
        assert (came.tick, came.control) == (meant.tick, meant.control)
        assert (came.plan is None) == (meant.plan is None)
        if came.plan is not None and meant.plan is not None:
            assert np.array_equal(came.plan.waypoints, meant.plan.waypoints)
            assert (came.plan.path_m is None) == (meant.plan.path_m is None)
            for name in ("dt_s", "path_spacing_m", "target_speed_mps", "text", "refused"):
                assert getattr(came.plan, name) == getattr(meant.plan, name)


def test_the_same_drive_gives_the_same_file(tmp_path: Path) -> None:
    for name in ("a", "b"):
        recorder = Recorder({"route": "3"})
        for row in _rows():
            recorder.add(row)
        recorder.write(tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_what_is_no_record_is_refused(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    with pytest.raises(DataError, match="no readable Parquet"):
        read_record(tmp_path / "missing.parquet")
    (tmp_path / "text.parquet").write_text("no table")
    with pytest.raises(DataError, match="no readable Parquet"):
        read_record(tmp_path / "text.parquet")
    pq.write_table(pa.table({"x": [1]}), tmp_path / "other.parquet")
    with pytest.raises(DataError, match="no record of a drive"):
        read_record(tmp_path / "other.parquet")


def test_the_spread_over_repetitions_is_students() -> None:
    three = spread([10.0, 12.0, 14.0])
    assert (three.mean, three.std) == (12.0, 2.0)
    # t(0.975, 2 degrees of freedom) = 4.302653; 4.302653 * 2 / sqrt(3) = 4.968276
    assert three.low == pytest.approx(12 - 4.968276, abs=1e-5)
    assert three.high == pytest.approx(12 + 4.968276, abs=1e-5)
    assert spread([5.0]).std is None
    with pytest.raises(ContractError):
        spread([])


def test_options_of_a_policy_are_numbers_or_words() -> None:
    assert policy_options(("a=1.5", "b=true", "path=runs/x.parquet")) == {"a": 1.5, "b": True, "path": "runs/x.parquet"}
    for bad in (("a",), ("1a=2",), ("a=1", "a=2")):
        with pytest.raises(ConfigError, match="name=value"):
            policy_options(bad)


def test_what_would_fail_on_every_route_is_refused_before_the_first() -> None:
    with pytest.raises(UnknownName, match="lane_follower"):
        ClosedLoopConfig(routes="r.xml", policy="lane_folower")
    with pytest.raises(UnknownName, match=r"leaderboard-2\.1"):
        ClosedLoopConfig(routes="r.xml", policy="stand_still", rules="leaderboard-2.2")
    with pytest.raises(ConfigError, match="repetitions"):
        ClosedLoopConfig(routes="r.xml", policy="stand_still", repetitions=0)
    with pytest.raises(ConfigError, match="vehicles 0 to 200 or 'leaderboard', got 1 and 'many'"):
        ClosedLoopConfig(routes="r.xml", policy="stand_still", vehicles="many")  # type: ignore[arg-type]
