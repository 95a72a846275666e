"""A drive as arrays: where it was, how fast, with which controls, and what the policy said."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from drivevla.evaluation.closed_loop.job import TICKS_FILE
from drivevla.evaluation.closed_loop.record import read_record
from drivevla.report.closed_loop.run import EvaluatedDrive

__all__ = ["DriveTrack", "Said", "read_track"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What the policy said with its plans, as long as it said the same.

    Attributes:
        text: The sentence; "refused" is put before it where the instruction was refused.
        begin_s: With the first plan that said so.
        end_s: When something else was said, or the drive ended.
    """

    text: str
    begin_s: float
    end_s: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DriveTrack:
    """One drive, tick by tick; T may be 0.

    Attributes:
        index: (T,) number of the tick.
        time_s: (T,) simulated.
        xy_m: (T, 2) the ego actor, world frame.
        yaw_rad: (T,) without jumps of a whole turn.
        speed_mps: (T,) over the ground.
        driven_m: (T,) since the start.
        limit_mps: (T,) the speed limit; NaN where the simulator knows of none.
        throttle: (T,) 0 to 1.
        brake: (T,) 0 to 1.
        steering: (T,) -1 to 1, left positive.
        said: Commentary.
    """

    index: NDArray[np.int64]
    time_s: NDArray[np.float64]
    xy_m: NDArray[np.float64]
    yaw_rad: NDArray[np.float64]
    speed_mps: NDArray[np.float64]
    driven_m: NDArray[np.float64]
    limit_mps: NDArray[np.float64]
    throttle: NDArray[np.float64]
    brake: NDArray[np.float64]
    steering: NDArray[np.float64]
    said: tuple[Said, ...]

    def __len__(self) -> int:
        return len(self.index)

    @property
    def end_s(self) -> float:
        """When the drive ended."""
        return float(self.time_s[-1]) if len(self) else 0.0

    def row_of(self, tick: int) -> int | None:
        """The row of a tick; None where the record has none."""
        row = int(np.searchsorted(self.index, tick))
        return row if row < len(self) and self.index[row] == tick else None

    def row_at(self, time_s: float) -> int:
        """The last row that is not later than a time."""
        return max(int(np.searchsorted(self.time_s, time_s + 1e-6, side="right")) - 1, 0)


def read_track(drive: EvaluatedDrive) -> DriveTrack:
    """Read a drive's record; one whose process died twice left none, and its track is empty.

    Raises:
        DataError: The file is missing, damaged or no record.
        MissingExtra: pyarrow is not installed.
    """
    path = drive.folder / TICKS_FILE
    left_none = drive.summary.error is not None and not path.is_file()
    rows = () if left_none else read_record(path).rows
    ticks = [row.tick for row in rows]
    xy = np.array([tick.ego.position_m[:2] for tick in ticks], dtype=np.float64).reshape(-1, 2)
    steps = np.linalg.norm(np.diff(xy, axis=0, prepend=xy[:1]), axis=1)
    velocity = np.array([tick.velocity_mps[:2] for tick in ticks], dtype=np.float64).reshape(-1, 2)
    time = np.array([tick.time_s for tick in ticks], dtype=np.float64)
    plans = [(row.tick.time_s, row.plan) for row in rows if row.plan is not None]
    spoken = [(at, f"refused: {plan.text or ''}" if plan.refused else plan.text) for at, plan in plans]
    return DriveTrack(
        index=np.array([tick.index for tick in ticks], dtype=np.int64),
        time_s=time,
        xy_m=xy,
        yaw_rad=np.unwrap([tick.ego.yaw_rad for tick in ticks]) if ticks else np.zeros(0),
        speed_mps=np.linalg.norm(velocity, axis=1),
        driven_m=np.cumsum(steps),
        limit_mps=np.array([np.nan if tick.speed_limit_mps is None else tick.speed_limit_mps for tick in ticks]),
        throttle=np.array([row.control.throttle for row in rows], dtype=np.float64),
        brake=np.array([row.control.brake for row in rows], dtype=np.float64),
        steering=np.array([row.control.steering for row in rows], dtype=np.float64),
        said=_said(spoken, float(time[-1]) if len(time) else 0.0),
    )


def _said(spoken: list[tuple[float, str | None]], end_s: float) -> tuple[Said, ...]:
    found: list[Said] = []
    for number, (at, text) in enumerate(spoken):
        until = spoken[number + 1][0] if number + 1 < len(spoken) else end_s
        if text is None:
            continue
        if found and found[-1].text == text and found[-1].end_s == at:
            found[-1] = Said(text=text, begin_s=found[-1].begin_s, end_s=until)
        else:
            found.append(Said(text=text, begin_s=at, end_s=until))
    return tuple(found)
