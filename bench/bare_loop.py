"""The alert engine's limit: its loop over the database with nothing evaluated.

As many processes as the engine has workers claim the same number of notes at once, lock the states
in their order, read what is new, write the states back as they were, and commit.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import time
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import asyncpg
import msgspec

from core.clock import wall_time
from core.database import connect, load_queries, translated
from core.errors import SaimiError

_PATIENCE_S = 120.0


async def bare_loop(
    url: str,
    connection: asyncpg.Connection,
    subjects: Sequence[int],
    at: datetime,
    *,
    workers: int,
    most: int,
) -> float:
    """Seconds in which the loop goes once over the readings of everybody of the time `at`.

    Args:
        most: notes claimed in one transaction.

    Raises:
        SaimiError: a process did not do its part.
    """
    queries = load_queries("bench")
    async with translated():
        await queries.bare_tables(connection)
        await queries.bare_notes(connection, subjects=list(subjects), time=at, wall=wall_time())
    done, began, ended = await asyncio.to_thread(_processes, url, workers, most)
    if done != len(subjects):
        raise SaimiError(f"The bare loop went over {done:,} of {len(subjects):,} clients.")
    return ended - began


def _processes(url: str, workers: int, most: int) -> tuple[int, float, float]:
    """Clients in all, and when the first began and the last ended."""
    context = multiprocessing.get_context("spawn")
    barrier, told = context.Barrier(workers), context.SimpleQueue()
    processes = [
        context.Process(target=_process, args=(url, most, barrier, told), daemon=True)
        for _ in range(workers)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join(_PATIENCE_S)
        if process.exitcode != 0:
            raise SaimiError("A process of the bare loop did not do its part.")
    found = [told.get() for _ in processes]
    return sum(n for n, _, _ in found), min(b for _, b, _ in found), max(e for _, _, e in found)


def _process(url: str, most: int, barrier: Any, told: Any) -> None:
    told.put(asyncio.run(_work(url, most, barrier)))


async def _work(url: str, most: int, barrier: Any) -> tuple[int, float, float]:
    queries = load_queries("bench")
    connection = await connect(url)
    try:
        await asyncio.to_thread(barrier.wait, _PATIENCE_S)
        done, began = 0, time.monotonic()
        while True:
            async with translated(), connection.transaction():
                notes = [row async for row in queries.bare_claim(connection, most=most)]
                if not notes:
                    return done, began, time.monotonic()
                subjects = [row["subject"] for row in notes]
                states = [row async for row in queries.bare_lock(connection, subjects=subjects)]
                rows = queries.bare_new(
                    connection,
                    subjects=subjects,
                    since=min(row["since"] for row in notes),
                    until=max(row["until"] for row in notes),
                )
                async for _ in rows:
                    pass
                await queries.bare_write(
                    connection,
                    subjects=[row["subject"] for row in states],
                    due=[row["due_at"] for row in states],
                    states=[msgspec.json.encode(row["state"]).decode() for row in states],
                    now=wall_time(),
                )
            done += len(subjects)
    finally:
        await connection.close()
