"""Local days and hours of Europe/Helsinki, right on both nights on which the clock changes."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from core.clock import LOCAL

Floats = NDArray[np.float64]


class LocalDay(NamedTuple):
    """A local day in Unix seconds."""

    start: float
    end: float
    shifts_at: float
    """Seconds after midnight, by the clock as it goes on from midnight, from which clock times are
    `shift` seconds away from there; the day's end where the clock does not change."""
    shift: float

    def at(self, hours: Floats) -> Floats:
        """When local clocks show these hours (0 … 24), Unix seconds; of an hour that comes twice
        the first, and one that is left out as if the clock had not changed yet."""
        seconds = hours * 3600.0
        return self.start + seconds - np.where(seconds >= self.shifts_at, self.shift, 0.0)


@lru_cache(maxsize=64)
def local_day(day: date) -> LocalDay:
    """The day from its midnight to the next."""
    start, end = local_midnight(day), local_midnight(day + timedelta(days=1))
    shift = 86_400.0 - (end - start)
    # The clock changes at 01:00 UTC: in spring from 3 to 4, in autumn from 4 to 3 o'clock.
    return LocalDay(start, end, 4 * 3600.0 if shift else 86_400.0, shift)


def local_midnight(day: date) -> float:
    """Unix seconds of the day's beginning."""
    return datetime(day.year, day.month, day.day, tzinfo=LOCAL).timestamp()


def local_date(time: float) -> date:
    """The day of Unix seconds."""
    return datetime.fromtimestamp(time, UTC).astimezone(LOCAL).date()


def at_hour(day: date, hour: float) -> float:
    """Unix seconds at which local clocks show `hour` (0 … <24) on that day."""
    return float(local_day(day).at(np.array([hour]))[0])


def local_hour(time: Floats) -> Floats:
    """Hour of the day, 0 … 24, of Unix seconds."""
    hours = np.floor(time / 3600.0)
    distinct, position = np.unique(hours, return_inverse=True)
    offsets = np.array([_offset(float(h)) for h in distinct])
    hour: Floats = np.mod(time + offsets[position], 86400.0) / 3600.0
    return hour


def _offset(hour: float) -> float:
    """Seconds that local time is ahead of UTC in that hour since 1970; it changes on the hour."""
    ahead = datetime.fromtimestamp(hour * 3600.0, UTC).astimezone(LOCAL).utcoffset()
    return ahead.total_seconds() if ahead is not None else 0.0
