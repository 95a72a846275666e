"""Drive a town by sentences: what was asked, what the car did, whether it obeyed, as a page and a film.

Without sentences the preset's are said, one after the other. Without --policy the checkpoint that ships drives, or the
expert while none does.

Examples:
  drivevla demo
  drivevla demo "turn left at the next junction" "靠边停车" --map Gen_grid_19 --weather rain
  drivevla demo "turn right at the church" --policy runs/nano/checkpoint --out runs/church
  drivevla demo --interactive                         sentences are typed while the car drives
  drivevla demo --web                                 a page on this machine shows the drive and takes sentences
  drivevla demo --host 127.0.0.1 --port 2000          on a CARLA server that runs already
"""

import argparse
import os
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import drivevla
from drivevla.cli.parser import Parser
from drivevla.errors import UserError

if TYPE_CHECKING:
    from drivevla.demo import DemoConfig, DemoResult, Inbox
    from drivevla.demo.audience import Audience, Scene

__all__ = ["add_arguments", "run"]

_LIVE_S = 36_000.0
_QUIT = ("quit", "exit", "q")
_PATIENCE_S = 60.0
_TRIES, _TRIED = 3, "DRIVEVLA_DEMO_TRY"
_PAUSE_S = 2.0
"""At least so long between two lines of what the car says."""


def add_arguments(parser: Parser) -> None:
    """The words and options after `drivevla demo`."""
    parser.add_argument("sentences", nargs="*", metavar="SENTENCE", help="what to ask for, in English or Chinese")
    parser.add_argument("--preset", default="town", metavar="NAME", help="preset of configs/demos (town)")
    parser.add_argument("--map", metavar="NAME|FILE", help="which town; of a running server, its own unless named")
    parser.add_argument("--weather", metavar="WORD", help="clear, rain, storm, night ..., or a preset of CARLA's")
    parser.add_argument("--policy", metavar="NAME|DIR", help="who drives: a registered name, or a checkpoint's folder")
    parser.add_argument("--rig", metavar="NAME", help="sensor rig (nano)")
    parser.add_argument("--vehicles", type=int, metavar="N", help="background traffic")
    parser.add_argument("--seconds", type=float, metavar="S", help="simulated time at most")
    parser.add_argument("--seed", type=int, help="decides everything random")
    parser.add_argument("--out", type=Path, default=Path("runs/demo"), metavar="DIR", help="run folder (runs/demo)")
    parser.add_argument("--host", help="a running CARLA server; without it the embedded simulator is started")
    parser.add_argument("--port", type=int, default=2000, help="its port (2000)")
    parser.add_argument("--interactive", action="store_true", help="take sentences from the terminal while driving")
    parser.add_argument("--web", action="store_true", help="show the drive on a local page that takes sentences")
    parser.add_argument("--web-port", type=int, default=0, metavar="P", help="port of that page (a free one)")


def run(arguments: argparse.Namespace) -> int:
    """Drive and say what came of it."""
    from drivevla.config.resolve import load_config
    from drivevla.demo import DemoConfig

    config = _changed(load_config(DemoConfig, arguments.preset), arguments)
    result = _live(config, arguments) if arguments.interactive or arguments.web else _plain(config, arguments)
    for told in result.diary.told:
        print(f"  {told.number}  {told.outcome.value}: {told.sentence}" + (f" ({told.reason})" if told.reason else ""))
    for sentence in result.diary.unsaid:
        print(f"  -  no time for: {sentence}")
    print(f"drove {result.diary.driven_m:.0f} m, touched {result.diary.collisions} others, on: {result.diary.backend}")
    print(f"report: {result.report}")
    print(f"film: {result.film}")
    return 0


def _changed(config: "DemoConfig", arguments: argparse.Namespace) -> "DemoConfig":
    """The preset with what the command line says. A place to start and sentences belong to the preset's town."""
    changes: dict[str, Any] = {
        name: getattr(arguments, name)
        for name in ("map", "weather", "policy", "rig", "vehicles", "seconds", "seed")
        if getattr(arguments, name) is not None
    }
    if arguments.host is not None:
        changes.setdefault("map", None)
    is_live = arguments.interactive or arguments.web
    if arguments.sentences or is_live:
        changes["sentences"] = tuple(_sentence(each) for each in arguments.sentences)
        changes.setdefault("seconds", _LIVE_S if is_live else config.sentence_s * len(arguments.sentences) + 10.0)
    if arguments.sentences or changes.get("map", config.map) != config.map:
        changes["start"] = None
    return replace(config, **changes)


def _sentence(text: str) -> str:
    key, equals, _ = text.partition("=")
    if equals and key.isidentifier():
        raise UserError(f"{text!r} is no sentence; what is shown is set by options, such as --{key} (see --help)")
    return text


def _plain(config: "DemoConfig", arguments: argparse.Namespace) -> "DemoResult":
    from drivevla.demo import run_demo

    said = f"{len(config.sentences)} sentence{'s' * (len(config.sentences) != 1)}"
    print(f"driving {config.map or 'the map of the server'} by {said}, at most {config.seconds:g} s ...", flush=True)
    with _Watched(_Bar(), patience_s=_PATIENCE_S, again=_own_command()) as watched:
        return run_demo(config, arguments.out, host=arguments.host, port=arguments.port, progress=watched)


