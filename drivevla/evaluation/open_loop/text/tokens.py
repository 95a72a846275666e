"""Words as caption metrics count them: lower case, split as in the Penn Treebank, punctuation left out.

pycocoevalcap calls Stanford's PTBTokenizer (Java). This does the same for running English: contractions, numbers with
units, brackets, hyphens and slashes; a single letter keeps its point ("slow a." ends in "a."). Abbreviations are known
by the list here alone, and letters beyond ASCII are letters. Its output equals Java's on the stored cases. Known to
differ: "no." before a number, and a whole number before a fraction.
"""

import re
from functools import lru_cache

__all__ = ["penn_words"]

_LEFT_OUT = frozenset(["''", "'", '"', "``", "`", ".", "?", "!", ",", ":", "-", "--", "...", ";"])
# Java compares "-LRB-" with lower-cased tokens, so that brackets stay words: "-lrb-".
_BRACKETS = {"(": "-lrb-", ")": "-rrb-", "[": "-lsb-", "]": "-rsb-", "{": "-lcb-", "}": "-rcb-"}
_TWO_WORDS = {"cannot": ("can", "not"), "gonna": ("gon", "na"), "gotta": ("got", "ta"), "wanna": ("wan", "na")}
_ABBREVIATIONS = r"(?:(?:[a-z]\.)*[a-z]|etc|mr|mrs|ms|dr|st|ave|blvd|rd|vs)\."
_TOKEN = re.compile(
    rf"""
    {_ABBREVIATIONS}(?=\s|,|$)
    | (?:(?<!\S)[+-])?[.,]?\d+(?:[.,:/]\d+)+  # 12.5  -1,000  10:30  1/2, and ",714.3,503.6" after a word
    | (?:(?<!\S)[+-]|[.,])\d+(?!\w)            # +3  .5
    | \d+(?!\w)
    | o'clock\b
    | \w+(?:[-/]\w+|\.(?=\w)\w+|&\w+)*      # in-front  m/s  cam_front.jpg
    | \.\.\. | -{{2,}} | `` | ''
    | '(?:s|m|d|re|ve|ll)\b
    | \S
    """,
    re.VERBOSE,
)
_NEGATED = re.compile(r"(\w+)(n't)\b")
_CONTRACTED = re.compile(r"(?<=\w)('(?:s|m|d|re|ve|ll))\b")


def penn_words(text: str) -> list[str]:
    """The words of a text.

    Args:
        text: Any English; line ends count as spaces.
    """
    return [word for piece in text.lower().replace("\u2019", "'").split() for word in _words_of(piece)]


@lru_cache(maxsize=1 << 16)
def _words_of(piece: str) -> tuple[str, ...]:
    """The words of what stands between two spaces; texts about driving say the same over and over."""
    words: list[str] = []
    for part in _CONTRACTED.sub(r" \1", _NEGATED.sub(r"\1 \2", piece)).split():
        found = [part] if part == "n't" else _TOKEN.findall(part)
        for word in found:
            words.extend(_TWO_WORDS.get(word, (_BRACKETS.get(word, word),)))
    return tuple(word for word in words if word not in _LEFT_OUT)
