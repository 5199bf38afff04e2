"""What was rejected: looking at it, and trying it again after a fix."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import asyncpg
import numpy as np

from core.clock import Clock
from core.database import Connection, load_queries, translated
from core.wire import parse_topic
from ingest.admission import admit, gateway_names
from ingest.batch import Batch
from ingest.decoders import SOURCES
from ingest.decoders.record import Decoded, hidden
from ingest.definitions import Definitions
from ingest.directory import Directory
from ingest.instants import micros
from ingest.message import Message, Understood, learners, understand
from ingest.quota import Quota
from ingest.settling import Fate
from ingest.writer import UnstorableError, Writer

NEVER_AGAIN = ("retained",)
"""Reasons that no fix can change."""
_CHUNK = 500


@dataclass
class RetryReport:
    """What came of trying again."""

    tried: int = 0
    """Rows of `telemetry.rejected`: readings, or whole messages."""
    committed: int = 0
    """Readings stored now."""
    duplicates: int = 0
    """Readings that were stored meanwhile."""
    rejected: int = 0
    """Rows kept with the rejected again, under the reason they have now."""


async def list_rejected(
    connection: Connection,
    *,
    gateway: str | None = None,
    reason: str | None = None,
    most: int = 100,
) -> list[dict[str, Any]]:
    """The newest rejected readings and messages, newest first.

    Each has id, received_at, gateway, topic, reason (a code), detail (a sentence), record (the
    reading, or None for a message that cannot be read), size (bytes), boot and seq.

    Raises:
        DatabaseError: the database is away or refuses.
    """
    async with translated():
        rows = load_queries("ingest").list_rejected(
            connection, gateway=gateway, reason=reason, most=most
        )
        return [dict(row) async for row in rows]


async def count_rejected(
    connection: Connection, *, gateway: str | None = None, reason: str | None = None
) -> list[dict[str, Any]]:
    """How many there were by gateway and reason, most first: gateway, reason, count (all that came
    and have not expired), kept (of these, here to be looked at and tried again), first_at, last_at.

    Raises:
        DatabaseError: the database is away or refuses.
    """
    async with translated():
        rows = load_queries("ingest").count_rejected(connection, gateway=gateway, reason=reason)
        return [dict(row) async for row in rows]


async def retry_rejected(
    connection: Connection,
    clock: Clock,
    *,
    gateway: str | None = None,
    reason: str | None = None,
    quota: Quota | None = None,
    retention: timedelta = timedelta(days=3650),
) -> RetryReport:
    """Try everything rejected again, as if it arrived when it did, with today's registry.

    What can be stored now is stored and leaves the rejected, and the ledger of its gateway says so;
    what cannot stays, with the reason that it has now. `connection` must be one of its own.

    Raises:
        DatabaseError: the database is away or refuses; what was tried so far stays done.
    """
    queries = load_queries("ingest")
    writer = Writer(connection, quota)
    await writer.prepare()
    report = RetryReport()
    filters = {"gateway": gateway, "reason": reason, "never": list(NEVER_AGAIN)}
    async with translated():
        last = await queries.last_rejected(connection)  # what is rejected anew comes behind it
    after, most = 0, _CHUNK
    while True:
        try:
            async with translated(), connection.transaction():
                rows = [
                    row
                    async for row in queries.take_rejected(
                        connection, **filters, after=after, until=last, most=most
                    )
                ]
                if not rows:
                    return report
                await _retry(connection, writer, rows, clock, retention, report)
        except UnstorableError:
            if most == 1:  # this very one: it stays as it is
                after, most = rows[0]["id"], _CHUNK
                report.tried += 1
                report.rejected += 1
            else:
                most = 1
            continue
        after = rows[-1]["id"]


async def _retry(
    connection: Connection,
    writer: Writer,
    rows: list[asyncpg.Record],
    clock: Clock,
    retention: timedelta,
    report: RetryReport,
) -> None:
    queries = load_queries("ingest")
    messages = [
        Message(row["topic"], row["payload"] or b"", micros(row["received_at"])) for row in rows
    ]
    directory, definitions = Directory(), Definitions()
    names = learners(messages)
    await directory.load(connection, names, clock.now())
    registered = [name for name in names if directory.find(name) is not None]
    await definitions.load(connection, registered)
    # Twice: a definition may have been refused after what it defines.
    first, understood = (
        [
            _understood(row, message, definitions)
            for row, message in zip(rows, messages, strict=True)
        ]
        for _ in range(2)
    )
    for before, one in zip(first, understood, strict=True):
        one.learned = one.learned or before.learned
    await directory.load(connection, gateway_names(understood), clock.now())
    batch = admit(understood, directory, micros(clock.now() - retention))
    batch.messages = [
        message._replace(size=row["size"], boot=row["boot"], seq=row["seq"], counted=False)
        for message, row in zip(batch.messages, rows, strict=True)
    ]
    await queries.drop_rejected(connection, ids=[row["id"] for row in rows])
    written = await writer.write(batch, clock.now())
    report.tried += len(rows)
    report.committed += written.committed
    report.duplicates += written.duplicates
    report.rejected += written.rejected
    await queries.recount_received(connection, _recounts(batch, written.fates))


def _understood(row: asyncpg.Record, message: Message, definitions: Definitions) -> Understood:
    if row["record"] is None:
        return understand(message, definitions)
    record, topic = hidden(row["record"]), parse_topic(row["topic"])
    source = None if topic is None else SOURCES.get(topic.source)
    again = None if source is None or record.original is None else source.again
    if topic is not None and again is not None:
        record = again(record, definitions.known(topic.gateway, topic.source))
    return Understood(message, row["gateway"], topic, decoded=Decoded([record]))


def _recounts(batch: Batch, fates: np.ndarray[Any, np.dtype[np.int8]]) -> list[dict[str, Any]]:
    """For each message that a ledger knows, what it has come to instead of one rejected row."""
    size = len(batch.messages)
    messages = batch.rows["message"]
    committed, duplicates, conflicts = (
        np.bincount(messages[fates == fate], minlength=size)
        for fate in (Fate.COMMITTED, Fate.DUPLICATE, Fate.CONFLICT)
    )
    refused = np.bincount([one.message for one in batch.refused], minlength=size)
    return [
        {
            "gateway": message.gateway,
            "boot": message.boot,
            "seq": message.seq,
            "committed": int(committed[number]),
            "duplicates": int(duplicates[number]),
            "rejected": int(conflicts[number] + refused[number]) - 1,
        }
        for number, message in enumerate(batch.messages)
        if message.boot is not None and message.seq is not None
    ]
