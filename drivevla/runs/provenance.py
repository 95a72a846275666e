"""Version, commit and packages of this installation."""

import importlib.metadata
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import drivevla
from drivevla import registry

__all__ = ["Commit", "package_versions", "source_commit"]


@dataclass(frozen=True, kw_only=True)
class Commit:
    """A state of the sources.

    Attributes:
        sha: The commit that is checked out.
        dirty: Whether tracked files differ from it.
    """

    sha: str
    dirty: bool


def source_commit(package: Path = Path(drivevla.__file__).parent) -> Commit | None:
    """The commit of the sources that run, or None where they are not under git.

    An installed package may lie inside some other repository: only a folder whose own files git tracks counts.
    """
    if _git(package, "ls-files", "--error-unmatch", "__init__.py") is None:
        return None
    sha = _git(package, "rev-parse", "HEAD")
    changes = _git(package, "status", "--porcelain", "--untracked-files=no")
    if sha is None or changes is None:
        return None
    return Commit(sha=sha, dirty=bool(changes))


def package_versions() -> dict[str, str]:
    """Versions of what DriveVLA depends on, of its extras, and of every plug-in, as far as they are installed."""
    requirements = importlib.metadata.requires("drivevla") or []
    names = {re.split(r"[^A-Za-z0-9._-]", each, maxsplit=1)[0] for each in requirements}
    for group in registry.GROUPS:
        names |= {entry.origin for entry in registry.entries(group)}
    versions = {}
    for name in sorted(names, key=str.lower):
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments], capture_output=True, text=True, timeout=30, check=False
        )
    except (FileNotFoundError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
