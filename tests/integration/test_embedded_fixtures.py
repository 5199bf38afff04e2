"""The fixtures themselves: every edition is what it says, and databases do not leak."""

from __future__ import annotations

import asyncpg

from tests.support.databases import Databases


async def test_each_edition_is_what_it_says(
    edition_databases: Databases, database_url: str
) -> None:
    connection = await asyncpg.connect(database_url)
    try:
        offered = await connection.fetchval(
            "SELECT count(*) FROM pg_available_extensions WHERE name = 'timescaledb'"
        )
    finally:
        await connection.close()
    if edition_databases.edition != "external":
        assert bool(offered) == (edition_databases.edition == "timescaledb")
