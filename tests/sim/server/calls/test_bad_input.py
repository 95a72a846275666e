"""What no client library would send, sent by hand to a server that others keep using."""

import contextlib
import gc
import random
import socket
import time
from collections.abc import Iterator
from typing import Any

import carla
import msgpack
import pytest

from drivevla.sim.server import RunningServer, start_server
from drivevla.sim.server.calls.every import every_call

SYNCHRONOUS, ASYNCHRONOUS = [False], [True]
PATIENCE_S = 120.0
"""Only what hangs takes longer to answer, however loaded the machine is."""


@pytest.fixture(scope="module")
def running_server(own_places: None) -> Iterator[RunningServer]:
    """A server of its own: some of this rubbish is valid, and changes things that other tests rely on."""
    with start_server("Gen_tee_1") as server:
        yield server


@pytest.fixture(scope="module")
def client(running_server: RunningServer) -> Any:
    """A client of that server, which must not notice any of it."""
    carla_client = carla.Client(running_server.host, running_server.port, worker_threads=8)
    carla_client.set_timeout(PATIENCE_S)
    return carla_client


class RawClient:
    """Speaks MessagePack-RPC without manners."""

    def __init__(self, server: RunningServer) -> None:
        self.sock = socket.create_connection((server.host, server.port), timeout=10.0)
        self._unpacker = msgpack.Unpacker(strict_map_key=False)
        self._number = 0

    def call(self, method: str, *arguments: object, metadata: object = SYNCHRONOUS) -> tuple[object, Any]:
        """The rpclib error and the result of a call."""
        self._number += 1
        self.sock.sendall(msgpack.packb([0, self._number, method, [metadata, *arguments]]))
        while True:
            for kind, number, error, result in self._unpacker:
                assert (kind, number) == (1, self._number)
                return error, result
            data = self.sock.recv(65536)
            assert data, f"the server hung up on {method}{arguments}"
            self._unpacker.feed(data)


@pytest.fixture
def raw(world: Any, running_server: RunningServer) -> Any:
    """A connection of one's own to the synchronous world."""
    client = RawClient(running_server)
    yield client
    client.sock.close()


def _is_error(result: Any) -> bool:
    head = result[0][0]
    return head is True or (head == 0 and head is not False)


def test_unknown_call_is_answered_with_its_name(raw: Any) -> None:
    error, result = raw.call("fly_to_the_moon", 1, 2)
    assert "fly_to_the_moon" in error
    assert result is None


def test_refused_calls_say_their_name_and_why(raw: Any) -> None:
    refused = [call for call in every_call().values() if call.refusal]
    assert refused
    for call in refused:
        error, result = raw.call(call.name, 1, 2, 3)
        assert error is None
        assert _is_error(result)
        message = result[0][1][0]
        assert call.name in message
        assert "not supported" in message


@pytest.mark.parametrize("arguments", [(), (None,), ("text",), (-1,), ([[[]]],), (2**40,), (1, 2, 3, 4, 5, 6, 7, 8, 9)])
def test_every_call_survives_wrong_arguments(raw: Any, arguments: tuple[object, ...]) -> None:
    for call in every_call().values():
        if call.name == "load_new_episode" or len(call.decoders) == len(arguments) == 0:
            continue
        error, result = raw.call(call.name, *arguments)
        assert error is None, call.name
        assert isinstance(result, list), call.name
        if len(call.decoders) != len(arguments) and not call.refusal:
            assert _is_error(result), (call.name, result)
    assert raw.call("version")[1] == [[1, "0.9.16"]]


def test_missing_metadata_is_an_error_not_a_crash(raw: Any) -> None:
    raw.sock.sendall(msgpack.packb([0, 77, "get_episode_settings", []]))
    raw._number = 77
    unpacker = msgpack.Unpacker()
    unpacker.feed(raw.sock.recv(65536))
    assert _is_error(next(iter(unpacker))[3])


def test_fire_and_forget_errors_are_counted_and_change_nothing(
    raw: Any, world: Any, running_server: RunningServer
) -> None:
    frame = world.tick()
    before, _ = running_server.ignored_calls().get("apply_control_to_vehicle", (0, ""))
    error, result = raw.call("apply_control_to_vehicle", 999_999, [0.5], metadata=ASYNCHRONOUS)
    assert error is None
    assert _is_error(result)
    count, reason = running_server.ignored_calls()["apply_control_to_vehicle"]
    assert count == before + 1
    assert "999999" in reason
    assert world.tick() == frame + 1


def test_batch_with_rubbish_inside_answers_for_every_command(raw: Any) -> None:
    commands = [
        [[1, [4_000_000_000]]],
        [[99, []]],
        [[2, ["x", []]]],
        [[0, []]],
        [[0, [[], []]]],
        [[6, [1, [[0], [0]]]]],
    ]
    error, result = raw.call("apply_batch", commands, False)
    assert error is None
    assert [entry[0][0] for entry in result] == [0] * len(commands)


