"""Questions by nuScenes sample token, and a reader that hands them out with its samples.

Source: OpenDriveLab/DriveLM, ``challenge/`` (format of the nuScenes part). Objects are written into the text as
``<c1,CAM_BACK,1088.3,497.5>``: name, camera and the middle of the object in pixels of 1600 x 900.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from drivevla.errors import DataError
from drivevla.types import ObjectMention, QuestionAnswer, Reader, Sample, Scene

__all__ = ["WithQuestions", "read_questions"]

_MENTION = re.compile(r"<(?P<name>\w+),(?P<camera>CAM_\w+),(?P<x>-?[\d.]+),(?P<y>-?[\d.]+)>")


def read_questions(path: Path) -> dict[str, tuple[QuestionAnswer, ...]]:
    """Every question of a DriveLM file.

    Returns:
        By sample token, in the file's order; topics are "perception", "prediction", "planning" and "behavior".

    Raises:
        DataError: The file is missing, no JSON, or not laid out as DriveLM's; the message names the keyframe.
    """
    try:
        scenes = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise DataError(f"{path} is missing") from error
    except ValueError as error:
        raise DataError(f"{path} is no JSON: {error}") from error
    found: dict[str, tuple[QuestionAnswer, ...]] = {}
    token = "the first scene"
    try:
        for scene in scenes.values():
            for token, frame in scene["key_frames"].items():
                if token in found:
                    raise DataError(f"{path}: keyframe {token} is there twice")
                found[token] = _questions(frame)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise DataError(f"{path}: keyframe {token} is not laid out as DriveLM's: {error!r}") from error
    return found


class WithQuestions:
    """A reader whose samples carry questions; a sample without one in the file has None.

    Args:
        inner: Reads the samples: a ``NuScenesReader``.
        questions: By token, from ``read_questions``.
    """

    def __init__(self, inner: Reader, questions: Mapping[str, Sequence[QuestionAnswer]]) -> None:
        self.inner, self._questions = inner, dict(questions)

    @property
    def dataset(self) -> str:
        """The inner reader's."""
        return self.inner.dataset

    @property
    def scenes(self) -> Sequence[Scene]:
        """The inner reader's."""
        return self.inner.scenes

    def sample(self, token: str) -> Sample:
        """The inner reader's sample with its questions."""
        sample = self.inner.sample(token)
        asked = self._questions.get(token)
        return sample if asked is None else replace(sample, questions=tuple(asked))


def _questions(frame: Mapping[str, Any]) -> tuple[QuestionAnswer, ...]:
    infos = frame.get("key_object_infos", {})
    return tuple(
        QuestionAnswer(
            question=item["Q"],
            answer=item["A"],
            topic=topic,
            mentions=tuple(_mentions(f"{item['Q']} {item['A']}", infos)),
        )
        for topic, items in frame["QA"].items()
        for item in items
    )


def _mentions(text: str, infos: Mapping[str, Mapping[str, Any]]) -> list[ObjectMention]:
    mentions = []
    for key in dict.fromkeys(found.group() for found in _MENTION.finditer(text)):
        parts = _MENTION.fullmatch(key)
        assert parts is not None
        info = infos.get(key, {})
        box = info.get("2d_bbox")
        mentions.append(
            ObjectMention(
                name=parts["name"],
                camera=parts["camera"],
                position_px=np.array([float(parts["x"]), float(parts["y"])]),
                category=info.get("Category"),
                status=info.get("Status"),
                description=info.get("Visual_description"),
                box_px=None if box is None else np.asarray(box, dtype=np.float64),
            )
        )
    return mentions
