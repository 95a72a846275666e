"""argparse with our manners: an option that does not exist is answered with the nearest one that does."""

import argparse
from collections.abc import Sequence
from typing import Any, NoReturn

from drivevla.errors import UserError, nearest

__all__ = ["Parser"]


class Parser(argparse.ArgumentParser):
    """A parser that raises ``UserError`` instead of ending the process, and takes no abbreviations of options."""

    def __init__(self, **settings: Any) -> None:
        self._known_options: list[str] = []
        super().__init__(formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False, **settings)

    def add_argument(self, *names: Any, **settings: Any) -> argparse.Action:
        """As argparse's; remembers the options for `did you mean`."""
        action = super().add_argument(*names, **settings)
        self._known_options.extend(action.option_strings)
        return action

    def parse_args(self, args: Sequence[str], namespace: Any = None) -> Any:  # type: ignore[override]
        """As argparse's.

        Raises:
            UserError: An option does not exist, or an argument is missing, superfluous or not acceptable.
        """
        # Intermixed: options may stand between the words.
        found, unknown = self.parse_known_intermixed_args(args, namespace)
        if unknown:
            self.error(self._explain(unknown))
        return found

    def _explain(self, unknown: Sequence[str]) -> str:
        option = next((each.partition("=")[0] for each in unknown if each.startswith("-")), None)
        if option is None:
            return f"one argument too many: {unknown[0]!r}"
        match = nearest(option, self._known_options)
        return f"no option {option!r}" + (f"; did you mean {match!r}?" if match else "")

    def error(self, message: str) -> NoReturn:
        """Refuse the command line.

        Raises:
            UserError: Always.
        """
        raise UserError(f"{message}\n{self.format_usage()}see also: {self.prog} --help")
