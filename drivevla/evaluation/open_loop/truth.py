"""What predictions are held against: where the car went, and whatever else a protocol needs to know."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from drivevla.errors import ContractError, DataError
from drivevla.evaluation.open_loop.positions import positions_at
from drivevla.geometry import interpolate_poses
from drivevla.types.checks import real_array, set_field, whole_array

__all__ = ["OpenLoopTruth"]

_ROUNDING_S = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenLoopTruth:
    """The truth about N samples.

    Attributes:
        tokens: N names of samples, each once.
        times_s: (T,) seconds from now, strictly increasing and positive; empty where no future is known.
        poses: (N, T, 3) x, y, yaw of the ego frame at these times in the present ego frame; anything finite where not
            valid.
        valid: (N, T) False where the log ended.
        details: Named arrays with one row a sample: what single protocols need beyond the future. Their names, shapes
            and frames are in ``docs/open-loop.md``.
    """

    tokens: tuple[str, ...]
    times_s: NDArray[np.float64]
    poses: NDArray[np.float64]
    valid: NDArray[np.bool_]
    details: Mapping[str, NDArray[Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check and freeze.

        Raises:
            ContractError: A token comes twice, a shape is wrong, a number of a pose is not finite, or a detail has not
                one row a sample.
        """
        count = len(self.tokens)
        if len(set(self.tokens)) != count:
            raise ContractError("every token of the truth comes once; two rows have the same")
        times = real_array("times_s", self.times_s, ("T",))
        if not ((times > 0).all() and (np.diff(times) > 0).all()):
            raise ContractError("times_s of a truth must increase strictly and be positive")
        set_field(self, "times_s", times)
        set_field(self, "poses", real_array("poses", self.poses, (count, len(times), 3)))
        set_field(self, "valid", whole_array("valid", self.valid, (count, len(times)), np.bool_))
        for name, array in self.details.items():
            if not isinstance(array, np.ndarray) or array.dtype.hasobject or array.shape[:1] != (count,):
                came = array.shape if isinstance(array, np.ndarray) else type(array).__name__
                raise ContractError(f"the detail {name!r} must be an array with {count} rows, one a sample, got {came}")
        set_field(self, "details", MappingProxyType(dict(self.details)))

    def __len__(self) -> int:
        return len(self.tokens)

    def take(self, indices: NDArray[np.intp]) -> "OpenLoopTruth":
        """These samples alone, in this order."""
        return OpenLoopTruth(
            tokens=tuple(self.tokens[index] for index in indices),
            times_s=self.times_s,
            poses=self.poses[indices],
            valid=self.valid[indices],
            details={name: array[indices] for name, array in self.details.items()},
        )

    def poses_at(self, times_s: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Where the car was at other times, by interpolation; the present pose counts as time 0.

        Args:
            times_s: (M,) seconds from now.

        Returns:
            (N, M, 3) poses and (N, M) whether they are known: both neighbours in time must be.

        Raises:
            DataError: A time lies beyond the last one, or no future is known at all.
        """
        wanted = np.asarray(times_s, dtype=np.float64)
        known = self._known_at(wanted)
        times = np.concatenate([[0.0], self.times_s])
        poses = np.concatenate([np.zeros((len(self), 1, 3)), self.poses], axis=1)
        return interpolate_poses(times, poses, wanted), known

    def positions_at(self, times_s: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """(N, M, 2) and (N, M): ``poses_at`` without the heading."""
        wanted = np.asarray(times_s, dtype=np.float64)
        known = self._known_at(wanted)
        return positions_at(self.times_s, self.poses, wanted), known

    def detail(self, name: str, shape: tuple[int | str, ...], *, needed_by: str) -> NDArray[Any]:
        """One of the named arrays, with its shape checked and its numbers finite.

        Args:
            name: Its name in the truth file.
            shape: Sizes after the first axis, by number, or by letters for any size.
            needed_by: What asks for it, for the message.

        Raises:
            DataError: The truth does not hold it, or it has another shape.
        """
        if name not in self.details:
            raise DataError(
                f"{needed_by} needs the array {name!r} {_words(shape)} in the truth, which holds "
                f"{', '.join(sorted(self.details)) or 'no such arrays'}; docs/open-loop.md says what it is"
            )
        array = self.details[name]
        fits = array.ndim == len(shape) + 1 and all(
            isinstance(wanted, str) or wanted == came for came, wanted in zip(array.shape[1:], shape, strict=True)
        )
        if not fits:
            raise DataError(f"{name!r} must be {_words(shape)} in the truth, got {array.shape}")
        if np.issubdtype(array.dtype, np.floating) and not np.isfinite(array).all():
            raise DataError(f"{name!r} of the truth holds NaN or infinite numbers; mark what is absent by its mask")
        return array

    def _known_at(self, wanted_s: NDArray[np.float64]) -> NDArray[np.bool_]:
        if not len(self.times_s):
            raise DataError("the truth holds no future poses (t_s, x, y, yaw), which this protocol compares with")
        if wanted_s.size and wanted_s.max() > self.times_s[-1] + _ROUNDING_S:
            raise DataError(
                f"the truth ends {self.times_s[-1]:g} s from now and the protocol compares up to {wanted_s.max():g} s"
            )
        times = np.concatenate([[0.0], self.times_s])
        valid = np.concatenate([np.ones((len(self), 1), dtype=np.bool_), self.valid], axis=1)
        right = np.clip(np.searchsorted(times, wanted_s - _ROUNDING_S), 0, len(times) - 1)
        exact = np.abs(times[right] - wanted_s) <= _ROUNDING_S
        left = np.where(exact, right, np.maximum(right - 1, 0))
        return valid[:, left] & valid[:, right]

    def fingerprint(self) -> str:
        """A SHA-256 over tokens and every array: equal for equal truths, wherever they were read from."""
        digest = hashlib.sha256("\n".join(self.tokens).encode())
        arrays = {"times_s": self.times_s, "poses": self.poses, "valid": self.valid, **self.details}
        for name in sorted(arrays):
            array = np.ascontiguousarray(arrays[name])
            digest.update(f"\n{name} {array.dtype.str} {array.shape}\n".encode())
            digest.update(array.tobytes())
        return digest.hexdigest()


def _words(shape: tuple[int | str, ...]) -> str:
    return f"(N{''.join(f', {size}' for size in shape)})"
