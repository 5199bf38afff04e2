"""What the senders say they sent, against what the database holds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import ceil

from core.database import Connection, load_queries, translated
from gateway_sim.ledger import SentReading


@dataclass
class Reckoning:
    """Readings of a ledger, each counted once."""

    published: int = 0
    again: int = 0
    """Of these, sent before with the same device, metric and time."""
    stored: int = 0
    rejected: int = 0
    lost: int = 0


async def reckon(
    connection: Connection, ledger: Iterable[list[SentReading]], *, since: datetime
) -> Reckoning:
    """Look for every reading first published at or after `since` (real time).

    `ledger` gives chunks in which the same device, metric and time stand beside one another, also
    from chunk to chunk (gateway_sim.ledger.Ledger.readings does).
    """
    queries = load_queries("saimi")
    result = Reckoning()
    before: tuple[str, str, str, datetime] | None = None
    async with translated():
        await queries.create_sent(connection)
        for chunk in ledger:
            rows = []
            for sent in chunk:
                if sent.published_at < since:
                    continue
                result.published += 1
                key = (sent.gateway, sent.device, sent.metric, sent.time)
                if key == before:
                    result.again += 1
                    continue
                before = key
                rows.append(sent[:7])
            await connection.copy_records_to_table("sent", records=rows)
            found = await queries.judge_sent(connection)
            result.stored += found["stored"]
            result.rejected += found["rejected"]
            result.lost += found["lost"]
            await queries.empty_sent(connection)
        await connection.execute("DROP TABLE sent")
    return result


def percentile(values: Sequence[float], share: float) -> float | None:
    """The smallest value that at least `share` (0..1) of all do not exceed; None without values."""
    if not values:
        return None
    return sorted(values)[max(0, ceil(share * len(values)) - 1)]