def _live(config: "DemoConfig", arguments: argparse.Namespace) -> "DemoResult":
    """Drive until somebody ends it; sentences come from the terminal, from the page, or both."""
    from drivevla.demo import Inbox, run_demo

    is_typed = arguments.interactive and sys.stdin.isatty()
    inbox = Inbox(interrupts=is_typed or not arguments.interactive)
    with ExitStack() as stack:
        audience: list[Audience] = []
        if arguments.web:
            from drivevla.serving.live_page import LivePage

            page = stack.enter_context(LivePage(inbox, port=arguments.web_port))
            audience.append(page)
            print(f"the drive is shown at {page.url} (Ctrl-C ends it)", flush=True)
        if arguments.interactive:
            terminal = _Terminal(inbox)
            audience.append(terminal)
            terminal.start()
        return run_demo(config, arguments.out, host=arguments.host, port=arguments.port, inbox=inbox, audience=audience)


class _Terminal:
    """Reads a sentence a line, and says what the car says."""

    def __init__(self, inbox: "Inbox") -> None:
        self._inbox = inbox
        self._said: str | None = None
        self._said_s, self._told = -_PAUSE_S, 0

    def start(self) -> None:
        """Begin to read."""
        print("type a sentence; `quit` or the end of the input ends the drive", flush=True)
        threading.Thread(target=self._read, name="terminal", daemon=True).start()

    def see(self, scene: "Scene") -> None:
        """Print what is new."""
        for told in scene.told[self._told :]:
            print(f"  {told.outcome.value}: {told.sentence}" + (f" ({told.reason})" if told.reason else ""), flush=True)
        self._told = len(scene.told)
        moment = scene.moment
        if moment.said and moment.said != self._said and moment.time_s - self._said_s >= _PAUSE_S:
            refuses = "refuses: " if moment.refused else ""
            print(f"{moment.time_s:6.1f} s {3.6 * moment.speed_mps:3.0f} km/h  {refuses}{moment.said}", flush=True)
            self._said, self._said_s = moment.said, moment.time_s

    def leave(self, report: Path) -> None:
        """Nothing: where the report is, the command says."""

    def _read(self) -> None:
        for line in sys.stdin:
            if line.strip().lower() in _QUIT:
                self._inbox.end()
                return
            if not self._inbox.say(line):
                print("nothing was said; type a sentence, or `quit`", flush=True)
        self._inbox.close()


class _Watched:
    """Begins the command again where nothing is heard of the drive any more, and at last ends it.

    CARLA's client sometimes misses the word that its Traffic Manager waits for, and stands still inside its own code,
    where no exception reaches it (docs/speed.md). A context manager: behind its end nothing is waited for any more.

    Args:
        tell: Is told what is heard.
        patience_s: From one sign of life to the next, once there was one.
        again: The command that takes this process's place, ``_TRIES`` tries in all; empty for none.
    """

    def __init__(self, tell: Callable[[float], None], *, patience_s: float, again: Sequence[str] = ()) -> None:
        self._tell, self._patience_s, self._again = tell, patience_s, tuple(again)
        self._sign, self._watches, self._over = threading.Event(), False, False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._over = True
        self._sign.set()

    def __call__(self, share: float) -> None:
        self._sign.set()
        if not self._watches:
            self._watches = True
            threading.Thread(target=self._watch, name="watch", daemon=True).start()
        self._tell(share)

    def _watch(self) -> None:
        while self._sign.wait(self._patience_s):
            self._sign.clear()
            if self._over:
                return
        stands = f"nothing was heard of the drive for {self._patience_s:g} s: CARLA's client stands still"
        tried = int(os.environ.get(_TRIED, "1"))
        if self._again and tried < _TRIES:
            print(f"drivevla: {stands}; beginning again, try {tried + 1} of {_TRIES}", file=sys.stderr, flush=True)
            os.environ[_TRIED] = str(tried + 1)
            # The client's threads hold what no exception frees: only another program in their place is rid of them.
            os.execv(self._again[0], self._again)
        print(f"drivevla: error: {stands}. Run the command again.", file=sys.stderr, flush=True)
        os._exit(1)


def _own_command() -> tuple[str, ...]:
    """What started this process, where that was the command line and nothing that merely calls it."""
    started = Path(sys.argv[0])
    is_own = started.name == "drivevla" or started == Path(drivevla.__file__).parent / "__main__.py"
    return (sys.executable, *sys.orig_argv[1:]) if is_own else ()


class _Bar:
    """A bar in a terminal, silence in a file."""

    def __init__(self) -> None:
        self._shown, self._percent = sys.stderr.isatty(), -1

    def __call__(self, share: float) -> None:
        percent = int(100 * share)
        if self._shown and percent != self._percent:
            self._percent = percent
            bar = "#" * (percent // 4)
            print(f"\r  [{bar:<25}] {percent:3d} %", end="\n" if percent == 100 else "", file=sys.stderr, flush=True)
