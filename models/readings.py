"""Readings of many subjects as arrays, as baselines take them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Indexes = NDArray[np.int64]
Flags = NDArray[np.bool_]

DAY = 86_400.0
"""Seconds."""
MOST = 1e9
"""No measurement lies beyond, whatever the unit; sums of squares stay finite."""


@dataclass(frozen=True)
class Readings:
    """Rows (r): what was measured of a subject at about one moment."""

    subject: Indexes
    """(r,), 0 …"""
    time: Floats
    """(r,), Unix seconds."""
    local: Floats
    """(r,), what a local clock and calendar show, in seconds since they showed 1970-01-01 00:00:
    Unix seconds plus the offset of that moment."""
    value: Floats
    """(r, metrics), in the metric's unit; NaN: not measured."""
    held: Flags
    """(r,): score, and learn nothing (an open episode, a doubted device, away from home)."""

    def __len__(self) -> int:
        return len(self.subject)

    def only(self, rows: Indexes | Flags) -> Readings:
        """Some rows, or all in another order."""
        return Readings(
            self.subject[rows], self.time[rows], self.local[rows], self.value[rows], self.held[rows]
        )


def clock(local: Floats) -> tuple[Indexes, Floats]:
    """Local days since 1970-01-01, and hour of the day (0 ≤ h < 24), of `Readings.local`."""
    day = np.floor(local / DAY)
    return day.astype(np.int64), (local - day * DAY) / 3600.0


def begun(
    subject: Indexes,
    value: Floats,
    metrics: int,
    memory: NDArray[np.void] | None,
    cell: np.dtype[np.void],
) -> NDArray[np.void]:
    """A copy of `memory` (subjects, metrics) to go on with, or an empty one, for rows to score.

    Raises:
        ValueError: another number of metrics; a value that is no measurement; a subject that is
            not in memory.
    """
    subjects = int(subject.max(initial=-1)) + 1
    cells = np.zeros((subjects, metrics), cell) if memory is None else memory.copy()
    if value.shape[1] != metrics or cells.shape[1:] != (metrics,):
        raise ValueError(f"{value.shape[1]} metrics instead of {metrics}")
    if subjects > len(cells) or subject.min(initial=0) < 0:
        raise ValueError("a subject is not in memory")
    if (np.abs(value) > MOST).any():
        raise ValueError("a value is no measurement; beyond a device's limit, that limit is one")
    return cells


def rounds(subject: Indexes, time: Floats | Indexes) -> Iterator[Indexes]:
    """Rows such that no subject is twice in a round and each subject's go on in order of time.

    Of rows of the same time the one first in the table is first.
    """
    order = np.lexsort((time, subject))
    who = subject[order]
    first = np.ones(len(who), dtype=bool)
    first[1:] = np.diff(who) != 0
    starts = np.flatnonzero(first)
    rank = np.arange(len(who)) - np.repeat(starts, np.diff(np.append(starts, len(who))))
    by_rank = np.argsort(rank, kind="stable")
    low = 0
    for high in np.cumsum(np.bincount(rank)).tolist():
        yield order[by_rank[low:high]]
        low = high
