"""Which messages are missing, by gateway, boot and day; and what keeps that bounded."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import numpy as np

from core.database import Connection, load_queries, translated
from ingest.batch import Batch
from ingest.instants import moment
from ingest.ledger import Ledger
from ingest.touched import HELSINKI, days

MOST_GAPS = 1_000
"""Ranges of numbers kept for one boot; beyond, the lowest are only counted."""
MOST_BOOTS = 200
"""Boots of a gateway kept one by one; beyond, those heard longest ago are summed up. What nobody
has registered counts as one gateway."""
MOST_DAYS = 4_000
"""Days of a gateway, over all its boots, of which the beginning is kept."""
_NEVER = np.iinfo(np.int64).max
_MOST_KNOWN = 200_000


async def completeness(
    connection: Connection, *, gateway: str | None = None
) -> list[dict[str, Any]]:
    """One row a gateway: gateway (id), name, expected, received, missing, gaps (how many), percent
    (None: not provable), late_below (came too late to be proved), unnumbered (sources of which
    nothing can be proved).

    Raises:
        DatabaseError: the database is away or refuses.
    """
    async with translated():
        rows = load_queries("ingest").completeness_of_gateways(connection, gateway=gateway)
        return [dict(row) async for row in rows]


async def completeness_by_day(connection: Connection, *, gateway: str) -> list[dict[str, Any]]:
    """One row a boot and day of a gateway: boot, day (None: only counted), expected, received,
    missing, percent, gaps (lists of first and last number, both missing; None: only counted).

    Raises:
        DatabaseError: the database is away or refuses.
    """
    async with translated():
        rows = load_queries("ingest").completeness_by_day(connection, gateway=gateway)
        found = [dict(row) async for row in rows]
    for row in found:
        if row["gaps"] is not None:
            row["gaps"] = [(gap.lower, gap.upper - 1) for gap in row["gaps"]]
    return found


async def trim_days(connection: Connection) -> None:
    """Forget where the oldest days began of gateways with very many: what they had counts with the
    day before or behind.

    Raises:
        DatabaseError: the database is away or refuses.
    """
    async with translated():
        await load_queries("ingest").trim_days(connection, most=MOST_DAYS)


def begun_days(batch: Batch, ledger: Ledger) -> dict[tuple[int, str, int], int]:
    """The lowest number under each gateway, boot and day (microseconds of its beginning).

    A message is of the day of its latest reading. Of one without readings, or whose readings have
    no time of their own, the number says where it belongs: between its neighbours.
    """
    dated = batch.rows[~batch.rows["at_arrival"]]
    if not len(dated) or not ledger.keys:
        return {}
    latest = np.full(len(batch.messages), -_NEVER, dtype=np.int64)
    np.maximum.at(latest, dated["message"], dated["time"])
    numbered = np.flatnonzero((latest > -_NEVER) & (ledger.key_of >= 0))
    if not len(numbered):
        return {}
    day = days(latest[numbered])
    place = ledger.key_of[numbered]
    seq = np.array([batch.messages[number].seq for number in numbered.tolist()], dtype=np.int64)
    order = np.lexsort((seq, day, place))
    day, place, seq = day[order], place[order], seq[order]
    first = np.ones(len(order), dtype=bool)
    first[1:] = (day[1:] != day[:-1]) | (place[1:] != place[:-1])
    return {
        (*ledger.keys[key], begin): number
        for key, begin, number in zip(
            place[first].tolist(), day[first].tolist(), seq[first].tolist(), strict=True
        )
    }


def unnumbered_sources(batch: Batch, ledger: Ledger) -> set[tuple[int, str]]:
    """Known gateways and their sources whose messages carry no number; not those of which nothing
    could be read."""
    if not ledger.unnumbered:
        return set()
    unreadable = {one.message for one in batch.refused if one.record is None}
    messages = [batch.messages[number] for number in ledger.unnumbered if number not in unreadable]
    sources = {(message.gateway_id, message.topic.split("/", 4)[3]) for message in messages}
    return {(gateway, source) for gateway, source in sources if source not in ("status", "down")}


def day_columns(begun: dict[tuple[int, str, int], int]) -> dict[str, list[Any]]:
    """`begun_days` as arrays in step, in the order of the table's key."""
    keys = sorted(begun)
    return {
        "gateways": [gateway for gateway, _, _ in keys],
        "boots": [boot for _, boot, _ in keys],
        "days": [moment(begin).astimezone(HELSINKI).date() for _, _, begin in keys],
        "lowest": [begun[key] for key in keys],
    }


class Provable:
    """Writes what completeness by day needs, each fact once: what is known to be written is not
    written again."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._begun: dict[tuple[int, str, int], int] = {}
        self._unnumbered: set[tuple[int, str]] = set()
        self._pending: tuple[dict[tuple[int, str, int], int], set[tuple[int, str]]] = ({}, set())

    async def note(self, batch: Batch, ledger: Ledger, now: datetime) -> None:
        """In the transaction that stores `batch`."""
        queries = load_queries("ingest")
        begun = {
            key: lowest
            for key, lowest in begun_days(batch, ledger).items()
            if lowest < self._begun.get(key, _NEVER)
        }
        sources = unnumbered_sources(batch, ledger) - self._unnumbered
        self._pending = (begun, sources)
        if begun:
            await queries.begin_days(self._connection, **day_columns(begun))
        if sources:
            gateways, names = zip(*sorted(sources), strict=True)
            await queries.note_unnumbered(
                self._connection, gateways=gateways, sources=names, now=now
            )

    def committed(self) -> None:
        """The transaction of the last `note` is in the database."""
        for known in (self._begun, self._unnumbered):
            if len(known) > _MOST_KNOWN:
                known.clear()
        begun, sources = self._pending
        self._begun.update(begun)
        self._unnumbered |= sources
