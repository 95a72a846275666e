"""nuScenes, read through its own devkit (extra ``nuscenes``); nothing else of ours imports it."""

from drivevla.datasets.nuscenes.commands import (
    bevplanner_entry,
    command_from_lateral_m,
    stp3_word,
    uniad_index,
    vad_one_hot,
)
from drivevla.datasets.nuscenes.reader import CAMERAS, NuScenesReader

__all__ = [
    "CAMERAS",
    "NuScenesReader",
    "bevplanner_entry",
    "command_from_lateral_m",
    "stp3_word",
    "uniad_index",
    "vad_one_hot",
]
