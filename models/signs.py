"""Following a person's vital signs: deviates from their own usual, now, over a day, over a week.

What is measured within a slot of five minutes is one value, its mean: a monitor's minutes repeat
one another, and two devices that tell of one pulse tell of one. Values are scored by the personal
baseline (models/baseline.py), and deviates z are kept as means that forget with a time constant of
an hour, a day and a week,

    level += (1 - exp(-gap / constant)) (z - level),

so that a level is what the last hour, day or week was like, whether it was measured twice or a
thousand times. A local day's mean goes to the trends (models/trend.py) when the day is over.

Nothing is learned of a slot before it is over: what a memory holds is the same however often
somebody looked, and what was measured before a memory's `taken` is known to it, or late. What is
late tells nothing of the present; it fills a day that has no value yet.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models import baseline as own
from models import daily
from models.baseline import Baseline
from models.readings import DAY, Flags, Floats, Indexes, Readings
from models.trend import Trend

METRICS = (
    "pulse", "spo2", "respiratory_rate", "systolic", "diastolic", "temperature", "weight",
    "glucose",
)  # fmt: skip
SLOT = 300.0
"""Seconds whose readings are one value."""
CONSTANTS = np.array([3600.0, DAY, 7 * DAY])
"""Seconds: of the levels `now`, `day` and `week`."""
VALID = np.array([DAY, 2 * DAY, 7 * DAY])
"""Seconds after which a level without a new value is not known any more."""
MOST = 8.0
"""Deviates that one value counts at most."""
DOUBTED = 10.0
"""Deviates of weight beyond which another person stood on the scale."""
_FIRST_GAP = DAY / 2
"""What a first value counts as having been waited for."""
_WEIGHT = METRICS.index("weight")
_MANY = len(METRICS)

SIGNS = np.dtype(
    [
        ("usual", own.CELL, (_MANY,)),
        ("level", "<f4", (len(CONSTANTS), _MANY)),
        ("value", "<f4", (_MANY,)),
        ("expected", "<f4", (_MANY,)),
        ("day", "<i4"),  # local, of the sums
        ("sum", "<f4", (_MANY,)),
        ("count", "<f4", (_MANY,)),
        ("shift", "<f4", (_MANY,)),  # of the last day that is over, as models.trend tells
        ("drift", "<f4", (_MANY,)),
        ("before", "<f4", (_MANY,)),
        ("after", "<f4", (_MANY,)),
        ("since", "<f4", (_MANY,)),
        ("taken", "<f8"),  # Unix seconds: all slots before are in here
        ("taken_at", "<f8"),  # when they were taken
    ]
)
"""Of one subject; all zeros: nothing is known."""
Memory = NDArray[np.void]
"""(subjects,) of SIGNS."""


@dataclass(frozen=True)
class Measured:
    """Rows (r) in order of subject and time: what was measured. Values are finite: a meter's LO and
    HI are the limits that it can show."""

    subject: Indexes
    metric: Indexes
    """Place in METRICS."""
    time: Floats
    """Unix seconds."""
    local: Floats
    """What a local clock shows, as models.readings.Readings.local."""
    value: Floats
    received: Floats
    """Unix seconds at which it reached us."""

    def only(self, rows: Flags | Indexes) -> Measured:
        """Some rows."""
        return Measured(**{name: column[rows] for name, column in vars(self).items()})

    def __len__(self) -> int:
        return len(self.subject)


@dataclass(frozen=True)
class Followed:
    """What is known of n subjects now; arrays (n, metrics) unless said otherwise, NaN: unknown."""

    level: Floats
    """(n, 3, metrics), by CONSTANTS."""
    value: Floats
    """The last one, within a day."""
    expected: Floats
    """What was usual at its time of day."""
    age: Floats
    """Seconds since the last value; inf: there was none."""
    known: Floats
    """Days of own readings that speak."""
    shift: Floats
    drift: Floats
    signs: Memory
    """What the next readings need: after the slots that are over."""
    days: daily.Memory
    changed_days: Flags
    """(n,): whose days changed."""


@dataclass(frozen=True)
class Signs:
    """Follows vital signs by what is usual in a cohort; following never changes it."""

    baseline: Baseline
    trend: Trend
    followed: Flags
    """(metrics,): measured by enough of the cohort; the others are left out, and stay unknown."""

    def follow(
        self,
        measured: Measured,
        signs: Memory,
        days: daily.Memory,
        held: Flags,
        now: float,
        offset: float,
    ) -> Followed:
        """Take what is new and tell what is known of each of n subjects.

        Args:
            measured: what may be new; what the memory has taken already is left out by its time.
            signs, days: as the look before gave them; left as they are.
            held: (n,): learn nothing (an open episode, away).
            now: Unix seconds; what is measured later than that is left for the next look. offset:
                what a local clock shows is so much more.

        Raises:
            ValueError: a subject or a metric that is not there, a value that is no measurement.
        """
        signs, days = signs.copy(), days.copy()
        measured = measured.only(self.followed[measured.metric])
        over = np.floor(now / SLOT) * SLOT
        new = (measured.time >= signs["taken"][measured.subject]) & (measured.time <= now)
        late = (measured.time < signs["taken"][measured.subject]) & (
            measured.received > signs["taken_at"][measured.subject]
        )
        changed = self._fill(days, signs, measured.only(late))
        done = new & (measured.time < over)
        changed |= self._take(signs, days, slots(measured.only(done)), held)
        changed |= self._end_days(signs, days, np.full(len(signs), (now + offset) // DAY))
        signs["taken"], signs["taken_at"] = np.maximum(signs["taken"], over), now
        open_ = new & ~done
        shown, shown_days = signs, days
        if open_.any():
            shown, shown_days = signs.copy(), days.copy()
            self._take(shown, shown_days, slots(measured.only(open_)), held)
        return _told(shown, now, signs, days, changed)

    def _take(self, signs: Memory, days: daily.Memory, slots: Readings, held: Flags) -> Flags:
        """Score values of slots and remember them, in place; subjects whose days changed."""
        changed = np.zeros(len(signs), dtype=bool)
        while len(slots):
            # One local day of each subject at a time: the day before is over first.
            day = np.floor(slots.local / DAY).astype(np.int64)
            first = np.full(len(signs), np.iinfo(np.int64).max)
            np.minimum.at(first, slots.subject, day)
            of_first = day == first[slots.subject]
            changed |= self._end_days(signs, days, np.where(first < 2**31, first, 0))
            self._take_day(signs, slots.only(of_first), held)
            slots = slots.only(~of_first)
        return changed

    def _take_day(self, signs: Memory, slots: Readings, held: Flags) -> None:
        slots = Readings(slots.subject, slots.time, slots.local, slots.value, held[slots.subject])
        before = signs["usual"]["at"].copy()
        found = self.baseline.score(slots, signs["usual"])
        signs["usual"] = found.memory
        z = found.z
        z[np.abs(z[:, _WEIGHT]) > DOUBTED, _WEIGHT] = np.nan
        z = np.clip(z, -MOST, MOST)
        # Rows of a subject in order of time; each is one step of the means.
        order = np.lexsort((slots.time, slots.subject))
        row, metric = np.nonzero(~np.isnan(z[order]))
        row = order[row]
        who = slots.subject[row]
        rank = _ranks(who, metric)
        for number in range(int(rank.max(initial=-1)) + 1):
            of = rank == number
            s, m, r = who[of], metric[of], row[of]
            last = before[s, m]
            gap = np.where(last > 0, np.maximum(slots.time[r] - last, 0.0), _FIRST_GAP)
            before[s, m] = slots.time[r]
            part = -np.expm1(-gap[:, None] / CONSTANTS)
            level = signs["level"][s, :, m]
            signs["level"][s, :, m] = level + part * (z[r, m][:, None] - level)
            signs["value"][s, m] = slots.value[r, m]
            signs["expected"][s, m] = found.expected[r, m]
        np.add.at(signs["sum"], (who, metric), slots.value[row, metric])
        np.add.at(signs["count"], (who, metric), 1.0)
        day = np.floor(slots.local / DAY).astype(np.int32)
        signs["day"][slots.subject] = day

    def _end_days(self, signs: Memory, days: daily.Memory, today: NDArray[np.generic]) -> Flags:
        """Hand the means of days that are over to the trends, in place."""
        over = (signs["day"] < today) & (signs["count"] > 0).any(axis=1)
        rows = np.flatnonzero(over)
        if len(rows):
            count = signs["count"][rows].astype(np.float64)
            mean = np.where(count > 0, signs["sum"][rows] / np.maximum(count, 1.0), np.nan)
            ended = daily.Days(np.arange(len(rows)), signs["day"][rows].astype(np.int64), mean)
            told = self.trend.score(ended, days[rows])
            days[rows] = told.memory
            for name in ("shift", "drift", "before", "after", "since"):
                signs[name][rows] = np.where(
                    told.doubted, np.nan, getattr(told, name)
                )  # fmt: skip
            signs["sum"][rows], signs["count"][rows] = 0.0, 0.0
        return over

    def _fill(self, days: daily.Memory, signs: Memory, late: Measured) -> Flags:
        """Days without a value get that of late readings, in place."""
        changed = np.zeros(len(signs), dtype=bool)
        if not len(late):
            return changed
        value = np.full((len(late), _MANY), np.nan)
        value[np.arange(len(late)), late.metric] = late.value
        rows = Readings(late.subject, late.time, late.local, value, np.zeros(len(late), dtype=bool))
        found = daily.daily(rows)
        for metric in range(_MANY):
            some = np.flatnonzero(~np.isnan(found.value[:, metric]))
            for row in some.tolist():
                who, day = int(found.subject[row]), int(found.day[row])
                cell = days[who, metric : metric + 1]
                seen = daily.lately(cell, cell["day"].astype(np.int64), cell["value"][:, -1])
                place = daily.KEPT - 1 - max(int(cell["day"][0]) - day, 0)
                filled = day <= int(cell["day"][0]) and not np.isnan(seen[0, max(place, 0)])
                if filled or place < 0 or day >= signs["day"][who]:
                    continue
                value = found.value[row : row + 1, metric]
                days[who, metric] = daily.remember(cell, np.array([day]), value)[0]
                changed[who] = True
        return changed


def slots(measured: Measured) -> Readings:
    """Means by subject, slot and metric: a row a subject and slot, with its last value's time."""
    count = len(measured)
    slot = np.floor(measured.time / SLOT)
    if not count:
        return Readings(
            measured.subject, measured.time, measured.local, np.empty((0, _MANY)),
            np.zeros(0, dtype=bool),
        )  # fmt: skip
    order = np.lexsort((measured.time, slot, measured.subject))
    who, slot = measured.subject[order], slot[order]
    new = np.ones(count, dtype=bool)
    new[1:] = (np.diff(who) != 0) | (np.diff(slot) != 0)
    row = np.cumsum(new) - 1
    many = int(row[-1]) + 1
    sums, counts = np.zeros((many, _MANY)), np.zeros((many, _MANY))
    np.add.at(sums, (row, measured.metric[order]), measured.value[order])
    np.add.at(counts, (row, measured.metric[order]), 1.0)
    last = np.append(np.flatnonzero(new)[1:], count) - 1
    with np.errstate(invalid="ignore"):
        value = np.where(counts > 0, sums / np.maximum(counts, 1.0), np.nan)
    return Readings(
        who[last], measured.time[order][last], measured.local[order][last], value,
        np.zeros(many, dtype=bool),
    )  # fmt: skip


