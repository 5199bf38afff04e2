"""`saimi bench` runs, and says what it promises; how fast is nothing a test could know."""

from __future__ import annotations

import asyncpg

from tests.support.commands import saimi


async def test_bench_ingest_measures_both_kinds_of_messages_beside_their_limits(
    database_url: str,
) -> None:
    outcome = saimi(
        "bench", "ingest", "--json", "--readings", "600", "--messages", "90", "--gateways", "7",
        "--rounds", "1", settings={"SAIMI_DATABASE_URL": database_url}, within=110,
    )  # fmt: skip
    assert outcome.status == 0, outcome.err
    report = outcome.report
    assert report["broker"]
    assert report["cores"] >= 1
    assert report["database"]["version"].startswith("PostgreSQL")
    for kind, size, messages in (("single", 1, 90), ("packs", 10, 60)):
        figures = report[kind]
        assert (figures["readings_per_message"], figures["gateways"]) == (size, 7)
        (round_,) = figures["rounds"]
        assert (round_["readings"], round_["messages"]) == (size * messages, messages)
        for one in (figures, round_):
            assert one["messages_per_s"] * size > 0.99 * one["readings_per_s"] > 0
            assert one["ingest_cpu_s_per_million_readings"] > 0
            assert one["peak_memory_mb"] > 10
            limits, ratios = one["limits"], one["ratios"]
            assert (
                abs(ratios["copy"] * limits["copy_rows_per_s"] / one["readings_per_s"] - 1) < 0.01
            )
            paho = ratios["paho"] * limits["paho_messages_per_s"] / one["messages_per_s"]
            assert abs(paho - 1) < 0.01
        assert round_["memory_mb"][-1][0] == size * messages
        assert isinstance(figures["memory_growth_mb"], float)
    connection = await asyncpg.connect(database_url)
    try:
        left = await connection.fetchval(
            "SELECT count(*) FROM pg_database WHERE datname LIKE 'saimi_bench%'"
        )
        touched = await connection.fetchval("SELECT count(*) FROM telemetry.reading")
    finally:
        await connection.close()
    assert (left, touched) == (0, 0)


def test_nothing_to_measure_is_a_mistake() -> None:
    outcome = saimi("bench", "ingest", "--readings", "0", "--messages", "0")
    assert outcome.status == 2
    assert "nothing to measure" in outcome.err
