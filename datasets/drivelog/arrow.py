"""pyarrow, imported when it is used; reading and writing tables with errors that name the file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from drivevla.errors import DataError, MissingExtra, require

__all__ = ["arrow", "read_table", "write_table"]


def arrow() -> Any:
    """Pyarrow with its Parquet part.

    Raises:
        MissingExtra: It is not installed, or does not fit the NumPy that is.
    """
    try:
        module = require("pyarrow", "data")
        require("pyarrow.parquet", "data")
    except MissingExtra:
        raise
    except ImportError as error:
        raise MissingExtra(f"pyarrow is needed here and cannot be imported: {error}") from error
    return module


def read_table(path: Path, columns: list[str] | None = None) -> Any:
    """A whole table; by this thread alone, since readers run beside each other in processes.

    Raises:
        DataError: The file is missing or damaged, or lacks a column.
    """
    pa = arrow()
    try:
        return pa.parquet.ParquetFile(path, page_checksum_verification=True).read(columns=columns, use_threads=False)
    except FileNotFoundError as error:
        raise DataError(f"{path} is missing") from error
    except (OSError, pa.ArrowInvalid, pa.ArrowException) as error:
        raise DataError(f"{path} is damaged: {error}") from error


def write_table(table: Any, path: Path, *, rows_per_group: int | None = None) -> None:
    """Write a table with checksums; pictures, which are packed already, are not packed again.

    Args:
        table: What is written.
        path: The file.
        rows_per_group: How many rows are read at once.
    """
    leaves = [column.path for column in _leaves(table)]
    plain = {leaf for leaf in leaves if leaf.endswith(".bytes")}
    arrow().parquet.write_table(
        table,
        path,
        compression={leaf: "NONE" if leaf in plain else "ZSTD" for leaf in leaves},
        use_dictionary=[leaf for leaf in leaves if leaf not in plain],
        write_page_checksum=True,
        row_group_size=rows_per_group,
    )


def _leaves(table: Any) -> list[Any]:
    pa = arrow()
    sink = pa.BufferOutputStream()
    pa.parquet.write_table(table.slice(0, 0), sink)
    schema = pa.parquet.ParquetFile(pa.BufferReader(sink.getvalue())).schema
    return [schema.column(index) for index in range(len(schema.names))]
