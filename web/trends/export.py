"""Readings as CSV (RFC 4180, UTF-8), a row each, in the order of measuring.

Values have as many decimals as are stored, with a point. `qualifier` is `<` or `>` where the meter
could only say "below" or "above"; `state` is ok, suspect or struck_out. A struck-out reading is in
the file and says so, since somebody may have acted on it.
"""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from decimal import Decimal

from core.catalogue import catalogue
from core.database import Connection, load_queries
from web.trends.subject import Subject

COLUMNS = ("time", "metric", "value", "qualifier", "unit", "state", "device", "place", "received")
MOST_ROWS = 500_000
"""Above this the answer is a sentence instead; some forty megabytes."""
_ROWS_AT_ONCE = 1000
_STATES = ("ok", "suspect", "struck_out")
_QUALIFIERS = {-1: "<", 0: "", 1: ">"}


async def rows_of(
    connection: Connection,
    subject: Subject,
    metrics: list[str],
    *,
    since: datetime,
    until: datetime,
) -> int:
    """About how many rows the file has: those of the days that the range touches."""
    found: int = await load_queries("web").count_readings(
        connection,
        subject=subject.id,
        metrics=[catalogue()[name].id for name in metrics],
        since=since,
        until=until,
    )
    return found


async def csv_of(
    connection: Connection,
    subject: Subject,
    metrics: list[str],
    *,
    since: datetime,
    until: datetime,
) -> AsyncIterator[bytes]:
    """The file in pieces, the head line first; never more than a piece of it is in memory."""
    by_id = catalogue().by_id
    piece = io.StringIO(newline="")
    writer = csv.writer(piece)
    writer.writerow(COLUMNS)
    rows = load_queries("web").exported_readings(
        connection,
        subject=subject.id,
        metrics=[catalogue()[name].id for name in metrics],
        since=since,
        until=until,
        count=MOST_ROWS,
    )
    count = 0
    devices: dict[int, tuple[str, str]] = {}
    async for row in rows:
        if row["device"] not in devices:
            devices[row["device"]] = await _device(connection, row["device"])
        metric = by_id[row["metric"]]
        writer.writerow(
            (
                _time(row["time"]),
                metric.name,
                decimal(row["value"]),
                _QUALIFIERS[row["qualifier"]],
                metric.unit,
                _STATES[row["state"]],
                *devices[row["device"]],
                _time(row["received_at"]),
            )
        )
        count += 1
        if count % _ROWS_AT_ONCE == 0:
            yield piece.getvalue().encode()
            piece.seek(0)
            piece.truncate()
    yield piece.getvalue().encode()


async def _device(connection: Connection, device: int) -> tuple[str, str]:
    """Kind and place; of a device that was moved to where the caller sees nothing, neither."""
    row = await load_queries("web").device_shown(connection, device=device)
    return ("", "") if row is None else (plain(row["kind"]), plain(row["place"]))


def decimal(value: float) -> str:
    """The shortest decimal that is this value again, never with an exponent.

    >>> decimal(36.7), decimal(72.0), decimal(1e-7)
    ('36.7', '72', '0.0000001')
    """
    written = repr(value)
    if "e" in written:
        written = format(Decimal(written), "f")
    return written.removesuffix(".0")


def plain(text: str) -> str:
    """Words that somebody typed, so that no spreadsheet takes them for a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def _time(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
