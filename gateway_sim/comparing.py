"""How simulated homes compare with recorded ones: a distance for each statistic of their sensors.

Distances: for numbers Wasserstein-1 (how far the one distribution has to be moved to become the
other, in the statistic's unit); for shares the Jensen-Shannon distance (square root of the
divergence to base 2, 0 … 1; Endres and Schindelin, IEEE Trans Inf Theory 2003). Every home counts
the same, however long it was recorded. A distance says little alone: the yardstick beside it is the
distance between two random halves of the recorded homes themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gateway_sim.ambient import CHANNELS, DOORS
from gateway_sim.county import County
from gateway_sim.day import ambient_day
from gateway_sim.localtime import local_days
from gateway_sim.noise import Floats
from gateway_sim.people import WELL, Indexes
from gateway_sim.routine import BATHROOM, ROOMS, Routine

PLACES = (*ROOMS, *DOORS)
"""What is compared: firings of the rooms' motion sensors, doors opened and shut."""
LEAST_DAYS = 7
_NIGHT_ENDS = 6
_YARDSTICKS = 20


@dataclass(frozen=True)
class Homes:
    """What the sensors of some homes said, in order of home and time."""

    home: Indexes
    place: Indexes
    day: Indexes
    """Local days since 1970-01-01."""
    hour: Floats
    """Local, 0 … 24."""

    def __len__(self) -> int:
        return len(self.names)

    @cached_property
    def names(self) -> Indexes:
        """The homes' numbers, in order."""
        return np.unique(self.home)

    def only(self, names: Sequence[int] | Indexes) -> Homes:
        """Some of the homes."""
        rows = np.isin(self.home, names)
        return Homes(self.home[rows], self.place[rows], self.day[rows], self.hour[rows])

    def whole(self) -> Homes:
        """Without each home's first and last day, which are parts; homes with a week at least."""
        rows = np.zeros(len(self.home), dtype=bool)
        for name in self.names:
            own = self.home == name
            inside = own & (self.day > self.day[own].min()) & (self.day < self.day[own].max())
            if len(np.unique(self.day[inside])) >= LEAST_DAYS:
                rows |= inside
        return Homes(self.home[rows], self.place[rows], self.day[rows], self.hour[rows])

    @cached_property
    def counts(self) -> tuple[Indexes, NDArray[np.int64]]:
        """Home (its place in `names`) of each day with any event; events of the day by place and
        hour, shape (home-days, places, 24)."""
        place_of_home = np.searchsorted(self.names, self.home)
        days, row = np.unique(place_of_home * 1_000_000 + self.day, return_inverse=True)
        table = np.zeros((len(days), len(PLACES), 24), dtype=np.int64)
        np.add.at(table, (row, self.place, np.minimum(self.hour, 23.0).astype(np.int64)), 1)
        return days // 1_000_000, table


class Sample(NamedTuple):
    """Numbers of some homes."""

    values: Floats
    weights: Floats
    """Of equal sum for every home."""


class Statistic(NamedTuple):
    """One thing that is compared."""

    name: str
    distance: str
    unit: str
    of: Callable[[Homes, Homes], float]


class Compared(NamedTuple):
    """A statistic's distance between simulated and recorded homes."""

    name: str
    distance: str
    unit: str
    value: float
    yardstick: float
    """Mean of the same distance between two random halves of the recorded homes."""

    @property
    def times(self) -> float:
        """The distance as a multiple of its yardstick; 1: as like as recorded homes are. NaN
        where recorded homes do not differ, so that there is no yardstick."""
        return self.value / self.yardstick if self.yardstick else float("nan")


def statistics() -> list[Statistic]:
    """All that is compared."""
    found = []
    for number, place in enumerate(PLACES):
        found.append(_numbers(f"{place}: events a day", "events", _daily(number)))
        found.append(_shares(f"{place}: hours of the day", _profile(number)))
    return [
        *found,
        _numbers("night (0 to 6): events", "events", _night(None)),
        _numbers("night (0 to 6): bathroom", "events", _night(BATHROOM)),
        _numbers("home: events a day", "events", _home_means),
        _numbers("home: day-to-day spread", "log", _home_spread),
        _numbers("time between events", "log10 s", _gaps),
        _shares("next place", _transitions),
    ]


