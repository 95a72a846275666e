"""The table of verbs, and the way from the first words of a command line to a verb's module."""

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import drivevla
from drivevla.cli.parser import Parser
from drivevla.errors import UserError, nearest, unknown_name

__all__ = ["VERBS", "Verb", "run_verb"]


@dataclass(frozen=True)
class Verb:
    """One line of the table.

    Attributes:
        module: Has ``add_arguments(parser)`` and ``run(arguments) -> int``; its docstring is the verb's help.
        summary: What the verb does, for the list of verbs.
    """

    module: str
    summary: str


VERBS: Mapping[str, Verb] = {
    "doctor": Verb("drivevla.cli.doctor", "say what this machine has and lacks, and what to do about it"),
    "demo": Verb("drivevla.cli.demo", "drive a town by sentences, film it, and say what was obeyed"),
    "sim": Verb("drivevla.cli.sim", "serve the embedded simulator to any CARLA client"),
    "data": Verb("drivevla.cli.data", "say what a data set holds, show it, and name what is wrong with it"),
    "collect": Verb("drivevla.cli.collect", "let the expert drive many towns, and write down data to train on"),
    "train": Verb("drivevla.cli.train", "train a recipe on data sets, or go on where a killed run was"),
    "evaluate": Verb("drivevla.cli.evaluate", "drive routes in a simulator with a policy, and score it"),
    "evaluate open-loop": Verb("drivevla.cli.evaluate_open_loop", "hold a policy's plans against recorded drives"),
    "score": Verb("drivevla.cli.score", "score a prediction file by an open-loop protocol"),
    "report": Verb("drivevla.cli.report", "make a page of a closed-loop run, or of two side by side"),
    "config": Verb("drivevla.cli.config", "show a preset with its overrides, or list the presets"),
    "recipes": Verb("drivevla.cli.recipes", "list the systems that are reproduced, or describe one"),
}
"""Every verb, in the order in which `drivevla --help` lists them."""

_OPTIONS = ("-h", "--help", "--version")


def run_verb(argv: Sequence[str]) -> int:
    """Run the verb that the command line begins with.

    Returns:
        The exit code.

    Raises:
        UserError: There is no such verb or option.
    """
    if not argv:
        raise UserError(f"a verb is needed: {', '.join(VERBS)}; `drivevla --help` says what each does")
    first, *rest = argv
    if first in ("-h", "--help"):
        print(_help_text())
        return 0
    if first == "--version":
        print(f"drivevla {drivevla.__version__}")
        return 0
    if first.startswith("-"):
        match = nearest(first, _OPTIONS)
        raise UserError(
            f"no option {first!r}" + (f"; did you mean {match!r}?" if match else f" (known: {', '.join(_OPTIONS)})")
        )
    if rest and f"{first} {rest[0]}" in VERBS:  # a verb of two words
        first, rest = f"{first} {rest[0]}", rest[1:]
    if first not in VERBS:
        raise unknown_name("verb", first, VERBS)
    module = importlib.import_module(VERBS[first].module)
    parser = Parser(prog=f"drivevla {first}", description=module.__doc__)
    module.add_arguments(parser)
    try:
        arguments = parser.parse_args(rest)
    except SystemExit as done:  # --help has printed what it had to
        return int(done.code or 0)
    code = module.run(arguments)
    assert isinstance(code, int)
    return code


def _help_text() -> str:
    width = max(len(name) for name in VERBS)
    verbs = "\n".join(f"  {name:<{width}}  {verb.summary}" for name, verb in VERBS.items())
    return f"""usage: drivevla VERB ...

The toolkit for driving vision-language-action policies.

verbs:
{verbs}

options:
  -h, --help  show this text; `drivevla VERB --help` says more about one verb
  --version   show the version"""
