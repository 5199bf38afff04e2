"""Home-days: what the ambient sensors of homes said, by date and hour.

A home-day is any (home, calendar date) on which a sensor of the home was heard. A date's row tells
of that date alone, so nothing later can get into it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Indexes = NDArray[np.int64]
Flags = NDArray[np.bool_]

MEASURES = ("events", "moves", "hallway")
"""Counted in each hour: events of all sensors; events of another sensor than the one before, on
that date; events of the hallway's sensor."""
HALLWAY = "hallway"


@dataclass(frozen=True)
class HomeDays:
    """n home-days in order of home and date, each once."""

    names: tuple[str, ...]
    """The homes."""
    home: Indexes
    """(n,), place in `names`."""
    day: Indexes
    """(n,), as `date.toordinal`."""
    counts: Floats
    """(n, 24, 3), by hour and MEASURES. NaN: that home had no such sensor up to that date."""

    def __len__(self) -> int:
        return len(self.home)

    def only(self, rows: Flags) -> HomeDays:
        """Some of the home-days."""
        return HomeDays(self.names, self.home[rows], self.day[rows], self.counts[rows])

    def spans(self) -> list[slice]:
        """The rows of each home that has any."""
        edges = np.flatnonzero(np.diff(self.home)) + 1
        return [slice(a, b) for a, b in pairwise([0, *edges.tolist(), len(self)]) if b > a]

    def digest(self, labels: Flags) -> str:
        """SHA-256 of all that a model could learn from these home-days and their labels (n, …)."""
        found = sha256("\n".join(self.names).encode())
        for column in (self.home, self.day, self.counts, labels.astype(np.int64)):
            found.update(column.astype(column.dtype.newbyteorder("<")).tobytes())
        return found.hexdigest()


@dataclass(frozen=True)
class Events:
    """What sensors noticed, in any order; an event that is there twice counts once."""

    homes: Sequence[str]
    places: Sequence[str]
    home: Indexes
    """(m,), place in `homes`."""
    place: Indexes
    """(m,), place in `places`."""
    day: Indexes
    """(m,), the date as written, as `date.toordinal`."""
    second: Floats
    """(m,), of that date, 0 … 86,400."""


def tabulate(events: Events) -> HomeDays:
    """Count events by home, date and hour."""
    names, home = _sorted(events.homes, events.home)
    places, place = _sorted(events.places, events.place)
    order = np.lexsort((place, events.second, events.day, home))
    home, place = home[order], place[order]
    day, second = events.day[order], events.second[order]
    new_day = np.ones(len(home), dtype=bool)
    new_day[1:] = (np.diff(home) != 0) | (np.diff(day) != 0)
    other = np.ones(len(home), dtype=bool)
    other[1:] = np.diff(place) != 0
    later = np.ones(len(home), dtype=bool)
    later[1:] = np.diff(second) != 0
    once = new_day | other | later
    home, place, day, second = home[once], place[once], day[once], second[once]
    new_day = new_day[once]
    moved = np.zeros(len(home), dtype=bool)
    moved[1:] = (np.diff(place) != 0) & ~new_day[1:]
    hour = np.minimum(second // 3600.0, 23.0).astype(np.int64)
    in_hall = np.isin(place, [n for n, name in enumerate(places) if name == HALLWAY])

    row = np.cumsum(new_day) - 1
    counts = np.zeros((int(new_day.sum()), 24, len(MEASURES)))
    for measure, counted in enumerate((np.ones_like(moved), moved, in_hall)):
        np.add.at(counts[:, :, measure], (row[counted], hour[counted]), 1.0)
    found = HomeDays(tuple(names), home[new_day], day[new_day], counts)
    for span in found.spans():
        heard = np.cumsum(counts[span, :, 2].sum(axis=1)) > 0
        counts[span, :, 2] = np.where(heard[:, None], counts[span, :, 2], np.nan)
    return found


def text_of(day: int) -> str:
    """2019-04-01."""
    return date.fromordinal(int(day)).isoformat()


def _sorted(names: Sequence[str], numbers: Indexes) -> tuple[list[str], Indexes]:
    """Names in order, and the numbers that point at them there."""
    found, place = np.unique(np.array(list(names), dtype=str), return_inverse=True)
    return found.tolist(), place.astype(np.int64)[numbers]
