"""How long each panel takes: a client's over a day, a month and a year, the county's over 30 days.

Each query goes as Grafana sends it, as the role that sends it, on one connection; what is timed is
from sending to the last row. Clients take turns, so that what one leaves in memory is not the
next one's.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import numpy as np

from bench.bulk import Load
from bench.county_year import A_DAY, AREAS, CountyYear, fill
from bench.scratch import scratch_database
from core.database import connect, server_info, translated
from dashboards.asked import Panel, panels
from dashboards.boards import boards
from dashboards.postgres import as_grafana_sends_it
from dashboards.roles import drop_role, known_readers, make_role, reader_of

UNTIL = datetime(2026, 11, 1, tzinfo=UTC)
RANGES = {"day": timedelta(days=1), "month": timedelta(days=30), "year": timedelta(days=365)}
BOUNDS_MS = {"day": 50.0, "month": 100.0, "year": 100.0, "county": 300.0}
"""Of p95."""
_WIDTH = 1000
"""Pixels of a panel, from which Grafana reckons its interval."""


@dataclass(frozen=True)
class Timing:
    """One query of one panel over one range."""

    panel: str
    range: str
    p50_ms: float
    p95_ms: float
    rows: int
    """In the median."""


@dataclass(frozen=True)
class Report:
    """What `saimi bench trends` says."""

    database: dict[str, str]
    clients: int
    days: int
    readings_a_day: int
    readings: int
    alerts: int
    load: Load
    """Rows and seconds of the readings and their aggregates."""
    database_mb: float
    fill_s: float
    """All of it: registry, readings, alerts, statistics."""
    samples: int
    client: list[Timing]
    county: list[Timing]
    worst_p95_ms: dict[str, float]
    """By range, and of the county's."""
    bounds_ms: dict[str, float]


async def measure(
    server: str,
    *,
    clients: int,
    days: int,
    samples: int,
    seed: int,
    say: Callable[[str, int, int], None],
) -> Report:
    """Fill a new database on a server and time every panel; the database is dropped afterwards.

    Raises:
        DatabaseError: the server is away, or its user may not make databases or roles.
    """
    async with scratch_database(server) as url:
        connection = await connect(url)
        prefix = f"saimi_bench_{secrets.token_hex(4)}_"
        try:
            began = time.perf_counter()
            county = await fill(
                connection,
                clients=clients,
                days=days,
                until=UNTIL,
                seed=seed,
                say=lambda what: say(what, 0, 0),
            )
            filled = time.perf_counter() - began
            area = AREAS[1 % len(AREAS)]
            roles = {}
            for code in (None, area):
                reader = reader_of(code, code or "", prefix=prefix)
                roles[code] = _as(url, reader.role, await make_role(connection, reader))
            client = await _client_panels(roles[area], area, samples, say)
            whole = await _county_panels(roles[None], samples, say)
            info = await server_info(connection)
            size = await connection.fetchval("SELECT pg_database_size(current_database())")
        finally:
            for known in await known_readers(connection):
                await drop_role(connection, known.role)
            await connection.close()
    return _report(
        {"edition": info.edition, "version": info.version},
        county, size / 1e6, filled, samples, client, whole,
    )  # fmt: skip


def _report(
    database: dict[str, str],
    county: CountyYear,
    size_mb: float,
    fill_s: float,
    samples: int,
    client: list[Timing],
    whole: list[Timing],
) -> Report:
    worst = {name: max(one.p95_ms for one in client if one.range == name) for name in RANGES}
    worst["county"] = max(one.p95_ms for one in whole)
    return Report(
        database=database,
        clients=county.clients,
        days=county.days,
        readings_a_day=A_DAY,
        readings=county.load.readings,
        alerts=county.alerts,
        load=county.load,
        database_mb=round(size_mb, 1),
        fill_s=round(fill_s, 1),
        samples=samples,
        client=client,
        county=whole,
        worst_p95_ms=worst,
        bounds_ms=BOUNDS_MS,
    )


async def _client_panels(
    url: str, area: str, samples: int, say: Callable[[str, int, int], None]
) -> list[Timing]:
    asked = [one for one in panels(boards("area", "en")[1]) if one.kind != "variable"]
    async with translated():
        connection = await asyncpg.connect(url)
        try:
            rows = await connection.fetch("SELECT client FROM grafana.client ORDER BY md5(client)")
            clients = [row["client"] for row in rows]
            found = []
            for name, length in RANGES.items():
                for number, panel in enumerate(asked):
                    say(f"panels over a {name}", number, len(asked))
                    chosen = (
                        {"client": clients[n % len(clients)], "room": "kitchen", "area": area}
                        for n in range(samples)
                    )
                    found.append(await _timed(connection, panel, name, length, chosen))
        finally:
            await connection.close()
    return found


async def _county_panels(
    url: str, samples: int, say: Callable[[str, int, int], None]
) -> list[Timing]:
    asked = [one for one in panels(boards("county", "en")[0]) if one.kind != "variable"]
    async with translated():
        connection = await asyncpg.connect(url)
        try:
            found = []
            for number, panel in enumerate(asked):
                say("the county's panels", number, len(asked))
                chosen = ({"area": list(AREAS)} for _ in range(samples))
                found.append(await _timed(connection, panel, "month", RANGES["month"], chosen))
        finally:
            await connection.close()
    return found


async def _timed(
    connection: asyncpg.Connection,
    panel: Panel,
    name: str,
    length: timedelta,
    chosen: Iterable[dict[str, Any]],
) -> Timing:
    taken, rows = [], []
    interval = max(1000, int(length.total_seconds() * 1000 / _WIDTH))
    for variables in chosen:
        sql = as_grafana_sends_it(
            panel.sql, start=UNTIL - length, end=UNTIL, interval_ms=interval, variables=variables
        )
        began = time.perf_counter()
        rows.append(len(await connection.fetch(sql)))
        taken.append((time.perf_counter() - began) * 1000)
    p50, p95 = np.percentile(taken, (50, 95))
    return Timing(
        f"{panel.title} {panel.ref}" if panel.kind != "annotation" else f"marks: {panel.title}",
        name,
        round(float(p50), 2),
        round(float(p95), 2),
        int(np.median(rows)),
    )


def _as(url: str, role: str, password: str) -> str:
    parts = urlsplit(url)
    place = f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname)
    return urlunsplit(parts._replace(netloc=f"{role}:{password}@{place}"))
