"""From what is open now to the figures of the desk: open, waiting, overdue. Pure.

    open       not closed, and nothing above explains it
    waiting    of these, those that nobody has: never acknowledged, given back, or the lease ran out
    overdue    of these, those that have waited for longer than routing gives whoever was called to
               acknowledge (`unacknowledged_min`, alerts/routing/routing.toml)

What a higher cause or a pause explains pages nobody, so it is counted by itself. What has cleared
waits as a review does, as for calls (alerts.routing.escalation).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from alerts.finding import Severity
from alerts.routing.escalation import pages_as
from alerts.routing.values import Values

SEVERITIES = tuple(sorted(Severity, reverse=True))
"""As they stand on the page, the worst first."""


@dataclass(frozen=True, slots=True)
class Open:
    """One open alert, and nobody's name."""

    id: int
    kind: str
    severity: int
    opened_at: datetime
    area: int | None
    """None: of no area, as of an unknown device or of Saimi itself."""
    cleared: bool = False
    taken: bool = False
    """Somebody has it."""
    explained: bool = False
    """By a higher cause, or a pause."""
    given_back_at: datetime | None = None
    """When whoever had it last did not any more."""

    @property
    def waits_since(self) -> datetime:
        """Since when nobody has had it."""
        return self.given_back_at or self.opened_at

    def due_at(self, values: Values) -> datetime:
        """When it has waited for too long, if nobody takes it."""
        urgency = values.of(pages_as(self.severity, cleared=self.cleared))
        since = self.waits_since
        if urgency.pages == "working_hours":
            since = values.working_hours.next(since)
        return since + timedelta(minutes=urgency.unacknowledged_min)


@dataclass(slots=True)
class Count:
    """Of one area and severity."""

    open: int = 0
    waiting: int = 0
    overdue: int = 0


@dataclass(slots=True)
class Row:
    """Of one area."""

    counts: dict[int, Count] = field(default_factory=lambda: {one: Count() for one in SEVERITIES})
    oldest: datetime | None = None
    """Since when the longest waiting one waits."""

    @property
    def all(self) -> Count:
        """Of every severity."""
        counts = self.counts.values()
        return Count(
            sum(one.open for one in counts),
            sum(one.waiting for one in counts),
            sum(one.overdue for one in counts),
        )

    def add(self, alert: Open, *, overdue: bool) -> None:
        """Count one in."""
        count = self.counts[alert.severity]
        count.open += 1
        if not alert.taken:
            count.waiting += 1
            count.overdue += overdue
            self.oldest = min(self.oldest or alert.waits_since, alert.waits_since)


@dataclass(slots=True)
class Figures:
    """Of the whole county at one moment."""

    county: Row
    areas: dict[int | None, Row]
    """By area, each that was asked for, and None where something is of no area."""
    waiting: list[tuple[Open, datetime, bool]]
    """Each that waits, when it is due, whether that is past: the most pressing first."""
    explained: int = 0


def figures(opened: Iterable[Open], areas: Iterable[int], values: Values, now: datetime) -> Figures:
    """Count what is open.

    Args:
        areas: all there are, so that a quiet one is there with nothing.
        values: routing's, from which follows how long is too long.
    """
    found = Figures(Row(), {area: Row() for area in areas}, [])
    for alert in opened:
        if alert.explained:
            found.explained += 1
            continue
        due = alert.due_at(values)
        overdue = not alert.taken and due <= now
        for row in (found.county, found.areas.setdefault(alert.area, Row())):
            row.add(alert, overdue=overdue)
        if not alert.taken:
            found.waiting.append((alert, due, overdue))
    found.waiting.sort(
        key=lambda one: (not one[2], -one[0].severity, one[0].waits_since, one[0].id)
    )
    return found
