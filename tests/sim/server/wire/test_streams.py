"""The stream port, spoken to with bytes."""

import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from drivevla.sim.server.wire.streams import MAX_BACKLOG_BYTES, StreamServer, stream_token


@pytest.fixture
def server() -> Iterator[StreamServer]:
    streams = StreamServer("127.0.0.1", 0)
    streams.start()
    yield streams
    streams.close()


def _wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 5.0
    while not condition():
        assert time.monotonic() < deadline, "did not happen within 5 s"
        time.sleep(0.002)


def _subscribe(server: StreamServer, stream_id: int) -> socket.socket:
    before = server.session_count
    sock = socket.create_connection(("127.0.0.1", server.port), timeout=5.0)
    sock.sendall(struct.pack("<I", stream_id))
    _wait_for(lambda: server.session_count == before + 1)
    return sock


def _receive(sock: socket.socket, count: int) -> bytes:
    data = bytearray()
    while len(data) < count and (piece := sock.recv(min(1 << 20, count - len(data)))):
        data += piece
    return bytes(data)


def test_token_names_stream_and_port() -> None:
    assert stream_token(7, 2001) == struct.pack("<IHBB16x", 7, 2001, 1, 0)


def test_message_goes_to_every_subscriber_of_its_stream_only(server: StreamServer) -> None:
    with _subscribe(server, 3) as first, _subscribe(server, 3) as second, _subscribe(server, 4) as other:
        server.push(3, [b"ab", memoryview(b"cd")])
        server.push(4, [b"x"])
        assert _receive(first, 8) == _receive(second, 8) == struct.pack("<I", 4) + b"abcd"
        assert _receive(other, 5) == struct.pack("<I", 1) + b"x"


def test_large_messages_arrive_whole_and_in_order(server: StreamServer) -> None:
    with _subscribe(server, 3) as sock:
        bodies = [bytes([n]) * (3_000_000 + n) for n in range(5)]
        for body in bodies:
            server.push(3, [body[:10], body[10:]])
        for body in bodies:
            assert _receive(sock, len(body) + 4) == struct.pack("<I", len(body)) + body


def test_stream_without_subscribers_says_so_and_closing_unsubscribes(server: StreamServer) -> None:
    assert not server.subscribed(3)
    sock = _subscribe(server, 3)
    assert server.subscribed(3)
    sock.close()
    _wait_for(lambda: not server.subscribed(3))
    server.push(3, [b"nobody hears this"])
    assert server.session_count == 0


def test_slow_consumer_never_blocks_and_loses_whole_messages_only(server: StreamServer) -> None:
    body = bytes(16_000_000)
    with _subscribe(server, 3) as sock:
        started = time.monotonic()
        for _ in range(2 + MAX_BACKLOG_BYTES // len(body)):
            server.push(3, [body])
        assert time.monotonic() - started < 2.0
        assert server.dropped_messages > 0
        (length,) = struct.unpack("<I", _receive(sock, 4))
        assert length == len(body)
        assert len(_receive(sock, length)) == len(body)
        (length,) = struct.unpack("<I", _receive(sock, 4))
        assert length == len(body)


def test_drained_is_reported_at_once_or_when_the_consumer_caught_up(server: StreamServer) -> None:
    drained = threading.Event()
    with _subscribe(server, 3) as sock:
        server.when_drained(drained.set, at_most_s=5.0)
        assert drained.is_set()
        drained.clear()
        server.push(3, [bytes(30_000_000)])
        server.when_drained(drained.set, at_most_s=5.0)
        assert not drained.is_set()
        _receive(sock, 30_000_004)
        assert drained.wait(2.0)


def test_drained_is_reported_after_the_deadline_too(server: StreamServer) -> None:
    drained = threading.Event()
    with _subscribe(server, 3):
        server.push(3, [bytes(30_000_000)])
        server.when_drained(drained.set, at_most_s=0.1)
        assert drained.wait(2.0)


def test_connection_that_says_nothing_or_too_little_disturbs_nobody(server: StreamServer) -> None:
    with (
        socket.create_connection(("127.0.0.1", server.port)),
        socket.create_connection(("127.0.0.1", server.port)) as short,
    ):
        short.sendall(b"\x01\x02")
        with _subscribe(server, 3) as sock:
            server.push(3, [b"z"])
            assert _receive(sock, 5) == struct.pack("<I", 1) + b"z"
