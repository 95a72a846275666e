"""Every policy asked about every sample: a folder a drive, there whole or not at all, so that a run can go on."""

import json
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from drivevla.errors import DataError, PolicyError
from drivevla.evaluation.offline.facts import SampleFacts, facts_from_dict, facts_of, kind_of
from drivevla.evaluation.offline.selection import SampleSet
from drivevla.evaluation.offline.truths import driven_truth, futures_table, join_drives
from drivevla.evaluation.open_loop import (
    OpenLoopTruth,
    Predictions,
    joined_predictions,
    predictions_from_plans,
    read_predictions,
    read_truth,
    write_predictions,
    write_truth,
)
from drivevla.policies.asking import ask_policy
from drivevla.runs.atomic import write_text_atomically
from drivevla.types import Future, Observation, Plan, Reader, Sample, Scene, Truth

__all__ = [
    "Answers",
    "Asked",
    "ask_alternatives",
    "ask_together",
    "read_answers",
    "read_facts",
    "read_pairs",
    "read_truths",
]

_ANSWERS, _FACTS, _TRUTH, _PAIRS = "answers.json", "facts.json", "truth.npz", "pairs.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A policy under a name.

    Attributes:
        name: In files and tables.
        policy: Who answers.
        privileged: Whether it is told the truth.
    """

    name: str
    policy: Any
    privileged: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What one policy answered to every sample.

    Attributes:
        predictions: Its plans.
        latency_s: How long each took, on the wall.
        failures: Token and reason, where it gave no plan.
        applied: Whether there was something to change in each sample; None for a policy that was shown everything.
    """

    predictions: Predictions
    latency_s: tuple[float, ...]
    failures: tuple[tuple[str, str], ...]
    applied: tuple[bool, ...] | None


def ask_together(
    samples: SampleSet, asked: Sequence[Asked], root: Path, *, seed: int, told: Callable[[int], None]
) -> None:
    """Ask policies about every sample, reading each once; drives that are there already are left alone.

    Args:
        samples: In the order in which they are asked; policies are reset at the beginning of a drive.
        asked: Different objects: what one remembers is nobody else's.
        root: Gets a folder a drive.
        seed: For the policies.
        told: Told how many samples are done, those of earlier processes included.

    Raises:
        DataError: A sample cannot be read.
    """
    done = 0
    for number, scene in enumerate(samples.scenes):
        folder = root / f"{number:05d}"
        if not folder.is_dir():
            _whole_or_not(folder, partial(_ask_drive, samples.reader, scene, asked, seed=seed))
        done += len(scene.tokens)
        told(done)


def ask_alternatives(samples: SampleSet, asked: Asked, root: Path, *, seed: int, told: Callable[[int], None]) -> None:
    """Ask a policy about every alternative instruction, and about the instruction in force for each of them.

    It is reset before every question, so that both begin alike.
    """
    done = 0
    for number, scene in enumerate(samples.scenes):
        folder = root / f"{number:05d}"
        if not folder.is_dir():
            _whole_or_not(folder, partial(_ask_drive_otherwise, samples.reader, scene, asked, seed=seed))
        done += len(scene.tokens)
        told(done)


def read_answers(root: Path, count: int, name: str) -> Answers:
    """What a policy answered in ``count`` drives."""
    folders = _folders(root, count)
    said = [_read_json(folder / _ANSWERS)[name] for folder in folders]
    applied = [flag for each in said for flag in each["applied"]] if all(each["applied"] for each in said) else None
    return Answers(
        predictions=joined_predictions([read_predictions(folder / f"{name}.npz") for folder in folders]),
        latency_s=tuple(value for each in said for value in each["latency_s"]),
        failures=tuple((token, reason) for each in said for token, reason in each["failures"]),
        applied=None if applied is None else tuple(applied),
    )


def read_facts(root: Path, count: int) -> tuple[SampleFacts, ...]:
    """The facts of every sample."""
    return tuple(facts_from_dict(each) for folder in _folders(root, count) for each in _read_json(folder / _FACTS))


def read_truths(root: Path, count: int) -> OpenLoopTruth:
    """The truth of every sample, as its drive went on."""
    return join_drives([read_truth(folder / _TRUTH) for folder in _folders(root, count)])


