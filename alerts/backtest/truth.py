"""Replayed alerts against what was truly the matter: caught, how early, and how many were false.

What counts as true is settled in docs/decisions/0036-what-a-true-alert-is.md, on the side of fewer
catches and more false alerts:

  - An *alert* is an episode that calls somebody: severity 2 (attention) or more. What only asks for
    a review is counted beside.
  - It *calls* when it opens, rises or returns with such a severity. Each call is a page.
  - A call is *true* where, at that moment, something is truly the matter with that client (between
    onset and recovery), and the alert's kind is one that this explains. An alert is false if its
    first call is.
  - An illness is *caught* by a true call between its onset and its crisis (where it has none, its
    recovery). An alert that stood before the onset catches nothing unless it rises.
  - False alerts are counted on the days of clients of whom nothing is the matter, for an illness
    that explains everything for weeks would flatter; false alerts of the ill count too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime, time, timedelta

from alerts.backtest.matter import Matter
from alerts.backtest.memory import Happened, Replayed
from alerts.finding import Severity
from core.clock import LOCAL

CALLS = frozenset({"opened", "rose", "returned"})
ALERT = Severity.ATTENTION
"""The mildest severity that calls somebody."""
NIGHT = (time(22), time(7))
"""In Europe/Helsinki; night duty."""
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Caught:
    """How one illness was seen."""

    name: str
    subject: int
    onset: datetime
    crisis: datetime | None
    at: datetime | None
    """The first true call before crisis (or recovery); None: missed."""
    kind: str = ""
    rule: str = ""
    warning_h: float | None = None
    """From that call to the crisis, or to the recovery where there is none."""
    measured: bool = True
    """As Matter.measured: where it is False, no reading could show it in time."""


@dataclass(frozen=True)
class Share:
    """Illnesses of one kind."""

    cases: int
    caught: int
    median_warning_h: float | None
    """Of those caught."""
    serious: bool
    """It has a crisis."""

    @property
    def share(self) -> float:
        return self.caught / self.cases


@dataclass
class Judged:
    """A replay against the truth. Rates are per 100 clients a day."""

    clients: int
    client_days: float
    """Monitored days of all clients."""
    well_days: float
    """Days of clients with whom nothing is the matter."""
    client_nights: float
    alerts: int = 0
    reviews: int = 0
    false_alerts: int = 0
    false_of_the_ill: int = 0
    """Of the false ones, those during an illness that does not explain them."""
    pages: int = 0
    false_pages: int = 0
    night_pages: int = 0
    false_night_pages: int = 0
    by_rule: Counter[tuple[str, int, bool]] = field(default_factory=Counter)
    """Alerts by rule and severity of the first call, and whether true."""
    cases: list[Caught] = field(default_factory=list)
    false_ones: list[Replayed] = field(default_factory=list)

    @property
    def alerts_per_100(self) -> float:
        return 100.0 * self.alerts / self.client_days

    @property
    def false_per_100(self) -> float:
        """On days of people who are well, the false alerts of the ill added to the numerator."""
        return 100.0 * self.false_alerts / self.well_days

    @property
    def reviews_per_100(self) -> float:
        return 100.0 * self.reviews / self.client_days

    def false_night_pages_for(self, clients: int) -> float:
        """False pages a night of a duty member who is responsible for so many clients."""
        return self.false_night_pages / self.client_nights * clients

    def shares(self) -> dict[str, Share]:
        """By kind of illness, in alphabetical order."""
        return {
            name: _share([one for one in self.cases if one.name == name])
            for name in sorted({one.name for one in self.cases})
        }

    def serious(self, *, measured: bool = False) -> Share | None:
        """All illnesses with a crisis together; `measured`: of which there was a reading in time.

        What is left out by that was chosen by no way of alerting, but by when people measured.
        """
        cases = [
            one for one in self.cases if one.crisis is not None and (one.measured or not measured)
        ]
        return _share(cases) if cases else None


_SUMMED = [one.name for one in fields(Judged)]


def judge(
    episodes: Iterable[Replayed],
    matters: Sequence[Matter],
    *,
    clients: Sequence[int],
    start: datetime,
    end: datetime,
) -> Judged:
    """Judge what a replay made of start <= time < end.

    Illnesses that began before `start`, or whose crisis (recovery) is not before `end`, are not
    asked for, but still explain alerts.
    """
    of = _by_subject(matters)
    ill_days = sum(_ill(of.get(client, ()), start, end) for client in clients)
    days = (end - start) / _DAY
    judged = Judged(
        clients=len(clients),
        client_days=days * len(clients),
        well_days=days * len(clients) - ill_days,
        client_nights=days * len(clients),
    )
    true_calls: dict[int, list[tuple[Happened, Replayed]]] = {}
    for episode in episodes:
        around = of.get(episode.subject, ())
        calls = [e for e in episode.events if e.what in CALLS and start <= e.at < end]
        loud = [call for call in calls if call.severity >= ALERT]
        if not loud:
            judged.reviews += bool(calls)
            continue
        for nth, call in enumerate(loud):
            true = any(matter.true_of(episode, call) for matter in around)
            night = is_night(call.at)
            judged.pages += 1
            judged.night_pages += night
            judged.false_pages += not true
            judged.false_night_pages += night and not true
            if true:
                true_calls.setdefault(episode.subject, []).append((call, episode))
            if nth == 0:
                judged.alerts += 1
                judged.by_rule[(call.rule, call.severity, true)] += 1
                if not true:
                    judged.false_alerts += 1
                    judged.false_ones.append(episode)
                    judged.false_of_the_ill += any(
                        m.illness and m.onset <= call.at < m.ends for m in around
                    )
    for matter in matters:
        if matter.illness and matter.onset >= start and (matter.crisis or matter.ends) < end:
            judged.cases.append(_catch(matter, true_calls))
    return judged


def recorded(matters: Sequence[Matter]) -> Callable[[Replayed, datetime], str]:
    """What whoever goes there is assumed to record: real where a call of it was true, else false.

    They see what is the matter then, not what began after: an illness of which nothing called has
    no say.
    """
    of = _by_subject(matters)

    def outcome(episode: Replayed, at: datetime) -> str:
        calls = [one for one in episode.events if one.what in CALLS and one.at <= at]
        around = of.get(episode.subject, ())
        true = any(matter.true_of(episode, call) for matter in around for call in calls)
        return "real" if true else "false"

    return outcome


def _by_subject(matters: Iterable[Matter]) -> dict[int, list[Matter]]:
    of: dict[int, list[Matter]] = {}
    for matter in matters:
        for subject in matter.subjects:
            of.setdefault(subject, []).append(matter)
    return of


def pooled(parts: Sequence[Judged]) -> Judged:
    """Several stretches, or counties, as one."""
    whole = Judged(0, 0.0, 0.0, 0.0)
    for part in parts:
        for name in _SUMMED:
            setattr(whole, name, getattr(whole, name) + getattr(part, name))
    return whole


def _catch(matter: Matter, calls: Mapping[int, list[tuple[Happened, Replayed]]]) -> Caught:
    until = matter.crisis or matter.ends
    found = [
        (call.at, episode.kind, call.rule)
        for subject in matter.subjects
        for call, episode in calls.get(subject, ())
        if call.at < until and matter.true_of(episode, call)
    ]
    subject = min(matter.subjects)
    if not found:
        return Caught(
            matter.name, subject, matter.onset, matter.crisis, None, measured=matter.measured
        )
    at, kind, rule = min(found)
    hours = (until - at) / timedelta(hours=1)
    return Caught(
        matter.name, subject, matter.onset, matter.crisis, at, kind, rule, hours, matter.measured
    )


def _share(cases: Sequence[Caught]) -> Share:
    hours = sorted(one.warning_h for one in cases if one.warning_h is not None)
    return Share(
        cases=len(cases),
        caught=len(hours),
        median_warning_h=median(hours),
        serious=any(one.crisis is not None for one in cases),
    )


def median(ordered: Sequence[float]) -> float | None:
    """Of numbers in order; None where there are none."""
    if not ordered:
        return None
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def _ill(matters: Iterable[Matter], start: datetime, end: datetime) -> float:
    """Days within start … end on which at least one illness is on."""
    total, reached = 0.0, start
    for matter in sorted((m for m in matters if m.illness), key=lambda m: m.onset):
        low, high = max(matter.onset, reached), min(matter.ends, end)
        if high > low:
            total += (high - low) / _DAY
            reached = high
    return total


def is_night(at: datetime) -> bool:
    """Whether a moment is on night duty."""
    clock = at.astimezone(LOCAL).time()
    return clock >= NIGHT[0] or clock < NIGHT[1]
