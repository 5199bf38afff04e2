"""A county of simulated data, and roles of Grafana's on it; panels as Grafana sends them."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from bench.county_year import fill
from core.database import connect
from dashboards.postgres import as_grafana_sends_it
from dashboards.roles import drop_role, known_readers, make_role, reader_of

UNTIL = datetime(2026, 11, 1, tzinfo=UTC)
CLIENTS, DAYS = 18, 100


@dataclass
class GrafanaCounty:
    """The county, and the address by which each role reads it."""

    url: str
    roles: dict[str | None, str]
    """Area (None: the county) -> database address of its role."""


@asynccontextmanager
async def grafana_county(
    url: str, *areas: str, clients: int = CLIENTS, days: int = DAYS
) -> AsyncIterator[GrafanaCounty]:
    """Fill the database and make roles for `areas` and the county; they are dropped at the end."""
    prefix = f"saimi_test_{secrets.token_hex(4)}_"
    connection = await connect(url)
    try:
        await fill(connection, clients=clients, days=days, until=UNTIL)
        roles: dict[str | None, str] = {}
        for area in (None, *areas):
            reader = reader_of(area, area or "", prefix=prefix)
            password = await make_role(connection, reader)
            roles[area] = as_role(url, reader.role, password)
        yield GrafanaCounty(url, roles)
    finally:
        for known in await known_readers(connection):
            await drop_role(connection, known.role)
        await connection.close()


def as_role(url: str, role: str, password: str) -> str:
    """The same database as another user."""
    parts = urlsplit(url)
    place = f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname)
    return urlunsplit(parts._replace(netloc=f"{role}:{password}@{place}"))


def sent(
    sql: str, *, length: timedelta = timedelta(days=7), end: datetime = UNTIL, **variables: Any
) -> str:
    """A query as Grafana sends it for a range that ends at `end`, drawn 1,000 pixels wide."""
    interval = max(1000, int(length.total_seconds() * 1000 / 1000))
    return as_grafana_sends_it(
        sql, start=end - length, end=end, interval_ms=interval, variables=variables
    )


async def rows(connection: asyncpg.Connection, sql: str) -> list[asyncpg.Record]:
    """The rows as Grafana's data source asks for them: one text, no parameters."""
    found: list[asyncpg.Record] = await connection.fetch(sql)
    return found
