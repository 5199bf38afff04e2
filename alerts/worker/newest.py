"""The newest valid readings of each client of a batch: what most rules go by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from alerts.assess.news import METRICS as NEWS_METRICS
from alerts.finding import Reading
from alerts.subjects.subject import Subject
from core.catalogue import Metric, catalogue
from core.database import Connection, load_queries

AHEAD = timedelta(minutes=5)
"""How far a device's clock may run ahead of ours; what ingest lets pass."""
DEPTHS = {name: 2 if name in ("systolic", "diastolic") else 1 for name in NEWS_METRICS} | {
    "diastolic": 2,
    "glucose": 8,
}
"""How many of the newest readings the rules look at, of each metric watched in everybody."""
LONGEST_VALIDITY = timedelta(hours=max(metric.validity_h or 0.0 for metric in catalogue()))
"""A reading older than this says nothing of anybody's present state."""
_Y2000 = datetime(2000, 1, 1, tzinfo=UTC)
"""PostgreSQL's epoch."""

_queries = load_queries("alerts")


def validity(metric: Metric) -> timedelta:
    """How long a reading speaks for the present; a metric without validity never does."""
    return timedelta(hours=metric.validity_h or 0.0)


async def load_newest(connection: Connection, subjects: Sequence[Subject], now: datetime) -> None:
    """Add to clients their newest valid readings; others have none."""
    clients = {subject.id: subject for subject in subjects if subject.client is not None}
    if not clients:
        return
    metrics = [catalogue()[name] for name in DEPTHS]
    rows = _queries.newest_readings(
        connection,
        subjects=list(clients),
        metrics=[metric.id for metric in metrics],
        after=[now - validity(metric) for metric in metrics],
        depths=list(DEPTHS.values()),
        until=now + AHEAD,
        earliest=now - max(validity(metric) for metric in metrics),
    )
    await _collect(rows, clients)
    pairs = [
        (subject.id, catalogue()[name])
        for subject in clients.values()
        if subject.client is not None
        for name in subject.client.limits
        if name not in DEPTHS
    ]
    if pairs:
        rows = _queries.newest_of_pairs(
            connection,
            subjects=[subject for subject, _ in pairs],
            metrics=[metric.id for _, metric in pairs],
            after=[now - validity(metric) for _, metric in pairs],
            until=now + AHEAD,
            earliest=now - max(validity(metric) for _, metric in pairs),
        )
        await _collect(rows, clients)


async def _collect(rows: Any, subjects: Mapping[int, Subject]) -> None:
    # The hot loop: a dozen readings of every client of a batch, so past NamedTuple's own __new__.
    names = {metric.id: metric.name for metric in catalogue()}
    moments = Moments()
    new = tuple.__new__
    async for subject, metric, time, received_at, value, qualifier, device, by_hand in rows:
        name = names[metric]
        reading = new(
            Reading,
            (name, value, moments[time], moments[received_at], device, qualifier, 0, by_hand),
        )
        newest = subjects[subject].newest
        if name in newest:
            newest[name].append(reading)
        else:
            newest[name] = [reading]


class Moments(dict[bytes, datetime]):
    """Times as PostgreSQL sends them, each made once.

    The readings of a pack share theirs, and a time costs as much as the rest of a reading.
    """

    def __missing__(self, sent: bytes) -> datetime:
        moment = self[sent] = _Y2000 + timedelta(microseconds=int.from_bytes(sent, signed=True))
        return moment
