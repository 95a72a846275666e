"""The call port, spoken to with bytes."""

import contextlib
import itertools
import socket
from collections.abc import Iterator

import msgpack
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivevla.errors import SimulatorError
from drivevla.sim.server.wire.rpc import (
    MAX_REQUEST_BYTES,
    Answer,
    RpcFault,
    RpcServer,
    decode_requests,
    request_unpacker,
)

VERSION_REQUEST = bytes.fromhex("94 00 01 a7 76657273696f6e 91 91 c2")
VERSION_ANSWER = bytes.fromhex("94 01 01 c0 91 92 01 a6 302e392e3136")


def _answer_version(answer: Answer, params: list[object]) -> None:
    answer.send([[1, "0.9.16"]])


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    server = RpcServer("127.0.0.1", 0, _answer_version)
    server.start()
    yield server.port
    server.close()


def _exchange(port: int, *pieces: bytes, expect: int) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=5.0) as sock:
        for piece in pieces:
            sock.sendall(piece)
        received = b""
        while len(received) < expect and (data := sock.recv(4096)):
            received += data
        return received


def test_request_is_answered_byte_for_byte(port: int) -> None:
    assert _exchange(port, VERSION_REQUEST, expect=len(VERSION_ANSWER)) == VERSION_ANSWER


def test_request_may_come_in_single_bytes(port: int) -> None:
    pieces = [VERSION_REQUEST[i : i + 1] for i in range(len(VERSION_REQUEST))]
    assert _exchange(port, *pieces, expect=len(VERSION_ANSWER)) == VERSION_ANSWER


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param(b"\xc1", id="no such type"),
        pytest.param(msgpack.packb([2, "version", []]), id="notification"),
        pytest.param(msgpack.packb([0, "one", "version", []]), id="id is text"),
        pytest.param(msgpack.packb([0, 1, b"version", []]), id="name is binary"),
        pytest.param(msgpack.packb({"a": 1}), id="map"),
        pytest.param(b"\xdd\xff\xff\xff\xff", id="array of four billion"),
        pytest.param(b"\x91" * 5000, id="too deep"),
        pytest.param(msgpack.packb([1, 1, None, "an answer"]), id="answer that nobody asked for"),
    ],
)
def test_malformed_request_is_disconnected_and_others_are_served(port: int, bad: bytes) -> None:
    assert _exchange(port, bad, expect=1) == b""
    assert _exchange(port, VERSION_REQUEST, expect=len(VERSION_ANSWER)) == VERSION_ANSWER


def test_numbers_of_requests_may_come_in_any_order_and_twice(port: int) -> None:
    numbers = [7, 2**32 - 1, 0, 7]
    requests = b"".join(msgpack.packb([0, number, "version", [[False]]]) for number in numbers)
    answers = b"".join(msgpack.packb([1, number, None, [[1, "0.9.16"]]]) for number in numbers)
    assert _exchange(port, requests, expect=len(answers)) == answers


def test_announced_gigabytes_are_refused_when_they_pass_the_limit() -> None:
    unpacker, piece = request_unpacker(), bytes(1 << 20)
    decode_requests(unpacker, b"\xc6\xff\xff\xff\xff")
    for _ in range(MAX_REQUEST_BYTES // len(piece)):
        decode_requests(unpacker, piece)
    with pytest.raises(RpcFault, match="BufferFull"):
        decode_requests(unpacker, piece)


def test_port_that_is_taken_is_named(port: int) -> None:
    with pytest.raises(SimulatorError, match=f"127.0.0.1:{port}"):
        RpcServer("127.0.0.1", port, _answer_version)


def test_text_that_is_no_utf8_survives() -> None:
    packed = msgpack.packb([0, 7, "f", ["\udcff"]], unicode_errors="surrogateescape")
    assert decode_requests(request_unpacker(), packed) == [(7, "f", ["\udcff"])]


@settings(max_examples=300)
@given(st.lists(st.binary(max_size=40), max_size=4))
def test_decoder_gives_requests_or_a_fault(pieces: list[bytes]) -> None:
    unpacker = request_unpacker()
    with contextlib.suppress(RpcFault):
        for piece in pieces:
            for request_id, method, params in decode_requests(unpacker, piece):
                assert (type(request_id), type(method), type(params)) == (int, str, list)


@given(
    requests=st.lists(
        st.tuples(st.integers(0, 2**32 - 1), st.text(max_size=8), st.lists(st.integers(-5, 5), max_size=4)), max_size=5
    ),
    cuts=st.lists(st.integers(0, 200), max_size=6),
)
def test_requests_survive_any_segmentation(requests: list[tuple[int, str, list[object]]], cuts: list[int]) -> None:
    stream = b"".join(msgpack.packb([0, *request]) for request in requests)
    edges = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
    unpacker = request_unpacker()
    pieces = [stream[begin:end] for begin, end in itertools.pairwise(edges)]
    assert [request for piece in pieces for request in decode_requests(unpacker, piece)] == requests
