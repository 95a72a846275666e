"""Recording the world to a file on the server's side."""

from drivevla.sim.server.calls.table import CallGroup
from drivevla.sim.server.wire import decode
from drivevla.sim.server.world.simulator import Simulator

__all__ = ["CALLS"]

CALLS = CallGroup()


@CALLS.value("start_recorder", decode.text, decode.boolean)
def start_recorder(simulator: Simulator, name: str, _additional_data: bool) -> str:
    """Record world states to a file of DriveVLA's own format."""
    return f"Recording on file: {simulator.record(name)} (world states, not CARLA's log format)"


@CALLS.nothing("stop_recorder")
def stop_recorder(simulator: Simulator) -> None:
    """End the recording."""
    simulator.stop_recording()
