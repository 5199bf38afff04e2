"""Values by local day: medians of a day's readings, and the last six weeks of each subject."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.readings import Flags, Floats, Indexes, Readings, clock

KEPT = 42
"""Days remembered: six weeks, the last one included."""
CELL = np.dtype([("day", "<i4"), ("value", "<f4", (KEPT,))])
"""The last day heard, local, since 1970-01-01 (0: none), and the days up to it; a day that is as
far away as from 1970 is not known."""
Memory = NDArray[np.void]
"""(subjects, metrics) of CELL; all zeros: nothing is known."""


@dataclass(frozen=True)
class Days:
    """Rows (r): what was measured of a subject on a local day, so far."""

    subject: Indexes
    """(r,), 0 …"""
    day: Indexes
    """(r,), local days since 1970-01-01."""
    value: Floats
    """(r, metrics), medians in the metric's unit; NaN: not measured that day."""

    def __len__(self) -> int:
        return len(self.subject)

    def only(self, rows: Indexes | Flags) -> Days:
        """Some rows, or all in another order."""
        return Days(self.subject[rows], self.day[rows], self.value[rows])


def daily(readings: Readings) -> Days:
    """Medians by subject and local day, in that order; what is held is left out."""
    taken = np.flatnonzero(~readings.held)
    day, _ = clock(readings.local[taken])
    keys, row = np.unique(
        np.stack([readings.subject[taken], day], axis=1), axis=0, return_inverse=True
    )
    row = row.ravel()
    value = np.full((len(keys), readings.value.shape[1]), np.nan)
    for metric in range(value.shape[1]):
        one = readings.value[taken, metric]
        known = np.flatnonzero(~np.isnan(one))
        known = known[np.lexsort((one[known], row[known]))]
        of, start, count = np.unique(row[known], return_index=True, return_counts=True)
        ordered = one[known]
        if len(of):
            value[of, metric] = 0.5 * (
                ordered[start + (count - 1) // 2] + ordered[start + count // 2]
            )
    return Days(keys[:, 0], keys[:, 1], value)


def lately(cell: NDArray[np.void], day: Indexes, value: Floats) -> Floats:
    """(n, KEPT): the days up to `day` of cells (n,), `value` being that day's."""
    seen = _seen_from(cell, day)
    seen[:, -1] = value
    return seen


def remember(cell: NDArray[np.void], day: Indexes, value: Floats) -> NDArray[np.void]:
    """Cells (n,) with values of days (n,); a day heard again is replaced, also an earlier one."""
    newest = np.maximum(cell["day"], day)
    kept = np.empty_like(cell)
    kept["day"] = newest
    kept["value"] = _seen_from(cell, newest)
    place = KEPT - 1 - (newest - day)
    rows = np.flatnonzero(place >= 0)
    values = kept["value"]
    values[rows, place[rows]] = value[rows]
    return kept


def median(values: Floats) -> Floats:
    """Over the last axis, of what is known; NaN where nothing is."""
    ordered = np.sort(values, axis=-1)
    known = (~np.isnan(values)).sum(axis=-1)[..., None]
    low = np.take_along_axis(ordered, np.maximum(known - 1, 0) // 2, axis=-1)
    high = np.take_along_axis(ordered, known // 2, axis=-1)
    middle: Floats = (0.5 * (low + high))[..., 0]
    return middle


def _seen_from(cell: NDArray[np.void], day: NDArray[np.integer]) -> Floats:
    """(n, KEPT): the days up to each cell's `day`."""
    place = np.arange(KEPT) + (day - cell["day"])[:, None]
    inside = (place >= 0) & (place < KEPT) & (cell["day"] > 0)[:, None]
    values = np.take_along_axis(cell["value"], np.clip(place, 0, KEPT - 1), axis=1)
    seen: Floats = np.where(inside, values, np.nan).astype(np.float64)
    return seen