def _ranks(who: Indexes, metric: Indexes) -> Indexes:
    """(n,): which row of its subject and metric each one is, from 0, in the given order."""
    key = who * _MANY + metric
    order = np.argsort(key, kind="stable")
    first = np.ones(len(key), dtype=bool)
    first[1:] = np.diff(key[order]) != 0
    start = np.maximum.accumulate(np.where(first, np.arange(len(key)), 0))
    ranks = np.empty(len(key), dtype=np.int64)
    ranks[order] = np.arange(len(key)) - start
    return ranks


def _told(shown: Memory, now: float, signs: Memory, days: daily.Memory, changed: Flags) -> Followed:
    at = shown["usual"]["at"]
    age = np.where(at > 0, now - at, np.inf)
    level = np.where(age[:, None] <= VALID[:, None], shown["level"], np.nan).astype(np.float64)
    fresh = age <= VALID[0]
    trended = (age <= VALID[2]) & (shown["before"] != 0)

    def known(name: str, where: Flags) -> Floats:
        found: Floats = np.where(where, shown[name], np.nan).astype(np.float64)
        return found

    return Followed(
        level, known("value", fresh), known("expected", fresh), age,
        shown["usual"]["days"].astype(np.float64), known("shift", trended),
        known("drift", trended), signs, days, changed,
    )  # fmt: skip
