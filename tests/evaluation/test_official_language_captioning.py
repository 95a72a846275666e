"""Every stored case of the caption metrics; METEOR where Java and the package that carries it are installed."""

import json
from pathlib import Path

import numpy as np
import pytest

from drivevla.errors import MissingExtra
from drivevla.evaluation.open_loop.text.bleu import bleu
from drivevla.evaluation.open_loop.text.cider import cider
from drivevla.evaluation.open_loop.text.meteor import meteor, require_meteor
from drivevla.evaluation.open_loop.text.rouge import rouge_l
from drivevla.evaluation.open_loop.text.tokens import penn_words

RELATIVE = 1e-5

pytestmark = pytest.mark.real_data


def test_official_words(case_file: Path) -> None:
    case = json.loads(case_file.read_text())
    ours = [[" ".join(penn_words(text)) for text in texts] for texts in case["references"]]
    assert ours == case["tokenised_references"]
    assert [" ".join(penn_words(text)) for text in case["hypotheses"]] == case["tokenised_hypotheses"]


def test_official_scores(case_file: Path) -> None:
    case = json.loads(case_file.read_text())
    hypotheses = [text.split() for text in case["tokenised_hypotheses"]]
    references = [[text.split() for text in texts] for texts in case["tokenised_references"]]
    expected = case["scores"]
    blue, rouge, consensus = (
        bleu(hypotheses, references),
        rouge_l(hypotheses, references),
        cider(hypotheses, references),
    )

    np.testing.assert_allclose(blue.corpus, expected["BLEU_1_to_4"], rtol=RELATIVE)
    np.testing.assert_allclose(blue.items.T, expected["BLEU_per_sentence"], rtol=RELATIVE)
    np.testing.assert_allclose(rouge, expected["ROUGE_L_per_sentence"], rtol=RELATIVE)
    assert rouge.mean() == pytest.approx(expected["ROUGE_L"], rel=RELATIVE)
    np.testing.assert_allclose(consensus, expected["CIDEr_per_sentence"], rtol=RELATIVE, atol=1e-12)
    assert consensus.mean() == pytest.approx(expected["CIDEr"], rel=RELATIVE)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_official_meteor(case_file: Path) -> None:
    try:
        require_meteor()
    except MissingExtra as error:
        pytest.skip(str(error))
    case = json.loads(case_file.read_text())
    ours = meteor(
        [text.split() for text in case["tokenised_hypotheses"]],
        [[text.split() for text in texts] for texts in case["tokenised_references"]],
    )
    assert ours.corpus == pytest.approx(case["scores"]["METEOR"], rel=RELATIVE)
    np.testing.assert_allclose(ours.items, case["scores"]["METEOR_per_sentence"], rtol=RELATIVE)
