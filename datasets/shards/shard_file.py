"""One shard: a table of places, then records. Every size is checked before anything is read.

::

    8 bytes   "DVLASHD1"
    4 bytes   number of records
    16 bytes  for each record: offset (8), length (4), CRC-32 (4)
    records
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from pathlib import Path

from drivevla.datasets.shards.record import MOST_RECORD_BYTES
from drivevla.errors import DataError

__all__ = ["ShardFile", "shard_bytes"]

_MAGIC = b"DVLASHD1"
_COUNT = struct.Struct("<I")
_PLACE = struct.Struct("<QII")


def shard_bytes(records: Sequence[bytes]) -> bytes:
    """The content of a shard file."""
    offset = len(_MAGIC) + _COUNT.size + _PLACE.size * len(records)
    places = []
    for record in records:
        places.append(_PLACE.pack(offset, len(record), zlib.crc32(record)))
        offset += len(record)
    return b"".join([_MAGIC, _COUNT.pack(len(records)), *places, *records])


class ShardFile:
    """A shard, opened for each record anew: it may be used from many processes.

    Args:
        path: The file.

    Raises:
        DataError: It is missing, no shard, or cut short.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            size = path.stat().st_size
            with path.open("rb") as file:
                head = file.read(len(_MAGIC) + _COUNT.size)
                if len(head) < len(_MAGIC) + _COUNT.size or not head.startswith(_MAGIC):
                    raise DataError(f"{path} is no shard")
                (count,) = _COUNT.unpack_from(head, len(_MAGIC))
                if len(head) + count * _PLACE.size > size:
                    raise DataError(f"{path} of {size} bytes is cut short: it says {count} records")
                table = file.read(count * _PLACE.size)
        except FileNotFoundError as error:
            raise DataError(f"{path} is missing") from error
        self._places = list(_PLACE.iter_unpack(table))
        for index, (offset, length, _) in enumerate(self._places):
            if length > MOST_RECORD_BYTES or offset + length > size:
                raise DataError(f"{path} is cut short: record {index} at {offset} has {length} bytes, the file {size}")

    def __len__(self) -> int:
        return len(self._places)

    def place(self, index: int) -> int:
        """Where a record begins."""
        return int(self._places[index][0])

    def record(self, index: int) -> bytes:
        """The bytes of a record.

        Raises:
            DataError: They are not what was written.
        """
        offset, length, crc32 = self._places[index]
        with self.path.open("rb") as file:
            file.seek(offset)
            data = file.read(length)
        if len(data) != length or zlib.crc32(data) != crc32:
            raise DataError(f"{self.path}: record {index} of {length} bytes at {offset} is damaged")
        return data
