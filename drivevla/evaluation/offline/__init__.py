"""Open-loop evaluation: any policy on recorded drives, always beside blind baselines.

===============  =====================================================================
``selection``    which drives are judged on, and which the ego-only baseline learns from
``ego_only``     the baseline that sees nothing but its own motion
``asking``       every policy asked about every sample, a folder a drive, resumable
``facts``        what is kept of a sample: its groups, and a digest of what was seen
``truths``       from readers to the truth that a protocol needs
``intervals``    bootstrapped intervals, by drive
``alternatives`` what other instructions at the same instant change
``pictures``     the worst cases, drawn
``result``       the result file, and the comparison of two
``runner``       all of it, in a folder that explains itself
===============  =====================================================================
"""

from drivevla.evaluation.offline.result import compare_results, read_result
from drivevla.evaluation.offline.runner import (
    CONSTANT_VELOCITY,
    EGO_ONLY,
    OpenLoopConfig,
    Progress,
    evaluate_open_loop,
)

__all__ = [
    "CONSTANT_VELOCITY",
    "EGO_ONLY",
    "OpenLoopConfig",
    "Progress",
    "compare_results",
    "evaluate_open_loop",
    "read_result",
]
