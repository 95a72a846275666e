"""A stand-in for a CARLA installation: evaluators that start ``$CARLA_ROOT/CarlaUE4.sh`` themselves start ours."""

import re
import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from drivevla.errors import DriveVLAError, UserError

__all__ = ["CarlaArguments", "main", "parse_carla_arguments", "write_carla_root"]

SCRIPT_NAME = "CarlaUE4.sh"

_PORT = re.compile(r"-{1,2}(?P<name>carla-rpc-port|carla-port|carla-world-port|carla-streaming-port)=(?P<port>.*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class CarlaArguments:
    """What the arguments of ``CarlaUE4.sh`` ask of us.

    Attributes:
        map_name: The map to begin with; None for the default.
        port: Port of the calls.
        stream_port: Port of the streams; None for the next one.
    """

    map_name: str | None = None
    port: int = 2000
    stream_port: int | None = None


def write_carla_root(folder: Path) -> Path:
    """Write a folder that serves as ``$CARLA_ROOT``.

    Returns:
        The start script.

    Raises:
        UserError: There is another CarlaUE4.sh already, or the folder cannot be written.
    """
    script = folder / SCRIPT_NAME
    text = f'#!/bin/sh\n# {_MARK}\nexec {shlex.quote(sys.executable)} -m drivevla.sim.server.carla_root "$@"\n'
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if script.exists() and _MARK not in script.read_text(errors="replace"):
            raise UserError(f"{script} exists and is not ours; choose a folder without a CARLA installation")
        script.write_text(text)
        script.chmod(0o755)
    except OSError as error:
        raise UserError(f"cannot write {script}: {error}") from error
    return script


_MARK = "Starts DriveVLA's embedded simulator in place of CARLA."


def parse_carla_arguments(arguments: Sequence[str]) -> CarlaArguments:
    """Read the arguments that evaluators give to ``CarlaUE4.sh``; flags about pictures and sound change nothing here.

    Raises:
        UserError: A port is no port number.
    """
    map_name: str | None = None
    ports: dict[str, int] = {}
    for argument in arguments:
        if match := _PORT.fullmatch(argument):
            ports[match["name"]] = _port(argument, match["port"])
        elif not argument.startswith("-") and map_name is None:
            map_name = argument.partition("?")[0]  # Unreal's map options follow a question mark
    port = next((ports[name] for name in ("carla-rpc-port", "carla-port", "carla-world-port") if name in ports), 2000)
    return CarlaArguments(map_name=map_name, port=port, stream_port=ports.get("carla-streaming-port"))


def main(arguments: Sequence[str]) -> int:
    """What ``CarlaUE4.sh`` runs."""
    from drivevla.sim.server.serve import DEFAULT_MAP, serve
    from drivevla.sim.server.server import Server

    def say(line: str) -> None:
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()

    def announce(server: Server) -> None:
        say(server.describe())

    try:
        asked = parse_carla_arguments(arguments)
        serve(asked.map_name or DEFAULT_MAP, announce=announce, say=say, port=asked.port, stream_port=asked.stream_port)
    except DriveVLAError as error:
        sys.stderr.write(f"{SCRIPT_NAME}: {error}\n")
        return 2 if isinstance(error, UserError) else 1
    return 0


def _port(argument: str, text: str) -> int:
    if not text.isdecimal() or not 0 <= int(text) <= 65535:
        raise UserError(f"{argument!r}: a port is a number from 0 to 65535")
    return int(text)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
