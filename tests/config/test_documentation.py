"""What docs/configuration.md shows is what happens."""

import re
import shlex
from pathlib import Path

import pytest

from drivevla.cli import main

PAGE = (Path(__file__).parents[2] / "docs" / "configuration.md").read_text(encoding="utf-8")


def blocks(kind: str) -> list[str]:
    return re.findall(rf"```{kind}\n(.*?)```", PAGE, flags=re.DOTALL)


def transcripts() -> list[tuple[str, str]]:
    """Every command of a console block with the output that is shown under it."""
    return [
        (command, shown)
        for block in blocks("console")
        for command, shown in re.findall(r"\$ (.*)\n((?:(?!\$ ).*\n)*)", block)
    ]


@pytest.mark.parametrize(("command", "shown"), transcripts())
def test_a_command_prints_what_the_page_shows(command: str, shown: str, capsys: pytest.CaptureFixture[str]) -> None:
    program, *arguments = shlex.split(command)

    main(arguments)

    captured = capsys.readouterr()
    assert program == "drivevla"
    assert captured.out + captured.err == shown


def test_every_other_command_works(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for title, text in re.findall(r'```yaml title="([^"]+)"\n(.*?)```', PAGE, flags=re.DOTALL):
        (tmp_path / title).write_text(text)

    commands = [line for block in blocks("sh") for line in block.splitlines()]

    assert len(commands) == 4
    for command in commands:
        assert main(shlex.split(command)[1:]) == 0, capsys.readouterr().err


def test_every_python_example_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    examples = blocks("python")

    assert len(examples) == 2
    for example in examples:
        exec(compile(example, "docs/configuration.md", "exec"), {})
    assert (tmp_path / "runs/example/artefacts/note.txt").read_text() == "anything"


def test_every_rig_and_every_variable_is_listed() -> None:
    from drivevla.config import places
    from drivevla.config.presets import preset_names

    for name in preset_names("rigs"):
        assert f"| `{name}` |" in PAGE
    for variable in re.findall(r"``([A-Z_]{4,})``", places.__doc__ or ""):
        assert f"| `{variable}` |" in PAGE
