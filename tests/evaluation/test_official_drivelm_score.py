"""Every stored case of DriveLM's challenge score, with the stand-in judge that its cases were made with."""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from drivevla.evaluation.open_loop.text.drivelm import TAGS, Judge, Questions, drivelm_score

RELATIVE = 1e-5
PARTS = ("perception", "prediction", "planning", "behavior")

pytestmark = pytest.mark.real_data


def test_official_score(expected_file: Path, case_file: Path) -> None:
    expected = json.loads(expected_file.read_text())
    ours = drivelm_score(questions_of(json.loads(case_file.read_text())), Judge("overlap", shared_words))
    values = ours.values

    counts = {"gpt": "judge", **{tag: tag for tag in ("accuracy", "language", "match")}}
    assert {theirs: ours.counts[f"tag_{tag}"] for theirs, tag in counts.items()} == expected["counts"]
    f1 = ours.per_sample["match_F1"]
    assert f1[~np.isnan(f1)] == pytest.approx(expected["match_f1"], rel=RELATIVE)
    assert values["accuracy"] == pytest.approx(expected["accuracy"], rel=RELATIVE)
    assert values["judge_overlap"] == pytest.approx(expected["chatgpt_standin"], rel=RELATIVE)
    assert values["match_overlap"] == pytest.approx(expected["match"], rel=RELATIVE)
    for name, official in expected["language"].items():
        assert values[name.removeprefix("val/").replace("Bleu", "BLEU")] == pytest.approx(official, rel=RELATIVE)
    parts = [values["judge_overlap"] / 100, values["language"], values["match_overlap"] / 100, values["accuracy"]]
    assert parts == pytest.approx(expected["component_scores"], rel=RELATIVE)
    assert values["final_overlap"] == pytest.approx(expected["final_score"], rel=RELATIVE)


def questions_of(case: dict[str, Any]) -> Questions:
    answer_of = {answer["id"]: answer["answer"] for answer in case["pred"]}
    frames, orders, asked = [], [], []
    for scene, content in case["test"].items():
        for frame, described in content["key_frames"].items():
            in_frame = [one for part in PARTS for one in described["QA"][part]]
            frames += [f"{scene}_{frame}"] * len(in_frame)
            orders += list(range(len(in_frame)))
            asked += in_frame
    return Questions(
        frame=frames,
        order=np.array(orders),
        question=[one["Q"] for one in asked],
        reference=[one["A"] for one in asked],
        answer=[answer_of[f"{frame}_{order}"] for frame, order in zip(frames, orders, strict=True)],
        tags=np.array([[column in one["tag"] for column in range(len(TAGS))] for one in asked]),
    )


def shared_words(answers: Sequence[str], references: Sequence[str]) -> list[float]:
    def score(answer: str, reference: str) -> float:
        ours, theirs = (set(re.findall("[a-z]+", text.lower())) for text in (answer, reference))
        return round(100 * len(ours & theirs) / len(ours | theirs))

    return [score(answer, reference) for answer, reference in zip(answers, references, strict=True)]
