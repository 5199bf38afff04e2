"""Stores a batch in one transaction, each message once.

What a message's readings became is counted in the same transaction, under the gateway's boot; a
message that was received before is found there and changes nothing.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import asyncpg
import numpy as np
from numpy.typing import NDArray

from core.clock import wall_time
from core.database import (
    DEFINITION_CHANNEL,
    Connection,
    load_queries,
    server_info,
    translated,
)
from core.errors import DatabaseError
from core.wire import merge_ranges
from ingest.announced import MOST_DEVICES, announced_columns
from ingest.batch import Batch
from ingest.clocks import note_clocks
from ingest.completeness import MOST_BOOTS, MOST_GAPS, Provable
from ingest.copies import find_copies
from ingest.definitions import definition_columns
from ingest.heard import Heard
from ingest.ledger import Ledger
from ingest.noting import note_stored
from ingest.quota import Quota, keep_refused
from ingest.repeats import Repeats
from ingest.rows import Rows
from ingest.settling import Fate

MOST_RANGES = 64
"""Highest ranges of a boot that a receipt repeats besides the batch's own."""
_DATA_REFUSED = ("21", "22", "23", "44", "54")  # classes of SQLSTATE that blame the data


class NotOursError(DatabaseError):
    """Nothing was stored, since another worker has taken over some of the batch."""


class UnstorableError(DatabaseError):
    """The database refuses something in a batch; trying again unchanged is useless."""


@dataclass
class Written:
    """What a transaction did."""

    committed: int = 0
    duplicates: int = 0
    rejected: int = 0
    """Rows kept with the rejected, conflicts included."""
    receipts: dict[tuple[str, str], list[tuple[int, int]]] = field(default_factory=dict)
    """By gateway (as on the topic) and boot: seq ranges that are in the database, ends included."""
    fates: NDArray[np.int8] = field(default_factory=lambda: np.empty(0, dtype=np.int8))
    """What became of each of the batch's rows (`settling.Fate`), in the batch's order."""


