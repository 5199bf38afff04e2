"""A home's day beside its own days: how unusual each count is, in which direction, and drifts.

A count of a day is Poisson about the home's mean, which has a gamma distribution over homes (the
cohort's, weighed with the home's own days), times what a day has of its own (the dispersion φ,
likewise). So a new day is negative binomial, with

    mean μ = (a + Σ w x) / (b + Σ w),   variance μ + μ² (φ + 1 / (a + Σ w x))

and both of its tails are told. Days are forgotten with a half-life of 60; a day further out than
2.5 standard deviations is learned as if it were just there, so that an illness moves little and a
life that has changed is followed in the end; a day that is held (ill, away) is not learned at all.
A drift is the mean of the last weeks' standardised counts, on the spread that it has in the cohort.
Why: docs/decisions/0032-routine-and-silence.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc

from core.errors import ModelError

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

HALF_LIFE_DAYS = 60.0
DRIFT_HALF_LIFE_DAYS = 14.0
LEAST_HOMES, LEAST_DAYS = 5, 7
_KEEP = 0.5 ** (1.0 / HALF_LIFE_DAYS)
_DRIFT_KEEP = 0.5 ** (1.0 / DRIFT_HALF_LIFE_DAYS)
_FAR = 2.5
"""Standard deviations at which a day is learned at most."""
_DISPERSION_DAYS = 20.0
"""What the cohort's dispersion counts for, in days of one's own."""
_SETTLED = 14.0
"""Days of weight before a drift is told."""
_WEIGHT, _SUM, _SEEN, _EXCESS, _DRIFT_SUM, _DRIFT_WEIGHT = range(6)
Memory = Floats
"""(n, measures, 6): days and counts, days and dispersions, drift and its weight; zeros: new."""


@dataclass(frozen=True)
class Days:
    """d days, one after the other, of n homes."""

    count: Floats
    """(d, n, measures): NaN is not known, as of a sensor that is dead or not there; never 0."""
    held: Flags
    """(d, n): not to be learned, as somebody was ill, or nobody there. Scored all the same."""

    def __post_init__(self) -> None:
        if self.count.shape[:2] != self.held.shape:
            raise ValueError("days and homes do not go together")
        if (self.count < 0).any() or np.isinf(self.count).any():
            raise ValueError("a count is 0 or more")

    def homes(self, some: Any) -> Days:
        """The same days of some homes."""
        return Days(self.count[:, some], self.held[:, some])

    def between(self, first: int, end: int) -> Days:
        """Some of the days."""
        return Days(self.count[first:end], self.held[first:end])


@dataclass(frozen=True)
class Scored:
    """Of each day; arrays (d, n, measures), NaN where the count is not known."""

    more: Floats
    """The chance of at least so many on a day of this home."""
    fewer: Floats
    """The chance of at most so many."""
    usual: Floats
    """The home's mean."""
    low: Floats
    """Nine days in ten lie between these, about; "7 visits by night, usually 1 to 3"."""
    high: Floats
    drift: Floats
    """Standard deviations by which the last weeks are above (or below) what is usual, up to that
    day; NaN within the first two weeks."""
    memory: Memory

    def unusual(self, measures: list[int], *, more: bool) -> Floats:
        """The least of the chances of some measures in one direction, corrected for their number
        (Šidák); (d, n), NaN where none is known."""
        chance = (self.more if more else self.fewer)[..., measures]
        least = np.where(np.isnan(chance), np.inf, chance).min(axis=-1)
        many = (~np.isnan(chance)).sum(axis=-1)
        found: Floats = np.where(
            many > 0, -np.expm1(many * np.log1p(-np.clip(least, 0.0, 1 - 1e-12))), np.nan
        )
        return found


