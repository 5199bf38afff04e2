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
            it may then see that something has expired. They do here at multiples of `idle`, all
            together, and of those with an episode only. So does a room that is neither cold nor
            warm by any rule, where nothing of a room is open or remembered.
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

from alerts.assess.assess import RULES, assess
from alerts.backtest.around import Around
from alerts.backtest.county import KINDS, Surveys
from alerts.backtest.ears import Ears
from alerts.backtest.history import Closing, History, micros, moment
from alerts.backtest.learned import Models
from alerts.backtest.memory import Known, Replayed, all_known
from alerts.backtest.stops import MINUTES, Pace, Stops
from alerts.learned.learned import Learned
from alerts.rules.shipped import Rules
from alerts.subjects.line import Line
from alerts.subjects.subject import Assess, Assessment, Context, Subject
from alerts.worker.batch import JOURNEY
from alerts.worker.looking import listens, look, next_look
from alerts.worker.newest import LONGEST_VALIDITY

Progress = Callable[[float, float], None]
"""Done, and of how many."""


@dataclass(frozen=True)
class Handling:
    """How soon somebody is assumed to close an episode that nobody is known to have closed."""

    cleared: timedelta | None = timedelta(0)
    """After it has cleared; None: never."""
    standing: timedelta | None = timedelta(days=1)
    """After it opened, rose or had another event, even if it goes on; None: never."""
    outcome: Callable[[Replayed, datetime], str] | None = None
    """What they record, by the episode and the time of closing; None: nothing that is
    remembered."""


NOBODY = Handling(None, None)
"""Only recorded closings."""


def replay(
    history: History,
    rules: Rules,
    *,
    table: Mapping[str, Assess] = RULES,
    learned: Learned | None = None,
    pace: Pace = MINUTES,
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
        self._surveys: Surveys | None = None
        if self._ears is not None and "silence" in table:
            self._surveys = Surveys(
                history, self._ears, self._known, rules, delay=JOURNEY, every=pace.survey
            )
        self._looked = {n for n, one in self._known.items() if one.person.kind not in KINDS}
        for closing in history.closings:
            self._close_at(closing, None)
        self._models: Models | None = None
        self._models_at: datetime | None = None
        if learned is not None:
            self._models = Models(learned, history.people, history.readings, history.places)
            self._models_at = history.start
        self._stops = Stops(history, self._known, rules, pace)

    def run(self, progress: Progress | None) -> list[Replayed]:
        """From start to end."""
        stops, end = self._stops, self._history.end
        while True:
            now = min((at for at in self._ahead() if at is not None), default=None)
            if now is None or now > end:
                return self._made
            now = self._on_tick(now)
            new = stops.take(now)
            self._survey(now)
            due = self._take_due(now)
            by_models = self._models_at is not None and self._models_at <= now
            if by_models:
                due |= self._looked
                self._models_at = now + self._pace.models
            self._look(now, new, due, by_models=by_models)
            # Who closes an episode has seen what is known at that moment.
            self._close_until(now)
            if progress is not None:
                progress(*stops.done)

    def _ahead(self) -> tuple[datetime | None, ...]:
        return (
            self._stops.next_at(), self._next_due(), self._next_closing(), self._models_at,
            self._surveys.next_at() if self._surveys is not None else None,
        )  # fmt: skip

    def _survey(self, now: datetime) -> None:
        """Look at the county as a whole, when it is time; homes are told what explains them."""
        surveys = self._surveys
        if surveys is None or (at := surveys.next_at()) is None or at > now:
            return
        context = self._context(now)
        found, woken = surveys.run(now, context.line)
        for number, findings in found.items():
            known = self._known[number]
            subject = Subject(number, known.person.kind)
            self._record(known, subject, Assessment(findings=findings), context, present=True)
        for number in woken:
            known = self._known[number]
            known.state.silence_at = None
            self._ask(known, now)

    def _context(self, now: datetime) -> Context:
        line = Line(now, now, self._outages(now))
        return Context(now=now, rules=self._rules, line=line, delay=JOURNEY)

    def _look(
        self, now: datetime, new: Mapping[int, datetime], due: set[int], *, by_models: bool
    ) -> None:
        recent = now - LONGEST_VALIDITY
        taken: list[tuple[Known, bool]] = []
        subjects: list[Subject] = []
        context = self._context(now)
        for number in sorted(new.keys() | due):
            known = self._known[number]
            present = number in due or new[number] > recent
            if not present and not known.events:
                continue
            subject = known.subject(now, present=present, new=number in new, around=self._around)
            if self._surveys is not None:
                subject.lost = self._surveys.lost.get(number, frozenset())
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
        self._record(known, subject, assessment, context, present=present)
        if not assessment.failed:
            known.events.clear()
        self._ask(known, next_look(known.state, assessment, due_at=known.due_at, present=present))

    def _record(
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
            outcome = closing.outcome
            if meant is not None and self._handling.outcome is not None:
                outcome = self._handling.outcome(found[1], at)
            known.close(key, at, outcome)

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
