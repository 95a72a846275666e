from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from drivevla.errors import DataError, MissingExtra, UserError
from drivevla.evaluation.open_loop import OpenLoopTruth, Predictions, Samples, load_metric
from drivevla.evaluation.open_loop.text.bleu import bleu
from drivevla.evaluation.open_loop.text.cider import cider
from drivevla.evaluation.open_loop.text.meteor import meteor, require_meteor
from drivevla.evaluation.open_loop.text.points import match_points, points_in
from drivevla.evaluation.open_loop.text.rouge import rouge_l
from drivevla.evaluation.open_loop.text.tokens import penn_words
from drivevla.testing import check_metric

SAID = ("the red car ahead brakes", "a truck turns left now please")


def samples_of(answers: tuple[str | None, ...], **details: NDArray[Any]) -> Samples:
    count = len(answers)
    tokens = tuple(f"s{index}" for index in range(count))
    return Samples(
        predictions=Predictions(
            tokens=tokens,
            times_s=np.zeros(0),
            poses=np.full((count, 1, 0, 3), np.nan),
            scores=np.ones((count, 1)),
            planned=np.zeros(count, dtype=np.bool_),
            texts=answers,
        ),
        truth=OpenLoopTruth(
            tokens=tokens,
            times_s=np.zeros(0),
            poses=np.zeros((count, 0, 3)),
            valid=np.zeros((count, 0), dtype=np.bool_),
            details=details,
        ),
    )


def test_words_are_split_as_in_the_penn_treebank() -> None:
    text = "It's 12.5 m/s, isn't it? (The left-hand car's \"slow\"...) I cannot stop."
    assert " ".join(penn_words(text)) == (
        "it 's 12.5 m/s is n't it -lrb- the left-hand car 's slow -rrb- i can not stop"
    )


def test_bleu_by_hand() -> None:
    scores = bleu([["a", "b", "x"]], [[["a", "b", "c", "d"]]])
    brevity = np.exp(1 - 4 / 3)
    assert scores.corpus[:2] == pytest.approx([2 / 3 * brevity, np.sqrt(2 / 3 * 1 / 2) * brevity], rel=1e-6)


def test_rouge_takes_the_longest_common_subsequence() -> None:
    # a c e is common: precision 3/4, recall 3/5.
    expected = (1 + 1.44) * 0.75 * 0.6 / (0.6 + 1.44 * 0.75)
    assert rouge_l([["a", "c", "x", "e"]], [[list("abcde")]]).tolist() == pytest.approx([expected])


def test_a_reference_may_be_empty_and_a_hypothesis_too() -> None:
    assert bleu([[], ["a"]], [[["a"]], [[]]]).corpus.tolist() == pytest.approx([0.0] * 4, abs=1e-3)
    assert cider([[], ["a"]], [[["a"]], [[]]]).tolist() == [0.0, 0.0]
    assert rouge_l([[], ["a"]], [[["a"]], [[]]]).tolist() == [0.0, 0.0]


def test_meteor_says_what_it_lacks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingExtra, match="no 'java' on the PATH"):
        require_meteor()
    (tmp_path / "java").write_text("")
    (tmp_path / "java").chmod(0o755)
    (tmp_path / "pycocoevalcap").mkdir()  # a package without the jar
    (tmp_path / "pycocoevalcap" / "__init__.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(MissingExtra, match=r"lacks the package with its jar.*drivevla\[meteor\]"):
        load_metric("text-meteor").score(samples_of(SAID, references=np.array([[each] for each in SAID])))


def test_a_program_that_dies_is_no_score(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "java").write_text("#!/bin/sh\necho no memory >&2\nexit 1\n")
    (tmp_path / "java").chmod(0o755)
    folder = tmp_path / "pycocoevalcap" / "meteor"
    folder.mkdir(parents=True)
    (folder.parent / "__init__.py").touch()
    (folder / "meteor-1.5.jar").touch()
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(UserError, match="no memory"):
        meteor([["a"]], [[["a"]]])


def test_cider_of_a_single_item_is_nothing_and_of_rare_words_ten() -> None:
    first, second = SAID[0].split(), SAID[1].split()
    assert cider([first], [[first]]).tolist() == [0.0]
    assert cider([first, second], [[first], [second]]).tolist() == pytest.approx([10.0, 10.0])


def test_a_perfect_caption_is_perfect_and_silence_scores_nothing() -> None:
    references = np.array([[SAID[0], ""], [SAID[1], "something else entirely"]])
    perfect = check_metric(load_metric("text"), samples_of(SAID, references=references))
    assert [perfect.values[name] for name in ("BLEU_1", "BLEU_4", "ROUGE_L")] == pytest.approx([1.0, 1.0, 1.0])
    silent = load_metric("text").score(samples_of((SAID[0], None), references=references))
    assert silent.counts["without_text"] == 1
    assert silent.values["ROUGE_L"] == pytest.approx(0.5)


def test_a_sample_without_reference_is_refused() -> None:
    with pytest.raises(DataError, match="no reference"):
        load_metric("text").score(samples_of(SAID, references=np.array([["a"], [""]])))


def test_points_are_pairs_of_decimals_and_each_is_met_once() -> None:
    assert points_in("<c1,CAM_FRONT,10.0,20.5> 7 and 3.0") == [(10.0, 20.5)]
    match = match_points("10.0,20.0 and 11.0,20.0", "12.0,20.0 and 300.0,1.0")
    assert match.found == [(12.0, 20.0)]
    assert match.f1 == pytest.approx(0.5)


def test_questions_about_what_was_not_found_do_not_count() -> None:
    questions = np.array(["What is there?", "State of <c1,CAM,10.0,20.0>?", "State of <c2,CAM,300.0,1.0>?"])
    samples = samples_of(
        ("at 11.0,20.0", "B", "B"),
        key_frame=np.array(["f", "f", "f"]),
        question_order=np.arange(3),
        question=questions,
        reference_answer=np.array(["10.0,20.0 and 300.0,1.0", "B", "A"]),
        tags=np.array([[0, 0, 0, 1], [1, 0, 0, 0], [1, 0, 0, 0]], dtype=np.bool_),
    )
    scores = check_metric(load_metric("drivelm"), samples)
    assert scores.values["accuracy"] == 1.0
    assert scores.counts["tag_accuracy"] == 1
    assert scores.values["match_F1"] == pytest.approx(2 / 3)
    assert not any(name.startswith("final") for name in scores.values)
