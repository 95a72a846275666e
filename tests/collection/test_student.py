"""Who has the wheel when the student takes turns with its teacher."""

from pathlib import Path

import numpy as np
import pytest

from drivevla.collection.config import CollectionConfig
from drivevla.collection.runner import collect
from drivevla.collection.student import Student
from drivevla.errors import ConfigError, PolicyError, UnknownName
from drivevla.policies import ConstantVelocity
from drivevla.sim.session.ego_filter import EgoFilter
from drivevla.types import EgoState, Observation

TICK_S = 0.05


def student(share: float = 0.7) -> Student:
    rng = np.random.default_rng(0)
    return Student(ConstantVelocity(), EgoFilter(), tick_s=TICK_S, share=share, seed=0, rng=rng)


def seen(time_s: float) -> Observation:
    return Observation(timestamp_s=time_s, ego=EgoState(speed_mps=5.0))


@pytest.mark.parametrize("share", [0.3, 0.7])
def test_on_the_route_it_has_the_wheel_for_its_share_of_the_time(share: float) -> None:
    taught = student(share)
    drives = []
    for capture in range(6000):
        taught.see(seen(0.2 * capture), offset_m=0.2)
        drives.append(taught.drives)
    assert np.mean(drives) == pytest.approx(share, abs=0.05)
    assert 100 < np.count_nonzero(np.diff(drives)) < 300  # 1,200 s of turns that take 12 s for both together


def test_beside_the_route_the_teacher_drives_until_the_car_is_back() -> None:
    taught = student()
    taught.see(seen(0.0), offset_m=0.2)
    assert taught.drives
    for capture, (offset_m, drives) in enumerate([(1.4, True), (1.6, False), (1.0, False), (0.6, False), (0.4, True)]):
        taught.see(seen(0.2 + 0.2 * capture), offset_m=offset_m)
        assert taught.drives == drives, offset_m


def test_its_plan_is_followed() -> None:
    taught = student()
    taught.see(seen(0.0), offset_m=0.0)
    control = taught.control(time_s=0.0)
    assert control.throttle > 0.0  # the filter has had no reading yet: it takes the car to stand


def test_a_student_that_fails_ends_the_drive_with_its_reason() -> None:
    class Broken:
        def reset(self, seed: int) -> None:
            pass

        def act(self, observation: Observation) -> None:
            raise ZeroDivisionError("nothing there")

    taught = Student(Broken(), EgoFilter(), tick_s=TICK_S, share=0.5, seed=0, rng=np.random.default_rng(0))
    with pytest.raises(PolicyError, match="nothing there"):
        taught.see(seen(0.0), offset_m=0.0)


@pytest.mark.parametrize(("name", "error"), [("expert", ConfigError), ("nanno", UnknownName)])
def test_who_cannot_be_taught_is_refused_before_anything_is_driven(
    tmp_path: Path, name: str, error: type[Exception]
) -> None:
    config = CollectionConfig(name="x", summary="y", kinds=("grid",), town_seeds=(1,), student=name)
    with pytest.raises(error, match=name):
        collect(config, tmp_path / "log")
    assert not (tmp_path / "log").exists()
