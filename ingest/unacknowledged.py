"""Remembers, beyond a kill, which packets were committed and not acknowledged.

The broker sends such a packet again, marked as a duplicate and with the same identifier. A message
that is numbered or has a time of its own is known by that; of the others the identifier is kept
with a digest, in the transaction that stores them, until the acknowledgement is sent. So there are
never more than may be under way (Receive Maximum).
"""

from __future__ import annotations

from collections.abc import Sequence

from core.database import Connection, load_queries, translated
from ingest.batch import Batch
from ingest.copies import digest
from ingest.message import Message

SIZE = 16
"""Bytes of a digest."""


def packet_digest(topic: str, payload: bytes) -> bytes:
    """By which a packet that is sent again is known to be the same."""
    return digest(topic, payload)[:SIZE]


async def note_unacknowledged(
    connection: Connection, session: str, batch: Batch, messages: Sequence[Message]
) -> None:
    """Note those of `batch` that nothing else would tell, in the caller's transaction.

    `messages` are those that it was made of, in any order, and all of one session.
    """
    rows = batch.rows
    numbers = set(rows["message"][rows["at_arrival"]].tolist())
    arrivals = {batch.messages[n].arrival for n in numbers if batch.messages[n].seq is None}
    kept = [one for one in messages if one.mid and one.arrival in arrivals]
    if kept:
        await load_queries("ingest").note_unacknowledged(
            connection,
            session=session,
            arrival=max(one.arrival for one in kept),
            mids=[one.mid for one in kept],
            digests=b"".join(packet_digest(one.topic, one.payload) for one in kept),
        )


async def forget_acknowledged(connection: Connection, session: str, until: int) -> None:
    """Forget what came up to `until` and was acknowledged, in the caller's transaction if any.

    Raises:
        DatabaseError: the database is away or refuses.
    """
    async with translated():
        await load_queries("ingest").forget_acknowledged(connection, session=session, until=until)


async def load_unacknowledged(connection: Connection, session: str) -> dict[int, bytes]:
    """Digests by packet identifier.

    Raises:
        DatabaseError: the database is away or refuses.
    """
    found: dict[int, bytes] = {}
    async with translated():
        async for row in load_queries("ingest").list_unacknowledged(connection, session=session):
            digests = row["digests"]
            for place, mid in enumerate(row["mids"]):
                found[mid] = digests[place * SIZE : (place + 1) * SIZE]
    return found
