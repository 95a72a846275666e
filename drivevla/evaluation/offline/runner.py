"""A policy, its baselines and its ablations on recorded drives, in a folder that explains itself; resumable."""

import hashlib
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

import drivevla
from drivevla.errors import ConfigError, DataError
from drivevla.evaluation.altered import Altered, change_called, changes_for
from drivevla.evaluation.closed_loop.job import policy_options
from drivevla.evaluation.offline.asking import (
    Answers,
    Asked,
    ask_alternatives,
    ask_together,
    read_answers,
    read_facts,
    read_pairs,
    read_truths,
)
from drivevla.evaluation.offline.changes import alternatives_json, change_json
from drivevla.evaluation.offline.ego_only import train_ego_only
from drivevla.evaluation.offline.facts import SampleFacts
from drivevla.evaluation.offline.pictures import case_picture
from drivevla.evaluation.offline.result import read_result, write_result
from drivevla.evaluation.offline.scores import ProtocolScores, headline_of, protocol_json, score_protocol
from drivevla.evaluation.offline.selection import SampleSet, open_reader, samples_of, training_scenes
from drivevla.evaluation.offline.truths import keyframe_truth, needs_keyframes
from drivevla.evaluation.open_loop import OpenLoopTruth, load_metric, write_predictions, write_truth
from drivevla.policies.learned import LearnedPolicy
from drivevla.policies.loading import is_privileged, load_policy
from drivevla.runs import start_run
from drivevla.runs.folder import Existing, Run

__all__ = ["CONSTANT_VELOCITY", "EGO_ONLY", "KIND", "OpenLoopConfig", "Progress", "evaluate_open_loop"]

logger = logging.getLogger(__name__)

KIND = "evaluate open-loop"
CONSTANT_VELOCITY, EGO_ONLY = "constant_velocity", "ego_only"
BLIND_COPIES = {"no_language": "language_blind", "no_cameras": "image_blind"}
"""Copies of a learned policy that are always asked too: the change and what the copy is called."""
_TOGETHER, _OTHERWISE = "together", "alternatives"