class Writer:
    """Writes batches on a connection of its own, to which a temporary table belongs.

    `hold` is asked before each commit: whether the batch is ours, and stays so until then. `early`:
    it is the lookout's, and all of it comes again by the main subscription.
    """

    def __init__(
        self,
        connection: Connection,
        quota: Quota | None = None,
        hold: Callable[[Connection, Batch], Awaitable[bool]] | None = None,
        *,
        early: bool = False,
    ) -> None:
        self._connection = connection
        self._hold = hold
        self._early = early
        self._queries = load_queries("ingest")
        self._heard = Heard()
        self._continuous = False
        self._quota = quota or Quota()
        self._provable = Provable(connection)
        self._repeats = Repeats()
        self._stored = Rows(connection)

    async def prepare(self) -> None:
        """Once per connection, before `write`.

        Raises:
            DatabaseError: the database is away or refuses.
        """
        async with translated():
            await self._connection.execute("SET synchronous_commit = on")
            await self._queries.create_staged(self._connection)
            info = await server_info(self._connection)
            self._continuous = info.edition == "timescaledb-community"

    async def write(self, batch: Batch, now: datetime) -> Written:
        """Store `batch`; when this returns, it is in the database for good.

        Raises:
            UnstorableError: the database refuses something in the batch; nothing was stored.
            NotOursError: another worker has taken over some of it; nothing was stored.
            DatabaseError: the database is away or cannot work; the same batch may be tried again.
        """
        try:
            async with translated(), self._connection.transaction():
                written = await self._write(batch, now)
                if self._hold is not None and not await self._hold(self._connection, batch):
                    raise NotOursError("Another worker has taken over a part of this batch.")
        except DatabaseError as error:
            if _blames_data(error.__cause__):
                raise UnstorableError(str(error)) from error
            raise
        self._heard.committed()
        self._provable.committed()
        self._repeats.committed()
        return written

    async def _write(self, batch: Batch, now: datetime) -> Written:
        ledger = Ledger(batch)
        columns = ledger.columns()
        await self._lock(ledger, columns, now)
        repeated = self._repeats.find(batch)
        if batch.digests:
            repeated |= await find_copies(
                self._connection,
                batch,
                ~repeated & ~ledger.again[batch.rows["message"]],
                early=self._early,
                now=wall_time(),
            )
        rows, fates, conflicts = await self._stored.store(batch, ledger.again, repeated)
        refused = [one for one in batch.refused if not ledger.again[one.message]] + conflicts
        if refused:
            await keep_refused(self._connection, batch, refused, self._quota)
            announced = announced_columns(batch, refused)
            if announced["devices"]:
                await self._queries.announce(self._connection, **announced, most=MOST_DEVICES)
        if batch.clocks:
            await note_clocks(self._connection, batch, rows, fates, ledger.again)
        committed = fates == Fate.COMMITTED
        duplicate = fates == Fate.DUPLICATE
        written = Written(int(committed.sum()), int(duplicate.sum()), len(refused), fates=fates)
        if ledger.keys:
            counted = await self._rows(
                self._queries.count_received(
                    self._connection,
                    **columns,
                    announced=ledger.announced,
                    committed=ledger.count(rows["message"][committed]),
                    duplicates=ledger.count(rows["message"][duplicate]),
                    rejected=ledger.count([one.message for one in refused]),
                    now=now,
                    most=MOST_RANGES,
                )
            )
            written.receipts = _receipts(batch, ledger, counted)
            crowded = [row["place"] - 1 for row in counted if len(row["ranges"]) == MOST_RANGES]
            if crowded:
                gateways, boots = zip(*(ledger.keys[place] for place in crowded), strict=True)
                await self._queries.fold_gaps(
                    self._connection, gateways=gateways, boots=boots, most=MOST_GAPS
                )
        if batch.told:
            await self._tell(batch)
        await self._provable.note(batch, ledger, now)
        if heard := self._heard.columns(batch):
            await self._queries.write_status(self._connection, **heard)
        if written.committed:
            await note_stored(
                self._connection, batch, rows[committed], now=now, continuous=self._continuous
            )
        return written

    async def _lock(self, ledger: Ledger, columns: dict[str, list[Any]], now: datetime) -> None:
        """Hold the ledgers of the batch's keys and mark what was received before."""
        if not ledger.keys:
            return
        while True:
            found = await self._rows(self._queries.lock_received(self._connection, **columns))
            if len(found) == len(ledger.keys):
                break
            known = {row["place"] - 1 for row in found}
            new = [key for place, key in enumerate(ledger.keys) if place not in known]
            await self._queries.begin_received(
                self._connection,
                gateways=[gateway for gateway, _ in new],
                boots=[boot for _, boot in new],
                now=now,
            )
            await self._queries.fold_boots(
                self._connection,
                gateways=sorted({gateway for gateway, _ in new}),
                boots=[boot for _, boot in ledger.keys],
                most=MOST_BOOTS,
            )
        for row in found:
            if row["again"] is not None:
                ledger.mark_again(row["place"] - 1, [(r.lower, r.upper - 1) for r in row["again"]])

    async def _tell(self, batch: Batch) -> None:
        """Keep what messages told of later ones; other workers read it anew."""
        columns = definition_columns([one.learned for one in batch.told])
        gone = [place for place, text in enumerate(columns["definitions"]) if text is None]
        told = [place for place, text in enumerate(columns["definitions"]) if text is not None]
        for places, query in (
            (gone, self._queries.forget_definitions),
            (told, self._queries.write_definitions),
        ):
            some = {name: [column[place] for place in places] for name, column in columns.items()}
            if query is self._queries.forget_definitions:
                del some["definitions"]
            if places:
                await query(self._connection, **some)
        await self._queries.tell_definitions(
            self._connection,
            channel=DEFINITION_CHANNEL,
            gateways=sorted(set(columns["gateways"])),
        )

    @staticmethod
    async def _rows(answer: Any) -> list[asyncpg.Record]:
        return [row async for row in answer]


def _blames_data(cause: BaseException | None) -> bool:
    if isinstance(cause, asyncpg.InterfaceError) and isinstance(cause, ValueError):
        return True  # the driver could not encode a parameter
    return isinstance(cause, asyncpg.PostgresError) and str(cause.sqlstate)[:2] in _DATA_REFUSED


def _receipts(
    batch: Batch, ledger: Ledger, counted: list[asyncpg.Record]
) -> dict[tuple[str, str], list[tuple[int, int]]]:
    ranges = {row["place"] - 1: row["ranges"] for row in counted}
    receipts: dict[tuple[str, str], list[tuple[int, int]]] = {}
    for number, message in enumerate(batch.messages):
        place = int(ledger.key_of[number])
        if place in ranges and message.boot is not None:
            known = [(one.lower, one.upper - 1) for one in ranges.pop(place)]
            receipts[message.gateway, message.boot] = merge_ranges(known + ledger.ranges(place))
    return receipts
