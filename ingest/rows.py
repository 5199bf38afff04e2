"""A batch's rows into the database, each key once, and what became of each of them."""

from __future__ import annotations

from typing import Any

import asyncpg
import numpy as np
from numpy.typing import NDArray

from core.database import Connection, load_queries
from core.reading import State
from ingest.batch import Batch, Refused
from ingest.instants import micros, moment
from ingest.settling import Fate, Stored, firsts, settle, to_store
from ingest.storing import Storing


class Rows:
    """Stores rows on a connection on which `create_staged` was called."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._queries = load_queries("ingest")
        self._storing = Storing(connection)

    async def store(
        self, batch: Batch, again: NDArray[np.bool_], repeated: NDArray[np.bool_]
    ) -> tuple[NDArray[np.void], NDArray[np.int8], list[Refused]]:
        """The batch's rows as they were stored, their fates, and the conflicts among them.

        `again` says of each message whether it was received before, `repeated` of each row whether
        it is a repetition that is not stored.

        Raises:
            asyncpg.PostgresError: the database refuses.
        """
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
        async for found in instead:
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
