"""The models within a replay: the same alerts.learned, fed from columns instead of the database.

In life a subject is looked at five minutes after something arrived. Here everybody is looked at
together, once in `Pace.models`: the models cut time into steps of their own and take several at
once, so it moves what they say by at most as much.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from alerts.backtest.history import Columns, Person, Received, micros
from alerts.finding import LEARNED, Finding
from alerts.learned.learned import AMBIENT, HOLDING, Learned, News, empty, local_offset, news, since
from alerts.learned.store import HEARD_WITHIN
from alerts.subjects.subject import Context, Subject
from core.catalogue import catalogue
from models.following import Memory
from models.readings import Floats
from models.signs import METRICS

Index = NDArray[np.int64]
_SECOND = 1_000_000


class Models:
    """The models, what they remember of everybody, and the readings that they look at."""

    def __init__(
        self,
        learned: Learned,
        people: Mapping[int, Person],
        readings: Columns,
        places: Mapping[int, int],
    ) -> None:
        """`places`: of devices, what alerts.learned.place_of says of them."""
        self._learned = learned
        self._subjects = np.array(sorted(people), dtype=np.int64)
        self._row = {number: row for row, number in enumerate(self._subjects.tolist())}
        self._memory: Memory = empty(len(self._subjects))
        size = max(self._row, default=0) + 1
        home = np.zeros(size, dtype=np.int64)
        home[list(people)] = [person.home for person in people.values()]
        self._home = home[self._subjects]
        self._heard = _Heard(home[readings.subject], readings)
        known = catalogue()
        wanted = [known[name].id for name in (*METRICS, *AMBIENT)]
        known_people = np.isin(readings.subject, self._subjects)
        rows = np.flatnonzero(
            known_people & np.isin(readings.metric, wanted) & (readings.state == 0)
        )
        of = readings.take(rows)
        place_of_subject = np.zeros(size, dtype=np.int64)
        place_of_subject[self._subjects] = np.arange(len(self._subjects))
        self._received = Received(place_of_subject[of.subject], of.received)
        self._of = of.take(self._received.order)
        count = int(readings.device.max(initial=0)) + 1
        place = np.full(count, -1, dtype=np.int64)
        for device, where in places.items():
            if device < count:
                place[device] = where
        self._place = place[self._of.device]

    def assess(
        self, subjects: Sequence[Subject], context: Context, standing: Mapping[int, set[str]]
    ) -> Iterator[tuple[int, Finding]]:
        """As a rule of alerts.assess, for everybody in `subjects`; remembers what they remember.

        Args:
            standing: kinds of each subject's open episodes that have not cleared.
        """
        rows = np.array([self._row[subject.id] for subject in subjects], dtype=np.int64)
        memory = self._memory.only(rows)
        held = np.array(
            [
                bool(subject.pauses) or not HOLDING.isdisjoint(standing.get(subject.id, ()))
                for subject in subjects
            ],
            dtype=bool,
        )
        away = np.array([subject.away is not None for subject in subjects], dtype=bool)
        listening = self._heard.lately(self._home[rows], context.now) & ~away
        told = self._learned.assess(
            subjects,
            context,
            self._new(rows, memory, context.now),
            memory,
            held=held,
            listening=listening.astype(np.float64),
        )
        for subject in subjects:
            subject.unseen -= frozenset(LEARNED)
        self._memory.signs[rows] = told.memory.signs
        self._memory.days[rows] = told.memory.days
        self._memory.rooms[rows] = told.memory.rooms
        # When to look again is not asked for: everybody is looked at again soon enough.
        for index, verdict in told.verdicts:
            if isinstance(verdict, Finding):
                yield index, verdict

    def _new(self, rows: Index, memory: Memory, now: datetime) -> News:
        """Everything that was received since what the memories have taken.

        What was measured since then was received since then; what is late is told by its times.
        """
        begins: Floats = since(memory)
        low, high = self._received.cut(rows, (begins * _SECOND).astype(np.int64), micros(now))
        counts = high - low
        place = np.repeat(np.arange(len(rows)), counts)
        within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        chosen = np.repeat(low, counts) + within
        of = self._of
        return news(
            place,
            of.metric[chosen].astype(np.int64),
            self._place[chosen],
            of.time[chosen] / _SECOND,
            of.value[chosen],
            of.received[chosen] / _SECOND,
            offset=local_offset(now),
        )


class _Heard:
    """When each home was heard, of whatever device."""

    def __init__(self, home: Index, readings: Columns) -> None:
        minute = readings.received.astype(np.int64) // (60 * _SECOND)
        self._key = np.unique(home << 40 | minute)

    def lately(self, homes: Index, now: datetime) -> NDArray[np.bool_]:
        """Whether each was heard within HEARD_WITHIN."""
        minute = int(now.timestamp()) // 60
        place = np.searchsorted(self._key, homes << 40 | minute, side="right") - 1
        last = self._key[np.maximum(place, 0)]
        age = (homes << 40 | minute) - last
        found: NDArray[np.bool_] = (place >= 0) & (age <= HEARD_WITHIN // timedelta(minutes=1))
        return found
