"""Python, memory, cores, disk and ports."""

import os
import shutil
import socket
import sys
from pathlib import Path

from drivevla.config.places import home
from drivevla.doctor.finding import Result, found, lacking

__all__ = ["check_disk", "check_memory", "check_ports", "check_python", "memory_limits_bytes"]

OLDEST_PYTHON = (3, 11)
NEEDED_MEMORY_GB = 4.0  # torch, a town's scene in the ray caster and the client side by side
NEEDED_DISK_GB = 2.0  # a demo's video, the caches of maps and sentences, a checkpoint
CARLA_PORT = 2000  # and the next one: RPC and streaming

_GB = 1e9


def check_python(version: tuple[int, ...] = sys.version_info[:3]) -> Result:
    """Python is recent enough."""
    text = ".".join(map(str, version))
    if version < OLDEST_PYTHON:
        wanted = ".".join(map(str, OLDEST_PYTHON))
        return lacking(f"{text}, {wanted} or later is needed", remedy=f"apt install python{wanted} python{wanted}-venv")
    return found(text)


def check_memory(meminfo: Path = Path("/proc/meminfo"), cgroup: Path = Path("/sys/fs/cgroup/memory.max")) -> Result:
    """There is room for the simulator, the client and the model at once."""
    cores = len(os.sched_getaffinity(0))
    limits = memory_limits_bytes(meminfo, cgroup)
    if not limits:
        return found(f"{cores} cores; this system does not tell its memory")
    memory_gb = min(limits) / _GB
    detail = f"{memory_gb:.1f} GB of memory, {cores} cores"
    if memory_gb < NEEDED_MEMORY_GB:
        return lacking(
            f"{detail}; {NEEDED_MEMORY_GB:g} GB is needed", remedy="use a larger machine or raise the container's limit"
        )
    return found(detail)


def memory_limits_bytes(meminfo: Path, cgroup: Path) -> list[int]:
    """Whatever bounds memory here: the machine's total, and the container's limit where there is one."""
    limits = []
    if meminfo.is_file():
        total = next(line for line in meminfo.read_text().splitlines() if line.startswith("MemTotal:"))
        limits.append(int(total.split()[1]) * 1024)
    if cgroup.is_file() and cgroup.read_text().strip() != "max":
        limits.append(int(cgroup.read_text()))
    return limits


def check_disk(folder: Path | None = None) -> Result:
    """``$DRIVEVLA_HOME`` can be written to and has room."""
    folder = home() if folder is None else folder
    existing = next(each for each in (folder, *folder.parents) if each.exists())
    if not (existing.is_dir() and os.access(existing, os.W_OK | os.X_OK)):
        return lacking(f"{folder} cannot be written to", remedy="set DRIVEVLA_HOME to a folder that can")
    free_gb = shutil.disk_usage(existing).free / _GB
    detail = f"{free_gb:.1f} GB free at {folder}"
    if free_gb < NEEDED_DISK_GB:
        return lacking(
            f"{detail}; {NEEDED_DISK_GB:g} GB is needed", remedy="free some, or set DRIVEVLA_HOME to a roomier folder"
        )
    return found(detail)


def check_ports() -> Result:
    """A server can listen on the loopback interface."""
    try:
        with socket.socket() as any_port:
            any_port.bind(("127.0.0.1", 0))
    except OSError as error:
        return lacking(
            f"cannot listen on 127.0.0.1: {error}", remedy="bring the loopback interface up: ip link set lo up"
        )
    taken = [port for port in (CARLA_PORT, CARLA_PORT + 1) if not _is_free(port)]
    if taken:
        return found(
            f"loopback works; {' and '.join(map(str, taken))} in use, so another server may be running: pass --port"
        )
    return found(f"loopback works; CARLA's own {CARLA_PORT} and {CARLA_PORT + 1} are free")


def _is_free(port: int) -> bool:
    with socket.socket() as candidate:
        candidate.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do: a closed connection may linger
        try:
            candidate.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
