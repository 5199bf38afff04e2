"""Calls for help that come by two ways, and have no time by which they would be known as one.

Both ways hand on every message, so a call is stored by whoever has it first, and that is noted
with the digest of the message, in the same transaction; the other way's copy takes the note away
instead of being stored. Two calls of the same words are two notes. A note that no copy came for is
forgotten soon, since it would hide a later call: a call stored twice is the lesser harm.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

from core.database import Connection, load_queries
from ingest.batch import Batch

EARLY_FOR = timedelta(hours=24)
"""How long the main subscription may be behind for its copy to be recognised."""
MAIN_FOR = timedelta(minutes=1)
"""How much later than the main subscription the lookout may be."""


def digest(topic: str, payload: bytes) -> bytes:
    """By which the copies of a message are known."""
    return sha256(topic.encode("utf-8", "surrogatepass") + b"\0" + payload).digest()


async def find_copies(
    connection: Connection,
    batch: Batch,
    rows: NDArray[np.bool_],
    *,
    early: bool,
    now: datetime,
) -> NDArray[np.bool_]:
    """Which of a batch's `rows` were stored by the other way, in the caller's transaction.

    `rows` marks those that would be stored; `early`: this is the lookout's. `now` is wall time.
    """
    found = np.zeros(len(rows), dtype=bool)
    wanted = rows & batch.rows["call"] & batch.rows["at_arrival"]
    if not wanted.any():
        return found
    queries = load_queries("ingest")
    digests = dict(batch.digests)
    numbers = sorted(
        set(batch.rows["message"][wanted].tolist()) & set(digests),
        key=lambda number: (digests[number], number),  # all workers in one order
    )
    since = now - (MAIN_FOR if early else EARLY_FOR)
    for number in numbers:
        key = {"digest": digests[number], "early": early}
        await queries.hold_digest(connection, digest=digests[number])
        if await queries.take_copy(connection, **key, since=since):
            found |= wanted & (batch.rows["message"] == number)
        else:
            await queries.leave_copy(connection, **key, seen_at=now)
    if numbers:
        for kind, kept in ((True, EARLY_FOR), (False, MAIN_FOR)):
            await queries.forget_copies(connection, early=kind, before=now - kept)
    return found
