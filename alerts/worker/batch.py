"""One transaction: claim what is new or due, lock, assess, write, tell.

Everything that follows from a note happens in the transaction that deletes it, so it happens once
whatever dies when; and subjects are locked in their order, so any number of workers can run.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

import msgspec
import structlog

from alerts.assess.assess import RULES, assess, fail
from alerts.episodes.episode import Change
from alerts.episodes.store import write_changes
from alerts.handling import alone
from alerts.learned.store import LearnedStore
from alerts.routing.escalating import begin, run_due
from alerts.routing.values import Values, shipped_values
from alerts.rules.shipped import Rules
from alerts.silence.outside import NOBODY, load_broken
from alerts.subjects.line import Line
from alerts.subjects.subject import Assessment, Context
from alerts.worker.claim import Claim
from alerts.worker.load import (
    load_devices,
    load_episodes,
    load_events,
    load_subjects,
)
from alerts.worker.looking import listens, look, next_look, only_technical
from alerts.worker.newest import LONGEST_VALIDITY
from alerts.worker.slow import load_slow
from alerts.worker.state import State
from core.clock import Clock, ScaledClock
from core.database import Connection, load_queries
from core.errors import SaimiError

MOST = 2000
"""Notes taken at once."""
MOST_DUE = 100
"""Due subjects taken at once: looking at all devices of a home costs far more than a note, and
what is new must not wait for it."""
TURN = 7241003
"""Advisory lock of the worker that takes due subjects."""
JOURNEY = timedelta(seconds=5)
"""Wall time that a reading may take from the home to the database without being late."""

_queries = load_queries("alerts")
_log = structlog.get_logger()


class VanishedError(SaimiError):
    """A state that was there is gone; the batch is taken again, subject by subject."""


class Done(NamedTuple):
    """How much a batch did."""

    subjects: int = 0
    changes: int = 0
    timers: int = 0
    full: bool = False
    """It took as much as one takes: more waits."""


class Batch:
    """What every transaction of a worker goes by."""

    def __init__(
        self,
        *,
        clock: Clock,
        rules: Rules,
        learned: LearnedStore | None = None,
        values: Values | None = None,
    ) -> None:
        self._clock = clock
        self._learned = learned
        self._values = values or shipped_values()
        self._rules = rules
        factor = clock.factor if isinstance(clock, ScaledClock) else 1.0
        self.delay = JOURNEY * factor
        """The same by the shared clock."""
        self._met: set[int] = set()
        """Subjects that have a state."""
        self.claimed: list[int] = []
        """The subjects of the last transaction: what to take one by one where it failed."""

    def use(self, rules: Rules, values: Values) -> None:
        """Go by other rules, and route otherwise, from the next transaction on."""
        self._rules, self._values = rules, values

    async def run(self, connection: Connection, *, only: int | None = None) -> Done:
        """Take what is new and what is due, or one subject alone."""
        self.claimed = []
        async with connection.transaction():
            claim = await (
                self._claim(connection) if only is None else self._claim_one(connection, only)
            )
            # After the wait for the locks: of two workers, the later one has the later time.
            now = self._clock.now()
            changes = await self._assess(connection, claim, now) if self.claimed else []
            timers = await self._write(connection, changes, now)
        self._met.update(self.claimed)
        return Done(len(self.claimed), len(changes), timers, claim.full)

    async def give_up(self, connection: Connection, subject: int, error: Exception) -> None:
        """Where a subject alone makes the transaction fail: say so, keep its notes, look later."""
        async with connection.transaction():
            claim = await self._claim_one(connection, subject)
            now = self._clock.now()
            assessment = Assessment()
            context = Context(now=now, rules=self._rules)
            fail(assessment, "write", error, context)
            episodes = (await load_episodes(connection, [subject], now=now)).get(subject, [])
            changes = only_technical(assessment, claim.states[subject], episodes, context)
            await self._write_states(connection, claim, {subject: assessment}, now)
            await self._write(connection, [(subject, change) for change in changes], now)

    async def _write(
        self, connection: Connection, changes: list[tuple[int, Change]], now: datetime
    ) -> int:
        """Write what changed, and call whoever is to be called; how many timers were due."""
        ids = await write_changes(connection, changes, now=now)
        await begin(connection, changes, ids, now=now)
        # Last: it takes what nobody holds, and waits for nobody.
        timers = await run_due(connection, now=now, values=self._values)
        return timers + await alone.run_due(connection, now=now)

    async def _claim(self, connection: Connection) -> Claim:
        claim = Claim()
        notes = [row async for row in _queries.claim_notes(connection, half=MOST // 2)]
        for row in notes:
            claim.widen(row["subject"], row["since"], row["until"], each=row["each_counts"])
        now = self._clock.now()
        async for row in _queries.claim_due(connection, now=now, most=MOST_DUE, turn=TURN):
            claim.due.add(row["subject"])
        claim.full = len(notes) >= MOST or len(claim.due) >= MOST_DUE
        await self._lock(connection, claim)
        return claim

    async def _claim_one(self, connection: Connection, subject: int) -> Claim:
        claim = Claim(due={subject})
        async for row in _queries.claim_notes_of(connection, subject=subject):
            claim.widen(subject, row["since"], row["until"], each=row["each_counts"])
        await self._lock(connection, claim)
        return claim

    async def _lock(self, connection: Connection, claim: Claim) -> None:
        self.claimed = claim.subjects
        if not self.claimed:
            return
        unmet = [subject for subject in self.claimed if subject not in self._met]
        if unmet:
            # Before any lock is held, so that workers never wait for each other in a circle.
            await _queries.add_states(connection, subjects=unmet)
        locked = [row async for row in _queries.lock_states(connection, subjects=self.claimed)]
        if len(locked) < len(self.claimed):
            self._met.clear()
            raise VanishedError("States were removed while the engine ran: they are made anew.")
        for row in locked:
            subject = row["subject"]
            claim.due_at[subject] = row["due_at"]
            try:
                state = State.read(row["state"])
            except msgspec.ValidationError as error:
                claim.broken[subject] = error
                state = State()
            else:
                claim.stored[subject] = state.write()
            claim.states[subject] = state
            if state.retry is not None:
                claim.widen(subject, *state.retry)

    async def _assess(
        self, connection: Connection, claim: Claim, now: datetime
    ) -> list[tuple[int, Change]]:
        line = msgspec.convert(await _queries.read_line(connection) or {}, Line)
        broken = await load_broken(connection) if NOBODY in claim.subjects else ()
        context = Context(now=now, rules=self._rules, line=line, delay=self.delay, broken=broken)
        # What is older than any validity is history: it changes nobody's present state.
        recent = now - LONGEST_VALIDITY
        present = {
            subject
            for subject in claim.subjects
            if subject in claim.due or claim.ranges[subject][1] > recent
        }
        subjects = await load_subjects(
            connection, claim.subjects, present=present, now=now, rules=self._rules
        )
        singly = {ident: claim.ranges[ident] for ident in claim.each}
        await load_events(connection, singly, subjects)
        here = {ident: one for ident, one in subjects.items() if ident in present}
        await load_slow(
            connection,
            singly,
            here,
            claim.states,
            anything_new=claim.ranges.keys(),
            now=now,
            rules=self._rules,
        )
        taken = [one for one in subjects.values() if one.id in present or one.events]
        episodes = await load_episodes(connection, [one.id for one in taken], now=now)
        watched = [
            one
            for one in taken
            if one.id in present
            and listens(
                claim.states[one.id],
                episodes.get(one.id, ()),
                is_due=one.id in claim.due,
                now=now,
            )
        ]
        if watched:
            await load_devices(connection, watched, claim.states, now=now, delay=self.delay)
        looked, rules = None, dict(RULES)
        if self._learned is not None:
            those = [one for one in taken if one.id in present]
            looked = await self._learned.load(connection, those, context, claim.ranges, episodes)
            rules["models"] = looked.assess
        assessments = assess(taken, context, rules)
        if self._learned is not None and looked is not None:
            await self._learned.keep(connection, looked, now=now)
        changes: list[tuple[int, Change]] = []
        for subject, assessment in zip(taken, assessments, strict=True):
            if subject.id in claim.broken:
                fail(assessment, "state", claim.broken[subject.id], context)
            outcome = look(
                subject,
                assessment,
                claim.states[subject.id],
                episodes.get(subject.id, []),
                context,
                present=subject.id in present,
            )
            changes.extend((subject.id, change) for change in outcome)
        done = {one.id: a for one, a in zip(taken, assessments, strict=True)}
        # A state of nobody registered any more is not looked at again.
        done.update({gone: Assessment() for gone in claim.due - subjects.keys()})
        await self._write_states(connection, claim, done, now, present)
        return changes

    async def _write_states(
        self,
        connection: Connection,
        claim: Claim,
        assessments: dict[int, Assessment],
        now: datetime,
        present: set[int] | None = None,
    ) -> None:
        subjects, dues, states = [], [], []
        for subject, assessment in assessments.items():
            state = claim.states[subject]
            state.retry = claim.ranges.get(subject) if assessment.failed else None
            due = next_look(
                state,
                assessment,
                due_at=claim.due_at[subject],
                present=present is None or subject in present,
            )
            subjects.append(subject)
            dues.append(due)
            written = state.write()
            states.append(None if written == claim.stored.get(subject) else written)
        if subjects:
            await _queries.write_states(
                connection, subjects=subjects, due=dues, states=states, now=now
            )
