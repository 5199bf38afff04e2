"""`saimi bench trends` on a county of a handful: every query is timed, and nothing stays behind."""

from __future__ import annotations

import asyncpg

from bench.trends import BOUNDS_MS, RANGES, measure
from tests.support.databases import Databases


async def test_every_panel_is_timed_and_nothing_stays(plain_databases: Databases) -> None:
    server = plain_databases.url_of("postgres")
    report = await measure(
        server, clients=18, days=70, samples=5, seed=7, say=lambda _what, _done, _total: None
    )
    assert report.database["edition"] == "plain"
    assert report.readings == 18 * 70 * 190
    assert {one.range for one in report.client} == set(RANGES)
    assert len(report.client) == 3 * len({one.panel for one in report.client})
    assert set(report.worst_p95_ms) == set(BOUNDS_MS)
    assert all(0 < one.p50_ms <= one.p95_ms for one in (*report.client, *report.county))
    pulse = {one.range: one.rows for one in report.client if one.panel == "Pulse A"}
    assert pulse["day"] == 24
    assert pulse["year"] in (70, 71)
    connection = await asyncpg.connect(server)
    left = await connection.fetchval(
        "SELECT count(*) FROM pg_database WHERE datname LIKE 'saimi_bench_%'"
    ) + await connection.fetchval(
        "SELECT count(*) FROM pg_roles WHERE rolname LIKE 'saimi_bench_%'"
    )
    await connection.close()
    assert left == 0
