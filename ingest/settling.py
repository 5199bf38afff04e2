"""What becomes of each row of a batch: stored, there already, or in conflict with what is there."""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Fate(IntEnum):
    """What became of a row."""

    COMMITTED = 0
    DUPLICATE = 1
    """An equal reading is stored."""
    CONFLICT = 2
    """Another value is stored for the same device, metric and time; kept with the rejected."""
    IGNORED = 3
    """Its message was received before: counted then."""
    CALL = 4
    """A life-safety event whose time is taken: to be stored at another."""


class Stored(NamedTuple):
    """What the database has where a row would have been."""

    value: float
    qualifier: int
    subject: int
    received_at: int
    """Microseconds since 1970."""


def to_store(rows: NDArray[np.void], again: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Places of the rows to store, in the order of the table's key.

    All workers store in this order, so they can wait for one another but never in a circle. Of a
    message that was received before, what has a key of its own is tried again: where it is the same
    message nothing comes of it, but a gateway that gives out a number twice loses nothing.
    """
    sure = ~rows["at_arrival"] & (rows["device"] != 0)
    kept = np.flatnonzero(~again[rows["message"]] | sure)
    some = rows[kept]
    # Stable: of rows with one key, the first of the batch stays first.
    return kept[np.lexsort((some["time"], some["metric"], some["device"]))]


def firsts(ordered: NDArray[np.void]) -> NDArray[np.bool_]:
    """Which of the rows, in the order of the key, are the first with their key."""
    first = np.ones(len(ordered), dtype=bool)
    if len(ordered) > 1:
        same = np.ones(len(ordered) - 1, dtype=bool)
        for name in ("device", "metric", "time"):
            same &= ordered[name][1:] == ordered[name][:-1]
        first[1:] = ~same
    return first


def settle(row: np.void, stored: Stored, *, again: bool) -> Fate:
    """What becomes of a row whose key is taken by `stored`."""
    equal = row["value"] == stored.value and row["qualifier"] == stored.qualifier
    if equal and row["device"] == 0:
        # Device 0 stands for all unknown ones: only the same home's, or the same message's call
        # is the same call.
        equal = row["subject"] == stored.subject and (
            row["subject"] != 0 or row["received_at"] == stored.received_at
        )
    if equal:
        return Fate.IGNORED if again else Fate.DUPLICATE
    if row["call"]:
        return Fate.CALL
    return Fate.IGNORED if again else Fate.CONFLICT
