"""Where a subject's daily values are going: over three days, over weeks, and since when.

From the medians of the last six weeks' days and nothing else, so a day that comes late or is struck
out changes what follows from it and no more. Three things are told of each value, with the numbers
they come from:

over three days    the value less the lowest of the three days before (a gain), and less the
                   highest (a loss). Heart failure: more than 2 kg (ESC, heartfailurematters.org).
drift              the line through the medians of six weeks by Theil (1950) and Sen (J Am Stat
                   Assoc 1968;63:1379): the median of the slopes of all pairs. Compared with slopes
                   of people who are well, whose noise remembers.
shift              a change of level within the last fortnight, against the four weeks before:
                   Page's cumulative sum (Biometrika 1954;41:100) of deviates beyond ALLOWED a day,
                   either way; it began after the sum was last nought. One day counts BOUND at
                   most, so that no single wrong reading makes a shift. Days resemble the day before
                   (correlation ρ), so a deviate's unit is the spread times √((1 + ρ) / (1 - ρ))
                   (Johnson and Bagshaw, Technometrics 1974;16:103).

A day that is far from both the fortnight before and the last value is doubted (another person on
the scale) until the next one is like it; doubted days say nothing of others. Missing days are
missing: they are not filled in, and `days` says how many there were.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from core.errors import ModelError
from models.cohort import LEAST_SUBJECTS
from models.daily import CELL, KEPT, Days, Memory, lately, median, remember
from models.readings import Flags, Floats, Indexes, begun, rounds

THREE = 3
"""Days before, of the change over three days."""
NEW = 14
"""Days in which a shift can have begun; those before are what it is compared with."""
ALLOWED = 0.75
"""Spreads a day that a level may be off before the sum grows (Page's k): half the shift sought."""
BOUND = 4.0
"""Spreads that one day counts at most."""
LEAST_DAYS = 7
"""Days of the four weeks, and of the six, that have to be known."""
_DOUBT = 10.0
"""Spreads from the fortnight before, and half of it from the last value, that nobody changes by."""
_WEEK = 7
_WEEKS = KEPT // _WEEK
_LEAST_WEEKS = 4
_DEGREES = 8.0
"""Days that the cohort's spread counts for."""


@dataclass(frozen=True)
class Trends:
    """Trends of daily values; arrays (rows, metrics), NaN where not known."""

    days: Floats
    """Days known of the last KEPT, this one included."""
    doubted: Flags
    """This value may be another person's: measure again."""
    gain: Floats
    """Value less the lowest of the three days before, in the metric's unit; may be below 0."""
    loss: Floats
    """Value less the highest of the three days before; below 0 if it was lost."""
    slope: Floats
    """Change a day, in the metric's unit, over six weeks."""
    drift: Floats
    """The slope in deviations of those of people who are well."""
    shift: Floats
    """Page's sum, in spreads; with the sign of the change, 0: none."""
    before: Floats
    """Level of the four weeks that the shift is compared with."""
    after: Floats
    """Level since the shift; NaN where there is none."""
    since: Floats
    """First day of the shift, local, since 1970-01-01; NaN where there is none."""
    memory: Memory
    """What the next days need."""


@dataclass(frozen=True)
class Trend:
    """What daily values of people who are well do; scoring never changes it."""

    scale: Floats
    """(metrics,): variance of a usual person's daily values about their own level."""
    carries: Floats
    """(metrics,): ρ, correlation of a day's value with the day before's, 0 … 0.9."""
    slopes: Floats
    """(metrics,): deviation of slopes, in spreads a day."""

    @classmethod
    def fit(cls, days: Days) -> Trend:
        """Learn from the days of many subjects over six weeks and more.

        Raises:
            ModelError: there are too few subjects of some metric, or too few days.
        """
        metrics = days.value.shape[1]
        usual = [_usual(days, metric) for metric in range(metrics)]
        scale, carries = (np.array(part) for part in zip(*usual, strict=True))
        found = cls(scale, carries, np.ones(metrics)).score(days)
        slopes = _most(np.abs(found.drift)) / _MOST
        if np.isnan(slopes).any():
            raise ModelError(
                "Trends cannot be learned here: of metric "
                f"{int(np.flatnonzero(np.isnan(slopes))[0]) + 1} no subject has four weeks of days."
            )
        return cls(scale, carries, np.maximum(slopes, 1e-6))

    def score(self, days: Days, memory: Memory | None = None) -> Trends:
        """Tell of every row's values, from that day and those before it.

        Rows may be in any order; a day that is there again, with more readings, replaces itself.

        Raises:
            ValueError: another number of metrics; a value that is no measurement; a subject that
                is not in memory.
        """
        cells = begun(days.subject, days.value, len(self.scale), memory, CELL)
        shape = days.value.shape
        found = {name: np.full(shape, np.nan) for name in _NUMBERS}
        doubted = np.zeros(shape, dtype=bool)
        for some in rounds(days.subject, days.day):
            place, metric = np.nonzero(~np.isnan(days.value[some]))
            row = some[place]
            cell = cells[days.subject[row], metric]
            day, value = days.day[row], days.value[row, metric]
            seen = lately(cell, day, value)
            told, doubted[row, metric] = self._tell(seen, day, metric)
            for name, numbers in told.items():
                found[name][row, metric] = numbers
            cells[days.subject[row], metric] = remember(cell, day, value)
        return Trends(**found, doubted=doubted, memory=cells)

    def state(self) -> dict[str, Any]:
        """Plain values."""
        return {name: getattr(self, name).tolist() for name in _LEARNED}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Trend:
        """The reverse of `state`.

        Raises:
            ValueError: these are not a trend's values.
        """
        found = cls(*(np.array(state[name], dtype=float) for name in _LEARNED))
        shapes = {found.scale.shape, found.carries.shape, found.slopes.shape}
        above = np.concatenate([found.scale, found.slopes, 1.0 - found.carries])
        if len(shapes) != 1 or not (np.isfinite(above) & (above > 0)).all():
            raise ValueError("values of another shape, not finite, or not above 0")
        return found

    def _tell(self, seen: Floats, day: Indexes, metric: Indexes) -> tuple[dict[str, Floats], Flags]:
        """Of the days (n, KEPT) up to `day`, the last of which is known."""
        known = (~np.isnan(seen)).sum(axis=1)
        older = seen[:, : KEPT - NEW]
        base = median(older)
        count = (~np.isnan(older)).sum(axis=1)
        # Until there are four weeks of one's own, the spread is the cohort's for the most part.
        scale = self.scale[metric]
        off = np.minimum((older - base[:, None]) ** 2, 9.0 * scale[:, None])
        spread = np.sqrt((_DEGREES * scale + np.nansum(off, axis=1)) / (_DEGREES + count))

        doubt = _doubted(seen, spread)
        sure = np.where(doubt, np.nan, seen)
        now, past = seen[:, -1], sure[:, -1 - THREE : -1]
        slope = _theil_sen(sure)
        enough = count >= LEAST_DAYS
        carries = self.carries[metric]
        unit = spread * np.sqrt((1.0 + carries) / (1.0 - carries))
        shift, began = _page((sure - base[:, None]) / unit[:, None])
        shift = np.where(enough, shift, np.nan)
        there = np.arange(KEPT) >= began[:, None]
        after = median(np.where(there, sure, np.nan))
        some = enough & (shift != 0.0)
        return {
            "days": known.astype(np.float64),
            "gain": now - _extreme(past, np.fmin),
            "loss": now - _extreme(past, np.fmax),
            "slope": slope,
            "drift": slope / (spread * self.slopes[metric]),
            "shift": shift,
            "before": np.where(enough, base, np.nan),
            "after": np.where(some, after, np.nan),
            "since": np.where(some, day - (KEPT - 1) + began, np.nan),
        }, doubt[:, -1]


_NUMBERS = ("days", "gain", "loss", "slope", "drift", "shift", "before", "after", "since")
_LEARNED = ("scale", "carries", "slopes")
_MOST = 1.645
"""The deviate beyond which one in ten lies, on either side. Medians of what devices round are 0."""


def _usual(days: Days, metric: int) -> tuple[float, float]:
    """Variance of daily values about one's own level, and their correlation from day to day; of
    most people in the middle."""
    known = np.flatnonzero(~np.isnan(days.value[:, metric]))
    known = known[np.lexsort((days.day[known], days.subject[known]))]
    edges = np.flatnonzero(np.diff(days.subject[known])) + 1
    variances, correlations = [], []
    for rows in np.split(known, edges):
        if len(rows) < LEAST_DAYS:
            continue
        off = days.value[rows, metric] - np.median(days.value[rows, metric])
        spread = float(_most(np.abs(off)[:, None])[0]) / _MOST
        off = np.clip(off, -3.0 * spread, 3.0 * spread)
        variances.append(spread * spread)
        next_to = np.diff(days.day[rows]) == 1
        if spread > 0.0 and next_to.sum() >= LEAST_DAYS:
            correlations.append(float(np.mean((off[1:] * off[:-1])[next_to]) / np.mean(off * off)))
    if len(variances) < LEAST_SUBJECTS:
        raise ModelError(
            f"Trends cannot be learned here: of metric {metric + 1} there are days enough of "
            f"{len(variances)} subjects, and it needs those of {LEAST_SUBJECTS} at least."
        )
    carries = float(np.median(correlations)) if correlations else 0.0
    return max(float(np.median(variances)), 1e-6), float(np.clip(carries, 0.0, 0.9))


def _most(values: Floats) -> Floats:
    """Of each column, what nine in ten of the known do not exceed; NaN where nothing is known."""
    known = [column[~np.isnan(column)] for column in values.T]
    return np.array([np.quantile(one, 0.9) if len(one) else np.nan for one in known])


def _doubted(seen: Floats, spread: Floats) -> Flags:
    """(n, KEPT): which of the last four days are probably not this person's."""
    doubt = np.zeros(seen.shape, dtype=bool)
    last = KEPT - 1 - THREE
    fortnight = seen[:, last - NEW : last]
    level = median(fortnight)
    level = np.where(np.isnan(level), median(seen[:, last:]), level)
    far, near = _DOUBT * spread, 0.5 * _DOUBT * spread
    before = np.full(len(seen), np.nan)
    for place in range(NEW):
        before = np.where(np.isnan(fortnight[:, place]), before, fortnight[:, place])
    of_before = last - 1
    for place in range(last, KEPT):
        value = seen[:, place]
        known = ~np.isnan(value)
        off = np.abs(value - level) > far
        like = np.abs(value - before) <= near
        doubt[:, place] = known & off & ~like
        # The day before is confirmed by this one.
        doubt[:, of_before] &= ~(known & like) if of_before >= last else True
        before = np.where(known, value, before)
        of_before = place
    return doubt


def _extreme(past: Floats, of: np.ufunc) -> Floats:
    """The lowest or highest (np.fmin, np.fmax) of what is known in (n, days)."""
    found: Floats = of.reduce(past, axis=1)
    return found


def _theil_sen(seen: Floats) -> Floats:
    """(n,): change a day of (n, KEPT), by the medians of weeks; NaN with too few of these."""
    weeks = seen.reshape(len(seen), _WEEKS, _WEEK)
    known = ~np.isnan(weeks)
    count = known.sum(axis=2)
    level = median(weeks)
    place = np.arange(KEPT).reshape(_WEEKS, _WEEK)
    at = np.where(count, (known * place).sum(axis=2) / np.maximum(count, 1), place[:, 0])
    first, second = np.triu_indices(_WEEKS, 1)
    slopes = (level[:, second] - level[:, first]) / (at[:, second] - at[:, first])
    result: Floats = np.where((count > 0).sum(axis=1) >= _LEAST_WEEKS, median(slopes), np.nan)
    return result


def _page(z: Floats) -> tuple[Floats, Indexes]:
    """Sums of the last NEW of days (n, KEPT) of deviates, with the sign of the change; and the
    place of the first day of each."""
    sums = np.zeros((2, len(z)))
    began = np.full((2, len(z)), KEPT - 1)
    for place in range(KEPT - NEW, KEPT):
        day = np.clip(z[:, place], -BOUND, BOUND)
        more = np.nan_to_num(np.stack([day, -day]) - ALLOWED)
        began = np.where(sums > 0.0, began, place)
        sums = np.maximum(sums + more, 0.0)
    up = sums[0] >= sums[1]
    return np.where(up, sums[0], -sums[1]), np.where(up, began[0], began[1])
