"""Instants as ingest counts them: whole microseconds since 1970, as PostgreSQL keeps them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
FOREVER = 2**62
"""After every instant; `-FOREVER` is before."""


def micros(at: datetime) -> int:
    """Microseconds since 1970 of an aware time."""
    return (at - EPOCH) // _MICROSECOND


def moment(at: int) -> datetime:
    """The time (UTC) that many microseconds after 1970."""
    return EPOCH + timedelta(microseconds=at)
