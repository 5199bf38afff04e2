"""`saimi bench` runs, and says what it promises; how fast is nothing a test could know."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import asyncpg

from models.county import save
from saimi.embedded.broker import Broker
from tests.support.commands import saimi
from tests.unit.models.made_county import made_county


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


def test_bench_simulator_makes_and_publishes_beside_a_bare_paho(
    database_url: str, broker_factory: Callable[[str], Broker]
) -> None:
    outcome = saimi(
        "bench", "simulator", "--json", "--homes", "20", "--published", "10", "--hours", "0.1",
        settings={
            "SAIMI_DATABASE_URL": database_url,
            "SAIMI_MQTT_URL": broker_factory("mosquitto").url,
        },
        within=110,
    )  # fmt: skip
    assert outcome.status == 0, outcome.err
    made, sent = outcome.report["generating"], outcome.report["publishing"]
    assert (made["homes"], sent["homes"]) == (20, 10)
    # Six vital signs a minute of everybody, and what the homes' sensors say.
    assert made["readings"] >= 20 * 6 * 6
    assert sent["readings"] >= 10 * 6 * 6
    assert 10 <= sent["messages"] <= sent["readings"] / 30
    assert made["readings_per_s"] > 0
    bare = sent["bare_paho"]
    assert abs(sent["ratio"] * bare["readings_per_s"] / sent["readings_per_s"] - 1) < 0.01
    assert sent["cpu_ratio"] > 0


async def test_bench_alerts_assesses_everybody_beside_a_loop_that_evaluates_nothing(
    database_url: str, tmp_path: Path
) -> None:
    save(tmp_path / "models", made_county())
    outcome = saimi(
        "bench", "alerts", "--json", "--clients", "200", "--history", "1", "--rounds", "2",
        settings={
            "SAIMI_DATABASE_URL": database_url, "SAIMI_MODEL_DIR": str(tmp_path / "models"),
        },
        within=110,
    )  # fmt: skip
    assert outcome.status == 0, outcome.err
    report = outcome.report
    assert report["models"]
    assert (report["clients"], report["workers"], len(report["rounds"])) == (200, 2, 2)
    for one in report["rounds"]:
        assert one["clients_per_s"] > 0
        assert one["looked_at_by_models"] == 40  # every fifth
        assert abs(one["ratio"] * one["bare_clients_per_s"] / one["clients_per_s"] - 1) < 0.01
    assert report["episodes"] > 0  # some are ill


def test_bench_county_times_alerts_on_open_phones(
    database_url: str, broker_factory: Callable[[str], Broker]
) -> None:
    outcome = saimi(
        "bench", "county", "--json", "--clients", "40", "--minutes", "0.2", "--settle", "0.1",
        "--alerts", "8", "--phones", "3",
        settings={
            "SAIMI_DATABASE_URL": database_url,
            "SAIMI_MQTT_URL": broker_factory("mosquitto").url,
        },
        within=110,
    )  # fmt: skip
    assert outcome.status == 0, outcome.err
    one = outcome.report["county"]
    assert one["clients"] >= 40
    assert (one["lost"], one["unseen"], one["broken_streams"]) == (0, 0, 0)
    assert one["alerts"] >= 4  # half of the eight are calls for help
    assert 0 < one["phone"]["p50_ms"] <= one["phone"]["p99_ms"]
    assert [minute["longest_ms"] for minute in one["minutes"]] == [one["phone"]["longest_ms"]]
    assert set(one["stages"]) == {"ingest", "engine", "phone"}


def test_bench_phones_counts_each_alert_on_each_phone(database_url: str) -> None:
    outcome = saimi(
        "bench", "phones", "--json", "--phones", "6", "--alerts", "240", "--minutes", "0.1",
        "--settle", "0.05", settings={"SAIMI_DATABASE_URL": database_url}, within=110,
    )  # fmt: skip
    assert outcome.status == 0, outcome.err
    report = outcome.report
    assert (report["phones"], report["alerts"]) == (6, 24)
    assert (report["unseen"], report["broken_streams"]) == (0, 0)
    assert 10 <= report["closed"] <= 24  # each after half of the time; all, where opening was late
    assert 0 < report["phone"]["p50_ms"] <= report["phone"]["p99_ms"]
    assert len(report["memory_mb"]) >= 3
    assert set(report["cpu"]) == {"web", "phones"}
