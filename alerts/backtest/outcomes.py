"""Two replays of the same history beside each other, and beside what people said of its alerts.

An episode with an outcome is *caught* by a replay that calls somebody to the same client between
`BEFORE` ahead of it and its closing: for `real` and `known` by any alert about the person (whoever
goes there sees them), for `false` and `technical` by the same kind and origin only. Real and known
ones should stay caught, the sooner the better; false and technical ones should not.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from alerts.backtest.load import Recorded
from alerts.backtest.memory import Happened, Replayed
from alerts.backtest.truth import ALERT, CALLS, is_night

BEFORE = timedelta(hours=72)
"""How much sooner than in life an alert can be the same one."""
_UNCLOSED = timedelta(days=1)
NOT_OF_A_PERSON = frozenset({"silence", "technical"})
UNWANTED = frozenset({"false", "technical"})
"""Outcomes of which nobody wants another alert."""
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Load:
    """What a replay asks of people from `start` to `end`."""

    clients: int
    days: float
    alerts: int
    """Episodes that called somebody (severity 2 or more)."""
    reviews: int
    """Episodes that only ask for a review."""
    pages: int
    night_pages: int
    by_rule: Counter[tuple[str, int]]
    """Alerts by rule and severity of their first call."""
    pages_by_rule: Counter[tuple[str, int]]

    @property
    def alerts_per_100(self) -> float:
        return 100.0 * self.alerts / (self.clients * self.days) if self.clients else 0.0

    @property
    def pages_a_night(self) -> float:
        return self.night_pages / self.days


def load_of(episodes: Iterable[Replayed], *, clients: int, start: datetime, end: datetime) -> Load:
    """Count the alerts and pages of start <= time < end."""
    alerts: Counter[tuple[str, int]] = Counter()
    pages: Counter[tuple[str, int]] = Counter()
    reviews = nights = 0
    for episode in episodes:
        calls = [e for e in episode.events if e.what in CALLS and start <= e.at < end]
        loud = [call for call in calls if call.severity >= ALERT]
        reviews += bool(calls) and not loud
        nights += sum(is_night(call.at) for call in loud)
        pages.update((call.rule, call.severity) for call in loud)
        alerts.update((call.rule, call.severity) for call in loud[:1])
    return Load(
        clients, (end - start) / _DAY, alerts.total(), reviews, pages.total(), nights, alerts, pages
    )


@dataclass(frozen=True)
class Fate:
    """What becomes of one recorded episode in two replays."""

    recorded: Recorded
    before: datetime | None
    """When the first replay calls for it; None: never."""
    after: datetime | None
    pages_before: int
    pages_after: int

    @property
    def earlier_h(self) -> float | None:
        """Hours by which the second replay is sooner (negative: later) than the first."""
        if self.before is None or self.after is None:
            return None
        return (self.before - self.after) / timedelta(hours=1)

    @property
    def change(self) -> str:
        """kept, lost, gained or neither."""
        return {
            (True, True): "kept", (True, False): "lost", (False, True): "gained",
        }.get((self.before is not None, self.after is not None), "neither")  # fmt: skip


@dataclass
class Compared:
    """Before and after."""

    before: Load
    after: Load
    fates: list[Fate] = field(default_factory=list)
    """Of every recorded episode that has an outcome, in order of opening."""

    def of(self, *outcomes: str) -> list[Fate]:
        """Those with one of these outcomes."""
        return [one for one in self.fates if one.recorded.outcome in outcomes]

    @property
    def false_pages_saved(self) -> int:
        """Pages for what people found false or technical that would not be sent any more."""
        return sum(one.pages_before - one.pages_after for one in self.of(*UNWANTED))


def compare(
    before: Sequence[Replayed],
    after: Sequence[Replayed],
    recorded: Iterable[Recorded],
    *,
    clients: int,
    start: datetime,
    end: datetime,
) -> Compared:
    """Put two replays of start <= time < end beside each other."""
    found = Compared(
        load_of(before, clients=clients, start=start, end=end),
        load_of(after, clients=clients, start=start, end=end),
    )
    first, second = _by_subject(before), _by_subject(after)
    closed: dict[tuple[int, str, str], datetime] = {}
    for one in sorted(recorded, key=lambda one: (one.opened_at, one.id)):
        key = (one.subject, one.kind, one.origin)
        # What called before the last one like it was closed belongs to that one.
        since = max(one.opened_at - BEFORE, closed.get(key, one.opened_at - BEFORE))
        if one.closed_at is not None:
            closed[key] = one.closed_at
        if one.outcome is not None and start <= one.opened_at < end:
            was = _calls_for(one, first.get(one.subject, ()), since)
            is_ = _calls_for(one, second.get(one.subject, ()), since)
            found.fates.append(
                Fate(one, min(was, default=None), min(is_, default=None), len(was), len(is_))
            )
    return found


def reproduced(
    recorded: Iterable[Recorded], replayed: Iterable[Replayed], *, start: datetime, end: datetime
) -> tuple[int, int]:
    """Of the episodes that opened in that time, how many the replay opens too (within a minute or
    two), and how many there were: how far history can be trusted to speak for life."""
    at = {(one.subject, one.kind, one.origin, _minute(one.opened_at, 0)) for one in replayed}
    kept = total = 0
    for one in recorded:
        if start <= one.opened_at < end:
            total += 1
            kept += any(
                (one.subject, one.kind, one.origin, _minute(one.opened_at, by)) in at
                for by in (-1, 0, 1, 2)
            )
    return kept, total


def _minute(at: datetime, by: int) -> int:
    return int(at.timestamp() // 60) + by


def _by_subject(episodes: Iterable[Replayed]) -> dict[int, list[Replayed]]:
    found: dict[int, list[Replayed]] = {}
    for episode in episodes:
        found.setdefault(episode.subject, []).append(episode)
    return found


def _calls_for(one: Recorded, episodes: Iterable[Replayed], since: datetime) -> list[datetime]:
    high = one.closed_at or one.opened_at + _UNCLOSED
    return [
        call.at
        for episode in episodes
        if _is_about(one, episode)
        for call in episode.events
        if _is_call(call) and since <= call.at <= high
    ]


def _is_about(one: Recorded, episode: Replayed) -> bool:
    same = (episode.kind, episode.origin) == (one.kind, one.origin)
    of_person = not {episode.kind, one.kind} & NOT_OF_A_PERSON
    return same or (one.outcome not in UNWANTED and of_person)


def _is_call(event: Happened) -> bool:
    return event.what in CALLS and event.severity >= ALERT
