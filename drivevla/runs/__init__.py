"""Every run leaves a folder that explains itself.

::

    runs/demo/
        config.yaml      the resolved configuration: all that is needed to do it again
        manifest.json    version, commit, command, seeds, package versions, data fingerprint, backend, times, state
        metrics.jsonl    one object a step
        artefacts/       whatever else the run makes
        run.lock         who is writing

==============  =====================================================================
``atomic``      files that are there whole or not at all
``lock``        one writer at a time
``metrics``     numbers by step, and what a killed writer leaves of them
``manifest``    where the results come from
``provenance``  version, commit and packages of this installation
``condition``   what a folder holds: nothing, a run that ended, one that was killed
``folder``      starts, resumes or refuses a run
==============  =====================================================================
"""

from drivevla.runs.condition import Condition, inspect_run
from drivevla.runs.folder import Existing, Run, start_run
from drivevla.runs.manifest import Manifest, read_manifest
from drivevla.runs.metrics import MetricsLog, read_metrics

__all__ = [
    "Condition",
    "Existing",
    "Manifest",
    "MetricsLog",
    "Run",
    "inspect_run",
    "read_manifest",
    "read_metrics",
    "start_run",
]
