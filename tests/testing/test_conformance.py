"""The conformance checks pass what keeps the contract and fail, each for its own reason, what does not."""

from typing import Any

import numpy as np
import pytest

from drivevla import geometry
from drivevla.testing import SnoopingPolicy, assert_nothing_leaks, check_policy, observations_in_motion
from drivevla.types import CameraSpec, LidarSpec, Observation, Plan, SensorRig, Truth

RIG = SensorRig(
    name="pair",
    cameras={
        "front": CameraSpec(
            width_px=32,
            height_px=16,
            fov_deg=65.0,
            ego_from_camera=geometry.rigid(geometry.camera_axes_from_body_axes().T, [1.4, 0.0, 1.6]),
        )
    },
    lidar=LidarSpec(
        channels=4, azimuths=36, range_m=80.0, upper_fov_deg=10.0, lower_fov_deg=-30.0, ego_from_lidar=np.eye(4)
    ),
)


class Straight:
    """Drives on at the observed speed, with a little noise of its seed."""

    def reset(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)

    def act(self, observation: Observation) -> Plan:
        x = observation.ego.speed_mps * np.arange(1, 17) * 0.25 + self.rng.normal(scale=0.01, size=16)
        return Plan(waypoints=np.stack([x, np.zeros(16), np.zeros(16)], axis=-1))


class Forgetful(Straight):
    """Keeps its generator over a reset."""

    def __init__(self) -> None:
        self.rng = np.random.default_rng(0)

    def reset(self, seed: int) -> None:
        pass


class Listing(Straight):
    """Answers with bare numbers."""

    def act(self, observation: Observation) -> Any:
        return super().act(observation).waypoints.tolist()


class Meddling(Straight):
    """Draws on the picture it was shown, past the read-only view."""

    def act(self, observation: Observation) -> Plan:
        image = observation.cameras["front"].image
        assert image.base is not None
        image.base[...] //= 2
        return super().act(observation)


def test_a_policy_that_keeps_the_contract_passes() -> None:
    plans = check_policy(Straight(), observations_in_motion(RIG))
    assert [len(plan.waypoints) for plan in plans] == [16, 16, 16]


@pytest.mark.parametrize(
    ("policy", "message"),
    [
        (Forgetful(), "differently after the same reset"),
        (Listing(), "must return a Plan, got list"),
        (Meddling(), "changed an observation"),
        (object(), "must have reset"),
    ],
)
def test_a_policy_that_breaks_the_contract_fails_for_its_reason(policy: Any, message: str) -> None:
    with pytest.raises(AssertionError, match=message):
        check_policy(policy, observations_in_motion(RIG))


def test_a_snooping_policy_finds_nothing_in_an_observation() -> None:
    policy = SnoopingPolicy()
    check_policy(policy, observations_in_motion(RIG))
    assert policy.objects_seen > 10


class Handle:
    """Something that knows the truth, reachable only through itself."""

    def __init__(self, secret: object) -> None:
        self._secret = secret

    def ask(self) -> object:
        return self._secret


TRUTH = Truth(timestamp_s=0.0, world_from_ego=np.eye(4))


@pytest.mark.parametrize(
    ("root", "way"),
    [
        (TRUTH, "by Truth"),
        ({"deep": [(0, {"er": TRUTH})]}, r"by dict\['deep'\]\[0\]\[1\]\['er'\]"),
        (Handle(TRUTH), r"by Handle\._secret"),
        (Handle(TRUTH).ask, r"__self__\._secret"),
        (np.array([TRUTH], dtype=object), "tolist"),
    ],
)
def test_the_truth_is_found_wherever_it_hides(root: object, way: str) -> None:
    with pytest.raises(AssertionError, match=way):
        assert_nothing_leaks(root)


def test_a_carla_object_is_found() -> None:
    carla = pytest.importorskip("carla", reason="the extra 'sim' is not installed")
    with pytest.raises(AssertionError, match=r"libcarla|carla"):
        assert_nothing_leaks(Handle(carla.Location(1.0, 2.0, 3.0)))


def test_cycles_end() -> None:
    loop: list[object] = []
    loop.append(loop)
    assert assert_nothing_leaks(loop) == 1
