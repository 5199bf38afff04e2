"""When the replay stops: readings as they come in, of what makes a subject be looked at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from alerts.assess.surroundings import DOOR
from alerts.backtest.around import mild_rooms
from alerts.backtest.history import Columns, History, micros, moment
from alerts.backtest.memory import Known
from alerts.finding import Reading
from alerts.rules.shipped import Rules
from alerts.subjects.events import EVENTS
from alerts.worker.newest import DEPTHS
from alerts.worker.slow import ALONE, WINDOWS
from core.catalogue import catalogue


@dataclass(frozen=True)
class Pace:
    """How fine the clock is."""

    tick: timedelta = timedelta(minutes=1)
    """0: every reading is a stop of its own."""
    idle: timedelta = timedelta(minutes=10)
    """0: every reading counts, whatever its metric."""
    models: timedelta = timedelta(minutes=30)
    """How often the models look at everybody."""
    survey: timedelta = timedelta(minutes=1)
    """How often the county is surveyed for outages, while there may be one."""


EXACT = Pace(timedelta(0), timedelta(0))
"""As the worker does it; for short stretches."""
MINUTES = Pace()
"""For weeks and months."""


class Stops:
    """Readings as they come in, of what makes a subject be looked at."""

    def __init__(
        self, history: History, known: Mapping[int, Known], rules: Rules, pace: Pace
    ) -> None:
        self._known, self._idle = known, pace.idle
        rows, self._matters = _of_interest(history, known, pace)
        self._columns = history.readings.take(rows)
        self._mild = mild_rooms(self._columns, rules).tolist() if pace.idle else [False] * len(rows)
        self._waiting: dict[int, datetime] = {}
        """Who looks at the next multiple of `idle`, and the newest time of what came in."""
        self._idle_at: datetime | None = None
        self._at = 0
        self._received = self._columns.received.tolist()
        self._subjects = self._columns.subject.tolist()
        before = int(np.searchsorted(self._columns.received, micros(history.start)))
        self._take_rows(before)
        for one in known.values():
            one.events.clear()  # whoever was called then has been

    @property
    def done(self) -> tuple[float, float]:
        """Readings gone through, and of how many."""
        return self._at, len(self._received)

    def next_at(self) -> datetime | None:
        """When the next one comes in, or those who wait look."""
        if self._at == len(self._received):
            return self._idle_at
        at = moment(self._received[self._at])
        return at if self._idle_at is None else min(at, self._idle_at)

    def take(self, now: datetime) -> dict[int, datetime]:
        """What came in by now: subjects to be looked at, and the newest time of their readings."""
        last, past = micros(now), self._at
        while past < len(self._received) and self._received[past] <= last:
            past += 1
        return self._take_rows(past, now)

    def _take_rows(self, past: int, now: datetime | None = None) -> dict[int, datetime]:
        new: dict[int, datetime] = {}
        for row in range(self._at, past):
            number = self._subjects[row]
            known = self._known[number]
            if self._matters[row] and not (self._mild[row] and known.heeds_no_mild_room):
                reading: Reading = self._columns.reading(row)
                known.arrive(reading)
                time = reading.time
            elif now is None or (self._idle and known.is_blank):
                continue
            else:
                time = moment(int(self._columns.time[row]))
                if self._idle and not known.watches_door:
                    self._wait(number, time, now)
                    continue
            new[number] = max(time, new.get(number, time))
        self._at = past
        if now is not None and self._idle_at is not None and self._idle_at <= now:
            for number, time in self._waiting.items():
                new[number] = max(time, new.get(number, time))
            self._waiting, self._idle_at = {}, None
        return new

    def _wait(self, number: int, time: datetime, now: datetime) -> None:
        """Look with everybody else of whom something came in that no rule looks at."""
        if self._idle_at is None:
            size = self._idle // timedelta(microseconds=1)
            self._idle_at = moment(-(-micros(now) // size) * size)
        self._waiting[number] = max(time, self._waiting.get(number, time))


def _of_interest(
    history: History, known: Mapping[int, Known], pace: Pace
) -> tuple[np.ndarray[tuple[int], np.dtype[np.int64]], list[bool]]:
    """Rows that can make a look change something, and of each whether a rule looks at it."""
    readings: Columns = history.readings
    names = catalogue()
    common = np.zeros(max(names.by_id) + 1, dtype=bool)
    common[[names[name].id for name in (*DEPTHS, *EVENTS, *ALONE)]] = True
    anybody = np.zeros_like(common)
    anybody[[names[name].id for name in (*EVENTS, *(WINDOWS.keys() - {DOOR} - ALONE))]] = True
    size = max(history.people, default=0) + 1
    client = np.zeros(size, dtype=bool)
    client[[n for n, one in history.people.items() if one.client is not None]] = True
    is_client = client[readings.subject]
    matters = anybody[readings.metric] | (common[readings.metric] & is_client)
    for number, person in history.people.items():
        own = person.client.limits.keys() - set(DEPTHS) if person.client else set()
        for metric in own:
            matters |= (readings.subject == number) & (readings.metric == names[metric].id)
    watched = np.zeros(size, dtype=bool)
    watched[[number for number, one in known.items() if one.watches_door]] = True
    # Else a home has no state but silence, and silence asks for its own looks.
    rows = (
        np.flatnonzero(matters | is_client | watched[readings.subject])
        if pace.idle
        else np.arange(len(readings))
    )
    return rows, matters[rows].tolist()
