"""What is for testing only, and never collected from for training nor trained on."""

import re
from collections.abc import Iterable, Sequence

from drivevla.errors import ConfigError
from drivevla.types import Scene

__all__ = ["CARLA_TOWNS", "GENERATED_FOR_TESTS", "HELD_OUT_TOWNS", "is_held_out", "refuse_test_material"]

GENERATED_FOR_TESTS = r"Gen_\w+_\d*9"
"""Generated towns whose seed ends in 9."""

CARLA_TOWNS = r"Town\d\d\w*"
"""CARLA's own towns: LangAuto, longest6 and Bench2Drive drive there."""

HELD_OUT_TOWNS = (GENERATED_FOR_TESTS, CARLA_TOWNS)

_TEST_SPLIT = "test"


def is_held_out(map_name: str, towns: Sequence[str] = HELD_OUT_TOWNS) -> bool:
    """Whether a map is for testing only.

    Args:
        map_name: With or without the folder that CARLA puts before it.
        towns: Patterns of whole names.
    """
    name = map_name.rpartition("/")[2]
    return any(re.fullmatch(pattern, name) for pattern in towns)


def refuse_test_material(
    map_names: Iterable[str | None] = (), *, scenes: Iterable[Scene] = (), towns: Sequence[str] = HELD_OUT_TOWNS
) -> None:
    """Raise where anything that is meant for training is for testing only.

    Args:
        map_names: Where it was or will be driven.
        scenes: Drives: their maps and their splits are looked at.
        towns: Patterns of the towns that are held out.

    Raises:
        ConfigError: A map is held out, or a scene is of the split "test"; the message names them.
    """
    scenes = tuple(scenes)
    names = {name for name in map_names if name} | {scene.map_name for scene in scenes if scene.map_name}
    if held_out := sorted(name for name in names if is_held_out(name, towns)):
        raise ConfigError(
            f"{', '.join(held_out)}: for testing only, never for training (generated towns whose seed ends in 9, and "
            "CARLA's own towns); choose another seed"
        )
    if tests := sorted(scene.name for scene in scenes if scene.split == _TEST_SPLIT):
        named = ", ".join(tests[:5]) + (f" and {len(tests) - 5} more" if len(tests) > 5 else "")
        raise ConfigError(f"{named}: of the split 'test', which is never trained on; leave it out with data split")
