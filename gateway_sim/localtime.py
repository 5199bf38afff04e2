"""Local days and hours of Europe/Helsinki, right on both nights on which the clock changes."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from core.clock import LOCAL

Floats = NDArray[np.float64]
EPOCH = date(1970, 1, 1).toordinal()
"""Number of the day from which `local_days` counts."""


SATURDAY, SUNDAY = 5, 6


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


def local_days(time: Floats) -> tuple[NDArray[np.int64], Floats]:
    """Local day, counted from 1970-01-01, and hour of the day, 0 … 24, of Unix seconds."""
    local = time + _ahead(time)
    day = np.floor(local / 86_400.0)
    return day.astype(np.int64), (local - 86_400.0 * day) / 3600.0


def weekday(day: NDArray[np.int64]) -> NDArray[np.int64]:
    """0 Monday … 6 Sunday of days since 1970-01-01, which was a Thursday."""
    number: NDArray[np.int64] = (day + 3) % 7
    return number


def local_hour(time: Floats) -> Floats:
    """Hour of the day, 0 … 24, of Unix seconds."""
    return local_days(time)[1]


def milliseconds(time: Floats) -> NDArray[np.int64]:
    """Unix seconds as whole milliseconds."""
    whole: NDArray[np.int64] = np.round(time * 1000.0).astype(np.int64)
    return whole


def _ahead(time: Floats) -> Floats | float:
    """Seconds that local time is ahead of UTC; most questions lie between two changes."""
    if len(time) == 0:
        return 0.0
    moments, ahead = _changes(
        datetime.fromtimestamp(float(time.min()), UTC).year,
        datetime.fromtimestamp(float(time.max()), UTC).year,
    )
    first, last = np.searchsorted(moments, [time.min(), time.max()], side="right")
    if first == last:
        return float(ahead[first])
    later: Floats = ahead[np.searchsorted(moments, time, side="right")]
    return later


@lru_cache(maxsize=64)
def _changes(first: int, last: int) -> tuple[Floats, Floats]:
    """When the offset changes in these years, on the hour, and the offsets before and after."""
    start, end = (int(datetime(y, 1, 1, tzinfo=UTC).timestamp()) for y in (first, last + 1))
    ahead, moments = [_offset(start)], []
    for day in range(start, end, 86_400):
        if _offset(day + 86_400) != ahead[-1]:
            hour = next(h for h in range(day, day + 90_000, 3600) if _offset(h) != ahead[-1])
            moments.append(float(hour))
            ahead.append(_offset(hour))
    return np.array(moments), np.array(ahead)


def _offset(time: float) -> float:
    ahead = datetime.fromtimestamp(time, UTC).astimezone(LOCAL).utcoffset()
    return ahead.total_seconds() if ahead is not None else 0.0