def read_pairs(root: Path, count: int, name: str) -> tuple[Predictions, OpenLoopTruth, list[Mapping[str, Any]]] | None:
    """Predictions and truth of alternatives, each beside its instruction in force; None where there is none."""
    folders = [folder for folder in _folders(root, count) if (folder / _TRUTH).exists()]
    if not folders:
        return None
    pairs = [pair for folder in folders for pair in _read_json(folder / _PAIRS)]
    predictions = joined_predictions([read_predictions(folder / f"{name}.npz") for folder in folders])
    return predictions, join_drives([read_truth(folder / _TRUTH) for folder in folders]), pairs


def _ask_drive(reader: Reader, scene: Scene, asked: Sequence[Asked], folder: Path, *, seed: int) -> None:
    for each in asked:
        each.policy.reset(seed)
    plans: dict[str, list[Plan | None]] = {each.name: [] for each in asked}
    said: dict[str, dict[str, list[Any]]] = {
        each.name: {"latency_s": [], "failures": [], "applied": []} for each in asked
    }
    light = []
    for token in scene.tokens:
        sample = reader.sample(token)
        light.append((_without_sensors(sample), facts_of(sample)))
        for each in asked:
            plan, took_s, reason = _answer(each, sample.observation, sample.truth)
            plans[each.name].append(plan)
            said[each.name]["latency_s"].append(round(took_s, 6))
            if reason is not None:
                said[each.name]["failures"].append([token, reason])
            if plan is not None and "altered.applied" in plan.diagnostics:
                said[each.name]["applied"].append(plan.diagnostics["altered.applied"])
            elif hasattr(each.policy, "change"):
                said[each.name]["applied"].append(True)
    for each in asked:
        write_predictions(folder / f"{each.name}.npz", predictions_from_plans(scene.tokens, plans[each.name]))
    write_truth(folder / _TRUTH, driven_truth([sample for sample, _ in light], reader))
    write_text_atomically(folder / _FACTS, json.dumps([facts.to_dict() for _, facts in light]))
    write_text_atomically(folder / _ANSWERS, json.dumps(said))


def _ask_drive_otherwise(reader: Reader, scene: Scene, asked: Asked, folder: Path, *, seed: int) -> None:
    tokens, plans, futures, pairs = list[str](), list[Plan | None](), list[Future | None](), list[dict[str, Any]]()
    for token in scene.tokens:
        sample = reader.sample(token)
        if not sample.alternatives:
            continue
        asked.policy.reset(seed)
        as_told, _, _ = _answer(asked, sample.observation, sample.truth)
        for number, alternative in enumerate(sample.alternatives):
            asked.policy.reset(seed)
            heard = replace(sample.observation, instruction=alternative.sentence, told_pose=alternative.told_pose)
            other, _, _ = _answer(asked, heard, sample.truth)
            tokens += [f"{token}#{number}", f"{token}#{number} as told"]
            plans += [other, as_told]
            futures += [alternative.future, sample.truth.future]
            kind = kind_of(alternative.sentence, alternative.instruction)
            pairs.append(
                {"kind": kind, "sentence": alternative.sentence, "refused": alternative.refused, "token": tokens[-2]}
            )
    write_text_atomically(folder / _PAIRS, json.dumps(pairs))
    if not tokens:
        return
    times_s, poses, valid = futures_table(futures)
    partner = np.array([tokens[index + 1 - 2 * (index % 2)] for index in range(len(tokens))])
    truth = OpenLoopTruth(
        tokens=tuple(tokens), times_s=times_s, poses=poses, valid=valid, details={"counterpart": partner}
    )
    write_truth(folder / _TRUTH, truth)
    write_predictions(folder / f"{asked.name}.npz", predictions_from_plans(tokens, plans))


def _answer(asked: Asked, observation: Observation, truth: Truth) -> tuple[Plan | None, float, str | None]:
    """A plan or a reason, and how long it took."""
    began_s = time.perf_counter()
    try:
        plan = ask_policy(asked.policy, observation, truth if asked.privileged else None)
    except PolicyError as error:
        return None, time.perf_counter() - began_s, str(error)
    return plan, time.perf_counter() - began_s, None


def _without_sensors(sample: Sample) -> Sample:
    """What truth is made of; a drive's pictures would not fit into memory."""
    return replace(sample, observation=replace(sample.observation, cameras={}, lidar=None))


def _whole_or_not(folder: Path, fill: Callable[[Path], None]) -> None:
    part = folder.with_name(f"{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    fill(part)
    part.rename(folder)


def _folders(root: Path, count: int) -> list[Path]:
    return [root / f"{number:05d}" for number in range(count)]


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read: {error}; evaluate again into a new folder") from error
