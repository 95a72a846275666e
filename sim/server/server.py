"""The server as one object: listens, simulates, stops."""

from types import TracebackType
from typing import Self

from drivevla.sim.maps.source import MapSource
from drivevla.sim.server.calls.dispatch import Dispatcher
from drivevla.sim.server.calls.every import every_call
from drivevla.sim.server.calls.session import PROTOCOL_VERSION
from drivevla.sim.server.process import BACKEND
from drivevla.sim.server.wire.rpc import RpcServer
from drivevla.sim.server.wire.streams import StreamServer
from drivevla.sim.server.world.simulator import Simulator

__all__ = ["Server"]


class Server:
    """Serves one world to any number of CARLA clients, in this process, from entering until leaving the context.

    Args:
        source: The map to begin with.
        host: Address to listen on.
        port: Port of the calls; streams take the next one, or with 0 both take free ones.
        stream_port: Port of the streams, where it is not the next one.
        seed: Decides everything random.

    Raises:
        SimulatorError: A port is taken.
        DriveVLAError: The map cannot be built.
    """

    def __init__(
        self,
        source: MapSource,
        *,
        host: str = "127.0.0.1",
        port: int = 2000,
        stream_port: int | None = None,
        seed: int = 0,
    ) -> None:
        self._streams = StreamServer(host, stream_port if stream_port is not None else (port + 1 if port else 0))
        try:
            self.simulator = Simulator(self._streams, seed=seed)
            self.dispatcher = Dispatcher(self.simulator, every_call())
            self._rpc = RpcServer(host, port, self.dispatcher)
        except BaseException:
            self._streams.close()
            raise
        self.host, self.port, self.stream_port = host, self._rpc.port, self._streams.port
        self._source = source

    def __enter__(self) -> Self:
        """Load the map, then listen; clients that connect earlier wait."""
        try:
            self.simulator.load(self._source, reset_settings=True)
        except BaseException:
            self.close()
            raise
        self._streams.start()
        self.simulator.start()
        self._rpc.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    @property
    def map_name(self) -> str:
        """The map that the server began with."""
        return self._source.name

    def describe(self) -> str:
        """Where it listens and what it simulates, in a line."""
        return (
            f"{BACKEND} (CARLA {PROTOCOL_VERSION} protocol) on {self.host}:{self.port}, streams on {self.stream_port}, "
            f"map {self.map_name}, seed {self.simulator.seed}"
        )

    def close(self) -> None:
        """Disconnect everybody and stop; returns when all threads have ended."""
        self._rpc.close()
        self.simulator.close()
        self._streams.close()
