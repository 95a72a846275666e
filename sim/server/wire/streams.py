"""The stream port: one TCP connection per subscription, messages pushed to whoever subscribed.

One thread accepts, reads the four bytes of the stream id, notices closed connections and sends what did not fit into
the kernel's buffer. ``push`` first tries to send from the caller's thread, so that a consumer that keeps up gets its
message without a thread switch, and never waits: what a slow consumer leaves behind is queued up to a limit, then
dropped, counted and logged. A subscription to an id that does not exist stays open and silent, because the client would
reconnect for ever if it were closed.
"""

import contextlib
import ipaddress
import logging
import selectors
import socket
import struct
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence

from drivevla.sim.server.wire.rpc import listen

__all__ = ["StreamServer", "stream_token"]

logger = logging.getLogger(__name__)

MAX_BACKLOG_BYTES = 128 * 1024 * 1024
THROTTLE_BACKLOG_BYTES = 8 * 1024 * 1024  # about one nuScenes rig's frame of one camera, or seven 640 x 360 images
TOKEN = struct.Struct("<IHBB16s")
PROTOCOL_TCP, ADDRESS_SAME_HOST = 1, 0

Buffer = bytes | memoryview


def stream_token(stream_id: int, port: int) -> bytes:
    """The 24 bytes that tell a client where a stream is: same host as the calls, the given port."""
    return TOKEN.pack(stream_id, port, PROTOCOL_TCP, ADDRESS_SAME_HOST, ipaddress.IPv6Address(0).packed)


class _Session:
    """One subscription. ``lock`` guards the queue; only the I/O thread closes the socket."""

    __slots__ = ("backlog_bytes", "closed", "dropped", "lock", "pending", "sock", "stream_id")

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.stream_id: int | None = None
        self.lock = threading.Lock()
        self.pending: deque[memoryview] = deque()
        self.backlog_bytes = 0
        self.dropped = 0
        self.closed = False

    def send_pending(self) -> None:
        """Send what the kernel takes without waiting; the caller holds the lock.

        Raises:
            OSError: The connection is gone.
        """
        while self.pending:
            try:
                sent = self.sock.sendmsg(list(self.pending)[:64])
            except BlockingIOError:
                return
            self.backlog_bytes -= sent
            while sent:
                head = self.pending[0]
                if sent < len(head):
                    self.pending[0] = head[sent:]
                    return
                sent -= len(head)
                self.pending.popleft()


