"""Where clients' Traffic Managers listen: the server only keeps the address book."""

import socket

from drivevla.errors import ContractError, SimulatorError
from drivevla.sim.server.calls.table import CallGroup
from drivevla.sim.server.wire import decode
from drivevla.sim.server.world.simulator import Simulator

__all__ = ["CALLS"]

CALLS = CallGroup()

CONNECT_S = 0.5


def host_and_port(value: object) -> tuple[str, int]:
    """The decoder of a Traffic Manager's address.

    Raises:
        ContractError: Something else came.
    """
    if not isinstance(value, list) or len(value) != 2:
        raise ContractError(f"[host, port] is needed, got {value!r}")
    return decode.text(value[0]), decode.integer(value[1])


@CALLS.value("is_traffic_manager_running", decode.integer, locks=False)
def is_traffic_manager_running(simulator: Simulator, port: int) -> bool:
    """Whether a Traffic Manager listens on the port."""
    return _living_host(simulator, port) is not None


@CALLS.value("get_traffic_manager_running", decode.integer, locks=False)
def get_traffic_manager_running(simulator: Simulator, port: int) -> list[object]:
    """Where it listens."""
    host = _living_host(simulator, port)
    if host is None:
        raise SimulatorError(f"no Traffic Manager runs on port {port}")
    return [host, port]


@CALLS.value("add_traffic_manager_running", host_and_port, locks=False)
def add_traffic_manager_running(simulator: Simulator, address: tuple[str, int]) -> bool:
    """Note a Traffic Manager."""
    host, port = address
    with simulator.lock:
        if port in simulator.traffic_managers:
            return False
        simulator.traffic_managers[port] = host
        return True


@CALLS.value("destroy_traffic_manager", decode.integer)
def destroy_traffic_manager(simulator: Simulator, port: int) -> bool:
    """Strike out a Traffic Manager."""
    return simulator.traffic_managers.pop(port, None) is not None


def _living_host(simulator: Simulator, port: int) -> str | None:
    """Where the Traffic Manager of that port listens; one that died with its client is struck out."""
    host = simulator.traffic_managers.get(port)
    if host is None:
        return None
    try:
        socket.create_connection((host, port), timeout=CONNECT_S).close()
    except OSError:
        with simulator.lock:
            if simulator.traffic_managers.get(port) == host:
                del simulator.traffic_managers[port]
        return None
    return host
