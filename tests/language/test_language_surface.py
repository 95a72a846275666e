"""The package as others see it: its exports, what importing it costs, and the tables in ``docs/language.md``.

The tables are generated; ``python tests/language/test_language_surface.py`` refreshes them after a change.
"""

import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest

import drivevla.language
from drivevla.language import (
    CAUSES,
    KINDS,
    Cause,
    Commentary,
    Instruction,
    InstructionKind,
    Language,
    goal_of,
    phrasings,
    realise,
    sample_commentary,
    sample_instruction,
)

PAGE = Path(__file__).parents[2] / "docs" / "language.md"


def test_what_is_exported_exists_and_is_described() -> None:
    for name in drivevla.language.__all__:
        exported = getattr(drivevla.language, name)
        assert not callable(exported) or exported.__doc__ or name == "Goal", name
    assert list(drivevla.language.__all__) == sorted(
        drivevla.language.__all__, key=lambda name: (not name.isupper(), name[0].islower(), name)
    )


def test_importing_loads_neither_heavy_packages_nor_phrases() -> None:
    program = (
        "import sys, drivevla.language, drivevla.language.phrasebook as book\n"
        "heavy = {'torch', 'carla', 'open3d', 'transformers', 'omegaconf', 'matplotlib', 'scipy', 'shapely'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
        "assert book.grammar.cache_info().currsize == 0\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


def kind_table() -> str:
    """A row for every kind: slots, refusal, goal, and one example in each language."""
    rows = ["| kind | slots | refuse | goal | English | Chinese |", "| --- | --- | --- | --- | --- | --- |"]
    for kind in InstructionKind:
        instruction, spec = sample_instruction(example_rng(kind), kind=kind), KINDS[kind]
        goal = type(goal_of(instruction)).__name__
        cells = [f"`{kind}`", listed(spec.required, spec.optional), spec.refusal.replace("_", " "), f"`{goal}`"]
        rows.append(f"| {' | '.join([*cells, *examples(instruction)])} |")
    return "\n".join(rows)


def cause_table() -> str:
    """A row for every cause: slots, when to give it, and one example in each language."""
    rows = ["| cause | slots | when | English | Chinese |", "| --- | --- | --- | --- | --- |"]
    for cause in Cause:
        commentary, spec = sample_commentary(example_rng(cause), cause=cause), CAUSES[cause]
        cells = [f"`{cause}`", listed(spec.required, spec.optional), spec.meaning]
        rows.append(f"| {' | '.join([*cells, *examples(commentary)])} |")
    return "\n".join(rows)


def example_rng(name: str) -> np.random.Generator:
    return np.random.default_rng(zlib.crc32(name.encode()))


def listed(required: tuple[str, ...], optional: tuple[str, ...]) -> str:
    return ", ".join([*required, *(f"[{name}]" for name in optional)])


def examples(subject: Instruction | Commentary) -> list[str]:
    sentences = []
    for language in Language:
        first = phrasings(subject, language=language, split="train")[0]
        rng = example_rng(first.template)
        sentences.append(realise(subject, language=language, split="train", rng=rng, phrasing=first))
    return sentences


TABLES = {"kinds": kind_table, "causes": cause_table}


def with_fresh_tables(page: str) -> str:
    for name, table in TABLES.items():
        head, mark, rest = page.partition(f"<!-- {name}: generated -->\n")
        _, end, tail = rest.partition("<!-- end -->")
        page = f"{head}{mark}{table()}\n{end}{tail}"
    return page


@pytest.mark.parametrize("name", TABLES)
def test_the_page_has_a_place_for_each_table(name: str) -> None:
    assert f"<!-- {name}: generated -->" in PAGE.read_text(encoding="utf-8")


def test_the_tables_in_the_documentation_are_up_to_date() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page == with_fresh_tables(page), f"run python {Path(__file__).name} to bring docs/language.md up to date"


if __name__ == "__main__":
    PAGE.write_text(with_fresh_tables(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
