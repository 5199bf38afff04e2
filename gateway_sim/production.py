"""What the devices of a county say between two moments, as columns or as readings by home."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import fields
from datetime import date, timedelta
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from gateway_sim.ambient import CHANNELS, Dwellers
from gateway_sim.columns import Columns, places
from gateway_sim.county import County
from gateway_sim.day import ambient_day
from gateway_sim.localtime import local_date, milliseconds
from gateway_sim.measuring import BY_HAND, by_hand
from gateway_sim.people import VITALS
from gateway_sim.plan import Plan
from gateway_sim.reading import Reading

MONITOR_EVERY = 60.0
"""Seconds between the packs of a worn monitor."""
_HALF_MS = 0.0005
_DAYS_KEPT = 6
"""Two days around midnight, today's and yesterday's again for a history beside it."""
HOMES_AT_ONCE = 2048
"""Homes whose day is made in one go: it takes some 100 MB."""


class Production:
    """The devices of a county under a plan: a pure function of time.

    Times are Unix seconds; devices speak in whole milliseconds.

    Args:
        homes_at_once: homes whose day is made in one go; what is made does not depend on it.
        until: nobody is going to ask for anything later.
    """

    def __init__(
        self,
        county: County,
        plan: Plan,
        homes_at_once: int = HOMES_AT_ONCE,
        until: float = np.inf,
    ) -> None:
        self._until = until
        self._county = county
        self._plan = plan
        self._homes_at_once = homes_at_once
        sizes = [len(home.residents) for home in county.homes]
        self._first_person = np.concatenate(([0], np.cumsum(sizes, dtype=np.int64)))
        self._home = np.repeat(np.arange(len(sizes), dtype=np.int32), sizes)
        """The home of each person."""
        self._second = np.arange(len(self._home)) - self._first_person[self._home]
        """0 or 1: which resident of the home each person is."""
        self._phase = np.array([home.phase for home in county.homes])
        self._channels = {
            "monitor": _of_residents([("monitor", metric) for metric in VITALS]),
            "hand": _of_residents(BY_HAND),
        }
        self._ambient = places(CHANNELS)
        events = [
            (event.home, event.reading)
            for event in sorted(plan.events, key=lambda event: event.reading.time)
        ]
        self._events = Columns(
            np.array([home for home, _ in events], dtype=np.int32),
            places([(reading.device, reading.metric) for _, reading in events]),
            milliseconds(np.array([reading.time for _, reading in events], dtype=np.float64)),
            np.array([reading.value for _, reading in events], dtype=np.float64),
        )
        self._day = lru_cache(maxsize=_DAYS_KEPT)(self._make_day)

    def columns(
        self,
        start: float,
        end: float,
        homes: range | None = None,
        every: float | None = MONITOR_EVERY,
    ) -> Columns:
        """All readings with start < time <= end of consecutive homes, in no particular order.

        Args:
            homes: which; None: all.
            every: seconds between the packs of worn monitors; None: no packs.
        """
        homes = range(len(self._county.homes)) if homes is None else homes
        after, until = int(np.floor(start * 1000.0 + 1e-4)), int(np.floor(end * 1000.0 + 1e-4))
        parts = []
        day, last = local_date((after + 1) / 1000.0), local_date(end)
        while day <= last:
            known = self._day(day, homes)
            first, stop = np.searchsorted(known.time, [after, until], side="right")
            parts.append(known.take(slice(first, stop)))
            day += timedelta(days=1)
        first, stop = np.searchsorted(self._events.time, [after, until], side="right")
        told = self._events.take(slice(first, stop))
        here = (told.home >= homes.start) & (told.home < homes.stop)
        parts.append(told.take(np.flatnonzero(here)))
        if every is not None:
            parts.append(self._monitors(after, until, homes, every))
        return Columns.joined(parts)

    def within(self, start: float, end: float, homes: range, every: float | None) -> Columns:
        """As `columns`, with start <= time < end."""
        # Both moments as close before as no device's time can be.
        return self.columns(start - _HALF_MS, end - _HALF_MS, homes, every)

    def between(
        self, start: float, end: float, every: float = MONITOR_EVERY
    ) -> dict[int, list[Reading]]:
        """All readings with start < time <= end, by number of home, in order of time.

        Args:
            every: seconds between the monitors' packs.
        """
        made = self.columns(start, end, every=every).by_home()
        found: dict[int, list[Reading]] = defaultdict(list)
        for home, reading in zip(made.home.tolist(), made.readings(), strict=True):
            found[home].append(reading)
        return found

    def next_due(self, after: float) -> float:
        """When the next reading is made after a moment."""
        passed = int(np.floor(after * 1000.0 + 1e-4))
        due = [self._events.time[self._events.time > passed].min(initial=np.iinfo(np.int64).max)]
        monitored = np.array([home.monitored for home in self._county.homes], dtype=bool)
        if monitored.any():
            phase = self._phase[monitored]
            step = np.floor((after - phase) / MONITOR_EVERY) + 1.0
            times = milliseconds(phase + step * MONITOR_EVERY)
            due.append(np.min(np.where(times > passed, times, times + int(1000 * MONITOR_EVERY))))
        day = local_date(after)
        for _ in range(2):
            times = self._day(day, range(len(self._county.homes))).time
            position = np.searchsorted(times, passed, side="right")
            if position < len(times):
                due.append(times[position])
                break
            day += timedelta(days=1)
        return float(min(due)) / 1000.0

    def _monitors(self, after: int, until: int, homes: range, every: float) -> Columns:
        """What worn monitors say; times are milliseconds."""
        low, high = self._first_person[[homes.start, homes.stop]]
        who = np.arange(low, high)
        who = who[self._county.monitored[low:high]]
        if len(who) == 0:
            return Columns.joined([])
        phase = self._phase[self._home[who]]
        first = np.floor((after / 1000.0 - phase) / every)
        packs = int(np.max(np.floor((until / 1000.0 - phase) / every) - first)) + 1
        times = milliseconds(phase + (first + np.arange(packs)[:, None]) * every)
        rows, wearers = np.nonzero((times > after) & (times <= until))
        when = times[rows, wearers]
        who = who[wearers]
        # Who is away has left the monitor at home, and it is silent.
        worn = np.flatnonzero(self._plan.illnesses.at_home(who, when / 1000.0))
        who, when = who[worn], when[worn]
        values = self._county.people.vitals(who, when / 1000.0, self._plan.illnesses)
        channel = self._channels["monitor"][self._second[who]]
        return Columns(
            np.repeat(self._home[who], len(VITALS)),
            channel.ravel(),
            np.repeat(when, len(VITALS)),
            values.ravel(),
        )

    def _make_day(self, day: date, homes: range) -> Columns:
        """Everything of a local day but monitors and planned events, in order of time."""
        parts = []
        for start in range(homes.start, homes.stop, self._homes_at_once):
            some = range(start, min(start + self._homes_at_once, homes.stop))
            low, high = self._first_person[[some.start, some.stop]]
            illnesses = self._plan.illnesses
            who = self._dwellers(int(low), int(high))
            said = ambient_day(who, day, illnesses, until=self._until)
            channel = self._ambient[said["channel"]]
            parts.append(Columns(said["home"], channel, milliseconds(said["time"]), said["value"]))
            measured = by_hand(self._county, np.arange(low, high), day, illnesses)
            person = measured["person"]
            parts.append(
                Columns(
                    self._home[person],
                    self._channels["hand"][self._second[person], measured["channel"]],
                    milliseconds(measured["time"]),
                    measured["value"],
                )
            )
        return Columns.joined(parts).by_time()

    def _dwellers(self, low: int, high: int) -> Dwellers:
        """Who lives in the homes of these persons."""
        everybody = self._county.dwellers
        return Dwellers(
            **{field.name: getattr(everybody, field.name)[low:high] for field in fields(Dwellers)}
        )


def _of_residents(pairs: Sequence[tuple[str, str]]) -> NDArray[np.int16]:
    """Channels of kinds of devices and metrics, shape (residents, pairs)."""
    return np.stack([places([(f"{kind}-{n}", metric) for kind, metric in pairs]) for n in (1, 2)])
