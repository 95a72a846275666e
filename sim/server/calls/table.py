"""How remote calls are declared: name, argument decoders, kind of answer, and the function that does it."""

import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from drivevla.errors import ConfigError, ContractError, SimulatorError
from drivevla.sim.server.wire.decode import Decoder
from drivevla.sim.server.world.simulator import Simulator

__all__ = ["Call", "CallGroup", "Reply", "merge"]

logger = logging.getLogger(__name__)

Reply = Literal["value", "nothing", "bare"]
"""Wrapping of the result: a value or an error; nothing or an error; the result itself (``apply_batch`` alone)."""

Handler = TypeVar("Handler", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One remote call.

    Attributes:
        name: As it travels.
        run: Called with the simulator and the decoded arguments.
        decoders: One for each argument.
        reply: How the result is wrapped.
        locks: Whether the world's lock is held while it runs; calls that wait or build take it themselves.
        refusal: Why the call is not supported; empty for those that are.
    """

    name: str
    run: Callable[..., Any]
    decoders: tuple[Decoder[Any], ...]
    reply: Reply
    locks: bool = True
    refusal: str = ""

    def arguments(self, params: list[object]) -> list[object]:
        """The decoded arguments; ``params`` begins with the client's metadata.

        Raises:
            ContractError: Too few or too many arguments, or one of the wrong type.
        """
        given = len(params) - 1
        if given != len(self.decoders):
            raise ContractError(f"{self.name} takes {len(self.decoders)} arguments, got {max(given, 0)}")
        try:
            return [decoder(value) for decoder, value in zip(self.decoders, params[1:], strict=True)]
        except ContractError as error:
            raise ContractError(f"{self.name}: {error}") from error

    @property
    def summary(self) -> str:
        """What it does here, in a sentence."""
        return self.refusal or (self.run.__doc__ or "").partition("\n")[0]

    def success(self, result: object) -> object:
        """The result as the client expects it."""
        if self.reply == "value":
            return [[1, result]]
        return result if self.reply == "bare" else [[False]]

    def failure(self, message: str) -> object:
        """An error as the client expects it: it becomes a RuntimeError with this message."""
        if self.reply == "value":
            return [[0, [message]]]
        return [[0, [message]]] if self.reply == "bare" else [[True, [message]]]


class CallGroup:
    """Calls of one subject, declared by decorators."""

    def __init__(self) -> None:
        self._calls: list[Call] = []

    def __iter__(self) -> Iterator[Call]:
        return iter(self._calls)

    def value(self, name: str, *decoders: Decoder[Any], locks: bool = True) -> Callable[[Handler], Handler]:
        """Declare a call that gives a value."""
        return self._declare(name, decoders, "value", locks)

    def nothing(self, name: str, *decoders: Decoder[Any], locks: bool = True) -> Callable[[Handler], Handler]:
        """Declare a call that gives nothing."""
        return self._declare(name, decoders, "nothing", locks)

    def bare(self, name: str, *decoders: Decoder[Any], locks: bool = True) -> Callable[[Handler], Handler]:
        """Declare a call whose result is not wrapped."""
        return self._declare(name, decoders, "bare", locks)

    def refuse(self, names: Iterable[str], *, reply: Reply, because: str) -> None:
        """Declare calls that are not supported; the client gets an error that names the call."""
        for name in names:

            def run(_: Simulator, *__: object, name: str = name) -> None:
                raise SimulatorError(f"{name} is not supported by DriveVLA's embedded simulator: {because}")

            self._calls.append(Call(name=name, run=run, decoders=(), reply=reply, locks=False, refusal=because))

    def _declare(
        self, name: str, decoders: tuple[Decoder[Any], ...], reply: Reply, locks: bool
    ) -> Callable[[Handler], Handler]:
        def register(run: Handler) -> Handler:
            self._calls.append(Call(name=name, run=run, decoders=decoders, reply=reply, locks=locks))
            return run

        return register


def merge(*groups: CallGroup) -> dict[str, Call]:
    """One table of all groups.

    Raises:
        ConfigError: A name is declared twice.
    """
    table: dict[str, Call] = {}
    for group in groups:
        for call in group:
            if call.name in table:
                raise ConfigError(f"the call {call.name!r} is declared twice")
            table[call.name] = call
    return table
