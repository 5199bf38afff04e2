"""What the devices of a county say between two moments."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from datetime import date, timedelta
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from gateway_sim.county import County
from gateway_sim.day import CHANNELS, Reading, ambient_day
from gateway_sim.localtime import local_date
from gateway_sim.measuring import measured_day
from gateway_sim.people import VITALS
from gateway_sim.plan import Plan

MONITOR_EVERY = 60.0
"""Seconds between the packs of a worn monitor."""


class _Day(NamedTuple):
    """A day's readings of all homes, in order of time."""

    times: list[float]
    homes: list[int]
    readings: list[Reading]


class Production:
    """The devices of a county under a plan: a pure function of time."""

    def __init__(self, county: County, plan: Plan) -> None:
        self._county = county
        self._plan = plan
        monitored = [r.person for h in county.homes if h.monitored for r in h.residents]
        self._who = np.array(monitored, dtype=np.int64)
        self._phase = np.array([county.home_of[p].phase for p in monitored])
        self._device = [self._monitor_name(p) for p in monitored]
        # Two days around midnight, today's and yesterday's again for a history beside it.
        self._day = lru_cache(maxsize=6)(self._make_day)

    def between(
        self, start: float, end: float, every: float = MONITOR_EVERY
    ) -> dict[int, list[Reading]]:
        """All readings with start < time <= end (Unix seconds), by number of home, in order.

        Args:
            every: seconds between the monitors' packs.
        """
        found: dict[int, list[Reading]] = defaultdict(list)
        day, last = local_date(start), local_date(end)
        while day <= last:
            known = self._day(day)
            for n in range(bisect_right(known.times, start), bisect_right(known.times, end)):
                found[known.homes[n]].append(known.readings[n])
            day += timedelta(days=1)
        self._monitors(found, start, end, every)
        for event in self._plan.events:
            if start < event.reading.time <= end:
                found[event.home].append(event.reading)
        for readings in found.values():
            readings.sort(key=lambda reading: reading.time)
        return found

    def next_due(self, after: float) -> float:
        """When the next reading is made after a moment (Unix seconds)."""
        due = [event.reading.time for event in self._plan.events if event.reading.time > after]
        if len(self._who):
            step = np.floor((after - self._phase) / MONITOR_EVERY) + 1.0
            due.append(float(np.min(self._phase + step * MONITOR_EVERY)))
        day = local_date(after)
        for _ in range(2):
            times = self._day(day).times
            position = bisect_right(times, after)
            if position < len(times):
                due.append(times[position])
                break
            day += timedelta(days=1)
        return min(due, default=after + MONITOR_EVERY)

    def _monitors(
        self, found: dict[int, list[Reading]], start: float, end: float, every: float
    ) -> None:
        if len(self._who) == 0:
            return
        first = np.floor((start - self._phase) / every) + 1.0
        packs = int(np.max(np.floor((end - self._phase) / every) - first)) + 1
        if packs <= 0:
            return
        times = np.round(self._phase + (first + np.arange(packs)[:, None]) * every, 3)
        rows, columns = np.nonzero(times <= end)
        when = times[rows, columns]
        # Who is away has left the monitor at home, and it is silent.
        worn = self._plan.illnesses.at_home(self._who[columns], when)
        columns, when = columns[worn], when[worn]
        values = self._county.people.vitals(self._who[columns], when, self._plan.illnesses)
        for column, time, shown in zip(
            columns.tolist(), when.tolist(), values.tolist(), strict=True
        ):
            home = self._county.home_of[int(self._who[column])].number
            device = self._device[column]
            found[home].extend(
                Reading(time, device, metric, value)
                for metric, value in zip(VITALS, shown, strict=True)
            )

    def _make_day(self, day: date) -> _Day:
        events = ambient_day(self._county.dwellers, day, self._plan.illnesses)
        said = zip(
            events["time"].tolist(), events["home"].tolist(), events["channel"].tolist(),
            events["value"].tolist(), strict=True,
        )  # fmt: skip
        rows = [(time, home, _reading(time, channel, value)) for time, home, channel, value in said]
        rows += [
            (reading.time, home.number, reading)
            for home in self._county.homes
            for reading in measured_day(self._county, home, day, self._plan.illnesses)
        ]
        rows.sort()
        return _Day([r[0] for r in rows], [r[1] for r in rows], [r[2] for r in rows])

    def _monitor_name(self, person: int) -> str:
        home = self._county.home_of[person]
        number = next(n for n, r in enumerate(home.residents, start=1) if r.person == person)
        return f"monitor-{number}"


def _reading(time: float, channel: int, value: float) -> Reading:
    device, metric = CHANNELS[channel]
    return Reading(time, device, metric, value)
