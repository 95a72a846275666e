"""MessagePack-RPC as rpclib speaks it: one thread per connection, MessagePack objects back to back.

A request is ``[0, id, method, params]``, the answer ``[1, id, error, result]``. Whoever sends something else, or more
than fits, is disconnected; the others do not notice.
"""

import contextlib
import logging
import socket
import threading
from collections.abc import Callable
from typing import Any

import msgpack

from drivevla.errors import DriveVLAError, SimulatorError

__all__ = ["Answer", "RpcFault", "RpcServer"]

logger = logging.getLogger(__name__)

MAX_REQUEST_BYTES = 64 * 1024 * 1024  # the largest legitimate request is an uploaded map: 23 MB for Town11
MAX_ARRAY_LENGTH = 65_536  # the largest legitimate array is a batch of commands
RECEIVE_BYTES = 65_536
REQUEST, RESPONSE = 0, 1


class RpcFault(DriveVLAError):
    """The call cannot be answered in its own type: the client sees rpclib's generic error."""


class Answer:
    """Sends the answer of one request, now or later and from any thread.

    Attributes:
        method: The name that was called.
    """

    __slots__ = ("_connection", "_request_id", "method")

    def __init__(self, connection: "_Connection", request_id: int, method: str) -> None:
        self._connection, self._request_id, self.method = connection, request_id, method

    def send(self, result: object) -> None:
        """Send the result; a client that is gone is not an error."""
        self._connection.send([RESPONSE, self._request_id, None, result])

    def fail(self, message: str) -> None:
        """Send rpclib's generic error."""
        self._connection.send([RESPONSE, self._request_id, message, None])


Handler = Callable[[Answer, list[object]], None]


class RpcServer:
    """Accepts connections and hands each request to one handler, on the connection's own thread.

    Args:
        host: Address to listen on.
        port: TCP port; 0 takes a free one.
        handler: Called with the answer to fill and the request's parameters; must raise nothing but RpcFault.

    Raises:
        SimulatorError: The port is taken or the address is not ours.
    """

    def __init__(self, host: str, port: int, handler: Handler) -> None:
        self._handler = handler
        self._listener = listen(host, port)
        self.port: int = self._listener.getsockname()[1]
        self._connections: set[_Connection] = set()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._accept, name="rpc-accept", daemon=True)

    def start(self) -> None:
        """Begin to accept connections."""
        self._thread.start()

    def close(self) -> None:
        """Stop listening and disconnect every client; returns when their threads have ended."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            connections = list(self._connections)
        for connection in connections:
            connection.shutdown()
        for connection in connections:
            connection.thread.join(timeout=5.0)

    @property
    def connection_count(self) -> int:
        """How many clients are connected."""
        with self._lock:
            return len(self._connections)

    def _accept(self) -> None:
        while True:
            try:
                sock, address = self._listener.accept()
            except OSError:
                return  # the listener was closed
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection = _Connection(sock, f"{address[0]}:{address[1]}", self._handler, self._forget)
            with self._lock:
                self._connections.add(connection)
            connection.thread.start()

    def _forget(self, connection: "_Connection") -> None:
        with self._lock:
            self._connections.discard(connection)


class _Connection:
    def __init__(
        self, sock: socket.socket, peer: str, handler: Handler, on_end: Callable[["_Connection"], None]
    ) -> None:
        self._sock, self._peer, self._handler, self._on_end = sock, peer, handler, on_end
        self._send_lock = threading.Lock()
        self._packer = msgpack.Packer(unicode_errors="surrogateescape")
        self.thread = threading.Thread(target=self._serve, name=f"rpc-{peer}", daemon=True)

    def send(self, message: list[object]) -> None:
        with self._send_lock, contextlib.suppress(OSError):  # a client that vanished misses nothing
            self._sock.sendall(self._packer.pack(message))

    def shutdown(self) -> None:
        # Only the connection's own thread closes the descriptor: a reused number could receive another client's bytes.
        with contextlib.suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)

    def _serve(self) -> None:
        try:
            self._receive()
        except (OSError, RpcFault) as error:
            logger.info("client %s disconnected: %s", self._peer, error)
        finally:
            with self._send_lock:
                self._sock.close()
            self._on_end(self)

    def _receive(self) -> None:
        unpacker = request_unpacker()
        while data := self._sock.recv(RECEIVE_BYTES):
            for request_id, method, params in decode_requests(unpacker, data):
                self._handler(Answer(self, request_id, method), params)


def listen(host: str, port: int) -> socket.socket:
    """A listening TCP socket.

    Raises:
        SimulatorError: The port is taken or the address is not ours.
    """
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((host, port))
        sock.listen(128)
    except (OSError, OverflowError) as error:
        sock.close()
        raise SimulatorError(f"cannot listen on {host}:{port}: {error}; choose another --port or --host") from error
    return sock


def request_unpacker() -> "msgpack.Unpacker":
    """An unpacker that refuses sizes before it allocates them."""
    return msgpack.Unpacker(
        max_buffer_size=MAX_REQUEST_BYTES,
        max_array_len=MAX_ARRAY_LENGTH,
        max_map_len=0,
        max_ext_len=0,
        unicode_errors="surrogateescape",
    )


def decode_requests(unpacker: "msgpack.Unpacker", data: bytes) -> list[tuple[int, str, list[object]]]:
    """Every request that is complete once ``data`` has come in.

    Raises:
        RpcFault: What came is no MessagePack, too large, or no request.
    """
    requests: list[tuple[int, str, list[object]]] = []
    try:
        unpacker.feed(data)
        requests.extend(_request(message) for message in unpacker)
    except (ValueError, TypeError, msgpack.exceptions.StackError, msgpack.exceptions.BufferFull) as error:
        raise RpcFault(f"not a MessagePack-RPC request: {type(error).__name__} {error}") from error
    return requests


def _request(message: Any) -> tuple[int, str, list[object]]:
    if type(message) is not list or len(message) != 4 or message[0] != REQUEST:
        raise RpcFault("a request is [0, id, method, params]")
    _, request_id, method, params = message
    if type(request_id) is not int or type(method) is not str or type(params) is not list:
        raise RpcFault("a request is [0, id: integer, method: string, params: array]")
    return request_id, method, params
