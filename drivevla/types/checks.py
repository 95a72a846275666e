"""The checks that every contract uses at its boundary."""

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from drivevla.errors import ContractError
from drivevla.geometry import is_rigid

__all__ = [
    "frozen_mapping",
    "real_array",
    "real_number",
    "rigid_transform",
    "set_field",
    "whole_array",
]

Value = TypeVar("Value")
Shape = tuple[int | str, ...]


def set_field(instance: object, name: str, value: object) -> None:
    """Give a frozen dataclass its checked value while it is being made."""
    object.__setattr__(instance, name, value)


def real_array(name: str, value: ArrayLike, shape: Shape) -> NDArray[np.float64]:
    """A read-only float64 copy-free view with the stated shape and only finite numbers.

    Args:
        name: What the message calls it.
        value: What came.
        shape: Sizes by number, or letters for any size; a letter that occurs twice must be the same size both times.

    Raises:
        ContractError: The shape is another, or a number is NaN or infinite.
    """
    try:
        array = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ContractError(f"{name} must be numbers of shape {_words(shape)}, got {type(value).__name__}") from error
    _check_shape(name, array, shape)
    # A sum that is finite has only finite terms, and is quicker to come by than the terms' own answers.
    if not math.isfinite(np.add.reduce(array, axis=None)) and not np.isfinite(array).all():
        bad = int((~np.isfinite(array)).sum())
        raise ContractError(f"{name} must be finite, got {bad} of {array.size} values NaN or infinite")
    return _read_only(array)


def whole_array(name: str, value: NDArray[Any], shape: Shape, dtype: type[np.generic]) -> NDArray[Any]:
    """A read-only view of an array that already has the stated type: images, masks, labels.

    Raises:
        ContractError: The type or the shape is another. Nothing is converted, since that would hide a wrong scale.
    """
    if not isinstance(value, np.ndarray) or value.dtype != np.dtype(dtype):
        came = value.dtype if isinstance(value, np.ndarray) else type(value).__name__
        raise ContractError(f"{name} must be a {np.dtype(dtype).name} array of shape {_words(shape)}, got {came}")
    _check_shape(name, value, shape)
    return _read_only(value)


def real_number(
    name: str, value: float, *, at_least: float | None = None, above: float | None = None, at_most: float | None = None
) -> float:
    """A finite number within its bounds.

    Raises:
        ContractError: It is not a number, NaN, infinite or out of bounds.
    """
    try:
        number = float(value)
    except (TypeError, ValueError) as error:
        raise ContractError(f"{name} must be a number, got {value!r}") from error
    if not math.isfinite(number):
        raise ContractError(f"{name} must be finite, got {number}")
    if at_least is not None and number < at_least:
        raise ContractError(f"{name} must be at least {at_least:g}, got {number:g}")
    if above is not None and number <= above:
        raise ContractError(f"{name} must be above {above:g}, got {number:g}")
    if at_most is not None and number > at_most:
        raise ContractError(f"{name} must be at most {at_most:g}, got {number:g}")
    return number


def rigid_transform(name: str, value: ArrayLike) -> NDArray[np.float64]:
    """A read-only (4, 4) rigid transform.

    Raises:
        ContractError: It is not 4 x 4, not orthonormal, or mirrored.
    """
    matrix = real_array(name, value, (4, 4))
    if not is_rigid(matrix):
        raise ContractError(
            f"{name} must be a rigid transform: an orthonormal right-handed rotation and a last row of 0 0 0 1; "
            "a mirrored one usually means that a left-handed frame was not converted by drivevla.geometry"
        )
    return matrix


def frozen_mapping(name: str, value: Mapping[str, Value], kind: type[Value]) -> Mapping[str, Value]:
    """A read-only mapping from names to values of one type.

    Raises:
        ContractError: A key is not a string, or a value is of another type.
    """
    for key, item in value.items():
        if not isinstance(key, str) or not isinstance(item, kind):
            raise ContractError(
                f"{name} maps names to {kind.__name__}, got {type(key).__name__} {key!r}: {type(item).__name__}"
            )
    return MappingProxyType(dict(value))


def _check_shape(name: str, array: NDArray[Any], shape: Shape) -> None:
    if array.shape == shape:
        return
    sizes: dict[str, int] = {}
    matches = (
        (sizes.setdefault(wanted, came) if isinstance(wanted, str) else wanted) == came
        for came, wanted in zip(array.shape, shape, strict=False)
    )
    if array.ndim != len(shape) or not all(matches):
        raise ContractError(f"{name} must have shape {_words(shape)}, got {array.shape}")


def _words(shape: Shape) -> str:
    return f"({', '.join(map(str, shape))}{',' if len(shape) == 1 else ''})"


def _read_only(array: NDArray[Any]) -> NDArray[Any]:
    view = array.view()
    view.flags.writeable = False
    return view
