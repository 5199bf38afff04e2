"""What the database is to the worker, in memory: a subject's newest readings, events, episodes.

Each part says which query or statement it stands for; a test holds the two to the same result
(tests/integration/test_backtest.py).
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Mapping, Set
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from alerts.assess.surroundings import DOOR, ROOM
from alerts.backtest.around import Around
from alerts.backtest.history import Fell, Person
from alerts.episodes.episode import Change, Episode
from alerts.episodes.joining import KEEP_EVIDENCE, Key
from alerts.episodes.store import Names, evidence_of
from alerts.finding import Reading
from alerts.rules.rule import Rule, Rules
from alerts.silence.pauses import bearing
from alerts.subjects.events import EVENTS
from alerts.subjects.own_rules import set_own
from alerts.subjects.subject import Subject
from alerts.worker.newest import AHEAD, DEPTHS, LONGEST_VALIDITY, validity
from alerts.worker.slow import ALONE, MOST, WINDOWS, falls_within, looked, watches_door
from alerts.worker.state import State
from core.catalogue import catalogue
from core.reading import State as ReadingState

_VALID = {metric.name: validity(metric) for metric in catalogue()}
_PRUNE = 64
"""Readings of a metric kept before those that are no longer valid are dropped."""


class _NoNames(dict[tuple[int, str, datetime], tuple[str, str]]):
    """Nobody reads a replayed episode's evidence for the names of devices."""

    def __missing__(self, key: tuple[int, str, datetime]) -> tuple[str, str]:
        return ("", "")


_NAMES: Names = _NoNames()


@dataclass(slots=True)
class Happened:
    """Something that happened to a replayed episode (`alerts.episode_event`)."""

    at: datetime
    what: str
    severity: int
    rule: str


@dataclass(slots=True)
class Replayed:
    """An episode of the replay, with everything that happened to it."""

    subject: int
    kind: str
    origin: str
    opened_at: datetime
    events: list[Happened] = field(default_factory=list)
    cleared_at: datetime | None = None
    closed_at: datetime | None = None
    severity: int = 0
    highest: int = 0
    at_risk: dict[int, frozenset[str]] = field(default_factory=dict)
    """Everybody whom it ever named as at risk, and their needs (alerts.subjects.at_risk)."""