def test_uninitialised_attachment_of_a_spawn_command_is_rigid(raw: Any, world: Any) -> None:
    parent = world.spawn_actor(
        world.get_blueprint_library().find("walker.pedestrian.0001"), world.get_map().get_spawn_points()[0]
    )
    pose = [[0.0, 0.0, 0.0], [0.0, 0.0, 0.0]]
    spawn = [0, [[0, "controller.ai.walker", []], pose, [True, parent.id], 104, "", []]]
    error, result = raw.call("apply_batch", [[spawn]], False)
    assert error is None
    assert result[0][0][0] == 1


def test_client_that_vanishes_in_the_middle_of_a_tick_disturbs_nobody(
    world: Any, running_server: RunningServer
) -> None:
    before = world.tick()
    for cut in (1, 3, 10):
        leaver = RawClient(running_server)
        request = msgpack.packb([0, 1, "tick_cue", [SYNCHRONOUS]])
        leaver.sock.sendall(request[:cut])
        leaver.sock.close()
    hasty = RawClient(running_server)
    hasty.sock.sendall(msgpack.packb([0, 1, "tick_cue", [SYNCHRONOUS]]))
    hasty.sock.close()
    deadline = time.monotonic() + 5.0
    while world.get_snapshot().frame < before + 1 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert world.tick() == before + 2


def test_stream_connections_that_misbehave_disturb_nobody(world: Any, running_server: RunningServer) -> None:
    address = (running_server.host, running_server.stream_port)
    socks = [socket.create_connection(address, timeout=5.0) for _ in range(5)]
    rubbish = [b"", b"\x01", b"\xff\xff\xff\xff", b"\x01\x00\x00\x00" + b"x" * 1000, b"GET / HTTP/1.1"]
    for sock, data in zip(socks, rubbish, strict=True):
        sock.sendall(data)
    world.tick()
    for sock in socks:
        sock.close()
    assert world.tick() == world.get_snapshot().frame


def test_seeded_fuzz_of_whole_requests(raw: Any, running_server: RunningServer, world: Any) -> None:
    _fuzz(running_server, seconds=2.0, seed=1)
    assert world.tick() > 0


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_ten_minutes_of_fuzz(running_server: RunningServer, world: Any) -> None:
    _fuzz(running_server, seconds=600.0, seed=2)
    assert world.tick() > 0


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_thousand_spawns_leave_nothing_behind(world: Any, client: Any, running_server: RunningServer) -> None:
    library = world.get_blueprint_library()
    place = world.get_map().get_spawn_points()[0]

    def cycle(count: int) -> None:
        for _ in range(count):
            car = world.spawn_actor(library.find("vehicle.audi.tt"), place)
            imu = world.spawn_actor(library.find("sensor.other.imu"), carla.Transform(), car)
            world.tick()
            client.apply_batch_sync([carla.command.DestroyActor(imu), carla.command.DestroyActor(car)], False)
            world.tick()

    cycle(100)
    before_kb = _resident_kb(running_server.pid)
    actors = len(world.get_actors())
    cycle(1000)
    gc.collect()
    assert len(world.get_actors()) == actors
    assert _resident_kb(running_server.pid) - before_kb < 8_000


def _resident_kb(pid: int) -> int:
    with open(f"/proc/{pid}/status", encoding="ascii") as status:  # noqa: PTH123 -- /proc is no place for Path
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS:"))


def _fuzz(server: RunningServer, *, seconds: float, seed: int) -> None:
    """Random and damaged requests; whatever comes back, the server must go on answering."""
    rng = random.Random(seed)
    names = [name for name in every_call() if name not in ("load_new_episode", "copy_opendrive_to_file")]
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        address = (server.host, server.port)
        # Being disconnected is the right answer to some of this.
        with socket.create_connection(address, timeout=10.0) as sock, contextlib.suppress(OSError):
            for _ in range(rng.randrange(1, 30)):
                request = msgpack.packb([0, rng.randrange(2**32), rng.choice(names), [[True], *_values(rng)]])
                sock.sendall(_damaged(rng, request))
        # Some calls are honest work: a ray after a layer was hidden builds a renderer, seconds on an idle machine.
        server.check(timeout_s=PATIENCE_S)


def _values(rng: random.Random, depth: int = 0) -> list[object]:
    return [_value(rng, depth) for _ in range(rng.randrange(5))]


def _value(rng: random.Random, depth: int) -> object:
    kind = rng.randrange(9 if depth < 4 else 7)
    scalars = (
        None,
        rng.random() < 0.5,
        rng.randrange(-9, 300),
        2**63,
        float("nan"),
        rng.uniform(-1e3, 1e3),
        "x" * rng.randrange(9),
    )
    return scalars[kind] if kind < len(scalars) else _values(rng, depth + 1)


def _damaged(rng: random.Random, request: bytes) -> bytes:
    damaged = bytearray(request)
    if rng.random() < 0.3:
        damaged[rng.randrange(len(damaged))] = rng.randrange(256)
    if rng.random() < 0.1:
        del damaged[rng.randrange(len(damaged)) :]
    return bytes(damaged)
