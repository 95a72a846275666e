"""What a training says of itself: lines of metrics, TensorBoard, terms that teach nothing, time left."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drivevla.errors import require
from drivevla.runs import MetricsLog
from drivevla.training.config import StageConfig
from drivevla.training.stage import StepReport

__all__ = ["Logbook", "Progress", "StillTerms"]

_STEPS_TO_JUDGE = 20
_LINES_TO_A_RATE = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Where a training is.

    Attributes:
        stage: Its name.
        step: Steps done in all stages.
        steps: Steps of all stages.
        loss: The mean since the last word.
        samples_per_s: Of the last few words; None at the first.
        left_s: Seconds to go at this rate; None without one.
        watched: What the last look at the validation samples said.
        still: Names of terms that are to be learned and never changed.
    """

    stage: str
    step: int
    steps: int
    loss: float
    samples_per_s: float | None
    left_s: float | None
    watched: Mapping[str, float]
    still: tuple[str, ...]


class StillTerms:
    """Terms of a loss that are the same number in every step: nothing is learned from them."""

    def __init__(self) -> None:
        self._seen: dict[str, tuple[int, float, float]] = {}

    def see(self, terms: Mapping[str, float]) -> None:
        """Look at the terms of a step."""
        for name, value in terms.items():
            count, low, high = self._seen.get(name, (0, math.inf, -math.inf))
            self._seen[name] = (count + 1, min(low, value), max(high, value))

    @property
    def names(self) -> tuple[str, ...]:
        """Terms that did not move in at least 20 steps."""
        return tuple(
            sorted(name for name, (count, low, high) in self._seen.items() if count >= _STEPS_TO_JUDGE and low == high)
        )


class Logbook:
    """Writes down the steps of a training.

    Args:
        metrics: Where lines go; None for a process that writes nothing.
        stages: What is trained, in order.
        log_every: Steps to a line.
        tell: Told how far it is, with every line.
        tensorboard: A folder for TensorBoard's files; None for none.

    Raises:
        MissingExtra: TensorBoard is asked for and not installed.
    """

    def __init__(
        self,
        metrics: MetricsLog | None,
        stages: Mapping[str, StageConfig],
        *,
        log_every: int,
        tell: Callable[[Progress], None],
        tensorboard: Path | None = None,
    ) -> None:
        self._metrics, self._stages, self._log_every, self._tell = metrics, dict(stages), log_every, tell
        self._total = sum(stage.steps for stage in stages.values())
        self._stage, self._before, self._batch_size = "", 0, 0
        self._weightless: frozenset[str] = frozenset()
        self._still = StillTerms()
        self._waiting: list[StepReport] = []
        self._watched: dict[str, float] = {}
        self._times: deque[tuple[float, int]] = deque(maxlen=_LINES_TO_A_RATE)
        self._board: Any = None
        if tensorboard is not None:
            require("tensorboard", "train")
            self._board = require("torch.utils.tensorboard", "train").SummaryWriter(str(tensorboard))

    def begin(self, stage: str) -> None:
        """A stage begins."""
        names = list(self._stages)
        self._before = sum(self._stages[name].steps for name in names[: names.index(stage)])
        self._stage, self._batch_size = stage, self._stages[stage].batch_size
        self._weightless = self._stages[stage].weightless
        self._still = StillTerms()
        self._waiting = []
        self._times.clear()

    def step(self, report: StepReport) -> None:
        """A step is done."""
        self._still.see({name: value for name, value in report.terms.items() if name not in self._weightless})
        self._waiting.append(report)
        if (report.step + 1) % self._log_every == 0 or report.step + 1 == self._stages[self._stage].steps:
            self._write()

    def watched(self, step: int, values: Mapping[str, float]) -> None:
        """The validation samples were looked at after so many steps of the stage."""
        self._watched = dict(values)
        self._line(self._before + step, {f"validation/{name}": value for name, value in values.items()})
        self._times.clear()  # looking is not learning

    def close(self) -> None:
        """Nothing more comes."""
        if self._board is not None:
            self._board.close()

    def _write(self) -> None:
        count, last = len(self._waiting), self._waiting[-1]
        loss = sum(each.loss for each in self._waiting) / count
        done = self._before + last.step + 1
        rate = self._samples_per_s(done)
        values = {
            "loss": loss,
            "gradient_norm": sum(each.gradient_norm for each in self._waiting) / count,
            "learning_rate": last.learning_rate,
        }
        if rate is not None:
            values["samples_per_s"] = rate
        values |= {f"term/{name}": sum(each.terms[name] for each in self._waiting) / count for name in last.terms}
        self._line(done, values)
        self._waiting = []
        left = (
            sum(
                each.steps * each.batch_size for name, each in self._stages.items() if self._begins(name) > self._before
            )
            + (self._stages[self._stage].steps - last.step - 1) * self._batch_size
        )
        self._tell(
            Progress(
                stage=self._stage,
                step=done,
                steps=self._total,
                loss=loss,
                samples_per_s=rate,
                left_s=None if rate is None else left / rate,
                watched=self._watched,
                still=self._still.names,
            )
        )

    def _samples_per_s(self, done: int) -> float | None:
        """Over the last few lines; None at the first, which has nothing to be compared with."""
        self._times.append((time.monotonic(), done * self._batch_size))
        (begun_s, before), (now_s, by_now) = self._times[0], self._times[-1]
        return (by_now - before) / (now_s - begun_s) if now_s > begun_s else None

    def _begins(self, stage: str) -> int:
        names = list(self._stages)
        return sum(self._stages[name].steps for name in names[: names.index(stage)])

    def _line(self, step: int, values: Mapping[str, float]) -> None:
        if self._metrics is not None:
            still = {"still_terms": ", ".join(self._still.names)} if self._still.names else {}
            self._metrics.log(step, {"stage": self._stage, **values, **still})
        if self._board is not None:
            for name, value in values.items():
                self._board.add_scalar(name, value, step)
