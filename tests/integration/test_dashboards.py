"""Every query of the dashboards runs on every edition, as Grafana would send it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder

from core.database import connect
from dashboards.client import client_dashboard
from dashboards.postgres import as_grafana_sends_it

START = datetime(2026, 11, 1, 6, tzinfo=UTC)
END = START + timedelta(hours=6)


def _strings(value: Any, key: str) -> Iterator[str]:
    if isinstance(value, dict):
        for name, inner in value.items():
            if name == key and isinstance(inner, str):
                yield inner
            yield from _strings(inner, key)
    elif isinstance(value, list):
        for inner in value:
            yield from _strings(inner, key)


def _panel(title: str) -> str:
    document = json.loads(JSONEncoder().encode(client_dashboard("en")))
    (panel,) = [panel for panel in document["panels"] if panel["title"] == title]
    sql: str = panel["targets"][0]["rawSql"]
    return sql


def _sent(sql: str, client: str = "p'1") -> str:
    return as_grafana_sends_it(
        sql, start=START, end=END, interval_ms=3_600_000, variables={"client": client}
    )


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    """Two clients in one home; the home's own door; an hour-old struck-out pulse."""
    connection = await connect(database_url)
    await connection.execute(
        """
        INSERT INTO registry.area (code, name) VALUES ('a', 'A');
        INSERT INTO registry.home (name, area) VALUES ('h', 1);
        INSERT INTO registry.subject (pseudonym, kind, home)
        VALUES ('p''1', 'client', 1), ('p2', 'client', 1), ('h', 'home', 1);
        INSERT INTO registry.gateway (name, home) VALUES ('g', 1);
        INSERT INTO registry.device (gateway, name, kind, location)
        VALUES (1, 'w', 'wearable', ''), (1, 'd', 'door', 'Front door');
        """
    )
    rows = [
        # subject, device, metric, minutes, value, state
        (1, 1, 1, 10, 70.0, 0),
        (1, 1, 1, 20, 80.0, 0),
        (1, 1, 1, 70, 150.0, 2),
        (2, 1, 1, 30, 100.0, 0),
        (3, 2, 41, 15, 1.0, 0),
        (3, 2, 41, 16, 0.0, 0),
    ]
    await connection.executemany(
        "INSERT INTO telemetry.reading (subject, device, metric, time, received_at, value, state) "
        "VALUES ($1, $2, $3, $4, $4, $5, $6)",
        [(s, d, m, START + timedelta(minutes=t), v, st) for s, d, m, t, v, st in rows],
    )
    await connection.execute(
        "INSERT INTO alerts.episode (subject, kind, severity, highest, opened_at, changed_at, "
        "summary, evidence) VALUES (1, 'news2', 3, 3, $1, $1, '{}', '[]')",
        START + timedelta(hours=1),
    )
    yield connection
    await connection.close()


async def test_every_query_of_the_dashboard_runs(connection: asyncpg.Connection) -> None:
    for language in ("fi", "sv", "en"):
        document = json.loads(JSONEncoder().encode(client_dashboard(language)))
        queries = [
            *_strings(document, "rawSql"),
            *_strings(document["annotations"], "rawQuery"),
            *_strings(document["templating"], "query"),
        ]
        assert len(queries) == 12
        for sql in queries:
            await connection.fetch(_sent(sql))


async def test_a_vital_sign_is_the_clients_own_without_struck_out_values(
    connection: asyncpg.Connection,
) -> None:
    rows = await connection.fetch(_sent(_panel("Pulse")))
    assert [tuple(row) for row in rows] == [(START, 75.0, 70.0, 80.0)]


async def test_both_who_live_there_are_shown_the_homes_door(
    connection: asyncpg.Connection,
) -> None:
    sql = _panel("Activity by room, events an hour")
    for client in ("p'1", "p2"):
        rows = await connection.fetch(_sent(sql, client))
        assert [tuple(row) for row in rows] == [(START, "Front door", 1.0)]


async def test_alerts_are_marks(connection: asyncpg.Connection) -> None:
    document = json.loads(JSONEncoder().encode(client_dashboard("en")))
    (sql,) = _strings(document["annotations"], "rawQuery")
    rows = await connection.fetch(_sent(sql))
    assert [(row["time"], row["text"]) for row in rows] == [(START + timedelta(hours=1), "news2")]


async def test_a_client_code_cannot_break_out_of_its_quotes(connection: asyncpg.Connection) -> None:
    assert await connection.fetch(_sent(_panel("Pulse"), "' OR true --")) == []
