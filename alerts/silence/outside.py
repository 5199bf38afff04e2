"""A service that takes messages to people and has stopped doing so: an alert at the desk.

The delivering worker notes it (`ops.delivery_service`), and wakes the engine for the subject of
what is nobody's; here it becomes a finding, so that it is raised and cleared as any other.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from alerts.finding import Finding, rfc3339
from alerts.subjects.subject import BrokenService, Context, Subject
from core.database import Connection, load_queries

NOBODY = 0
"""The subject of what nobody knows the owner of; its episodes are the desk's."""

_queries = load_queries("alerts")


async def load_broken(connection: Connection) -> tuple[BrokenService, ...]:
    """The services that are broken now."""
    rows = _queries.broken_services(connection)
    return tuple([BrokenService(row["name"], row["failing_since"]) async for row in rows])


def assess(
    subjects: Sequence[Subject], context: Context
) -> Iterator[tuple[int, Finding | datetime]]:
    """A finding for each broken service."""
    rule = context.rules["channel_broken"]
    for index, subject in enumerate(subjects):
        if subject.id != NOBODY:
            continue
        for service in context.broken:
            kind, _, place = service.name.partition(":")
            finding = Finding(
                kind=rule.kind,
                origin=f"channel/{service.name}",
                rule=rule.id,
                severity=rule.severity,
                pages=rule.severity if rule.on else 0,
                key="channel_broken",
                params={"channel": kind, "service": place, "since": rfc3339(service.since)},
            )
            yield index, finding
