"""Hours of a day added up, and what was usual for the home in them.

A window is (first, end) in whole local hours of a date, end excluded; hours below 0 are the evening
before. It ends with that date at the latest.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from models.home_days import Floats, HomeDays

Window = tuple[int, int]


@dataclass(frozen=True)
class Past:
    """What is kept of one home's past days, so that its next days can be looked at alone."""

    day: int
    """The last one."""
    counts: Floats
    """(24, measures) of it."""
    total: Floats
    """(windows, measures): sums over its days of log(1 + count), where that is known."""
    days: Floats
    """(windows, measures): how many days that are."""


Memory = dict[str, Past]


@dataclass(frozen=True)
class Levels:
    """Of n home-days and w windows."""

    now: Floats
    """(n, w, 3): log(1 + count in the window), NaN where it is not known."""
    usual: Floats
    """(n, w, 3): mean of the same over the home's days before; NaN without such days."""
    memory: Memory = field(repr=False)
    """The homes' past after these days."""


def hours_of(days: HomeDays, memory: Memory | None = None) -> Floats:
    """(n, 48, 3): hour by hour the date before, NaN if the home was not heard then, and the date.

    Raises:
        ValueError: a day is not after those in `memory`.
    """
    before = np.full_like(days.counts, np.nan)
    for span in days.spans():
        follows = np.diff(days.day[span]) == 1
        before[span][1:][follows] = days.counts[span][:-1][follows]
        past = (memory or {}).get(days.names[int(days.home[span.start])])
        if past is not None:
            gap = int(days.day[span.start]) - past.day
            if gap < 1:
                raise ValueError("days have to come in order")
            if gap == 1:
                before[span.start] = past.counts
    hours: Floats = np.concatenate([before, days.counts], axis=1)
    return hours


def window_sums(hours: Floats, window: Window) -> Floats:
    """(n, 3): counts in the window."""
    total: Floats = hours[:, 24 + window[0] : 24 + window[1]].sum(axis=1)
    return total


def levels(days: HomeDays, windows: tuple[Window, ...], memory: Memory | None = None) -> Levels:
    """Levels of each day in each window, beside the usual of the days before."""
    hours = hours_of(days, memory)
    now = np.log1p(np.stack([window_sums(hours, window) for window in windows], axis=1))
    usual = np.empty_like(now)
    after = dict(memory or {})
    for span in days.spans():
        name = days.names[int(days.home[span.start])]
        past = after.get(name)
        own = now[span]
        known = ~np.isnan(own)
        start = np.zeros_like(own[:1])
        # Added up from the first day on, so that pieces give the same sums to the last bit.
        sums = np.cumsum(
            np.concatenate([start if past is None else past.total[None], np.where(known, own, 0)]),
            axis=0,
        )
        seen = np.cumsum(
            np.concatenate([start if past is None else past.days[None], known]), axis=0
        )
        usual[span] = np.where(seen[:-1] > 0, sums[:-1] / np.maximum(seen[:-1], 1), np.nan)
        last = span.stop - 1
        after[name] = Past(int(days.day[last]), days.counts[last].copy(), sums[-1], seen[-1])
    return Levels(now, usual, after)


def memory_state(memory: Memory) -> dict[str, Any]:
    """A memory in plain values; unknown is null."""
    return {
        name: {
            "day": past.day,
            "counts": [[None if np.isnan(x) else float(x) for x in row] for row in past.counts],
            "total": past.total.tolist(),
            "days": past.days.tolist(),
        }
        for name, past in sorted(memory.items())
    }


def memory_from_state(state: dict[str, Any]) -> Memory:
    """The reverse of `memory_state`."""
    return {
        name: Past(
            int(one["day"]),
            np.array(one["counts"], dtype=float),
            np.array(one["total"], dtype=float),
            np.array(one["days"], dtype=float),
        )
        for name, one in state.items()
    }