@dataclass(slots=True)
class Known:
    """Everything known of one subject."""

    person: Person
    state: State = field(default_factory=State)
    due_at: datetime | None = None
    newest: dict[str, list[Reading]] = field(default_factory=dict)
    """By metric, oldest first."""
    events: list[Reading] = field(default_factory=list)
    """Events not dealt with."""
    open: dict[Key, tuple[Episode, Replayed]] = field(default_factory=dict)
    closed: dict[Key, Episode] = field(default_factory=dict)
    """The last one closed of each key."""
    falls: list[Fell] = field(default_factory=list)
    """Alerts of falls that were closed, and not as false."""
    falls_within: timedelta = timedelta(0)
    """How far back they count."""
    slow: dict[str, list[Reading]] = field(default_factory=dict)
    """Of metrics that are looked at over long times (alerts.worker.slow), oldest first."""
    fresh: set[str] = field(default_factory=set)
    """Those of them of which something came in since the last look."""
    rules: Mapping[str, Rule] = field(default_factory=dict)
    """Set otherwise for this subject."""
    rules_error: str = ""
    watches_door: bool = False
    """Whether every sign of life of it counts."""

    @property
    def is_blank(self) -> bool:
        """Whether nothing can have expired: nothing is open, or was closed of late."""
        return not (self.open or self.closed or self.watches_door)

    @property
    def heeds_no_mild_room(self) -> bool:
        """Whether a room that the county's rules find neither cold nor hot changes nothing of it.

        Nothing of a room is open, closed of late, or waited for.
        """
        state = self.state
        return not (
            self.rules or ROOM in state.awaited
            or any(kind == "room" for kind, _ in (*self.open, *self.closed))
            or any(key.startswith("room ") for key in (*state.beyond, *state.quiet))
        )  # fmt: skip

    def watches(self, metric: str) -> bool:
        """Whether the rules look at the newest values of a metric."""
        client = self.person.client
        return client is not None and (metric in DEPTHS or metric in client.limits)

    def arrive(self, reading: Reading) -> None:
        """Take in a reading of a watched metric, or an event."""
        if reading.metric in EVENTS:
            if reading.value >= 1 and reading.state < ReadingState.STRUCK_OUT:
                self.events.append(reading)
            return
        if reading.state != ReadingState.OK:
            return
        if reading.metric in WINDOWS and (self.person.client or reading.metric not in ALONE):
            history = self.slow.setdefault(reading.metric, [])
            _add(history, reading)
            del history[: -2 * MOST]
            self.fresh.add(reading.metric)
        if self.watches(reading.metric):
            known = self.newest.setdefault(reading.metric, [])
            _add(known, reading)
            if len(known) > _PRUNE:
                valid = known[-1].time - _VALID[reading.metric] - AHEAD
                known[:] = [one for one in known if one.time > valid][-_PRUNE // 2 :]

    def _bare(self) -> Subject:
        person = self.person
        found = Subject(person.id, person.kind, person.client, person.records)
        found.rules, found.rules_error = self.rules, self.rules_error
        return found

    def subject(
        self, now: datetime, *, present: bool, new: bool = False, around: Around | None = None
    ) -> Subject:
        """As `load_subjects`, `load_events` and `load_slow` give it.

        Args:
            new: something came in, of whatever metric.
            around: what was noticed in its home.
        """
        found = self._bare()
        found.events = list(self.events)
        if found.client is not None and any(one.metric == "fall" for one in self.events):
            since = now - self.falls_within
            found.falls_before = sum(
                one.opened_at >= since and one.closed_at <= now for one in self.falls
            )
        self._pause(found, now, around if present else None)
        fresh, self.fresh = self.fresh, set()
        if not present:
            return found
        self._slow(found, fresh, now, around, new=new)
        until = now + AHEAD
        for metric, known in self.newest.items():
            depth = DEPTHS.get(metric, 1)
            after = now - _VALID[metric]
            newest: list[Reading] = []
            for reading in reversed(known):
                if reading.time <= after or len(newest) == depth:
                    break
                if reading.time <= until:
                    newest.append(reading)
            if newest:
                found.newest[metric] = newest
        return found

    def _slow(
        self, subject: Subject, fresh: Set[str], now: datetime, around: Around | None, *, new: bool
    ) -> None:
        """As `load_slow`."""
        awaited = self.state.awaited
        for metric in (fresh | awaited) - {DOOR}:
            if self.person.client is None and metric in ALONE:
                continue
            looked(subject, metric)
            after, until = now - WINDOWS[metric], now + AHEAD
            window = [one for one in self.slow.get(metric, ()) if after < one.time <= until]
            subject.slow[metric] = window[: -MOST - 1 : -1]
        if around is not None and (DOOR in awaited or (new and watches_door(subject))):
            looked(subject, DOOR)
            last, subject.back_at = around.door(self.person, now)
            subject.slow[DOOR] = [] if last is None else [last]

    def _pause(self, subject: Subject, now: datetime, around: Around | None) -> None:
        """As `_load_pauses` and `_load_signs`."""
        person = self.person
        if not person.pauses:
            return
        ahead = [pause for pause in person.pauses if pause.until > now]
        subject.pauses, subject.next_pause = bearing(
            person.id, person.kind, ahead, residents=person.residents, now=now
        )
        if subject.client is not None:
            subject.client.pauses = subject.pauses
        if subject.away is not None and around is not None:
            subject.signs = around.signs(person, subject.away.since, now)

    def episodes(self, now: datetime) -> list[Episode]:
        """As `load_episodes` gives them."""
        since = now - LONGEST_VALIDITY
        for key in [
            k for k, one in self.closed.items() if one.closed_at and one.closed_at <= since
        ]:
            del self.closed[key]
        return [*(episode for episode, _ in self.open.values()), *self.closed.values()]

    def write(self, change: Change, number: int, now: datetime) -> Replayed:
        """As `write_changes`; `number` is the id of an episode that is opened."""
        evidence: list[Mapping[str, Any]] = [*evidence_of(change, _NAMES)]
        if change.episode is None:
            record = Replayed(self.person.id, *change.key, opened_at=now)
            episode = Episode(
                number, *change.key, severity=change.severity, highest=change.highest,
                summary=change.summary, evidence=evidence[:KEEP_EVIDENCE],
            )  # fmt: skip
        else:
            before, record = self.open[change.key]
            if change.joined is None:
                evidence = list(before.evidence)
            elif change.what == "updated":
                evidence = [*evidence, *before.evidence]
            cleared = before.cleared_at if change.what == "refreshed" else change.cleared_at
            episode = replace(
                before, severity=change.severity, highest=change.highest, cleared_at=cleared,
                summary=change.summary, evidence=evidence[:KEEP_EVIDENCE],
            )  # fmt: skip
        self.open[change.key] = (episode, record)
        record.severity, record.highest = episode.severity, episode.highest
        record.cleared_at = episode.cleared_at
        for one in (episode.summary.get("params") or {}).get("at_risk", ()):
            record.at_risk[one["subject"]] = frozenset(one["needs"])
        if change.what != "refreshed":
            rule = str(change.summary.get("rule", ""))
            record.events.append(Happened(now, change.what, change.severity, rule))
        return record

    def close(self, key: Key, at: datetime, outcome: str | None = None) -> None:
        """As a person does it (`handling.close`)."""
        episode, record = self.open.pop(key)
        if key[0] == "fall" and outcome != "false":
            self.falls.append(Fell(record.opened_at, at))
        record.closed_at = at
        self.closed[key] = replace(episode, closed_at=at, outcome=outcome)


def all_known(
    people: Mapping[int, Person], rules: Rules, falls: Mapping[int, Set[Fell]]
) -> dict[int, Known]:
    """Everybody, of whom nothing is known yet but rules of their own and earlier falls."""
    found = {}
    for number, person in people.items():
        subject = Subject(number, person.kind, person.client, person.records)
        set_own(subject, rules)
        found[number] = Known(
            person, rules=subject.rules, rules_error=subject.rules_error,
            watches_door=watches_door(subject), falls=sorted(falls.get(number, ())),
            falls_within=falls_within(subject.rules, rules),
        )  # fmt: skip
    return found


def _add(known: list[Reading], reading: Reading) -> None:
    if known and reading.time < known[-1].time:
        insort(known, reading, key=lambda one: one.time)
    else:
        known.append(reading)
