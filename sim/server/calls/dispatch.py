"""From a request to its answer: finds the call, decodes, runs it under the world's lock, wraps what comes out."""

import logging
from functools import partial

from drivevla.errors import DriveVLAError
from drivevla.sim.server.calls.table import Call
from drivevla.sim.server.wire.rpc import Answer
from drivevla.sim.server.world.simulator import Simulator

__all__ = ["Dispatcher"]

logger = logging.getLogger(__name__)

THROTTLE_S = 2.0
"""How long a synchronous tick's answer is held back for consumers that are far behind; clients wait 5 s by default."""


class Dispatcher:
    """Answers every request, whatever happens.

    Args:
        simulator: What the calls act on.
        table: Calls by name.
    """

    def __init__(self, simulator: Simulator, table: dict[str, Call]) -> None:
        self._simulator, self._table = simulator, table

    def __call__(self, answer: Answer, params: list[object]) -> None:
        """Run one request."""
        call = self._table.get(answer.method)
        if call is None:
            logger.warning("unknown call %s", answer.method)
            answer.fail(f"DriveVLA's embedded simulator has no call {answer.method!r} with {len(params) - 1} arguments")
            return
        try:
            result = self._run(call, params)
        except DriveVLAError as error:
            self._refuse(call, params, answer, str(error))
        except Exception as error:
            logger.exception("%s failed", call.name)
            self._refuse(call, params, answer, f"{call.name}: internal error, {type(error).__name__}: {error}")
        else:
            self._deliver(call, answer, call.success(result))

    def _run(self, call: Call, params: list[object]) -> object:
        if call.refusal:
            return call.run(self._simulator)
        arguments = call.arguments(params)
        if not call.locks:
            return call.run(self._simulator, *arguments)
        with self._simulator.lock:
            return call.run(self._simulator, *arguments)

    def _deliver(self, call: Call, answer: Answer, wrapped: object) -> None:
        if call.name == "tick_cue" and self._simulator.settings.synchronous_mode:
            # The step is done; only the answer waits, so this client's other calls are served meanwhile.
            self._simulator.streams.when_drained(partial(answer.send, wrapped), at_most_s=THROTTLE_S)
        else:
            answer.send(wrapped)

    def _refuse(self, call: Call, params: list[object], answer: Answer, message: str) -> None:
        if _is_fire_and_forget(params):
            count = self._simulator.ignored.get(call.name, (0, ""))[0] + 1
            self._simulator.ignored[call.name] = (count, message)
            if count & (count - 1) == 0:  # log the 1st, 2nd, 4th, 8th, ...
                logger.warning("ignored %s (%d so far): %s", call.name, count, message)
        answer.send(call.failure(message))


def _is_fire_and_forget(params: list[object]) -> bool:
    return bool(params) and isinstance(params[0], list) and bool(params[0]) and params[0][0] is True
