"""Rows reach the table once, straight or by way of staging, and what was there is said."""

from __future__ import annotations

import random

import numpy as np

from core.database import connect, load_queries
from ingest.batch import ROW
from ingest.instants import micros
from ingest.settling import firsts
from ingest.storing import Storing
from tests.integration.ingest_homes import NOW

START = micros(NOW)


def some_rows(keys: list[int]) -> np.ndarray[tuple[int, ...], np.dtype[np.void]]:
    """One row a key, in the order of the table's key."""
    rows = np.zeros(len(keys), dtype=ROW)
    rows["time"] = START + 1_000_000 * np.array(keys, dtype=np.int64)
    rows["received_at"], rows["metric"], rows["value"] = START, 1, keys
    return rows[np.lexsort((rows["time"], rows["metric"], rows["device"]))]


async def test_what_is_new_is_stored_and_what_was_there_is_named(database_url: str) -> None:
    chance = random.Random(7)
    connection = await connect(database_url)
    try:
        await load_queries("ingest").create_staged(connection)
        storing = Storing(connection)
        stored: set[int] = set()
        # Stretches with nothing old, with a little, and with nothing else.
        for turn in range(40):
            new = chance.sample(range(1_000 * turn, 1_000 * turn + 1_000), 20)
            old = chance.sample(sorted(stored), min(len(stored), (0, 0, 1, 20)[turn // 3 % 4]))
            keys = sorted([*new, *old] if turn % 7 else [*old, *new[: not old]])
            rows = some_rows(keys)
            assert firsts(rows).all()
            async with connection.transaction():
                there = await storing.store(rows)
            assert rows["value"][there].tolist() == sorted(set(keys) & stored)
            stored |= set(keys)
        values = [
            row["value"] for row in await connection.fetch("SELECT value FROM telemetry.reading")
        ]
        assert sorted(values) == sorted(stored)
    finally:
        await connection.close()


async def test_a_transaction_that_fails_stores_nothing_whichever_way(database_url: str) -> None:
    connection = await connect(database_url)
    try:
        await load_queries("ingest").create_staged(connection)
        storing = Storing(connection)
        for keys in ([1, 2], [2, 3], [3, 4], [5]):
            async with connection.transaction():
                await storing.store(some_rows(keys))
            transaction = connection.transaction()
            await transaction.start()
            await storing.store(some_rows([*keys, 100]))
            await transaction.rollback()
        count = await connection.fetchval("SELECT count(*) FROM telemetry.reading")
        assert count == 5
    finally:
        await connection.close()
