"""Tables of bodies: one row a body, in order of creation, each column a view of the same memory.

A table is one structured array, so that a compiled function takes it as one argument and sees a body as one record.
"""

from dataclasses import dataclass
from typing import Annotated, Any, Generic, TypeAlias, TypeVar, get_type_hints

import numpy as np
from numpy.typing import NDArray

from drivevla.errors import SimulatorError
from drivevla.sim.server.physics.ground import Ground

__all__ = ["Flags", "Integers", "Kind", "Numbers", "Pairs", "Row", "Table", "Vectors"]


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


class Table:
    """Base of tables; a subclass declares its columns as annotated attributes.

    Columns are views: they are written into, never replaced.

    Attributes:
        actor_id: Whose row it is.
        records: The whole table.
    """

    actor_id: Integers

    def __init__(self) -> None:
        hints = get_type_hints(type(self), include_extras=True)
        fields = [(name, hint.__metadata__[0].kind, hint.__metadata__[0].shape) for name, hint in hints.items()]
        self._show(np.zeros(0, dtype=np.dtype(fields, align=True)))

    def __len__(self) -> int:
        return len(self.records)

    def append(self, **values: Any) -> None:
        """Add one row; what is not named is zero."""
        self._show(np.concatenate([self.records, np.zeros(1, dtype=self.records.dtype)]))
        self.assign(-1, **values)

    def delete(self, row: int) -> None:
        """Take one row away; later rows move up and keep their order."""
        self._show(np.delete(self.records, row))

    def assign(self, row: int, **values: Any) -> None:
        """Overwrite columns of one row."""
        for name, value in values.items():
            getattr(self, name)[row] = value

    def _show(self, records: NDArray[np.void]) -> None:
        self.records = records
        for name in records.dtype.names or ():
            setattr(self, name, records[name])


Rows = TypeVar("Rows", bound=Table)


class Kind(Generic[Rows]):
    """All bodies of one kind.

    Args:
        ground: What they stand on.
        rows: Their table, empty.
        noun: What one of them is called.
    """

    def __init__(self, ground: Ground, rows: Rows, noun: str) -> None:
        self.ground, self.rows, self._noun = ground, rows, noun
        self._row: dict[int, int] = {}

    def __len__(self) -> int:
        return len(self._row)

    def __contains__(self, actor_id: int) -> bool:
        return actor_id in self._row

    def row(self, actor_id: int) -> int:
        """Where in ``rows`` the body is.

        Raises:
            SimulatorError: There is no such body of this kind.
        """
        row = self._row.get(actor_id)
        if row is None:
            raise SimulatorError(f"actor {actor_id} is no {self._noun} of this world")
        return row

    def remove(self, actor_id: int) -> None:
        """Take a body out of the world."""
        self.rows.delete(self.row(actor_id))
        self._row = {int(other): row for row, other in enumerate(self.rows.actor_id)}

    def _append(self, actor_id: int, **values: Any) -> None:
        self._row[actor_id] = len(self.rows)
        self.rows.append(actor_id=actor_id, **values)
