"""Illnesses that are known, and how alerts are counted against them.

An alert begins where a score is over the limit and was not for 72 h. It is false where nothing at
all was the matter with the client: outside onset … recovered + 72 h of any illness. An illness is
caught where the score is over the limit between its onset and its crisis (without a crisis, its
recovery).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from models.readings import DAY, Flags, Floats, Indexes

APART = 3 * DAY
"""Seconds between two alerts, and after an illness until somebody is well."""
NEW = 14 * DAY
"""Seconds in which a home is new."""


class Illness(NamedTuple):
    """What somebody had; Unix seconds."""

    subject: int
    kind: str
    serious: bool
    """One that the model is to tell; others are neither told nor false."""
    onset: float
    first_sign: float
    crisis: float
    """NaN: it has none."""
    recovered: float

    @property
    def until(self) -> float:
        """Until when it has to be told."""
        return self.recovered if np.isnan(self.crisis) else self.crisis


@dataclass(frozen=True)
class Looks:
    """Rows (r): looks at clients, in order of subject and time."""

    subject: Indexes
    time: Floats
    home: Indexes
    """Whose rows belong together when homes are kept apart."""

    def only(self, rows: Flags) -> Looks:
        """Some rows."""
        return Looks(self.subject[rows], self.time[rows], self.home[rows])


def labels(looks: Looks, illnesses: Sequence[Illness]) -> tuple[Flags, Flags, Floats]:
    """(r,): whether ill and getting worse; whether nothing is the matter; and what a row counts.

    Between onset and first sign, on the way back, and in what is not serious, a row counts nothing.
    Each illness counts as much as the others however long it lasts and however often somebody
    measured; the well count as often as they are.
    """
    ill = np.zeros(len(looks.time), dtype=bool)
    well = np.ones(len(looks.time), dtype=bool)
    weight = np.zeros(len(looks.time))
    for one in illnesses:
        low, high = np.searchsorted(looks.subject, [one.subject, one.subject + 1])
        time = looks.time[low:high]
        well[low:high] &= (time < one.onset) | (time > one.recovered + APART)
        if one.serious:
            top = one.crisis if not np.isnan(one.crisis) else (one.onset + one.recovered) / 2.0
            rows = low + np.flatnonzero((time >= one.first_sign) & (time <= top))
            ill[rows] = True
            # Towards the crisis it counts more: a first sign is hardly one.
            part = (looks.time[rows] - one.onset) / max(top - one.onset, 1.0)
            weight[rows] = np.maximum(weight[rows], part / max(part.sum(), 1e-9))
    days = len(np.unique(np.stack([looks.subject[well], looks.time[well] // DAY]), axis=1).T)
    weight[well] = days / max(int(well.sum()), 1)
    return ill, well & ~ill, weight


def starts(over: Flags, looks: Looks) -> Flags:
    """Rows that begin an alert."""
    rows = np.flatnonzero(over)
    new = np.ones(len(rows), dtype=bool)
    new[1:] = (np.diff(looks.subject[rows]) != 0) | (np.diff(looks.time[rows]) > APART)
    begun = np.zeros(len(over), dtype=bool)
    begun[rows[new]] = True
    return begun


def client_days(looks: Looks, rows: Flags) -> int:
    """Days of clients among some rows."""
    keys = looks.subject[rows] * 100_000 + (looks.time[rows] // DAY).astype(np.int64)
    return len(np.unique(keys))


def false_alerts(over: Flags, well: Flags, looks: Looks) -> float:
    """Alerts on 100 days of clients with whom nothing is the matter."""
    days = client_days(looks, well)
    return 100.0 * int((starts(over, looks) & well).sum()) / max(days, 1)


def limit_for(score: Floats, well: Flags, looks: Looks, rate: float) -> float:
    """The lowest of 400 limits at which no more alerts than `rate` are false."""
    score = np.nan_to_num(score)
    tried = np.unique(np.quantile(score[well], 1.0 - np.geomspace(1e-5, 0.2, 400)))
    low, high = 0, len(tried) - 1
    while low < high:
        middle = (low + high) // 2
        if false_alerts(score >= tried[middle], well, looks) <= rate:
            high = middle
        else:
            low = middle + 1
    return float(tried[low])


def warnings(over: Flags, looks: Looks, illnesses: Sequence[Illness], kind: str) -> list[float]:
    """Hours from the first alert in each illness of a kind to its crisis (its recovery, where there
    is none); NaN: not caught. Those that end after the last look are left out."""
    found = []
    last = float(looks.time.max(initial=0.0))
    for one in illnesses:
        if one.kind != kind or one.until > last:
            continue
        low, high = np.searchsorted(looks.subject, [one.subject, one.subject + 1])
        time = looks.time[low:high]
        hits = time[over[low:high] & (time >= one.onset) & (time < one.until)]
        found.append((one.until - float(hits[0])) / 3600.0 if len(hits) else np.nan)
    return found
