"""The contract of the registry's group "metrics": what an open-loop protocol is and what it answers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from drivevla.errors import ContractError
from drivevla.evaluation.open_loop.predictions import Predictions
from drivevla.evaluation.open_loop.truth import OpenLoopTruth
from drivevla.types.checks import real_array, set_field

__all__ = ["Definition", "OpenLoopMetric", "Samples", "Scores"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """What a reader must know to compare two numbers.

    Attributes:
        name: What the registry calls the protocol.
        version: Changes whenever the same input may give another number; results of two versions are not compared.
        summary: The definition in a line: what is averaged over what.
        source: Paper or repository with commit and file.
        horizon_s: Plans must reach at least this far; 0 where no plan is read.
        details: Names of the truth's arrays that are needed beyond the future poses.
        needs_plans: Whether every sample needs a plan; False for protocols of texts alone.
    """

    name: str
    version: str
    summary: str
    source: str
    horizon_s: float
    details: tuple[str, ...] = ()
    needs_plans: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Samples:
    """Predictions and truth of the same samples in the same order.

    Attributes:
        predictions: What was answered.
        truth: What is true.
    """

    predictions: Predictions
    truth: OpenLoopTruth

    def __post_init__(self) -> None:
        """Check.

        Raises:
            ContractError: The tokens differ, or there are none.
        """
        if self.predictions.tokens != self.truth.tokens:
            raise ContractError("predictions and truth must hold the same tokens in the same order")
        if not self.truth.tokens:
            raise ContractError("there is no sample to score")

    def __len__(self) -> int:
        return len(self.truth)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """What a protocol answers.

    Attributes:
        values: The protocol's numbers; the unit is in the name ("L2_1s_m"), shares are from 0 to 1.
        per_sample: For every value that is a mean over samples: (N,) contributions, NaN for a sample that the protocol
            leaves out of numerator and denominator, so that ``values[name] == nanmean(per_sample[name])``.
        counts: Whole numbers that belong to the values: the denominator ("samples") first of all.
    """

    values: Mapping[str, float]
    per_sample: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check and freeze.

        Raises:
            ContractError: A value is not finite, or a column per sample has no value of its name.
        """
        for name, value in self.values.items():
            real_array(f"values[{name!r}]", value, ())
        strays = sorted(set(self.per_sample) - set(self.values))
        if strays:
            raise ContractError(f"per_sample holds {', '.join(strays)}, which values does not")
        set_field(self, "values", MappingProxyType({name: float(value) for name, value in self.values.items()}))
        set_field(self, "per_sample", MappingProxyType(dict(self.per_sample)))
        set_field(self, "counts", MappingProxyType({name: int(count) for name, count in self.counts.items()}))


@runtime_checkable
class OpenLoopMetric(Protocol):
    """One open-loop protocol. The registry holds a callable without arguments that makes one: usually its class."""

    @property
    def definition(self) -> Definition:
        """Its name, version, source and needs."""
        ...

    def score(self, samples: Samples) -> Scores:
        """Score samples that each have what the definition asks for.

        Raises:
            DataError: The truth lacks something, or nothing is left to average over.
        """
        ...
