"""Keeps what was found of devices' clocks, and what a device said of a time that was corrected."""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.database import Connection, load_queries, translated
from ingest.batch import Batch, ClockFault
from ingest.instants import moment
from ingest.settling import Fate

JUMP = 300.0
"""Seconds by which an offset must change to be a jump: less is drift, or a message on its way."""


async def note_clocks(
    connection: Connection,
    batch: Batch,
    rows: NDArray[np.void],
    fates: NDArray[np.int8],
    again: NDArray[np.bool_],
) -> None:
    """Note the clock faults of a batch whose `rows` had these `fates`, in the caller's transaction.

    What was stored before is not counted again: neither a message that is `again` here, nor a
    reading that was there, nor one that is tried again.
    """
    stored = {int(row["record"]): row for row in rows[fates == Fate.COMMITTED]}
    noted = [
        one
        for one in batch.clocks
        if (
            not again[one.message] and batch.messages[one.message].counted
            if one.record is None
            else one.record in stored
        )
    ]
    if not noted:
        return
    queries = load_queries("ingest")
    await queries.note_clocks(connection, **_clock_columns(batch, noted))
    corrected = [(one, stored[one.record]) for one in noted if one.record is not None]
    if corrected:
        await queries.write_corrected_times(
            connection,
            devices=[one.device for one, _ in corrected],
            metrics=[int(row["metric"]) for _, row in corrected],
            times=[moment(int(row["time"])) for _, row in corrected],
            device_times=[one.time for one, _ in corrected],
            faults=[str(one.fault) for one, _ in corrected],
        )


def _clock_columns(batch: Batch, noted: list[ClockFault]) -> dict[str, list[Any]]:
    """By device, in order, as arrays in step; the last fault of a batch is the one to be kept."""
    columns: dict[str, list[Any]] = {
        name: []
        for name in ("devices", "faults", "seconds", "seen_at", "corrected", "refused", "jumps")
    }
    by_device: dict[int, list[ClockFault]] = {}
    for one in sorted(noted, key=lambda one: one.message):
        by_device.setdefault(one.device, []).append(one)
    for device, some in sorted(by_device.items()):
        offsets = [one.seconds for one in some]
        columns["devices"].append(device)
        columns["faults"].append(str(some[-1].fault))
        columns["seconds"].append(offsets[-1])
        columns["seen_at"].append(moment(batch.messages[some[-1].message].arrival))
        columns["refused"].append(sum(one.record is None for one in some))
        columns["corrected"].append(sum(one.record is not None for one in some))
        columns["jumps"].append(sum(abs(b - a) > JUMP for a, b in pairwise(offsets)))
    return columns


async def list_clocks(
    connection: Connection, since: datetime, *, most: int = 100
) -> list[dict[str, Any]]:
    """Devices whose clocks were found wrong since then, those with the most readings first.

    Each has gateway, device, fault (`device_time.Fault`), seconds (added to its times, the last
    time), since, seen_at, corrected and refused (readings), jumps.

    Raises:
        DatabaseError: the database is away or refuses.
    """
    async with translated():
        rows = load_queries("ingest").list_clocks(connection, since=since, most=most)
        return [dict(row) async for row in rows]
