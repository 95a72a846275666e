"""Does a policy keep the contract of ``drivevla.types.Policy``?"""

from collections.abc import Sequence

import numpy as np

from drivevla.testing.samples import sample_observation
from drivevla.types import Observation, Plan, Policy, SensorRig

__all__ = ["check_policy", "observations_in_motion"]


def observations_in_motion(rig: SensorRig, *, count: int = 3, seed: int = 0) -> list[Observation]:
    """A few made-up observations of one drive, one capture period apart."""
    rng = np.random.default_rng(seed)
    return [sample_observation(rig, rng=rng, timestamp_s=index / rig.capture_hz) for index in range(count)]


def check_policy(policy: Policy, observations: Sequence[Observation], *, seed: int = 7) -> list[Plan]:
    """Run a policy twice over the same observations and hold it to the contract.

    Args:
        policy: What is checked; it is reset.
        observations: At least one, in the order of time.
        seed: For ``reset``.

    Returns:
        The plans of the first run.

    Raises:
        AssertionError: The policy is no ``Policy``, answers with something else than a ``Plan``, changes an
            observation, or answers the same observations differently after the same reset.
    """
    name = type(policy).__name__
    if not isinstance(policy, Policy):
        raise AssertionError(f"{name} must have reset(seed) and act(observation)")
    before = [_fingerprint(observation) for observation in observations]
    first, second = (_drive(policy, observations, seed) for _ in range(2))
    if before != [_fingerprint(observation) for observation in observations]:
        raise AssertionError(f"{name}.act changed an observation; observations are shared and must stay as they are")
    for index, (plan, again) in enumerate(zip(first, second, strict=True)):
        if not _same(plan, again):
            raise AssertionError(f"{name}.act answered observation {index} differently after the same reset({seed})")
    return first


def _drive(policy: Policy, observations: Sequence[Observation], seed: int) -> list[Plan]:
    policy.reset(seed)
    plans = []
    for observation in observations:
        plan = policy.act(observation)
        if not isinstance(plan, Plan):
            raise AssertionError(f"{type(policy).__name__}.act must return a Plan, got {type(plan).__name__}")
        plans.append(plan)
    return plans


def _same(plan: Plan, other: Plan) -> bool:
    arrays = [(plan.waypoints, other.waypoints), (plan.path_m, other.path_m)]
    if (plan.modes is None) != (other.modes is None):
        return False
    if plan.modes is not None and other.modes is not None:
        arrays += [(plan.modes.waypoints, other.modes.waypoints), (plan.modes.scores, other.modes.scores)]
    same_arrays = all((a is None and b is None) or np.array_equal(a, b) for a, b in arrays)  # type: ignore[arg-type]
    values = ("dt_s", "path_spacing_m", "target_speed_mps", "text", "refused")
    return same_arrays and all(getattr(plan, name) == getattr(other, name) for name in values)


def _fingerprint(observation: Observation) -> int:
    pixels = [frame.image.tobytes() for frame in observation.cameras.values()]
    points = observation.lidar.points_m.tobytes() if observation.lidar is not None else b""
    return hash((observation.instruction, observation.timestamp_s, points, *pixels))
