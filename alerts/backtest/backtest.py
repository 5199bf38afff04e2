"""Replays history through the engine's own rules and state machine, in memory, paging nobody.

The clock goes from event to event: a reading reaches the engine when it was *received*, a late one
late; what asked to be looked at again is looked at when it asked. At each stop the subjects
concerned are assessed together by `alerts.assess` and brought up to date by
`alerts.worker.looking`, which is what the worker does between two statements of SQL
(alerts.worker.batch).

Three things are coarser than life, each a parameter:

`tick`      stops fall on multiples of it, so that more subjects are assessed together. A worker
            looks within a second; a minute moves an alert by at most one.
`idle`      readings that no rule looks at (a room's motion) make the worker look all the same, and
            it may then see that something has expired. They do here once in `idle`, and of those
            with an episode only. A room that is neither cold nor warm by any rule makes nobody
            look of whom nothing is open and nothing remembered.
`handling`  who closes an episode, and when. In life people do; what they recorded (`Closing`) is
            replayed where the same episode is open. For all others somebody is assumed.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from itertools import count

import numpy as np

from alerts.assess.assess import RULES, assess
from alerts.assess.surroundings import DOOR
from alerts.backtest.around import Around, mild_rooms
from alerts.backtest.history import Closing, Columns, History, micros, moment
from alerts.backtest.learned import Models
from alerts.backtest.memory import Ears, Known, Replayed, all_known
from alerts.finding import Reading
from alerts.learned.learned import Learned
from alerts.rules.shipped import Rules
from alerts.subjects.events import EVENTS
from alerts.subjects.line import Line
from alerts.subjects.subject import Assess, Assessment, Context, Subject
from alerts.worker.batch import JOURNEY
from alerts.worker.load import DEPTHS, LONGEST_VALIDITY
from alerts.worker.looking import listens, look, next_look
from alerts.worker.slow import ALONE, WINDOWS
from core.catalogue import catalogue

Progress = Callable[[float, float], None]
"""Done, and of how many."""


@dataclass(frozen=True)
class Handling:
    """How soon somebody is assumed to close an episode that nobody is known to have closed."""

    cleared: timedelta | None = timedelta(0)
    """After it has cleared; None: never."""
    standing: timedelta | None = timedelta(days=1)
    """After it opened, rose or had another event, even if it goes on; None: never."""


NOBODY = Handling(None, None)
"""Only recorded closings."""


@dataclass(frozen=True)
class Pace:
    """How fine the clock is."""

    tick: timedelta = timedelta(minutes=1)
    """0: every reading is a stop of its own."""
    idle: timedelta = timedelta(minutes=10)
    """0: every reading counts, whatever its metric."""
    models: timedelta = timedelta(minutes=30)
    """How often the models look at everybody."""


EXACT = Pace(timedelta(0), timedelta(0))
"""As the worker does it; for short stretches."""


def replay(
    history: History,
    rules: Rules,
    *,
    table: Mapping[str, Assess] = RULES,
    learned: Learned | None = None,
    pace: Pace = Pace(),
    handling: Handling = Handling(),
    progress: Progress | None = None,
) -> list[Replayed]:
    """The episodes that the rules would have made of a stretch of history, in order of opening.

    Args:
        table: which rules are applied; all, unless a baseline is played.
        learned: the models; None: none are at work.
    """
    return _Replay(history, rules, table, learned, pace, handling).run(progress)


class _Replay:
    def __init__(
        self,
        history: History,
        rules: Rules,
        table: Mapping[str, Assess],
        learned: Learned | None,
        pace: Pace,
        handling: Handling,
    ) -> None:
        self._history, self._rules, self._table = history, rules, table
        self._pace, self._handling = pace, handling
        self._known = all_known(history.people, rules, history.falls)
        self._around = Around(history)
        self._made: list[Replayed] = []
        self._due: list[tuple[datetime, int]] = []
        self._count = count()
        self._closings: list[tuple[datetime, int, Closing, int | None]] = []
        """When, a number that orders, what, and the episode meant (None: any)."""
        self._ears: Ears | None = None
        if history.devices:
            self._ears = Ears(tuple(history.devices), history.readings)
            for subject in self._ears.watchers():
                self._ask(self._known[subject], history.start)
        for closing in history.closings:
            self._close_at(closing, None)
        self._models: Models | None = None
        self._models_at: datetime | None = None
        if learned is not None:
            self._models = Models(learned, history.people, history.readings, history.places)
            self._models_at = history.start
        self._stops = _Stops(history, self._known, rules, pace)

    def run(self, progress: Progress | None) -> list[Replayed]:
        """From start to end."""
        stops, end = self._stops, self._history.end
        while True:
            now = min(
                (at for at in self._ahead() if at is not None),
                default=None,
            )
            if now is None or now > end:
                return self._made
            now = self._on_tick(now)
            new = stops.take(now)
            due = self._take_due(now)
            by_models = self._models_at is not None and self._models_at <= now
            if by_models:
                due |= self._known.keys()
                self._models_at = now + self._pace.models
            self._look(now, new, due, by_models=by_models)
            # Who closes an episode has seen what is known at that moment.
            self._close_until(now)
            if progress is not None:
                progress(*stops.done)

    def _ahead(self) -> tuple[datetime | None, ...]:
        return (
            self._stops.next_at(), self._next_due(), self._next_closing(), self._models_at,
        )  # fmt: skip

    def _look(
        self, now: datetime, new: Mapping[int, datetime], due: set[int], *, by_models: bool
    ) -> None:
        recent = now - LONGEST_VALIDITY
        taken: list[tuple[Known, bool]] = []
        subjects: list[Subject] = []
        line = Line(now, now, self._outages(now))
        context = Context(now=now, rules=self._rules, line=line, delay=JOURNEY)
        for number in sorted(new.keys() | due):
            known = self._known[number]
            present = number in due or new[number] > recent
            if not present and not known.events:
                continue
            subject = known.subject(now, present=present, new=number in new, around=self._around)
            if present and self._ears is not None:
                episodes = [episode for episode, _ in known.open.values()]
                if listens(known.state, episodes, is_due=number in due, now=now):
                    self._ears.hear(subject, known, now, context.delay, self._around)
            taken.append((known, present))
            subjects.append(subject)
        if not subjects:
            return
        table = self._table
        if by_models and self._models is not None:
            table = {**table, "models": partial(self._models.assess, standing=self._standing())}
        assessments = assess(subjects, context, table)
        for (known, present), subject, assessment in zip(taken, subjects, assessments, strict=True):
            self._step(known, subject, assessment, context, present=present)

    def _standing(self) -> dict[int, set[str]]:
        return {
            number: {kind for (kind, _), (one, _) in known.open.items() if one.cleared_at is None}
            for number, known in self._known.items()
            if known.open
        }

    def _step(
        self,
        known: Known,
        subject: Subject,
        assessment: Assessment,
        context: Context,
        *,
        present: bool,
    ) -> None:
        now = context.now
        episodes = known.episodes(now)
        changes = look(subject, assessment, known.state, episodes, context, present=present)
        for change in changes:
            record = known.write(change, len(self._made) + 1, now)
            if change.episode is None:
                self._made.append(record)
            if change.what != "refreshed":
                self._assume_closed(known, record, now)
        if not assessment.failed:
            known.events.clear()
        self._ask(
            known,
            next_look(known.state, assessment, due_at=known.due_at, present=present),
        )

    def _ask(self, known: Known, at: datetime | None) -> None:
        known.due_at = at
        if at is not None:
            heapq.heappush(self._due, (at, known.person.id))

    def _next_due(self) -> datetime | None:
        while self._due and self._known[self._due[0][1]].due_at != self._due[0][0]:
            heapq.heappop(self._due)
        return self._due[0][0] if self._due else None

    def _take_due(self, now: datetime) -> set[int]:
        found = set()
        while (at := self._next_due()) is not None and at <= now:
            found.add(heapq.heappop(self._due)[1])
        return found

    def _assume_closed(self, known: Known, record: Replayed, now: datetime) -> None:
        after = self._handling.cleared if record.cleared_at else self._handling.standing
        if after is not None:
            number = known.open[(record.kind, record.origin)][0].id
            closing = Closing(record.subject, record.kind, record.origin, now + after)
            self._close_at(closing, number)

    def _close_at(self, closing: Closing, episode: int | None) -> None:
        heapq.heappush(self._closings, (closing.at, next(self._count), closing, episode))

    def _next_closing(self) -> datetime | None:
        return self._closings[0][0] if self._closings else None

    def _close_until(self, now: datetime) -> None:
        while self._closings and self._closings[0][0] <= now:
            at, _, closing, meant = heapq.heappop(self._closings)
            known, key = self._known.get(closing.subject), (closing.kind, closing.origin)
            found = known.open.get(key) if known else None
            if known is None or found is None or meant not in (None, found[0].id):
                continue
            if meant is not None and not self._is_over(found[1], at):
                continue
            known.close(key, at, closing.outcome)

    def _is_over(self, record: Replayed, at: datetime) -> bool:
        """Whether the time for an assumed closing has come: nothing happened since it was set."""
        after = self._handling.cleared if record.cleared_at else self._handling.standing
        return after is not None and record.events[-1].at + after <= at

    def _outages(self, now: datetime) -> tuple[tuple[datetime, datetime], ...]:
        return tuple(one for one in self._history.outages if one[1] <= now)

    def _on_tick(self, now: datetime) -> datetime:
        tick = self._pace.tick
        if not tick:
            return now
        size = tick // timedelta(microseconds=1)
        return moment(-(-micros(now) // size) * size)


class _Stops:
    """Readings as they come in, of what makes a subject be looked at."""

    def __init__(
        self, history: History, known: Mapping[int, Known], rules: Rules, pace: Pace
    ) -> None:
        self._known, self._idle = known, pace.idle
        rows, self._matters = _of_interest(history, known, pace)
        self._columns = history.readings.take(rows)
        self._mild = mild_rooms(self._columns, rules).tolist() if pace.idle else [False] * len(rows)
        self._at = 0
        self._received = self._columns.received.tolist()
        self._subjects = self._columns.subject.tolist()
        self._looked: dict[int, datetime] = {}
        before = int(np.searchsorted(self._columns.received, micros(history.start)))
        self._take_rows(before)
        for one in known.values():
            one.events.clear()  # whoever was called then has been

    @property
    def done(self) -> tuple[float, float]:
        """Readings gone through, and of how many."""
        return self._at, len(self._received)

    def next_at(self) -> datetime | None:
        """When the next one comes in."""
        return moment(self._received[self._at]) if self._at < len(self._received) else None

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
            if self._mild[row] and known.is_calm:
                continue
            if self._matters[row]:
                reading: Reading = self._columns.reading(row)
                known.arrive(reading)
                time = reading.time
            elif not self._wakes(known, now):
                continue
            else:
                time = moment(int(self._columns.time[row]))
            new[number] = max(time, new.get(number, time))
        self._at = past
        return new

    def _wakes(self, known: Known, now: datetime | None) -> bool:
        """Whether a reading that no rule looks at makes a look worth while."""
        if now is None:
            return False
        if not self._idle or known.watches_door:
            return True
        if not known.open and not known.closed:
            return False
        before = self._looked.get(known.person.id)
        if before is not None and now - before < self._idle:
            return False
        self._looked[known.person.id] = now
        return True


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