class StreamServer:
    """Serves every stream of the simulator on one port.

    Args:
        host: Address to listen on.
        port: TCP port; 0 takes a free one.

    Raises:
        SimulatorError: The port is taken or the address is not ours.
    """

    def __init__(self, host: str, port: int) -> None:
        self._listener = listen(host, port)
        self._listener.setblocking(False)
        self.port: int = self._listener.getsockname()[1]
        self._sessions: dict[int, list[_Session]] = {}
        self._lock = threading.Lock()
        self._wake_receiver, self._wake_sender = socket.socketpair()
        self._wake_sender.setblocking(False)
        self._late: deque[_Session] = deque()
        self._waiting: list[tuple[float, Callable[[], None]]] = []
        self._closing = False
        self.dropped_messages = 0
        self._thread = threading.Thread(target=self._serve, name="streams", daemon=True)

    def start(self) -> None:
        """Begin to accept subscriptions."""
        self._thread.start()

    def close(self) -> None:
        """Disconnect every subscriber; returns when the thread has ended."""
        self._closing = True
        self._wake()
        if self._thread.is_alive():
            self._thread.join(timeout=5.0)
        self._listener.close()

    def subscribed(self, stream_id: int) -> bool:
        """Whether anybody listens to the stream."""
        return bool(self._sessions.get(stream_id))

    @property
    def session_count(self) -> int:
        """How many subscriptions are open."""
        with self._lock:
            return sum(len(sessions) for sessions in self._sessions.values())

    def push(self, stream_id: int, buffers: Sequence[Buffer]) -> None:
        """Send one message, given in pieces, to every subscriber of the stream; never waits.

        The buffers must not be written to afterwards.
        """
        views = [memoryview(buffer).cast("B") for buffer in buffers]
        size = sum(len(view) for view in views)
        message = [memoryview(struct.pack("<I", size)), *views]
        for session in tuple(self._sessions.get(stream_id, ())):
            self._push_to(session, message, size + 4)

    def when_drained(self, then: Callable[[], None], *, at_most_s: float) -> None:
        """Call ``then`` once no consumer is far behind, or after a time; at once if none is."""
        if not self._lagging():
            then()
            return
        with self._lock:
            self._waiting.append((time.monotonic() + at_most_s, then))
        self._wake()

    def _push_to(self, session: _Session, message: list[memoryview], size: int) -> None:
        with session.lock:
            if session.closed:
                return
            if session.backlog_bytes + size > MAX_BACKLOG_BYTES:
                self._drop(session)
                return
            session.pending.extend(message)
            session.backlog_bytes += size
            if session.backlog_bytes > size:
                return  # the I/O thread is at work on what came before
            with contextlib.suppress(OSError):  # the I/O thread notices the lost connection and cleans up
                session.send_pending()
            late = bool(session.pending)
        if late:
            self._late.append(session)
            self._wake()

    def _drop(self, session: _Session) -> None:
        session.dropped += 1
        self.dropped_messages += 1
        if session.dropped & (session.dropped - 1) == 0:  # log the 1st, 2nd, 4th, 8th, ...
            logger.warning(
                "stream %s: the consumer is %d MB behind, %d messages dropped so far",
                session.stream_id,
                session.backlog_bytes >> 20,
                session.dropped,
            )

    def _lagging(self) -> bool:
        with self._lock:
            return any(
                session.backlog_bytes > THROTTLE_BACKLOG_BYTES for group in self._sessions.values() for session in group
            )

    def _wake(self) -> None:
        with contextlib.suppress(BlockingIOError):  # a full pipe wakes as well
            self._wake_sender.send(b"\0")

    def _serve(self) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._listener, selectors.EVENT_READ)
            selector.register(self._wake_receiver, selectors.EVENT_READ)
            while not self._closing:
                for key, events in selector.select(0.05 if self._waiting else None):
                    if key.fileobj is self._listener:
                        self._accept(selector)
                    elif key.fileobj is self._wake_receiver:
                        self._wake_receiver.recv(4096)
                    else:
                        self._serve_session(selector, key.data, events)
                while self._late:
                    self._watch(selector, self._late.popleft(), writing=True)
                self._release_waiting()
            for key in list(selector.get_map().values()):
                if isinstance(key.data, _Session):
                    self._end(selector, key.data)
        self._wake_receiver.close()
        self._wake_sender.close()

    def _release_waiting(self) -> None:
        if not self._waiting:
            return
        drained, now = not self._lagging(), time.monotonic()
        with self._lock:
            due = [then for deadline, then in self._waiting if drained or now >= deadline]
            self._waiting = [] if drained else [entry for entry in self._waiting if now < entry[0]]
        for then in due:
            then()

    def _accept(self, selector: selectors.BaseSelector) -> None:
        try:
            sock, _ = self._listener.accept()
        except OSError:
            return  # the client gave up before we came to it
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        selector.register(sock, selectors.EVENT_READ, _Session(sock))

    def _serve_session(self, selector: selectors.BaseSelector, session: _Session, events: int) -> None:
        try:
            if events & selectors.EVENT_READ and not self._read(session):
                self._end(selector, session)
                return
            if events & selectors.EVENT_WRITE:
                with session.lock:
                    session.send_pending()
                    done = not session.pending
                if done:
                    self._watch(selector, session, writing=False)
        except OSError:
            self._end(selector, session)

    def _read(self, session: _Session) -> bool:
        data = session.sock.recv(64)
        if not data:
            return False
        if session.stream_id is not None:
            return True  # clients say nothing after the id; whatever it is, it changes nothing
        if len(data) < 4:
            return False  # four bytes never arrive in pieces from a real client
        (session.stream_id,) = struct.unpack_from("<I", data)
        with self._lock:
            self._sessions.setdefault(session.stream_id, []).append(session)
        return True

    def _watch(self, selector: selectors.BaseSelector, session: _Session, *, writing: bool) -> None:
        if session.closed:
            return
        events = selectors.EVENT_READ | (selectors.EVENT_WRITE if writing else 0)
        selector.modify(session.sock, events, session)

    def _end(self, selector: selectors.BaseSelector, session: _Session) -> None:
        if session.stream_id is not None:
            with self._lock:
                group = self._sessions[session.stream_id]
                group.remove(session)
                if not group:
                    del self._sessions[session.stream_id]
        selector.unregister(session.sock)
        with session.lock:
            session.closed = True
            session.pending.clear()
            session.backlog_bytes = 0
            session.sock.close()
