"""Structured arrays as PostgreSQL's binary COPY format."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

_HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_TRAILER = b"\xff\xff"
SINCE_2000 = 946_684_800 * 1_000_000
"""Microseconds from 1970 to 2000, from where a timestamp counts in this format."""


_PIECE = 512 * 1024


def binary_copy(rows: NDArray[np.void]) -> bytes:
    """`rows` of numbers for columns of the same widths (smallint, integer, bigint, double).

    All columns have a fixed width and none is null, so the format is an array of structures
    (PostgreSQL documentation, COPY, "Binary Format"); this is a hundred times faster than encoding
    row by row.
    """
    names = rows.dtype.names or ()
    parts: list[tuple[str, Any]] = [("fields", ">i2")]
    for name in names:
        parts += [(f"{name}_length", ">i4"), (name, rows.dtype[name].newbyteorder(">"))]
    out: NDArray[Any] = np.zeros(len(rows), dtype=np.dtype(parts))
    out["fields"] = len(names)
    for name in names:
        out[f"{name}_length"] = rows.dtype[name].itemsize
        out[name] = rows[name]
    return _HEADER + out.tobytes() + _TRAILER


async def in_pieces(data: bytes) -> AsyncIterator[bytes]:
    """`data` as a source for asyncpg.

    Of a file-like source it makes a class, which keeps the data until Python looks for cycles, and
    reads it in another thread.
    """
    for start in range(0, len(data), _PIECE):
        yield data[start : start + _PIECE]