def compare(simulated: Homes, recorded: Homes, yard: Sequence[float]) -> list[Compared]:
    """All statistics of `simulated` against `recorded` homes, beside their `yardsticks`."""
    return [
        Compared(s.name, s.distance, s.unit, s.of(simulated, recorded), yardstick)
        for s, yardstick in zip(statistics(), yard, strict=True)
    ]


def yardsticks(homes: Homes) -> list[float]:
    """Of each statistic the mean distance between two random halves of recorded homes."""
    halves = _halves(homes)
    return [float(np.mean([s.of(one, other) for one, other in halves])) for s in statistics()]


def score(compared: Sequence[Compared]) -> float:
    """Mean of distances as multiples of their yardsticks, where there are any; else 0."""
    times = [one.times for one in compared if one.yardstick]
    return float(np.mean(times)) if times else 0.0


def dead_time(homes: Homes) -> float:
    """The shortest time between two firings of one motion sensor, whole seconds, at least 1."""
    time = np.round(homes.day * 86_400.0 + homes.hour * 3600.0, 3)
    shortest = np.inf
    for place in range(len(ROOMS)):
        of_place = homes.place == place
        same = np.diff(homes.home[of_place]) == 0
        shortest = min(shortest, float(np.diff(time[of_place])[same].min(initial=np.inf)))
    return max(float(np.floor(shortest)), 1.0) if np.isfinite(shortest) else 1.0


def joined(one: Homes, other: Homes) -> Homes:
    """All homes of both, which have different numbers, in order."""
    home, place, day, hour = (
        np.concatenate([getattr(one, name), getattr(other, name)])
        for name in ("home", "place", "day", "hour")
    )
    order = np.lexsort((hour, day, home))
    return Homes(home[order], place[order], day[order], hour[order])


def simulated_homes(
    plan: Routine,
    *,
    seed: int = 7,
    homes: int = 60,
    first: date = date(2026, 4, 13),
    days: int = 28,
) -> Homes:
    """Homes of a county in which everybody is well."""
    county = County(seed, homes)
    parts = []
    for number in range(days):
        events = ambient_day(county.dwellers, first + timedelta(days=number), WELL, plan)
        metric = np.array([metric for _, metric in CHANNELS])[events["channel"]]
        wanted = (metric == "door") | ((metric == "motion") & (events["value"] == 1.0))
        parts.append(events[wanted])
    made = np.concatenate(parts)
    made = made[np.lexsort((made["time"], made["home"]))]
    day, hour = local_days(made["time"])
    return Homes(made["home"].astype(np.int64), made["channel"].astype(np.int64), day, hour)


def wasserstein(one: Sample, other: Sample) -> float:
    """Wasserstein-1 of two weighted samples of numbers."""
    values = np.concatenate([one.values, other.values])
    order = np.argsort(values, kind="stable")
    mass = np.concatenate([one.weights / one.weights.sum(), -other.weights / other.weights.sum()])
    return float(np.sum(np.abs(np.cumsum(mass[order])[:-1]) * np.diff(values[order])))


def jensen_shannon(one: Floats, other: Floats) -> float:
    """Jensen-Shannon distance, base 2, of two arrays of shares or counts of one shape."""
    p, q = one.ravel() / one.sum(), other.ravel() / other.sum()
    middle = (p + q) / 2.0
    divergence = 0.0
    for part in (p, q):
        some = part > 0
        divergence += float(np.sum(part[some] * np.log2(part[some] / middle[some]))) / 2.0
    return float(np.sqrt(max(divergence, 0.0)))


