"""Tables that can be sorted on the page; `templates/parts.html.j2` draws them."""

from dataclasses import dataclass

from drivevla.errors import ContractError

__all__ = ["Cell", "Column", "Table"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column.

    Attributes:
        title: Its head.
        numeric: Whether it is set flush right and sorts downwards first.
        note: What the head means, for those who hover over it.
    """

    title: str
    numeric: bool = False
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One cell.

    Attributes:
        text: What it says.
        sort: What the column is sorted by; the text when None.
        href: A place on the same page.
        tone: "good", "bad", "warn", "muted" or nothing.
        bar: A bar behind the number, -1 to 1; negative ones grow to the left of the middle.
        diverging: Whether the bar begins in the middle.
    """

    text: str
    sort: float | str | None = None
    href: str = ""
    tone: str = ""
    bar: float | None = None
    diverging: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table.

    Attributes:
        columns: From left to right.
        rows: As many cells each.

    Raises:
        ContractError: A row has another number of cells.
    """

    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]

    def __post_init__(self) -> None:
        """Check that every row fits."""
        for number, row in enumerate(self.rows):
            if len(row) != len(self.columns):
                raise ContractError(f"row {number} has {len(row)} cells, the table {len(self.columns)} columns")