@dataclass(frozen=True, kw_only=True)
class OpenLoopConfig:
    """What is evaluated, and how.

    Attributes:
        policy: A name of the registry, or the folder of a checkpoint.
        options: What the policy is made with, ``key=value`` each.
        data: The folder of a data set.
        protocols: Names of metrics.
        dataset: The reader's name; found from the files when None.
        split: Judge drives of this split alone.
        scenes: Judge these drives alone.
        every: Judge every so many samples of a drive.
        train_data: Where the ego-only baseline learns; the same data set when None.
        train_split: From which split; those with "train" in their name when None and no drives are named.
        train_scenes: From which drives.
        beside: Further policies or checkpoints to be asked the same.
        ablations: Whether each sensor, the language, history and ego state are taken away in turn.
        sensors: Whether pictures and LiDAR are read.
        seed: Of the policies and the ego-only baseline.
        device: Where a trained model computes.
        worst: How many worst cases are drawn.
    """

    policy: str
    data: str
    protocols: tuple[str, ...]
    options: tuple[str, ...] = ()
    dataset: str | None = None
    split: str | None = None
    scenes: tuple[str, ...] = ()
    every: int = 1
    train_data: str | None = None
    train_split: str | None = None
    train_scenes: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()
    ablations: bool = False
    sensors: bool = True
    seed: int = 0
    device: str = "cpu"
    worst: int = 6

    def __post_init__(self) -> None:
        """Check everything that can be checked without reading data.

        Raises:
            ConfigError: A number is out of range, or nothing is asked for.
            UnknownName: There is no such policy or protocol.
        """
        if not self.protocols or len(set(self.protocols)) != len(self.protocols):
            raise ConfigError(f"name at least one protocol, each once; got {', '.join(self.protocols) or 'none'}")
        if self.every < 1 or self.worst < 0:
            raise ConfigError(f"every must be at least 1 and worst at least 0, got {self.every} and {self.worst}")
        for name in self.protocols:
            load_metric(name)
        for name in (self.policy, *self.beside):
            if is_privileged(name) and self.ablations and name == self.policy:
                raise ConfigError(f"{name} is told the truth: taking its sensors away changes nothing; no --ablations")
        names = [_short(name) for name in (self.policy, *self.beside)]
        if len({*names, EGO_ONLY}) != len(names) + 1:
            raise ConfigError(f"policies asked beside each other need different names, got {', '.join(names)}")
        policy_options(self.options)


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Where an evaluation stands.

    Attributes:
        done: Questions that are answered, those of earlier processes included.
        planned: Questions there are to be.
        what: Who is asked.
        left_s: Time left on the wall, from what this process has done; None until it has done something.
    """

    done: int
    planned: int
    what: str
    left_s: float | None = None


def evaluate_open_loop(
    config: OpenLoopConfig,
    folder: Path,
    *,
    existing: Existing = "refuse",
    progress: Callable[[Progress], None] | None = None,
) -> dict[str, Any]:
    """Ask, score and write the result into a folder (``docs/open-loop.md``).

    The answers to a drive are there whole or not at all, so that a run that was killed goes on with at most one drive
    asked again.

    Args:
        config: What is evaluated.
        folder: The run's folder.
        existing: What to do with a run that is in the folder.
        progress: Told after every drive.

    Returns:
        The content of the result file.

    Raises:
        UserError: The data or configuration is not acceptable, or no protocol can be scored on this data.
        RunError: The folder cannot be used.
    """
    reader = open_reader(Path(config.data), config.dataset, sensors=config.sensors)
    samples = samples_of(reader, split=config.split, scenes=config.scenes, every=config.every)
    keyframes = _keyframe_truths(config, samples)
    with start_run(
        folder,
        kind=KIND,
        config=config,
        existing=existing,
        seeds={"policy": config.seed},
        data_fingerprint=samples.split_hash(),
    ) as run:
        return _Evaluation(config, samples, run, progress).finish(keyframes)


class _Evaluation:
    """One run: passes over the data, then scores."""

    def __init__(
        self, config: OpenLoopConfig, samples: SampleSet, run: Run, progress: Callable[[Progress], None] | None
    ) -> None:
        self._config, self._samples, self._run, self._progress = config, samples, run, progress
        self._count = len(samples.scenes)
        self._judged = _short(config.policy)
        self._passes, self._done = 1, 0
        self._began_s, self._before = time.monotonic(), 0

    def finish(self, keyframes: Mapping[str, OpenLoopTruth]) -> dict[str, Any]:
        asked, ego_only = self._asked()
        first_sample = self._samples.reader.sample(self._samples.scenes[0].tokens[0])
        changes = self._changes(tuple(first_sample.observation.cameras), asked[0])
        self._passes = 1 + len(changes) + bool(first_sample.alternatives)
        names = [each.name for each in asked]
        self._ask(_TOGETHER, asked)
        asked.clear()  # a model that is not needed any more need not fill the memory beside the next one
        facts = read_facts(self._root(_TOGETHER), self._count)
        for name, called in changes.items():
            altered = Altered(self._policy(self._config.policy), change_called(name))
            self._ask(called, [Asked(name=called, policy=altered)])
        if any(each.alternatives for each in facts):
            self._ask(_OTHERWISE, [self._named(self._config.policy)])
        answers = {name: read_answers(self._root(_TOGETHER), self._count, name) for name in names}
        answers |= {name: read_answers(self._root(name), self._count, name) for name in changes.values()}
        return self._write(answers, changes, facts, keyframes, ego_only)

    def _asked(self) -> tuple[list[Asked], dict[str, Any]]:
        """Everybody who is shown everything, the judged policy first, and how the ego-only baseline came about."""
        config = self._config
        asked = [self._named(name) for name in (config.policy, *config.beside)]
        if CONSTANT_VELOCITY not in {each.name for each in asked}:
            asked.append(Asked(name=CONSTANT_VELOCITY, policy=load_policy(CONSTANT_VELOCITY)))
        same = config.train_data is None
        reader = open_reader(
            Path(config.data if same else str(config.train_data)), config.dataset if same else None, sensors=False
        )
        learnt_from = training_scenes(reader, self._samples, split=config.train_split, scenes=config.train_scenes)
        if learnt_from is None:
            return asked, {
                "left_out": f"{reader.dataset} names no drive to learn from that is not judged on; give --train-data, "
                "--train-split or --train-scenes"
            }
        try:
            policy, fit = train_ego_only(learnt_from, seed=config.seed)
        except DataError as error:
            if config.train_data or config.train_split or config.train_scenes:
                raise
            return asked, {"left_out": str(error)}
        logger.info("ego-only baseline: %d samples, %.3f m on them", fit.samples, fit.loss_m)
        asked.append(Asked(name=EGO_ONLY, policy=policy))
        return asked, asdict(fit)

    def _named(self, name: str) -> Asked:
        return Asked(name=_short(name), policy=self._policy(name), privileged=is_privileged(name))

    def _policy(self, name: str) -> Any:
        options = policy_options(self._config.options) if name == self._config.policy else {}
        return load_policy(name, device=self._config.device, options=options)

    def _changes(self, cameras: Sequence[str], judged: Asked) -> dict[str, str]:
        """Name of the change, and what the changed policy is called."""
        learned = isinstance(judged.policy, LearnedPolicy)
        wanted = [change.name for change in changes_for(cameras)] if self._config.ablations else []
        wanted += [name for name in BLIND_COPIES if learned and name not in wanted]
        return {name: BLIND_COPIES[name] if learned and name in BLIND_COPIES else name for name in wanted}

    def _ask(self, name: str, asked: Sequence[Asked]) -> None:
        begun, seed = self._done, self._config.seed
        already = [folder for folder in self._root(name).glob("*") if folder.suffix != ".part"]
        self._before += sum(len(self._samples.scenes[int(folder.name)].tokens) for folder in already)

        def told(done: int) -> None:
            self._done = begun + done
            fresh = self._done - self._before
            planned = self._passes * len(self._samples)
            left_s = (time.monotonic() - self._began_s) / fresh * (planned - self._done) if fresh > 0 else None
            if self._progress is not None:
                self._progress(Progress(done=self._done, planned=planned, what=name, left_s=left_s))

        if name == _OTHERWISE:
            ask_alternatives(self._samples, asked[0], self._root(name), seed=seed, told=told)
        else:
            ask_together(self._samples, asked, self._root(name), seed=seed, told=told)

    def _root(self, name: str) -> Path:
        return self._run.artefacts / "answers" / name

    def _write(
        self,
        answers: Mapping[str, Answers],
        changes: Mapping[str, str],
        facts: tuple[SampleFacts, ...],
        keyframes: Mapping[str, OpenLoopTruth],
        ego_only: Mapping[str, Any],
    ) -> dict[str, Any]:
        driven = read_truths(self._root(_TOGETHER), self._count)
        drive_of = {token: scene.name for scene in self._samples.scenes for token in scene.tokens}
        scored, unscored = self._scored(answers, driven, keyframes, drive_of)
        tokens = [each.token for each in facts]
        drives = [drive_of[token] for token in tokens]
        judged = answers[self._judged]
        pairs = None
        if any(each.alternatives for each in facts):
            pairs = read_pairs(self._root(_OTHERWISE), self._count, self._judged)
        result = {
            "policy": self._judged,
            "privileged": is_privileged(self._config.policy),
            "version": drivevla.__version__,
            "data": self._data_json(facts),
            "asked": {name: _asked_json(each) for name, each in answers.items()},
            "ego_only": dict(ego_only),
            "protocols": {each.name: protocol_json(each, facts, judged=self._judged) for each in scored},
            "not_scored": unscored,
            "changes": {
                called: change_json(change_called(name).words, judged, answers[called], tokens, drives)
                for name, called in changes.items()
            },
            "alternatives": None if pairs is None else alternatives_json(*pairs, drive_of),
            "worst": self._worst(scored[0], answers, facts) if scored else [],
        }
        self._write_tables(answers, driven)
        columns: dict[str, Any] = {"token": np.array(tokens), "drive": np.array(drives)}
        for each in scored:
            for who, values in each.columns.items():
                columns |= {f"{each.name}/{who}/{name}": column for name, column in values.items()}
        write_result(self._run.artefacts, result, columns)
        return read_result(self._run.folder)

    def _scored(
        self,
        answers: Mapping[str, Answers],
        driven: OpenLoopTruth,
        keyframes: Mapping[str, OpenLoopTruth],
        drive_of: Mapping[str, str],
    ) -> tuple[list[ProtocolScores], dict[str, str]]:
        scored, unscored = list[ProtocolScores](), dict[str, str]()
        for name in self._config.protocols:
            try:
                scored.append(score_protocol(name, answers, keyframes.get(name, driven), drive_of))
            except DataError as error:
                unscored[name] = str(error)
        if not scored:
            raise DataError("; ".join(unscored.values()))
        return scored, unscored

    def _data_json(self, facts: Sequence[SampleFacts]) -> dict[str, Any]:
        config, samples = self._config, self._samples
        return {
            "dataset": samples.reader.dataset,
            "split": config.split,
            "drives": [scene.name for scene in samples.scenes],
            "samples": len(samples),
            "every": config.every,
            "sensors": sorted({*(name for each in facts for name in each.cameras)})
            + (["lidar"] if any(each.has_lidar for each in facts) else []),
            "split_hash": samples.split_hash(),
            "data_fingerprint": _digest(each.data_digest for each in facts),
            "sensor_fingerprint": _digest(each.sensor_digest for each in facts),
        }

    def _worst(
        self, scores: ProtocolScores, answers: Mapping[str, Answers], facts: Sequence[SampleFacts]
    ) -> list[dict[str, Any]]:
        """The judged policy's worst samples under the first protocol, at most one a drive and second of each other."""
        name = headline_of(scores, self._judged)
        if name is None or not self._config.worst:
            return []
        column = scores.columns[self._judged][name]
        order = [index for index in np.argsort(-np.nan_to_num(column, nan=-np.inf)) if not np.isnan(column[index])]
        chosen: list[int] = []
        apart = max(len(order) // 50, 3)
        for index in map(int, order):
            near = any(scores.drives[index] == scores.drives[other] and abs(index - other) < apart for other in chosen)
            if not near and len(chosen) < self._config.worst:
                chosen.append(index)
        folder = self._run.artefacts / "worst"
        folder.mkdir(exist_ok=True)
        return [
            self._case(folder / f"{place:02d}.jpg", facts[index], scores, answers, index, name)
            for place, index in enumerate(chosen)
        ]

    def _case(
        self,
        path: Path,
        facts: SampleFacts,
        scores: ProtocolScores,
        answers: Mapping[str, Answers],
        index: int,
        name: str,
    ) -> dict[str, Any]:
        from PIL import Image

        shown = [who for who in (self._judged, CONSTANT_VELOCITY, EGO_ONLY) if who in answers]
        plans = {}
        for who in dict.fromkeys(shown):
            predictions = answers[who].predictions
            row = predictions.tokens.index(facts.token)
            if predictions.planned[row]:
                plans[who] = predictions.poses[row, int(np.argmax(predictions.scores[row]))]
        sample = self._samples.reader.sample(facts.token)
        Image.fromarray(case_picture(sample, plans)).save(path, quality=85)
        return {
            "token": facts.token,
            "drive": scores.drives[index],
            "protocol": scores.name,
            "value_name": name,
            "values": {
                who: float(columns[name][index])
                for who, columns in scores.columns.items()
                if name in columns and not np.isnan(columns[name][index])
            },
            "picture": f"worst/{path.name}",
            "shown": list(plans),
            **{
                key: getattr(facts, key)
                for key in ("command", "speed", "manoeuvre", "weather", "instruction", "sentence")
            },
        }

    def _write_tables(self, answers: Mapping[str, Answers], driven: OpenLoopTruth) -> None:
        """Predictions and truth as ``drivevla score`` reads them."""
        folder = self._run.artefacts / "predictions"
        folder.mkdir(exist_ok=True)
        for name, each in answers.items():
            write_predictions(folder / f"{name}.npz", each.predictions)
        write_truth(self._run.artefacts / "truth.npz", driven)


def _keyframe_truths(config: OpenLoopConfig, samples: SampleSet) -> dict[str, OpenLoopTruth]:
    """The truth of protocols that count keyframes, read before anybody is asked: they may not fit the data at all."""
    names = [name for name in config.protocols if needs_keyframes(load_metric(name).definition)]
    if not names:
        return {}
    truth = keyframe_truth(samples, needed_by=names[0])
    return dict.fromkeys(names, truth)


def _asked_json(answers: Answers) -> dict[str, Any]:
    latency_ms = 1e3 * np.array(answers.latency_s)
    return {
        "questions": len(answers.latency_s),
        "failures": len(answers.failures),
        "first_failures": [list(each) for each in answers.failures[:5]],
        "latency_ms": {
            "median": float(np.median(latency_ms)),
            "p95": float(np.quantile(latency_ms, 0.95)),
            "largest": float(latency_ms.max()),
        },
    }


def _digest(parts: Any) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _short(name: str) -> str:
    """What a policy is called in tables: a registry's name, or the last two parts of a checkpoint's folder."""
    parts = [part for part in name.split("/") if part not in ("", ".", "..")]
    return name if "/" not in name and not name.startswith(".") else "_".join(parts[-2:])