def profile(homes: Homes, place: int) -> Floats:
    """Events an hour of a place over the day, mean of homes, shape (24,)."""
    mean: Floats = _by_home(homes, homes.counts[1][:, place].astype(float)).mean(axis=0)
    return mean


def _numbers(name: str, unit: str, sample: Callable[[Homes], Sample]) -> Statistic:
    return Statistic(name, "Wasserstein-1", unit, lambda a, b: wasserstein(sample(a), sample(b)))


def _shares(name: str, shares: Callable[[Homes], Floats]) -> Statistic:
    return Statistic(name, "Jensen-Shannon", "", lambda a, b: jensen_shannon(shares(a), shares(b)))


def _halves(homes: Homes) -> list[tuple[Homes, Homes]]:
    rng = np.random.default_rng(0)
    halves = []
    for _ in range(_YARDSTICKS):
        mixed = rng.permutation(homes.names)
        halves.append((homes.only(mixed[: len(mixed) // 2]), homes.only(mixed[len(mixed) // 2 :])))
    return halves


def _weights(home: Indexes) -> Floats:
    weights: Floats = 1.0 / np.bincount(home)[home]
    return weights


def _by_home(homes: Homes, values: Floats) -> Floats:
    """Mean over the days of each home, first axis home-days."""
    home, _ = homes.counts
    total = np.zeros((len(homes), *values.shape[1:]))
    np.add.at(total, home, values)
    days = np.bincount(home, minlength=len(homes))
    means: Floats = total / days.reshape(-1, *[1] * (values.ndim - 1))
    return means


def _daily(place: int) -> Callable[[Homes], Sample]:
    def sample(homes: Homes) -> Sample:
        home, table = homes.counts
        return Sample(table[:, place].sum(axis=1).astype(float), _weights(home))

    return sample


def _profile(place: int) -> Callable[[Homes], Floats]:
    return lambda homes: profile(homes, place) + 1e-9


def _night(place: int | None) -> Callable[[Homes], Sample]:
    def sample(homes: Homes) -> Sample:
        home, table = homes.counts
        night = table[:, :, :_NIGHT_ENDS].sum(axis=2)
        events = night.sum(axis=1) if place is None else night[:, place]
        return Sample(events.astype(float), _weights(home))

    return sample


def _home_means(homes: Homes) -> Sample:
    means = _by_home(homes, homes.counts[1].sum(axis=(1, 2)).astype(float))
    return Sample(means, np.ones(len(means)))


def _home_spread(homes: Homes) -> Sample:
    total = np.log1p(homes.counts[1].sum(axis=(1, 2)).astype(float))
    square = _by_home(homes, total**2) - _by_home(homes, total) ** 2
    days = np.bincount(homes.counts[0])
    square *= days / np.maximum(days - 1, 1)  # else few days would look alike
    return Sample(np.sqrt(np.maximum(square, 0.0)), np.ones(len(square)))


def _gaps(homes: Homes) -> Sample:
    time = homes.day * 24.0 + homes.hour
    same = homes.home[1:] == homes.home[:-1]
    gaps = np.log10(np.maximum(np.diff(time)[same] * 3600.0, 1.0))
    home = np.searchsorted(homes.names, homes.home[1:][same])
    rounded = np.round(gaps * 100.0).astype(np.int64)
    table = np.zeros((len(homes), int(rounded.max()) + 1))
    np.add.at(table, (home, rounded), 1.0)
    mean = (table / table.sum(axis=1, keepdims=True)).mean(axis=0)
    return Sample(np.arange(len(mean)) / 100.0, mean)


def _transitions(homes: Homes) -> Floats:
    same = homes.home[1:] == homes.home[:-1]
    home = np.searchsorted(homes.names, homes.home[1:][same])
    table = np.zeros((len(homes), len(PLACES), len(PLACES)))
    np.add.at(table, (home, homes.place[:-1][same], homes.place[1:][same]), 1.0)
    mean: Floats = (table / table.sum(axis=(1, 2), keepdims=True)).mean(axis=0)
    return mean
