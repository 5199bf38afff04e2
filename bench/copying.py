"""The database's limit: a binary COPY of what ingest stored, into an empty copy of the table.

The rows go in the order in which ingest wrote them, in as many transactions, into a database with
the same schema (hypertable, indexes) on the same server, durable as ingest's are. They are ready as
bytes before the clock starts, so nothing but COPY and COMMIT is measured.
"""

from __future__ import annotations

import time
from pathlib import Path

import asyncpg

from core.database import connect, translated
from ingest.binary_copy import in_pieces

_COLUMNS = ("time", "received_at", "value", "device", "subject", "metric", "qualifier", "state")
_ROW = 2 + 4 * len(_COLUMNS) + 8 + 8 + 8 + 4 + 4 + 2 + 2 + 2
"""Bytes of a row in the binary format: number of columns, then each with its length."""
_HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_TRAILER = b"\xff\xff"


async def keep_rows(url: str, file: Path) -> int:
    """Write the readings of a database to `file`, as the binary COPY format without its frame;
    how many.

    Raises:
        DatabaseError: the database is away or refuses.
    """
    connection = await connect(url)
    try:
        async with translated():
            # Where nothing is ever removed, the place of a row tells when it was written.
            answer = await connection.copy_from_query(
                f"SELECT {', '.join(_COLUMNS)} FROM telemetry.reading "  # noqa: S608 - ours
                "ORDER BY tableoid, ctid",
                output=file,
                format="binary",
            )
    finally:
        await connection.close()
    return int(answer.split()[-1])


async def copy_rows(url: str, file: Path, rows: int, batch: int) -> float:
    """COPY the rows of `keep_rows`, `batch` of them a transaction; seconds that took.

    Raises:
        DatabaseError: the database is away or refuses.
    """
    connection = await connect(url)
    seconds = 0.0
    try:
        async with translated():
            await connection.execute("SET synchronous_commit = on")
            with file.open("rb") as kept:
                kept.seek(len(_HEADER))
                for start in range(0, rows, batch):
                    piece = kept.read(_ROW * min(batch, rows - start))
                    seconds += await _copy(connection, _HEADER + piece + _TRAILER)
    finally:
        await connection.close()
    return seconds


async def _copy(connection: asyncpg.Connection, rows: bytes) -> float:
    began = time.monotonic()
    await connection.copy_to_table(
        "reading",
        schema_name="telemetry",
        source=in_pieces(rows),
        format="binary",
        columns=_COLUMNS,
    )
    return time.monotonic() - began
