"""Tables: one array a column, one row a body, in order of creation."""

from dataclasses import dataclass
from typing import Annotated, Any, TypeAlias, get_type_hints

import numpy as np
from numpy.typing import NDArray

__all__ = ["Flags", "Integers", "Numbers", "Pairs", "Row", "Table", "Vectors", "columns"]


@dataclass(frozen=True, slots=True)
class Row:
    """What one row of a column is: the annotation from which ``Table`` makes the column."""

    shape: tuple[int, ...] = ()
    kind: type = float


Numbers: TypeAlias = Annotated[NDArray[np.float64], Row()]
Pairs: TypeAlias = Annotated[NDArray[np.float64], Row((2,))]
Vectors: TypeAlias = Annotated[NDArray[np.float64], Row((3,))]
Integers: TypeAlias = Annotated[NDArray[np.int64], Row(kind=np.int64)]
Flags: TypeAlias = Annotated[NDArray[np.bool_], Row(kind=bool)]


def columns(*arrays: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N, K) from K arrays (N,); several times faster than ``np.stack`` on short arrays."""
    table = np.empty((len(arrays[0]), len(arrays)))
    for place, array in enumerate(arrays):
        table[:, place] = array
    return table


class Table:
    """Base of tables; a subclass declares its columns as annotated attributes."""

    def __init__(self) -> None:
        hints = get_type_hints(type(self), include_extras=True)
        self._columns: dict[str, Row] = {name: hint.__metadata__[0] for name, hint in hints.items()}
        self._length = 0
        for name, row in self._columns.items():
            setattr(self, name, np.zeros((0, *row.shape), dtype=row.kind))

    def __len__(self) -> int:
        return self._length

    def append(self, **values: Any) -> None:
        """Add one row; what is not named is zero."""
        for name, row in self._columns.items():
            new: NDArray[Any] = np.zeros((1, *row.shape), dtype=row.kind)
            new[0] = values.pop(name, 0)
            setattr(self, name, np.concatenate([getattr(self, name), new]))
        assert not values, f"no columns {sorted(values)}"
        self._length += 1

    def delete(self, row: int) -> None:
        """Take one row away; later rows move up and keep their order."""
        for name in self._columns:
            setattr(self, name, np.delete(getattr(self, name), row, axis=0))
        self._length -= 1

    def assign(self, row: int, **values: Any) -> None:
        """Overwrite columns of one row."""
        for name, value in values.items():
            getattr(self, name)[row] = value
