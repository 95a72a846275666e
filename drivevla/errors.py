"""Every error this package raises on purpose, on one page.

::

    DriveVLAError
    ├── UserError            what was asked for is impossible; the command line prints it and exits with 2
    │   ├── ConfigError      a preset, key or value of the configuration
    │   │   └── UnknownName  a name that is in no table; carries the nearest match
    │   ├── ContractError    a value that breaks its contract: shape, unit range, finiteness, frame
    │   ├── DataError        a file or record that cannot be read or does not agree with itself
    │   └── MissingExtra     an optional dependency is not installed
    ├── CheckpointError      weights, configuration or statistics of a checkpoint do not fit
    ├── RunError             a run's folder is half-written, locked or belongs to another configuration
    ├── PolicyError          a policy raised, or returned something that is not a plan
    └── SimulatorError       the simulator refused a call
        └── SimulatorLost    the simulator went away; the route can be retried

A message says what was wrong, what came, what is accepted and what to do.
"""

import difflib
import importlib
from collections.abc import Iterable
from types import ModuleType

__all__ = [
    "CheckpointError",
    "ConfigError",
    "ContractError",
    "DataError",
    "DriveVLAError",
    "MissingExtra",
    "PolicyError",
    "RunError",
    "SimulatorError",
    "SimulatorLost",
    "UnknownName",
    "UserError",
    "nearest",
    "require",
    "unknown_name",
]


class DriveVLAError(Exception):
    """Anything a caller may want to catch."""


class UserError(DriveVLAError):
    """What was asked for is impossible; the message says what to change."""


class ConfigError(UserError, ValueError):
    """A preset, key or value of the configuration is not acceptable."""


class UnknownName(ConfigError):
    """A name that is in no table."""


class ContractError(UserError, ValueError):
    """A value breaks its contract: wrong shape, unit range, finiteness or frame."""


class DataError(UserError):
    """A file or record cannot be read, or does not agree with itself."""


class MissingExtra(UserError, ImportError):
    """An optional dependency is not installed; the message holds the install line."""


class CheckpointError(DriveVLAError):
    """Weights, configuration or statistics of a checkpoint do not fit."""


class RunError(DriveVLAError):
    """A run's folder is half-written, locked, or belongs to another configuration."""


class PolicyError(DriveVLAError):
    """A policy raised, or returned something that is not a plan."""


class SimulatorError(DriveVLAError, RuntimeError):
    """The simulator refused a call."""


class SimulatorLost(SimulatorError, ConnectionError):
    """The simulator went away; the route can be retried."""


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name most like ``name``, or None when nothing is close."""
    matches = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return matches[0] if matches else None


def unknown_name(kind: str, name: str, known: Iterable[str]) -> UnknownName:
    """The error for a name that is in no table, with the nearest match and what is known.

    Args:
        kind: What the name was meant to name, in words: "head", "preset", "map".
        name: What came.
        known: Every accepted name.
    """
    accepted = sorted(known)
    match = nearest(name, accepted)
    hint = f"; did you mean {match!r}?" if match else ""
    return UnknownName(f"no {kind} {name!r}{hint} (known: {', '.join(accepted) or 'none'})")


def require(module: str, extra: str) -> ModuleType:
    """Import an optional dependency, or say which extra brings it.

    Raises:
        MissingExtra: The module is not installed.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != module.partition(".")[0]:
            raise
        raise MissingExtra(f"{module} is needed here: pip install 'drivevla[{extra}]'") from error
