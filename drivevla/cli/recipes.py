"""List the systems that are reproduced in mechanism, or describe one.

"available" recipes can be trained; "planned" ones are described and cannot yet be built.
"""

import argparse
import shutil
import textwrap

from drivevla.cli.parser import Parser
from drivevla.training.recipe import RecipeConfig

__all__ = ["add_arguments", "run"]


def add_arguments(parser: Parser) -> None:
    """The words and options after `drivevla recipes`."""
    parser.add_argument("name", nargs="?", metavar="NAME", help="describe this recipe; without it, list them all")


def run(arguments: argparse.Namespace) -> int:
    """Do what the words after `drivevla recipes` ask for."""
    from drivevla.config.presets import preset_names
    from drivevla.config.resolve import load_config

    if arguments.name:
        print(_description(load_config(RecipeConfig, arguments.name)))
    else:
        print(_table([load_config(RecipeConfig, name) for name in preset_names("recipes")]))
    return 0


def _table(recipes: list[RecipeConfig]) -> str:
    name_width = max(len(recipe.name) for recipe in recipes)
    width = _terminal_width()
    lines = []
    for recipe in sorted(recipes, key=lambda each: (each.state, each.year, each.name)):
        start = f"{recipe.name:<{name_width}}  {recipe.year}  {recipe.state:<9}  "
        lines += textwrap.wrap(recipe.summary, width, initial_indent=start, subsequent_indent=" " * len(start))
    available = sum(recipe.state == "available" for recipe in recipes)
    lines.append(f"\n{len(recipes)} recipes: {available} available, {len(recipes) - available} planned")
    return "\n".join(lines)


def _description(recipe: RecipeConfig) -> str:
    width = _terminal_width()
    mechanism = "\n".join(
        textwrap.fill(each, width, initial_indent="  - ", subsequent_indent="    ") for each in recipe.mechanism
    )
    return "\n".join(
        [
            f"{recipe.name}: {recipe.system} ({recipe.state})",
            textwrap.fill(recipe.summary, width),
            "",
            textwrap.fill(f"source: {recipe.source}, {recipe.year}", width),
            "mechanism:",
            mechanism,
        ]
    )


def _terminal_width() -> int:
    return min(120, max(72, shutil.get_terminal_size().columns))
