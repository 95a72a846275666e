"""What the text protocols share: the answers of samples, and their references."""

from collections.abc import Sequence

from drivevla.errors import DataError
from drivevla.evaluation.open_loop.metric import Samples

__all__ = ["answers_of", "references_of", "texts_of"]


def answers_of(samples: Samples) -> tuple[list[str], int]:
    """Every sample's answer, "" where it has none, and how many have none.

    An empty answer stays in every denominator, where it counts as wrong: leaving it out would reward silence.
    """
    texts = [text or "" for text in samples.predictions.texts]
    return texts, sum(not text.strip() for text in texts)


def references_of(samples: Samples, *, needed_by: str) -> list[list[str]]:
    """Every sample's references, from the truth's ``references`` (N, R) where "" stands for none.

    Raises:
        DataError: They are no texts, or a sample has none.
    """
    array = samples.truth.detail("references", ("R",), needed_by=needed_by)
    if array.dtype.kind != "U":
        raise DataError(f"'references' must be texts, got {array.dtype}")
    references = [[text for text in row if text.strip()] for row in array.tolist()]
    without = [token for token, row in zip(samples.truth.tokens, references, strict=True) if not row]
    if without:
        raise DataError(f"{len(without)} samples have no reference, such as {without[:3]}; {needed_by} needs one each")
    return references


def texts_of(samples: Samples, name: str, *, needed_by: str) -> Sequence[str]:
    """One of the truth's columns of texts.

    Raises:
        DataError: It is absent or holds something else.
    """
    array = samples.truth.detail(name, (), needed_by=needed_by)
    if array.dtype.kind != "U":
        raise DataError(f"{name!r} must be texts, got {array.dtype}")
    texts: list[str] = array.tolist()
    return texts
