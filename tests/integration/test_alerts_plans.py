"""The engine's plans are kept from its first minutes on, when its tables are empty."""

from __future__ import annotations

import re

import pytest

from alerts.worker.service import settle_plans
from core.database import connect, load_queries

EXCEPT = {"claim_notes_of"}
"""Asked only where a subject makes a batch fail; notes are few, and an index would cost each."""
_READS = re.compile(r"\btelemetry\.(reading|note)\b")


def statements() -> list[str]:
    """The engine's statements that read what only grows."""
    queries = load_queries("alerts")
    return [
        name
        for name in queries.available_queries
        if not name.endswith("_cursor")
        and name not in EXCEPT
        and not name.startswith("backtest")  # of another connection, over long stretches
        and _READS.search(getattr(queries, name).sql)
    ]


@pytest.mark.parametrize("name", statements())
async def test_no_growing_table_is_walked_through(database_url: str, name: str) -> None:
    connection = await connect(database_url)
    try:
        await settle_plans(connection)
        sql = getattr(load_queries("alerts"), name).sql
        parameters = list(dict.fromkeys(re.findall(r"(?<!:):(\w+)", sql)))
        for place, parameter in enumerate(parameters, 1):
            sql = re.sub(rf"(?<!:):{parameter}\b", f"${place}", sql)
        await connection.execute("SET plan_cache_mode = force_generic_plan")
        await connection.execute(f"PREPARE asked AS {sql}")
        numbers = [int(number) for number in re.findall(r"\$(\d+)", sql)]
        given = ", ".join(["NULL"] * max(numbers, default=0))
        plan = await connection.fetch(f"EXPLAIN EXECUTE asked({given})" if given else
                                      "EXPLAIN EXECUTE asked")  # fmt: skip
    finally:
        await connection.close()
    text = "\n".join(row[0] for row in plan)
    assert not re.search(r"Seq Scan on (reading|note|_hyper)", text), text


async def test_chunks_are_chosen_once_a_statement(database_url: str) -> None:
    connection = await connect(database_url)
    try:
        await settle_plans(connection)
        chosen = await connection.fetch(
            "SELECT setting FROM pg_settings WHERE name = 'timescaledb.enable_runtime_exclusion'"
        )
    finally:
        await connection.close()
    assert {row["setting"] for row in chosen} <= {"off"}