@dataclass(frozen=True)
class Routine:
    """What is usual among homes; arrays (measures,)."""

    shape: Floats
    """a of the gamma distribution of homes' means."""
    rate: Floats
    """b of it, in days."""
    dispersion: Floats
    """φ."""
    spread: Floats
    """Standard deviation of a drift of homes that are as usual."""

    @classmethod
    def fit(cls, days: Days) -> Self:
        """Learn from homes that are mostly well, by moments; held days are left out.

        Raises:
            ModelError: a measure is known of too few homes.
        """
        count = np.where(days.held[..., None], np.nan, days.count)
        known = ~np.isnan(count)
        number = known.sum(axis=0)
        whole = number >= LEAST_DAYS
        if (whole.sum(axis=0) < LEAST_HOMES).any():
            raise ModelError(
                f"A routine cannot be learned here: it needs {LEAST_DAYS} days of {LEAST_HOMES} "
                "homes for each measure."
            )
        some = np.maximum(number, 1)
        mean = np.where(known, count, 0.0).sum(axis=0) / some
        variance = (np.where(known, count - mean, 0.0) ** 2).sum(axis=0) / np.maximum(number - 1, 1)
        homes = whole.sum(axis=0)
        centre = np.where(whole, mean, 0.0).sum(axis=0) / homes + 1e-3
        between = (np.where(whole, mean - centre, 0.0) ** 2).sum(axis=0) / homes
        between -= np.where(whole, variance / some, 0.0).sum(axis=0) / homes
        between = np.maximum(between, 0.05 * centre**2)
        excess = np.where(whole, variance - mean, 0.0).sum(axis=0)
        dispersion = np.clip(excess / (np.where(whole, mean**2, 0.0).sum(axis=0) + 1e-9), 0.01, 5.0)
        learned = cls(centre**2 / between, centre / between, dispersion, np.ones(len(centre)))
        drift = learned.score(days).drift
        square = np.nanmean(drift[-1] ** 2, axis=0) if len(drift) > 2 * _SETTLED else 1.0
        return cls(
            learned.shape, learned.rate, dispersion,
            np.sqrt(np.maximum(np.nan_to_num(square, nan=1.0), 1.0)) * np.ones(len(centre)),
        )  # fmt: skip

    def score(self, days: Days, memory: Memory | None = None) -> Scored:
        """Each day by the days before it.

        Args:
            memory: what came of the days before; left as it is. None: new homes.
        """
        homes, measures = days.count.shape[1:]
        if measures != len(self.shape):
            raise ValueError("other measures than were learned")
        kept = np.zeros((homes, measures, 6)) if memory is None else memory.copy()
        more, fewer, usual, low, high, drift = (np.full(days.count.shape, np.nan) for _ in range(6))
        for row, (count, held) in enumerate(zip(days.count, days.held, strict=True)):
            known = ~np.isnan(count)
            sure = self.shape + kept[..., _SUM]
            mean = sure / (self.rate + kept[..., _WEIGHT])
            own = (_DISPERSION_DAYS * self.dispersion + kept[..., _EXCESS]) / (
                _DISPERSION_DAYS + kept[..., _SEEN]
            )
            dispersion = np.maximum(own, 0.005) + 1.0 / sure
            deviation = np.sqrt(mean + mean**2 * dispersion)
            x = np.where(known, count, 0.0)
            more[row] = np.where(known, at_least(x, mean, 1.0 / dispersion), np.nan)
            fewer[row] = np.where(known, 1.0 - at_least(x + 1.0, mean, 1.0 / dispersion), np.nan)
            usual[row] = mean
            low[row] = np.maximum(np.ceil(mean - 1.645 * deviation), 0.0)
            high[row] = np.maximum(np.floor(mean + 1.645 * deviation), low[row])
            z = np.clip((x - mean) / deviation, -_FAR, _FAR)
            kept[..., _DRIFT_SUM:] *= _DRIFT_KEEP
            kept[..., _DRIFT_SUM] += np.where(known, z, 0.0)
            kept[..., _DRIFT_WEIGHT] += known
            # A sum of unit z with weights f^k has a variance of half the sum of the weights, about.
            told = known & (kept[..., _WEIGHT] >= _SETTLED)
            scale = self.spread * np.sqrt(np.maximum(kept[..., _DRIFT_WEIGHT], 1e-9) / 2.0)
            drift[row] = np.where(told, kept[..., _DRIFT_SUM] / scale, np.nan)
            learns = known & ~held[:, None]
            kept[..., : _EXCESS + 1] *= _KEEP
            value = np.maximum(mean + z * deviation, 0.0)
            kept[..., _WEIGHT] += learns
            kept[..., _SUM] += np.where(learns, value, 0.0)
            kept[..., _SEEN] += learns
            excess = np.clip(((value - mean) ** 2 - mean) / mean**2, -1.0, 9.0)
            kept[..., _EXCESS] += np.where(learns, excess, 0.0)
        return Scored(more, fewer, usual, low, high, drift, kept)

    def state(self) -> dict[str, Any]:
        """Itself in plain values."""
        return {name: value.tolist() for name, value in vars(self).items()}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        """The reverse of `state`.

        Raises:
            ValueError: values are missing, of other lengths, or not above 0.
        """
        arrays = [
            np.array(state.get(name), dtype=np.float64)
            for name in ("shape", "rate", "dispersion", "spread")
        ]
        if len({a.shape for a in arrays}) != 1 or not all((a > 0).all() for a in arrays):
            raise ValueError("a routine's values are above 0, one a measure")
        return cls(*arrays)


def at_least(x: Floats, mean: Floats, size: Floats) -> Floats:
    """P(X ≥ x) of the negative binomial with variance mean + mean² / size; shapes equal.

    By the incomplete beta function (Johnson, Kemp and Kotz, Univariate Discrete Distributions,
    5.6).
    """
    share = mean / (mean + size)
    result: Floats = np.where(x <= 0.0, 1.0, betainc(np.maximum(x, 1e-300), size, share))
    return result
