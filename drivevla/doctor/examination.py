"""The table of checks, and which of them are essential."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from drivevla.doctor.finding import Finding, Result
from drivevla.doctor.machine import check_disk, check_memory, check_ports, check_python
from drivevla.doctor.maps import check_maps
from drivevla.doctor.packages import (
    check_carla,
    check_core,
    check_devkit,
    check_language,
    check_libraries,
    check_open3d,
    check_ray,
    check_report,
    check_tables,
    check_torch,
    check_video,
)

__all__ = ["CHECKS", "Check", "examine"]

_AT_ONCE = 4  # most of a check is another process that reads files


@dataclass(frozen=True)
class Check:
    """One line of the table.

    Attributes:
        name: What is looked for.
        essential: Whether the main job, `make demo` on a CPU, needs it.
        run: The check.
    """

    name: str
    essential: bool
    run: Callable[[], Result]


CHECKS = (
    Check("python", True, check_python),
    Check("core", True, check_core),
    Check("torch", True, check_torch),
    Check("language", True, check_language),
    Check("carla", True, check_carla),
    Check("open3d", True, check_open3d),
    Check("libraries", True, check_libraries),
    Check("video", True, check_video),
    Check("report", True, check_report),
    Check("tables", True, check_tables),
    Check("ports", True, check_ports),
    Check("memory", True, check_memory),
    Check("disk", True, check_disk),
    Check("nuscenes", False, check_devkit),
    Check("ray", False, check_ray),
    Check("maps", False, check_maps),
)
"""Every check, in the order in which it is reported. The main job can run when all essential ones are ok."""


def examine(checks: Sequence[Check]) -> list[Finding]:
    """Run the checks, several at a time; the answers come in the order of the table."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return list(pool.map(_finding, checks))


def _finding(check: Check) -> Finding:
    start = time.perf_counter()
    result = check.run()
    return Finding(name=check.name, essential=check.essential, result=result, seconds=time.perf_counter() - start)
