"""What the FHIR API reads; the database itself shows only what the caller may see."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from core.catalogue import catalogue
from core.database import Connection, load_queries
from web.fhir.observation import PANEL_GROUP, Key, Reading, metrics_of_group
from web.fhir.search import OPEN, Span

_FIRST = datetime(1900, 1, 1, tzinfo=UTC)
_LAST = datetime(2300, 1, 1, tzinfo=UTC)
_PANEL = list(metrics_of_group(PANEL_GROUP))
_ALL = sorted(catalogue().by_id)


@dataclass(frozen=True)
class Asked:
    """Which readings of a client."""

    subject: int
    metrics: Sequence[int] | None = None
    """None: all."""
    span: Span = OPEN
    newest_first: bool = True
    after: Key | None = None


async def patients(
    connection: Connection,
    *,
    pseudonym: str | None = None,
    reference: str | None = None,
    after: int = 0,
    count: int = 1,
) -> list[dict[str, Any]]:
    """Clients whom the caller may see."""
    rows = load_queries("web").fhir_patients(
        connection, pseudonym=pseudonym, reference=reference,
        after=after, count=count,
    )  # fmt: skip
    return [dict(row) async for row in rows]


async def readings(
    connection: Connection, asked: Asked, *, count: int
) -> tuple[list[Reading], Key | None]:
    """The readings of `count` Observations, and the last one's key where there are more."""
    queries = load_queries("web")
    query = queries.fhir_readings_newest_first if asked.newest_first else queries.fhir_readings
    # An Observation has three readings at most: so many rows hold count whole ones and a next.
    most = len(_PANEL) * (count + 1)
    rows = query(
        connection,
        subject=asked.subject,
        metrics=_ALL if asked.metrics is None else list(asked.metrics),
        since=asked.span.since or _FIRST,
        until=asked.span.until or _LAST,
        after_time=asked.after.time if asked.after else None,
        after_device=asked.after.device if asked.after else None,
        after_group=asked.after.group if asked.after else None,
        panel=_PANEL,
        panel_group=PANEL_GROUP,
        most=most,
    )
    found = [Reading(**row) async for row in rows]
    keys = list(dict.fromkeys(one.key for one in found))
    if len(keys) <= count:
        return found, None
    kept = frozenset(keys[:count])
    return [one for one in found if one.key in kept], keys[count - 1]


async def observed(connection: Connection, key: Key) -> tuple[list[Reading], int, str] | None:
    """The readings of one Observation, whose they are and their pseudonym; None: not visible."""
    rows = [
        dict(row)
        async for row in load_queries("web").fhir_readings_of(
            connection, device=key.device, metrics=list(metrics_of_group(key.group)),
            time=key.time,
        )
    ]  # fmt: skip
    if not rows:
        return None
    subject, pseudonym = rows[0]["subject"], rows[0]["pseudonym"]
    for row in rows:
        del row["pseudonym"]
    own = [row for row in rows if row.pop("subject") == subject]
    return [Reading(**row) for row in own], subject, pseudonym


async def devices(
    connection: Connection,
    *,
    now: datetime,
    subject: int | None = None,
    device: int | None = None,
    named: tuple[str, str] | None = None,
    after: int = 0,
    count: int = 1,
) -> list[dict[str, Any]]:
    """Devices of clients whom the caller may see; `named` is (gateway, device)."""
    rows = load_queries("web").fhir_devices(
        connection, now=now, subject=subject, device=device,
        gateway_name=named[0] if named else None, device_name=named[1] if named else None,
        after=after, count=count,
    )  # fmt: skip
    return [dict(row) async for row in rows]


async def episodes(
    connection: Connection,
    subject: int,
    *,
    span: Span = OPEN,
    open_: bool | None = None,
    before: int | None = None,
    count: int,
) -> list[int]:
    """Numbers of the alerts about a client, the newest first."""
    rows = load_queries("web").fhir_episodes(
        connection, subject=subject, since=span.since or _FIRST, until=span.until or _LAST,
        open=open_, before=before, count=count,
    )  # fmt: skip
    return [row["id"] async for row in rows]


async def cares_for(connection: Connection, subject: int) -> bool:
    """Whether the client is in the caller's care now; the database decides."""
    found: bool = await load_queries("web").fhir_cares_for(connection, subject=subject)
    return found


async def gateway_of(connection: Connection, subject: int) -> str | None:
    """The gateway in use in a client's home."""
    found: str | None = await load_queries("web").fhir_gateway_of(connection, subject=subject)
    return found
