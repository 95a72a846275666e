"""Say what this machine has and lacks, and what to do about it.

The exit code is 0 when the main job can run: driving the embedded simulator by sentences on a CPU (`make demo`).
Lines marked (optional) do not count.
"""

import argparse
import json
from collections.abc import Sequence

import drivevla
from drivevla.cli.parser import Parser
from drivevla.doctor.finding import Finding

__all__ = ["add_arguments", "run"]


def add_arguments(parser: Parser) -> None:
    """The options of `drivevla doctor`."""
    parser.add_argument("--json", action="store_true", help="print the findings as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Examine this machine; 0 when the main job can run, else 1."""
    from drivevla import doctor

    findings = doctor.examine(doctor.CHECKS)
    blocking = [finding.name for finding in findings if finding.essential and not finding.result.ok]
    print(_as_json(findings, blocking) if arguments.json else _as_text(findings, blocking))
    return 1 if blocking else 0


def _as_text(findings: Sequence[Finding], blocking: Sequence[str]) -> str:
    width = max(len(finding.name) for finding in findings)
    lines = [f"drivevla {drivevla.__version__}"]
    for finding in findings:
        state = "ok" if finding.result.ok else "missing"
        optional = "" if finding.essential else " (optional)"
        lines.append(f"  {state:<7}  {finding.name:<{width}}  {finding.result.detail}{optional}")
        if not finding.result.ok:
            lines.append(f"  {'':<7}  {'':<{width}}  -> {finding.result.remedy}")
    lines.append(
        f"the main job cannot run: see to {', '.join(blocking)}"
        if blocking
        else "the main job can run: try `make demo`"
    )
    return "\n".join(lines)


def _as_json(findings: Sequence[Finding], blocking: Sequence[str]) -> str:
    checks = [
        {
            "name": finding.name,
            "essential": finding.essential,
            "ok": finding.result.ok,
            "detail": finding.result.detail,
            "remedy": finding.result.remedy,
            "seconds": round(finding.seconds, 3),
        }
        for finding in findings
    ]
    return json.dumps({"version": drivevla.__version__, "can_run": not blocking, "checks": checks}, indent=2)
