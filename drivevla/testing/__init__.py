"""Conformance checks that ship with the package: what our own tests run, contributors and plug-ins run too.

Each check raises ``AssertionError`` with what the contract says and what was seen.
"""

from drivevla.testing.heads import check_generative_head, check_head
from drivevla.testing.metrics import check_metric
from drivevla.testing.policies import check_policy, observations_in_motion
from drivevla.testing.readers import check_reader
from drivevla.testing.samples import sample_observation
from drivevla.testing.scenarios import check_scenario, drive_past
from drivevla.testing.snooping import SnoopingPolicy, assert_nothing_leaks

__all__ = [
    "SnoopingPolicy",
    "assert_nothing_leaks",
    "check_generative_head",
    "check_head",
    "check_metric",
    "check_policy",
    "check_reader",
    "check_scenario",
    "drive_past",
    "observations_in_motion",
    "sample_observation",
]
