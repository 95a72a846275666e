"""Any policy with a part of its input taken away or changed: the ablations of open loop and closed loop alike."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from drivevla.errors import ContractError, UserError, unknown_name
from drivevla.language import Language, swap_left_right_in_sentence
from drivevla.policies.loading import is_privileged, load_policy
from drivevla.types import EgoState, Observation, Plan, Policy

__all__ = ["CHANGES", "Altered", "Change", "altered_policy", "change_called", "changes_for", "without_camera"]

ONE_CAMERA = "no_camera."


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One thing that is done to what a policy sees.

    Attributes:
        name: "no_lidar", "no_camera.CAM_FRONT", ...
        words: What is done, for a reader.
        apply: From what is seen to what is shown; gives the observation itself back where there is nothing to change.
    """

    name: str
    words: str
    apply: Callable[[Observation], Observation]


class Altered:
    """Shows a policy a changed observation; a plan says in its diagnostics what was done, and whether anything was.

    ``altered.change`` names the change, ``altered.applied`` is False where the observation had nothing to change: no
    LiDAR to take away, no left or right in the instruction.

    Args:
        policy: Whose plans.
        change: What is done to its input.
    """

    def __init__(self, policy: Policy, change: Change) -> None:
        self.policy, self.change = policy, change

    def reset(self, seed: int) -> None:
        """Reset the policy."""
        self.policy.reset(seed)

    def act(self, observation: Observation) -> Plan:
        """The plan for the changed observation."""
        shown = self.change.apply(observation)
        plan = self.policy.act(shown)
        applied = shown is not observation
        said = {**plan.diagnostics, "altered.change": self.change.name, "altered.applied": applied}
        return replace(plan, diagnostics=said)


def without_camera(name: str) -> Change:
    """One camera taken away."""

    def apply(observation: Observation) -> Observation:
        if name not in observation.cameras:
            return observation
        return replace(
            observation, cameras={other: frame for other, frame in observation.cameras.items() if other != name}
        )

    return Change(name=ONE_CAMERA + name, words=f"camera {name} off", apply=apply)


def change_called(name: str) -> Change:
    """The change of a name.

    Raises:
        UnknownName: There is none.
    """
    if name.startswith(ONE_CAMERA) and len(name) > len(ONE_CAMERA):
        return without_camera(name.removeprefix(ONE_CAMERA))
    if name not in CHANGES:
        raise unknown_name("change", name, (*CHANGES, f"{ONE_CAMERA}CAMERA"))
    return CHANGES[name]


def changes_for(cameras: Iterable[str]) -> tuple[Change, ...]:
    """Every ablation of a rig: each camera off, then all of them and everything else."""
    names = sorted(cameras)
    return (*(without_camera(name) for name in names if len(names) > 1), *CHANGES.values())


def altered_policy(*, policy: str, change: str) -> Altered:
    """A policy of the registry or a checkpoint with a change, for command lines: ``altered`` in the registry.

    Raises:
        UserError: The policy is told the truth, so that taking a sensor from it changes nothing.
        UnknownName: There is no such policy or change.
    """
    if is_privileged(policy):
        raise UserError(f"{policy} is told the truth; only what a policy sees can be changed")
    return Altered(load_policy(policy), change_called(change))


def _no_cameras(observation: Observation) -> Observation:
    return replace(observation, cameras={}) if observation.cameras else observation


def _no_lidar(observation: Observation) -> Observation:
    return replace(observation, lidar=None) if observation.lidar is not None else observation


def _no_language(observation: Observation) -> Observation:
    return replace(observation, instruction=None, told_pose=None) if observation.instruction else observation


def _no_command(observation: Observation) -> Observation:
    if observation.command is None and observation.target_points_m is None:
        return observation
    return replace(observation, command=None, target_points_m=None)


def _no_history(observation: Observation) -> Observation:
    return replace(observation, past=None) if observation.past is not None else observation


def _no_ego_state(observation: Observation) -> Observation:
    return replace(observation, ego=EgoState(speed_mps=0.0))


def _swapped_sides(observation: Observation) -> Observation:
    for language in Language:
        try:
            swapped = swap_left_right_in_sentence(observation.instruction or "", language=language)
        except ContractError:
            continue
        if swapped != observation.instruction:
            return replace(observation, instruction=swapped)
    return observation


CHANGES: Mapping[str, Change] = MappingProxyType(
    {
        change.name: change
        for change in (
            Change(name="no_cameras", words="all cameras off", apply=_no_cameras),
            Change(name="no_lidar", words="LiDAR off", apply=_no_lidar),
            Change(name="no_language", words="no instruction", apply=_no_language),
            Change(name="no_command", words="no discrete command and no target points", apply=_no_command),
            Change(name="no_history", words="past poses off", apply=_no_history),
            Change(name="no_ego_state", words="ego state all zero", apply=_no_ego_state),
            Change(name="swapped_sides", words="left and right swapped in the instruction", apply=_swapped_sides),
        )
    }
)
"""Every change but the single cameras, by name."""
