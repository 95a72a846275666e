"""Maps on this machine."""

from pathlib import Path

from drivevla.config.places import map_folders
from drivevla.doctor.finding import Result, found, lacking

__all__ = ["check_maps"]


def check_maps(folders: tuple[Path, ...] | None = None) -> Result:
    """Which maps can be loaded by name, beside those that the generator makes."""
    towns: set[str] = set()
    for folder in map_folders() if folders is None else folders:
        towns |= {file.name.partition(".")[0] for file in folder.glob("*.xodr*")}
    if not towns:
        return lacking(
            "none found by name; generated towns work without",
            remedy="set DRIVEVLA_MAPS to a folder with .xodr files, or CARLA_ROOT",
        )
    return found(f"{len(towns)}: {', '.join(sorted(towns))}")
