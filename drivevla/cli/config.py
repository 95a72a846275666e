"""Show a preset with its overrides, or list the presets.

Examples:
  drivevla config list                           every preset, by group
  drivevla config show rigs/nano                 one preset, resolved and checked
  drivevla config show rigs/nano capture_hz=10   with a value changed
  drivevla config show my_rig.yaml --group rigs  a file of your own
"""

import argparse

from drivevla.cli.parser import Parser
from drivevla.errors import UserError, unknown_name

__all__ = ["add_arguments", "run"]

_ACTIONS = ("show", "list")


def add_arguments(parser: Parser) -> None:
    """The words and options after `drivevla config`."""
    parser.add_argument("action", metavar="show|list", help="show one preset, or list them all")
    parser.add_argument(
        "name", nargs="?", metavar="NAME", help="GROUP/NAME, NAME where one group alone has it, or a YAML file"
    )
    parser.add_argument(
        "overrides",
        nargs="*",
        default=[],
        metavar="key=value",
        help="changes: keys dotted, values as in YAML (lidar=null)",
    )
    parser.add_argument(
        "--group", metavar="GROUP", help="show: which kind of preset a YAML file is; list: this group alone"
    )


def run(arguments: argparse.Namespace) -> int:
    """Do what the words after `drivevla config` ask for."""
    if arguments.action not in _ACTIONS:
        raise unknown_name("action of `drivevla config`", arguments.action, _ACTIONS)
    return _show(arguments) if arguments.action == "show" else _list(arguments)


def _list(arguments: argparse.Namespace) -> int:
    from drivevla.config.groups import GROUPS
    from drivevla.config.presets import preset_names

    if arguments.name:
        raise UserError(
            f"`drivevla config list` takes no name, got {arguments.name!r}; did you mean --group {arguments.name}?"
        )
    for group in [arguments.group] if arguments.group else GROUPS:
        for name in preset_names(group):
            print(f"{group}/{name}")
    return 0


def _show(arguments: argparse.Namespace) -> int:
    from drivevla.config.groups import schema_of
    from drivevla.config.presets import find_preset
    from drivevla.config.resolve import load_config, to_yaml

    if not arguments.name:
        raise UserError("`drivevla config show` needs a NAME; `drivevla config list` lists them")
    if arguments.name.endswith(".yaml"):
        if not arguments.group:
            raise UserError(f"say which kind of preset {arguments.name} is: --group rigs, for instance")
        group, name = arguments.group, arguments.name
    elif arguments.group:
        group, name = find_preset(f"{arguments.group}/{arguments.name}")
    else:
        group, name = find_preset(arguments.name)
    print(to_yaml(load_config(schema_of(group), name, arguments.overrides)), end="")
    return 0
