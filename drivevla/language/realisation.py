"""From slots to sentences: an instruction or a commentary, said in a language."""

import re
from functools import lru_cache

import numpy as np

from drivevla.errors import ContractError
from drivevla.language.commentary import Commentary
from drivevla.language.grammar import Production
from drivevla.language.instruction import Instruction
from drivevla.language.phrasebook import COMMENTARY, FRAMEABLE, grammar
from drivevla.language.vocabulary import Language, Split, member

__all__ = ["phrasings", "punctuated", "realise"]

_BARE_SHARE = 0.5  # of the sentences made from a bare action; the rest wear a frame such as "please ..."


@lru_cache(maxsize=4096)
def phrasings(
    subject: Instruction | Commentary, *, language: Language | str, split: Split | str
) -> tuple[Production, ...]:
    """Every phrasing that says the whole of a subject, in the order of the phrase table.

    Args:
        subject: What to say.
        language: In which language.
        split: ``"train"``, or ``"held_out"`` for phrasings that training never sees.

    Raises:
        UnknownName: No such language or split.
    """
    language, split = member(Language, language), member(Split, split)
    table, slots = grammar(language), subject.to_dict()
    rules = [COMMENTARY] if isinstance(subject, Commentary) else [*FRAMEABLE.values(), "sentence"]
    return tuple(production for rule in rules for production in table.complete(rule, slots, split=split))


def realise(
    subject: Instruction | Commentary,
    *,
    language: Language | str,
    split: Split | str,
    rng: np.random.Generator,
    phrasing: Production | None = None,
) -> str:
    """A sentence that says every slot of a subject and nothing else.

    The two splits share no phrasing: what ``split="train"`` gives is never given by ``split="held_out"``, nor the
    other way round.

    Args:
        subject: What to say.
        language: In which language.
        split: Which phrasings may be used.
        rng: Decides the phrasing, its frame and its words; the same state gives the same sentence.
        phrasing: One of ``phrasings(subject, language=..., split=...)``, to have that one.

    Raises:
        UnknownName: No such language or split.
        ContractError: The phrase table cannot say this subject, or not with the phrasing that was asked for.
    """
    language, split = member(Language, language), member(Split, split)
    table, slots = grammar(language), subject.to_dict()
    candidates = phrasings(subject, language=language, split=split)
    if phrasing is None:
        if not candidates:
            raise ContractError(f"no {split} phrasing in {language} says {slots}; add one to phrases/{language}.yaml")
        phrasing = candidates[rng.integers(len(candidates))]
    elif phrasing not in candidates:
        raise ContractError(
            f"{phrasing.template!r} is no {split} phrasing in {language} of {slots}; take one from phrasings()"
        )
    text = table.write(phrasing, slots, split=split, rng=rng)
    if phrasing.rule in FRAMEABLE.values() and rng.random() >= _BARE_SHARE:
        frames = [p for p in table.rules[f"framed_{phrasing.rule}"] if p.split is split]
        frame = frames[rng.integers(len(frames))]
        text = table.write(frame, slots, split=split, rng=rng, filled={phrasing.rule: text})
    return punctuated(text, language)


def punctuated(text: str, language: Language) -> str:
    """The text with a full stop where it has no mark at its end, and capitals where English has them."""
    text = text.strip()
    if language is Language.ZH:
        return text if text[-1] in "。！？" else f"{text}。"
    text = text if text[-1] in ".!?" else f"{text}."
    return re.sub(r"(^|[.?!] )([a-z])", lambda match: match[1] + match[2].upper(), text)
