"""The live page as a browser and as any client see it; drives are made up, the server and the browser are real."""

import json
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from drivevla.demo.audience import Scene
from drivevla.demo.conversation import Inbox
from drivevla.demo.diary import Moment, Told
from drivevla.demo.hearing import Outcome
from drivevla.demo.screen import Panels
from drivevla.errors import UserError
from drivevla.serving.live_page import LivePage

pil = pytest.importorskip("PIL.Image", reason="the extra 'report' is not installed")
client = pytest.importorskip("websockets.sync.client", reason="the extra 'serve' is not installed")

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
WAIT_S = 60.0


def scene(*, asked: str = "在下一个路口左转。", refused: bool = False) -> Scene:
    moment = Moment(
        time_s=3.25,
        x_m=0.0,
        y_m=0.0,
        speed_mps=10.0,
        limit_mps=None,
        throttle=0.5,
        brake=0.0,
        steering=0.0,
        heard=asked,
        said="turning <b>left</b>",
        refused=refused,
    )
    told = Told(
        number=1,
        sentence="Run the red light.",
        issued_s=0.0,
        ended_s=3.0,
        x_m=0.0,
        y_m=0.0,
        outcome=Outcome.RIGHTLY_REFUSED,
        must_refuse=True,
        refused_share=1.0,
        understood=None,
        reason="",
    )
    panels = Panels(cameras=pil.new("RGB", (60, 20), (200, 0, 0)), above=pil.new("RGB", (30, 30), (0, 0, 200)))
    return Scene(moment=moment, panels=panels, told=(told,), is_judged=True)


def until(condition: Any) -> Any:
    end_s = time.monotonic() + WAIT_S
    while not (found := condition()):
        assert time.monotonic() < end_s, "nothing came"
        time.sleep(0.05)
    return found


@contextmanager
def live(page: LivePage) -> Iterator[Any]:
    """A client that watches and is known to."""
    with client.connect(page.url.replace("http", "ws") + "live") as connection:
        until(lambda: page._watchers)
        yield connection


def test_what_happens_is_shown_and_what_is_said_arrives() -> None:
    inbox = Inbox()
    with LivePage(inbox) as page, live(page) as connection:
        page.see(scene())
        news = json.loads(connection.recv(WAIT_S))
        assert (news["asked"], news["speed_kmh"], news["limit_kmh"]) == ("在下一个路口左转。", 36, None)
        assert news["told"][0]["outcome"] == "rightly refused"
        assert news["cameras"].startswith("data:image/jpeg;base64,")
        connection.send(json.dumps({"say": "  靠边  停车 "}))
        assert until(inbox.take) == "靠边 停车"
        connection.send(json.dumps({"end": True}))
        assert until(lambda: inbox.is_ended)
        page.leave(Path("runs/demo/report.html"))
        assert json.loads(connection.recv(WAIT_S)) == {"over": True, "report": "runs/demo/report.html"}


@pytest.mark.parametrize(
    ("message", "answer"),
    [
        ('{"say": "   "}', "empty"),
        ('{"say": 5}', "at most 500 characters"),
        (json.dumps({"say": "left " * 200}), "at most 500 characters"),
        ("turn left", "a message is JSON"),
        ("[]", "a message is JSON"),
    ],
)
def test_what_cannot_be_said_is_answered_and_not_said(message: str, answer: str) -> None:
    inbox = Inbox()
    with LivePage(inbox) as page, live(page) as connection:
        connection.send(message)
        assert answer in json.loads(connection.recv(WAIT_S))["answer"]
    assert inbox.take() is None


def test_pages_of_others_may_not_speak_and_other_addresses_hold_nothing() -> None:
    with LivePage(Inbox()) as page:
        with pytest.raises(Exception, match="403"):
            client.connect(page.url.replace("http", "ws") + "live", origin="http://evil.example").close()
        with pytest.raises(urllib.error.HTTPError, match="404") as refusal:
            urllib.request.urlopen(page.url + "elsewhere")
        refusal.value.close()


def test_a_port_that_is_taken_is_refused_with_what_to_do() -> None:
    with LivePage(Inbox()) as page:
        port = int(page.url.rstrip("/").rpartition(":")[2])
        with pytest.raises(UserError, match=rf"cannot listen on port {port}.*0 for any"), LivePage(Inbox(), port=port):
            pass


@pytest.mark.timeout(300)  # a browser on a busy machine
def test_in_a_browser_the_drive_is_seen_and_the_box_takes_a_sentence(tmp_path: Path) -> None:
    inbox = Inbox()
    with LivePage(inbox) as page, browser(tmp_path) as ask:
        ask(f"location.href = {page.url!r}")
        until(lambda: page._watchers)
        page.see(scene(refused=True))
        until(lambda: ask("document.getElementById('asked')?.textContent") == "“在下一个路口左转。”")
        assert ask("document.getElementById('said').textContent") == "refuses: turning <b>left</b>"
        assert ask("document.getElementById('speed').textContent") == "36"
        assert "Run the red light." in ask("document.getElementById('told').textContent")
        until(lambda: ask("document.getElementById('cameras').naturalWidth") == 60)
        until(lambda: ask("document.getElementById('above').naturalWidth") == 30)
        ask("document.getElementById('sentence').value = 'Turn left at the church.'")
        ask("document.querySelector('#form button').click()")
        assert until(inbox.take) == "Turn left at the church."
        assert ask("document.getElementById('sentence').value") == ""
        ask("document.querySelector('#form button').click()")
        until(lambda: "nothing was said" in ask("document.getElementById('answer').textContent"))
        ask("document.getElementById('end').click()")
        assert until(lambda: inbox.is_ended)
        page.leave(Path("runs/demo/report.html"))
        until(lambda: "the drive is over" in ask("document.getElementById('state').textContent"))


@contextmanager
def browser(folder: Path) -> Iterator[Any]:
    """A headless browser, asked by its own protocol; skips where there is none."""
    program = browser_command()
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-port=0", f"--user-data-dir={folder}"]
    process = subprocess.Popen(
        [*program, *options, "about:blank"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        port = until(lambda: _text(folder / "DevToolsActivePort")).split()[0]
        pages = until(lambda: _pages(port))
        with client.connect(pages[0]["webSocketDebuggerUrl"], max_size=None) as connection:
            number = 0

            def ask(expression: str) -> Any:
                nonlocal number
                number += 1
                wanted = {"expression": expression, "returnByValue": True}
                connection.send(json.dumps({"id": number, "method": "Runtime.evaluate", "params": wanted}))
                while (answer := json.loads(connection.recv(WAIT_S))).get("id") != number:
                    pass
                return answer["result"]["result"].get("value")

            yield ask
    finally:
        process.terminate()
        process.wait(30)


def browser_command() -> list[str]:
    """What starts a browser: one of this machine, or Chromium's engine of the extra 'browser'."""
    own = next(filter(None, map(shutil.which, BROWSERS)), None)
    if own is not None:
        return [own]
    if find_spec("PyQt6") is None or find_spec("PyQt6.QtWebEngineWidgets") is None:
        pytest.skip(f"none of {', '.join(BROWSERS)} is installed, nor the extra 'browser'")
    return [sys.executable, str(Path(__file__).parent / "qt_browser.py")]


def _text(path: Path) -> str:
    return path.read_text() if path.is_file() else ""


def _pages(port: str) -> list[dict[str, Any]]:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/json/list", timeout=WAIT_S) as answer:
        return [each for each in json.load(answer) if each["type"] == "page"]
