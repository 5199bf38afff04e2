"""Stores a batch in one transaction, each message once.

What a message's readings became is counted in the same transaction, under the gateway's boot; a
message that was received before is found there and changes nothing.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

import asyncpg
import numpy as np
from numpy.typing import NDArray

from core.catalogue import catalogue
from core.clock import wall_time
from core.database import (
    DEFINITION_CHANNEL,
    NOTE_CHANNEL,
    Connection,
    load_queries,
    server_info,
    translated,
)
from core.errors import DatabaseError
from core.reading import UNKNOWN, State
from core.wire import MAX_NAME, merge_ranges
from ingest.announced import MOST_DEVICES, announced_columns
from ingest.batch import Batch, Refused
from ingest.clocks import note_clocks
from ingest.completeness import MOST_BOOTS, MOST_GAPS, Provable
from ingest.copies import find_copies
from ingest.definitions import definition_columns
from ingest.instants import micros, moment
from ingest.keeping import held_columns
from ingest.ledger import Ledger
from ingest.quota import Quota, keep_refused
from ingest.repeats import Repeats
from ingest.settling import Fate, Stored, firsts, settle, to_store
from ingest.storing import Storing
from ingest.touched import touched_entry

MOST_RANGES = 64
"""Highest ranges of a boot that a receipt repeats besides the batch's own."""
HEARD_EVERY = 10_000_000
"""Microseconds; that a gateway was heard is written no more often, unless it comes or goes."""
_DATA_REFUSED = ("21", "22", "23", "44", "54")  # classes of SQLSTATE that blame the data
_MAX_HEARD = 100_000


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


