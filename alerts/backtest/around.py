"""What was noticed in a home of late: the queries that look at more than one subject's readings.

Outside doors (`outside_doors`), who came and went (`comings`), and signs of life of those who are
away (`signs_of_life`), of what had been received at a moment.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from alerts.assess.surroundings import DOOR, OUTSIDE, ROOM
from alerts.backtest.history import Columns, History, Person, Received, micros, moment
from alerts.finding import Reading
from alerts.rules.rule import Rules
from alerts.silence.pauses import MEASURED, MOVEMENT
from alerts.worker.load import COMINGS
from alerts.worker.newest import AHEAD
from alerts.worker.slow import BACK, WINDOWS
from core.catalogue import catalogue

FRONT = frozenset({"front", "front door", "hallway", ""})
"""Locations of the door through which people come and go (the query `comings`)."""
NOTICES = frozenset({"motion", "bed", "presence"})
"""Kinds of device that notice people."""
_ROUNDED = 0.1
_Rows = NDArray[np.int64]


class Around:
    """What was noticed in each home, by when it was received."""

    def __init__(self, history: History) -> None:
        self._in: dict[int, list[Person]] = {}
        for person in history.people.values():
            self._in.setdefault(person.home, []).append(person)
        names = catalogue()
        readings = history.readings
        wanted = [names[name].id for name in {*MOVEMENT, *MEASURED}]
        known = np.isin(readings.subject, list(history.people))
        rows = np.flatnonzero(known & np.isin(readings.metric, wanted))
        self._of = readings.take(rows)
        self._row = {number: row for row, number in enumerate(self._in)}
        home = np.zeros(max(history.people, default=0) + 1, dtype=np.int64)
        for number, person in history.people.items():
            if number >= 0:  # areas are not lived in
                home[number] = self._row[person.home]
        self._received = Received(home[self._of.subject], self._of.received)
        self._of = self._of.take(self._received.order)
        self._alone = {
            number
            for number, people in self._in.items()
            if sum(person.client is not None for person in people) == 1
        }
        size = max(int(self._of.device.max(initial=0)), max(history.placed, default=0)) + 1
        self._outside, self._front, self._notices = (np.zeros(size, dtype=bool) for _ in range(3))
        for device, (kind, location) in history.placed.items():
            self._outside[device] = location in OUTSIDE
            self._front[device] = kind == "door" and location in FRONT
            self._notices[device] = kind in NOTICES

    def _since(self, person: Person, since: datetime, now: datetime) -> _Rows:
        """Rows of the person's home measured after `since`, and known `now`."""
        group = np.array([self._row[person.home]])
        # A device's clock may run ahead, so what was measured since then was received since then.
        low, high = self._received.cut(group, np.array([micros(since - AHEAD)]), micros(now))
        rows = np.arange(low[0], high[0])
        time = self._of.time[rows]
        return rows[(time > micros(since)) & (time <= micros(now + AHEAD))]

    def _is(self, rows: _Rows, names: Iterable[str]) -> NDArray[np.bool_]:
        found: NDArray[np.bool_] = np.isin(
            self._of.metric[rows], [catalogue()[name].id for name in names]
        )
        return found

    def _own(self, person: Person, rows: _Rows) -> _Rows:
        """Of the person themselves, and of the home."""
        whose = [person.id, *(one.id for one in self._in[person.home] if one.kind == "home")]
        return rows[np.isin(self._of.subject[rows], whose)]

    def _newest(self, rows: _Rows) -> int | None:
        return int(rows[np.argmax(self._of.time[rows])]) if len(rows) else None

    def door(self, person: Person, now: datetime) -> tuple[Reading | None, datetime | None]:
        """When a door that leads out was last moved, and the last sign of somebody inside since."""
        rows = self._own(person, self._since(person, now - WINDOWS[DOOR], now))
        rows = rows[self._of.state[rows] == 0]
        doors = rows[self._is(rows, [DOOR]) & self._outside[self._of.device[rows]]]
        last = self._newest(doors)
        if last is None:
            return None, None
        back = self._is(rows, BACK) & (self._of.value[rows] > 0)
        newest = self._newest(rows[back & (self._of.time[rows] > self._of.time[last])])
        back_at = None if newest is None else moment(int(self._of.time[newest]))
        return self._of.reading(last), back_at

    def comings(self, person: Person, now: datetime) -> tuple[datetime | None, datetime | None]:
        """In a home of one resident: when the front door was heard last, and when anybody moved."""
        if person.home not in self._alone:
            return None, None
        rows = self._since(person, now - COMINGS, now)
        door = self._is(rows, [DOOR])
        moved = self._is(rows, [name for name in MOVEMENT if name != DOOR])
        moved &= self._notices[self._of.device[rows]] & (self._of.value[rows] > 0)
        last = (
            self._newest(rows[door & self._front[self._of.device[rows]]]),
            self._newest(rows[moved]),
        )
        at = [None if row is None else moment(int(self._of.time[row])) for row in last]
        return at[0], at[1]

    def signs(self, person: Person, since: datetime, now: datetime) -> list[Reading]:
        """Signs of life since then: of a client what was measured on them, of a home movement.

        A home whose resident is heard as a person has none: the resident's own alert says it.
        """
        rows = self._since(person, since, now)
        rows = rows[(self._of.state[rows] == 0) & (self._of.value[rows] > 0)]
        rows = rows[~self._of.by_hand[rows]]
        clients = [one.id for one in self._in[person.home] if one.kind == "client"]
        if person.kind == "home":
            if (self._is(rows, MEASURED) & np.isin(self._of.subject[rows], clients)).any():
                return []
            names: Iterable[str] = MOVEMENT
        else:
            names = MEASURED
        rows = rows[self._of.subject[rows] == person.id]
        newest = (self._newest(rows[self._is(rows, [name])]) for name in names)
        return [self._of.reading(row) for row in newest if row is not None]


def mild_rooms(readings: Columns, rules: Rules) -> NDArray[np.bool_]:
    """Temperatures of rooms, of each row whether it is one by which no rule says anything."""
    cold = rules["room_cold"].clears["temperature"]
    hot = min(rules[name].clears["temperature"] for name in ("room_warm", "room_hot"))
    # Rules compare what people are shown, rounded to a tenth.
    mild = (readings.value > cold + _ROUNDED) & (readings.value < hot - _ROUNDED)
    found: NDArray[np.bool_] = mild & (readings.metric == catalogue()[ROOM].id)
    return found
