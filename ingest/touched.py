"""Readings on their way into the aggregates: as a batch queues them, and summed up by bucket."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from core.reading import State
from ingest.instants import micros, moment

READING = np.dtype(
    [
        ("time", "<i8"), ("value", "<f8"), ("device", "<i4"), ("subject", "<i4"),
        ("metric", "<i2"), ("state", "<i2"),
    ]
)  # fmt: skip
"""One stored reading in `telemetry.touched.readings`; `time` in microseconds since 1970."""
BUCKET = np.dtype(
    [
        ("subject", "i4"), ("metric", "i2"), ("device", "i4"), ("bucket", "i8"), ("count", "i8"),
        ("suspect", "i8"), ("sum", "f8"), ("min", "f8"), ("max", "f8"), ("last", "f8"),
        ("last_at", "i8"),
    ]
)  # fmt: skip
"""What some readings add to one row of an aggregate."""
HELSINKI = ZoneInfo("Europe/Helsinki")
Begin = Callable[[NDArray[np.int64]], NDArray[np.int64]]
"""`hours` or `days`."""
_HOUR = 3_600_000_000


def touched_entry(rows: NDArray[np.void], *, added: bool) -> dict[str, Any]:
    """Stored rows (of `batch.ROW`, at least one) as one entry of the queue.

    With `added` it holds the readings themselves, 28 bytes each; else only where they lie in time.
    """
    times = rows["time"]
    entry: dict[str, Any] = {
        "since": moment(int(times.min())),
        "until": moment(int(times.max())),
        "readings": None,
    }
    if added:
        readings = np.empty(len(rows), dtype=READING)
        for name in READING.names or ():
            readings[name] = rows[name]
        entry["readings"] = readings.tobytes()
    return entry


def unpacked(queued: Sequence[bytes]) -> NDArray[np.void]:
    """The readings (of `READING`) of several entries of the queue."""
    return np.frombuffer(b"".join(queued), dtype=READING)


def hours(times: NDArray[np.int64]) -> NDArray[np.int64]:
    """When the hour of each time begins, in microseconds since 1970."""
    return times - times % _HOUR


def days(times: NDArray[np.int64]) -> NDArray[np.int64]:
    """When the day of each time begins in Helsinki; days there have 23, 24 or 25 hours.

    A day begins at a full hour, and time there is shifted at one, so hours decide.
    """
    known, places = np.unique(hours(times), return_inverse=True)
    begins = [
        micros(moment(hour).astimezone(HELSINKI).replace(hour=0, minute=0, second=0, microsecond=0))
        for hour in known.tolist()
    ]
    return np.array(begins, dtype=np.int64)[places]


def beginning(begin: Begin, at: datetime) -> datetime:
    """When the hour or day (`hours`, `days`) of one time begins."""
    return moment(int(begin(np.array([micros(at)], dtype=np.int64))[0]))


def summed(readings: NDArray[np.void], bucket: NDArray[np.int64]) -> NDArray[np.void]:
    """What readings (of `READING`) add to each bucket, in the order of the aggregates' key.

    `bucket` says where each reading belongs. Struck-out ones count nowhere.
    """
    kept = readings["state"] != State.STRUCK_OUT
    readings, bucket = readings[kept], bucket[kept]
    if not len(readings):
        return np.empty(0, dtype=BUCKET)
    order = np.lexsort(
        (readings["time"], readings["device"], bucket, readings["metric"], readings["subject"])
    )
    readings, bucket = readings[order], bucket[order]
    first = np.ones(len(readings), dtype=bool)
    first[1:] = bucket[1:] != bucket[:-1]
    for name in ("subject", "metric", "device"):
        first[1:] |= readings[name][1:] != readings[name][:-1]
    starts = np.flatnonzero(first)
    ends = np.append(starts[1:], len(readings)) - 1
    values: NDArray[Any] = readings["value"]
    out = np.empty(len(starts), dtype=BUCKET)
    for name in ("subject", "metric", "device"):
        out[name] = readings[name][starts]
    out["bucket"] = bucket[starts]
    out["count"] = ends - starts + 1
    out["suspect"] = np.add.reduceat((readings["state"] == State.SUSPECT).astype(np.int64), starts)
    out["sum"] = np.add.reduceat(values, starts)
    out["min"] = np.minimum.reduceat(values, starts)
    out["max"] = np.maximum.reduceat(values, starts)
    out["last"] = values[ends]
    out["last_at"] = readings["time"][ends]
    return out