class _Heard(NamedTuple):
    online: bool
    boot: str
    at: int


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
        self._heard: dict[int, _Heard] = {}
        self._continuous = False
        self._quota = quota or Quota()
        self._provable = Provable(connection)
        self._repeats = Repeats()
        self._storing = Storing(connection)

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
                written, heard = await self._write(batch, now)
                if self._hold is not None and not await self._hold(self._connection, batch):
                    raise NotOursError("Another worker has taken over a part of this batch.")
        except DatabaseError as error:
            if _blames_data(error.__cause__):
                raise UnstorableError(str(error)) from error
            raise
        if len(self._heard) > _MAX_HEARD:
            self._heard.clear()
        self._heard.update(heard)
        self._provable.committed()
        self._repeats.committed()
        return written

    async def _write(self, batch: Batch, now: datetime) -> tuple[Written, dict[int, _Heard]]:
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
        rows, fates, conflicts = await self._store(batch, ledger.again, repeated)
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
        heard = self._newly_heard(batch)
        if heard:
            await self._queries.write_status(
                self._connection,
                gateways=list(heard),
                online=[one.online for one in heard.values()],
                boots=[one.boot for one in heard.values()],
                heard_at=[moment(one.at) for one in heard.values()],
            )
        if written.committed:
            unknown = rows[committed & (rows["device"] == UNKNOWN)]
            if len(unknown):
                await self._queries.name_unknown(self._connection, **_wire_names(batch, unknown))
            held = rows[committed & (rows["subject"] == UNKNOWN) & (rows["device"] != UNKNOWN)]
            if len(held):
                await self._queries.hold(self._connection, **held_columns(batch, held), now=now)
            await self._queries.write_notes(
                self._connection, **_notes(rows[committed]), noted_at=wall_time()
            )
            await self._queries.touch(
                self._connection,
                **touched_entry(rows[committed], added=not self._continuous),
                touched_at=wall_time(),
            )
            await self._queries.wake(self._connection, channel=NOTE_CHANNEL)
        return written, heard

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

    async def _store(
        self, batch: Batch, again: NDArray[np.bool_], repeated: NDArray[np.bool_]
    ) -> tuple[NDArray[np.void], NDArray[np.int8], list[Refused]]:
        """The batch's rows as they were stored, their fates, and the conflicts among them."""
        rows = batch.rows
        fates = np.full(len(rows), Fate.IGNORED, dtype=np.int8)
        fates[repeated & ~again[rows["message"]]] = Fate.DUPLICATE
        order = to_store(rows, again)
        order = order[~repeated[order]]
        if not len(order):
            return rows, fates, []
        ordered = rows[order]
        first = firsts(ordered)
        there = ~first  # by the time they are looked at
        there[first] = await self._storing.store(ordered[first])
        fates[order] = Fate.COMMITTED
        if not there.any():
            return rows, fates, []
        rows, conflicts = rows.copy(), []
        instead = self._queries.stored_instead(self._connection, **_keys(order[there], rows))
        for found in await self._rows(instead):
            place = found["place"]
            row, stored = rows[place], _stored(found)
            fate = settle(row, stored, again=bool(again[row["message"]]))
            if fate is Fate.CALL:
                fate = await self._store_call(row)
            elif fate is Fate.CONFLICT:
                conflicts.append(_conflict(batch, row, stored))
            fates[place] = fate
        return rows, fates, conflicts

    async def _store_call(self, row: np.void) -> Fate:
        """A life-safety event whose time is taken: at its arrival, or just after."""
        time = int(row["time"]) + 1
        if row["device"] != 0 and not row["at_arrival"]:
            time = int(row["received_at"])
        key = {"device": int(row["device"]), "metric": int(row["metric"])}
        while True:
            at = moment(time)
            if await self._queries.store_one(
                self._connection,
                **key,
                time=at,
                received_at=moment(int(row["received_at"])),
                value=float(row["value"]),
                subject=int(row["subject"]),
                state=int(State.SUSPECT),
            ):
                row["time"] = time
                return Fate.COMMITTED
            there = _stored(await self._queries.stored_at(self._connection, **key, time=at))
            if (
                there.received_at == row["received_at"]
                and there.subject == row["subject"]
                and there.value == row["value"]
            ):
                return Fate.DUPLICATE  # stored by a transaction whose outcome was not heard
            time += 1

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

    def _newly_heard(self, batch: Batch) -> dict[int, _Heard]:
        """Gateways whose state has changed since it was last written, in order of their ids."""
        changes = {change.message: change for change in batch.statuses}
        now: dict[int, _Heard] = {}
        said: set[int] = set()
        for number, message in enumerate(batch.messages):
            gateway = message.gateway_id
            if not gateway:
                continue
            change = changes.get(number)
            if change is None:
                known = now.get(gateway) or self._heard.get(gateway)
                now[gateway] = _Heard(True, known.boot if known else "", message.arrival)
            elif not (change.retained and change.status.online):
                said.add(gateway)
                now[gateway] = _Heard(change.status.online, change.status.boot, message.arrival)
        return {
            gateway: one
            for gateway, one in sorted(now.items())
            if gateway in said  # another worker may have written something else meanwhile
            or (before := self._heard.get(gateway)) is None
            or (before.online, before.boot) != (one.online, one.boot)
            or one.at >= before.at + HEARD_EVERY
        }

    @staticmethod
    async def _rows(answer: Any) -> list[asyncpg.Record]:
        return [row async for row in answer]


def _blames_data(cause: BaseException | None) -> bool:
    if isinstance(cause, asyncpg.InterfaceError) and isinstance(cause, ValueError):
        return True  # the driver could not encode a parameter
    return isinstance(cause, asyncpg.PostgresError) and str(cause.sqlstate)[:2] in _DATA_REFUSED


def _stored(row: asyncpg.Record) -> Stored:
    return Stored(row["value"], row["qualifier"], row["subject"], micros(row["received_at"]))


def _keys(places: NDArray[np.int64], rows: NDArray[np.void]) -> dict[str, list[Any]]:
    """The keys of the rows at `places`, as arrays in step."""
    some = rows[places]
    return {
        "places": places.tolist(),
        "devices": some["device"].tolist(),
        "metrics": some["metric"].tolist(),
        "times": [moment(at) for at in some["time"].tolist()],
    }


def _conflict(batch: Batch, row: np.void, stored: Stored) -> Refused:
    return Refused(
        int(row["message"]),
        batch.records[row["record"]],
        "conflict",
        "A reading of the same device, metric and time is stored already with another value "
        f"({stored.value:g}; this one says {row['value']:g}).",
    )


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
