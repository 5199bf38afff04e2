"""Subjects and readings for tests of the rules."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from alerts.finding import Finding, Reading
from alerts.rules.shipped import Rules, shipped_rules
from alerts.subjects.line import Line
from alerts.subjects.subject import Client, Context, Subject

NOW = datetime(2025, 3, 3, 12, tzinfo=UTC)
WELL = {
    "respiratory_rate": 16.0,
    "spo2": 97.0,
    "oxygen_flow": 0.0,
    "systolic": 125.0,
    "pulse": 70.0,
    "consciousness": 0.0,
    "temperature": 36.8,
}


def minutes(number: float) -> timedelta:
    return timedelta(minutes=number)


def reading(
    metric: str,
    value: float,
    *,
    ago: float = 0,
    late: float = 0,
    qualifier: int = 0,
    device: int = 1,
    state: int = 0,
) -> Reading:
    """Measured `ago` minutes before NOW, received `late` minutes after that."""
    time = NOW - minutes(ago)
    return Reading(metric, value, time, time + minutes(late), device, qualifier, state)


def subject(*readings: Reading, client: Client | None = None, **more: Any) -> Subject:
    """A client with these readings, newest first of each metric."""
    newest: dict[str, list[Reading]] = {}
    for one in sorted(readings, key=lambda r: r.time, reverse=True):
        newest.setdefault(one.metric, []).append(one)
    person = client if client is not None else Client(born=date(1940, 5, 1))
    return Subject(id=1, client=person, newest=newest, **more)


def vitals(**changed: float | None) -> list[Reading]:
    """A well person's readings, some of them changed; None leaves one out."""
    values = {**WELL, **changed}
    return [reading(name, value) for name, value in values.items() if value is not None]


def context(
    *, now: datetime = NOW, rules: Rules | None = None, line: Line | None = None
) -> Context:
    return Context(now=now, rules=rules or shipped_rules(), line=line or Line())


def findings(said: Any) -> list[Finding]:
    """The findings of what a rule said, without its times to look again."""
    return [verdict for _, verdict in said if isinstance(verdict, Finding)]


def times(said: Any) -> list[datetime]:
    """The times to look again of what a rule said."""
    return [verdict for _, verdict in said if isinstance(verdict, datetime)]
