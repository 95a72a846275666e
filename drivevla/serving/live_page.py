"""A page on this machine that shows a drive as it goes on, and takes sentences.

One port serves the page over HTTP and everything that changes over a WebSocket, by the library websockets. It listens
on 127.0.0.1 alone, and takes sentences from its own page only: a browser names the page that speaks, and others are
refused.
"""

from __future__ import annotations

import base64
import io
import json
import logging
import socket
import threading
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from drivevla.errors import UserError, require

if TYPE_CHECKING:
    from PIL.Image import Image

    from drivevla.demo.audience import Scene
    from drivevla.demo.conversation import Inbox

__all__ = ["LivePage"]

logger = logging.getLogger(__name__)

_PAGE = Path(__file__).parent / "live_page.html"
_HOST = "127.0.0.1"
_LAST_PORT = 65_535
_LONGEST_SENTENCE = 500
_LARGEST_MESSAGE_BYTES = 16_384
_JPEG_QUALITY = 80
_FAREWELL_S = 3.0
_KMH = 3.6
_TONES = {True: "good", False: "bad", None: ""}


class LivePage:
    """Serves the page for as long as its context lasts; an audience of a drive.

    A browser that is too slow for every picture is shown the newest one.

    Args:
        inbox: Where sentences from the page go.
        port: Of the page; 0 for a free one.

    Raises:
        MissingExtra: websockets or Pillow is not installed.
    """

    def __init__(self, inbox: Inbox, *, port: int = 0) -> None:
        self._serve = require("websockets.sync.server", "serve").serve
        self._closed: type[Exception] = require("websockets", "serve").ConnectionClosed
        require("PIL.Image", "report")
        self._inbox, self._port = inbox, port
        self._news = threading.Condition()
        self._newest, self._number, self._watchers, self._is_over = "", 0, 0, False

    def __enter__(self) -> LivePage:
        """Begin to listen.

        Raises:
            UserError: The port cannot be had.
        """
        if not 0 <= self._port <= _LAST_PORT:
            raise UserError(f"the page's port must lie between 0, for any, and {_LAST_PORT}, got {self._port}")
        try:
            listening = socket.create_server((_HOST, self._port))
        except OSError as error:
            raise UserError(
                f"the page cannot listen on port {self._port}: {error}; name another, or 0 for any"
            ) from error
        self._port = int(listening.getsockname()[1])
        own = [f"http://{name}:{self._port}" for name in (_HOST, "localhost")]
        self._server = self._serve(
            self._handle,
            sock=listening,
            origins=[*own, None],  # None: no browser speaks
            process_request=self._answer,
            max_size=_LARGEST_MESSAGE_BYTES,
            compression=None,  # pictures are compressed already
        )
        self._thread = threading.Thread(target=self._server.serve_forever, name="live page", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop listening; browsers that watch are told the news to the end first."""
        with self._news:
            self._is_over = True
            self._news.notify_all()
            self._news.wait_for(lambda: self._watchers == 0, timeout=_FAREWELL_S)
        self._server.shutdown()
        self._thread.join(_FAREWELL_S)

    @property
    def url(self) -> str:
        """Where the page is."""
        return f"http://{_HOST}:{self._port}/"

    def see(self, scene: Scene) -> None:
        """Show an instant."""
        if not self._watchers:
            return
        moment = scene.moment
        self._publish(
            {
                "time_s": round(moment.time_s, 2),
                "speed_kmh": round(moment.speed_mps * _KMH),
                "limit_kmh": None if moment.limit_mps is None else round(moment.limit_mps * _KMH),
                "asked": moment.heard,
                "judged": scene.is_judged,
                "said": moment.said,
                "refused": moment.refused,
                "told": [
                    {
                        "number": told.number,
                        "sentence": told.sentence,
                        "outcome": told.outcome.value,
                        "tone": _TONES[told.outcome.is_right],
                        "reason": told.reason,
                    }
                    for told in scene.told
                ],
                "cameras": None if scene.panels.cameras is None else _jpeg(scene.panels.cameras),
                "above": _jpeg(scene.panels.above),
            }
        )

    def leave(self, report: Path) -> None:
        """Say that the drive is over, and where its report lies."""
        self._publish({"over": True, "report": str(report)})

    def _publish(self, content: dict[str, Any]) -> None:
        text = json.dumps(content, ensure_ascii=False)
        with self._news:
            self._newest, self._number = text, self._number + 1
            self._news.notify_all()

    def _answer(self, connection: Any, request: Any) -> Any:
        """The page itself; None lets a WebSocket through."""
        path = request.path.partition("?")[0]
        if path == "/live":
            return None
        if path != "/":
            return connection.respond(HTTPStatus.NOT_FOUND, "there is only one page here: /\n")
        answer = connection.respond(HTTPStatus.OK, _PAGE.read_text(encoding="utf-8"))
        del answer.headers["Content-Type"]
        answer.headers["Content-Type"] = "text/html; charset=utf-8"
        return answer

    def _handle(self, connection: Any) -> None:
        """One browser: what is new goes out from here, what it says comes in by a thread of its own."""
        threading.Thread(target=self._listen, args=(connection,), name="live page, in", daemon=True).start()
        with self._news:
            self._watchers += 1
        try:
            self._send_news(connection)
        except self._closed:
            pass  # it went away
        finally:
            with self._news:
                self._watchers -= 1
                self._news.notify_all()

    def _send_news(self, connection: Any) -> None:
        seen = 0
        while True:
            with self._news:
                self._news.wait_for(lambda seen=seen: self._number > seen or self._is_over)  # type: ignore[misc]
                if self._number == seen:
                    return
                text, seen = self._newest, self._number
            connection.send(text)

    def _listen(self, connection: Any) -> None:
        try:
            for message in connection:
                answer = self._take(message)
                if answer:
                    connection.send(json.dumps({"answer": answer}))
        except self._closed:
            pass  # it went away

    def _take(self, message: str | bytes) -> str:
        """Do what the page says; what to answer where it cannot be done."""
        try:
            content = json.loads(message)
        except ValueError:
            content = None
        if not isinstance(content, dict):
            return 'a message is JSON such as {"say": "turn left at the next junction"} or {"end": true}'
        if content.get("end") is True:
            self._inbox.end()
            return ""
        sentence = content.get("say")
        if not isinstance(sentence, str) or len(sentence) > _LONGEST_SENTENCE:
            return f"a sentence is text of at most {_LONGEST_SENTENCE} characters"
        return "" if self._inbox.say(sentence) else "a sentence is empty: nothing was said"


def _jpeg(picture: Image) -> str:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=_JPEG_QUALITY)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()
