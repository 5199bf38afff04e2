"""What a transaction notes of the rows that it stored, for the alert engine and the aggregates."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.catalogue import catalogue
from core.clock import wall_time
from core.database import NOTE_CHANNEL, Connection, load_queries
from core.reading import UNKNOWN
from core.wire import MAX_NAME
from ingest.batch import Batch
from ingest.instants import moment
from ingest.keeping import held_columns
from ingest.touched import touched_entry


async def note_stored(
    connection: Connection,
    batch: Batch,
    rows: NDArray[np.void],
    *,
    now: datetime,
    continuous: bool,
) -> None:
    """Note that `rows` (of `batch.ROW`, one at least) are stored, in the caller's transaction.

    `continuous`: the database's own continuous aggregates sum them up.
    """
    queries = load_queries("ingest")
    unknown = rows[rows["device"] == UNKNOWN]
    if len(unknown):
        await queries.name_unknown(connection, **_wire_names(batch, unknown))
    held = rows[(rows["subject"] == UNKNOWN) & (rows["device"] != UNKNOWN)]
    if len(held):
        await queries.hold(connection, **held_columns(batch, held), now=now)
    await queries.write_notes(connection, **_notes(rows), noted_at=wall_time())
    await queries.touch(
        connection, **touched_entry(rows, added=not continuous), touched_at=wall_time()
    )
    await queries.wake(connection, channel=NOTE_CHANNEL)


def _wire_names(batch: Batch, rows: NDArray[np.void]) -> dict[str, list[Any]]:
    """What the wire called the gateway and the device of each of `rows`."""
    records = [batch.records[number] for number in rows["record"].tolist()]
    gateways = [batch.messages[number].gateway for number in rows["message"].tolist()]
    return {
        "metrics": rows["metric"].tolist(),
        "times": [moment(at) for at in rows["time"].tolist()],
        "gateways": [_storable(name) for name in gateways],
        "devices": [_storable(record.channel.device) for record in records],
    }


def _storable(name: str) -> str:
    """PostgreSQL's text holds no NUL."""
    return name.replace("\0", "")[:MAX_NAME]


def _notes(rows: NDArray[np.void]) -> dict[str, list[Any]]:
    """For each subject the earliest and the latest time among `rows`, and whether any of them is of
    a metric of which each reading counts.
    """
    order = np.argsort(rows["subject"], kind="stable")
    subjects, starts = np.unique(rows["subject"][order], return_index=True)
    times = rows["time"][order]
    each = catalogue().each_counts[rows["metric"][order]]
    return {
        "subjects": subjects.tolist(),
        "each_counts": np.logical_or.reduceat(each, starts).tolist(),
        "since": [moment(at) for at in np.minimum.reduceat(times, starts).tolist()],
        "until": [moment(at) for at in np.maximum.reduceat(times, starts).tolist()],
    }
