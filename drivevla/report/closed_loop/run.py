"""The folder of a closed-loop run, read and checked; `docs/closed-loop.md` describes it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drivevla.config.yaml_text import parse_yaml
from drivevla.errors import DataError
from drivevla.evaluation.closed_loop.events import EVENTS_FILE, read_events
from drivevla.evaluation.closed_loop.job import DRIVE_FILE, RESULT_FILE, DriveSummary
from drivevla.evaluation.closed_loop.summary import Spread
from drivevla.evaluation.driving_score import RouteRecord, RuleBook, TrafficEvent, read_result_file, rule_book
from drivevla.runs import read_manifest
from drivevla.runs.condition import ARTEFACTS, CONFIG, MANIFEST
from drivevla.runs.manifest import Manifest

__all__ = ["ROUTES_FILE", "EvaluatedDrive", "EvaluatedRun", "Heard", "StripPicture", "read_run"]

KIND = "evaluate closed-loop"
ROUTES_FILE = "routes.xml"
SUMMARY_FILE, INSTRUCTIONS_FILE, STRIP_FOLDER, VIDEO_FILE = "summary.json", "instructions.json", "strip", "video.mp4"


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """One instruction of a drive.

    Attributes:
        sentence: What was said.
        issued_s: When.
        withdrawn_s: Until when; None for the end of the drive.
        verdict: What became of its goal: "reached", "failed", "not judged", "said anew".
        misleading: Whether it could not be followed.
        reason: Why it was not judged, where it was not.
    """

    sentence: str
    issued_s: float
    withdrawn_s: float | None
    verdict: str
    misleading: bool = False
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StripPicture:
    """One picture that was taken on the way.

    Attributes:
        path: The file.
        time_s: When.
        of_infraction: Whether it is the last one before an infraction.
    """

    path: Path
    time_s: float
    of_infraction: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluatedDrive:
    """One drive of a run.

    Attributes:
        folder: Its folder.
        index: The route's place among the routes.
        record: Its scores.
        summary: How it went.
        events: What the judge found.
        instructions: What was said; empty where the policy was told no sentence.
        pictures: Taken on the way.
    """

    folder: Path
    index: int
    record: RouteRecord
    summary: DriveSummary
    events: tuple[TrafficEvent, ...]
    instructions: tuple[Heard, ...] = ()
    pictures: tuple[StripPicture, ...] = ()

    @property
    def video(self) -> Path | None:
        """Its film, where there is one."""
        path = self.folder / VIDEO_FILE
        return path if path.is_file() else None


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluatedRun:
    """A whole run.

    Attributes:
        folder: Its folder.
        manifest: Which processes made it, with which versions.
        config: What was asked for.
        rules: The rule book.
        scores: Driving score, route completion and penalty over the repetitions.
        summary: The rest of ``summary.json``.
        drives: In the order they were driven.
    """

    folder: Path
    manifest: Manifest
    config: Mapping[str, Any]
    rules: RuleBook
    scores: Mapping[str, Spread]
    summary: Mapping[str, Any]
    drives: tuple[EvaluatedDrive, ...]

    @property
    def policy(self) -> str:
        """Who drove, with what it was made with."""
        options = " ".join(self.config.get("options") or ())
        return f"{self.summary['policy']} {options}".strip()

    @property
    def embedded(self) -> bool:
        """Whether the embedded simulator drove, or a part of it."""
        return any(str(name).startswith("embedded") for name in self.summary["backends"])


def read_run(folder: Path) -> EvaluatedRun:
    """Read a finished run of ``drivevla evaluate closed-loop``.

    Raises:
        DataError: It is no such run, it is not finished, or a file is missing or damaged.
    """
    if not (folder / MANIFEST).is_file():
        raise DataError(f"{folder} is no run: a run's folder holds {MANIFEST}; give the --out of drivevla evaluate")
    manifest = read_manifest(folder / MANIFEST)
    if manifest.kind != KIND:
        raise DataError(f"{folder} is a run of {manifest.kind!r}; reports are made of {KIND!r}")
    artefacts = folder / ARTEFACTS
    if not (artefacts / SUMMARY_FILE).is_file():
        raise DataError(f"{folder} has no summary yet: its run was not finished; go on with it by --resume")
    summary = _json(artefacts / SUMMARY_FILE)
    try:
        rules = rule_book(summary["rules"])
        scores = {name: Spread(**values) for name, values in summary["scores"].items()}
    except (KeyError, TypeError, AttributeError) as error:
        raise DataError(f"{artefacts / SUMMARY_FILE} is no summary of a run: {type(error).__name__} {error}") from error
    return EvaluatedRun(
        folder=folder,
        manifest=manifest,
        config=parse_yaml((folder / CONFIG).read_text(encoding="utf-8"), source=str(folder / CONFIG)),
        rules=rules,
        scores=scores,
        summary=summary,
        drives=tuple(_drive(path.parent, rules) for path in sorted(artefacts.glob(f"[0-9]*_rep*/{DRIVE_FILE}"))),
    )


def _drive(folder: Path, rules: RuleBook) -> EvaluatedDrive:
    return EvaluatedDrive(
        folder=folder,
        index=int(folder.name.partition("_")[0]),
        record=read_result_file(folder / RESULT_FILE, rules=rules.name).records[0],
        summary=DriveSummary.read(folder / DRIVE_FILE),
        events=read_events(folder / EVENTS_FILE),
        instructions=_instructions(folder / INSTRUCTIONS_FILE),
        pictures=_pictures(folder / STRIP_FOLDER),
    )


def _instructions(path: Path) -> tuple[Heard, ...]:
    if not path.is_file():  # the policy was told no sentence
        return ()
    try:
        return tuple(
            Heard(
                sentence=each["sentence"],
                issued_s=float(each["issued_s"]),
                withdrawn_s=None if each["withdrawn_s"] is None else float(each["withdrawn_s"]),
                verdict=each["verdict"],
                misleading=bool(each["misleading"]),
                reason=each.get("reason") or "",
            )
            for each in _json(path)["instructions"]
        )
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"{path} holds no instructions of a drive: {type(error).__name__} {error}") from error


def _pictures(folder: Path) -> tuple[StripPicture, ...]:
    if not (folder / "strip.json").is_file():  # the rig has no camera
        return ()
    try:
        return tuple(
            StripPicture(
                path=folder / Path(each["file"]).name,
                time_s=float(each["time_s"]),
                of_infraction=each["why"] == "infraction",
            )
            for each in _json(folder / "strip.json")
        )
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"{folder / 'strip.json'} holds no pictures: {type(error).__name__} {error}") from error


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read: {error}") from error
