"""The policy that answers with the plans of a recorded drive."""

from pathlib import Path

import numpy as np

from drivevla.errors import DataError
from drivevla.policies.horizon import DT_S, STEPS
from drivevla.types import Observation, Plan

__all__ = ["Replay"]


class Replay:
    """Gives every plan again at the time it was given in a record of ticks, whatever it sees.

    Behind the end of the record it stands still and says so in the plan's text.

    Args:
        path: A ``ticks.parquet`` of a closed-loop run.

    Raises:
        DataError: The file is no record, or holds no plan.
        MissingExtra: pyarrow is not installed.
    """

    def __init__(self, *, path: str) -> None:
        from drivevla.evaluation.closed_loop.record import read_record

        rows = [row for row in read_record(Path(path)).rows if row.plan is not None]
        if not rows:
            raise DataError(f"{path} holds no plan to replay: its drive ended before the first one")
        self._times_s = np.array([row.tick.time_s for row in rows])
        self._plans = [row.plan for row in rows]

    def reset(self, seed: int) -> None:
        """Nothing is remembered: the observation's time says which plan it is."""

    def act(self, observation: Observation) -> Plan:
        """The newest plan of the record that is not younger than the observation."""
        period_s = float(np.median(np.diff(self._times_s))) if len(self._times_s) > 1 else DT_S
        number = int(np.searchsorted(self._times_s, observation.timestamp_s + 1e-6, side="right")) - 1
        plan = self._plans[max(number, 0)]
        if plan is None or observation.timestamp_s >= self._times_s[-1] + period_s - 1e-6:
            return Plan(waypoints=np.zeros((STEPS, 3)), dt_s=DT_S, target_speed_mps=0.0, text="the record has ended")
        return plan
