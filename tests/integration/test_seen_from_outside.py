"""Metrics, health, readiness and logs of services that run."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from core.clock import REAL_CLOCK, wall_time
from core.database import translated
from core.errors import DatabaseError
from core.migrate import migrate
from ingest.metrics import IngestMetrics
from ingest.service import run
from saimi.embedded.broker import Broker
from saimi.embedded.postgres import PostgresServer
from saimi.watched import watched
from tests.integration.ingest_homes import pack, register, spo2
from tests.integration.ingest_serving import all_receipted, looking, sender
from tests.support.commands import saimi_environment
from tests.support.waiting import eventually, wait_for

DEPLOY = Path(__file__).parents[2] / "deploy"
Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


@asynccontextmanager
async def watched_ingest(database_url: str, mqtt_url: str) -> AsyncIterator[str]:
    """Ingest as the command runs it; gives the address of its metrics."""
    stop, ready = asyncio.Event(), asyncio.Event()
    async with watched(database_url, "127.0.0.1", 0) as seen:
        metrics = IngestMetrics(seen.registry, REAL_CLOCK)
        seen.reasons.append(lambda: metrics.unready)
        task = asyncio.create_task(
            run(
                database_url=database_url,
                mqtt_url=mqtt_url,
                clock=REAL_CLOCK,
                stop=stop,
                on_ready=ready.set,
                metrics=metrics,
            )
        )
        await asyncio.wait_for(ready.wait(), 20)
        assert seen.address is not None
        yield seen.address
        stop.set()
        await asyncio.wait_for(task, 30)


async def get(url: str) -> tuple[int, str]:
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        return answer.status, await answer.text()


async def scrape(address: str) -> Samples:
    status, text = await get(f"{address}/metrics")
    assert status == 200
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def of(samples: Samples, name: str, **labels: str) -> float | None:
    return samples.get((name, tuple(sorted(labels.items()))))


async def test_what_ingest_did_is_counted(
    plain_database_url: str, broker_factory: Callable[..., Broker]
) -> None:
    await register(plain_database_url)
    broker = broker_factory()
    async with watched_ingest(plain_database_url, broker.url) as address:
        with sender(broker.url) as one:
            one.send(20, wall_time())
            await all_receipted(one)
            one.publish("senml", b"no json")
            one.publish("senml", b'[{"n":"button/help","v":1}]')

            async def all_counted() -> Samples | None:
                samples = await scrape(address)
                messages = sum(
                    value
                    for (name, _), value in samples.items()
                    if name == "saimi_ingest_messages_total"
                )
                return samples if messages >= 22 else None

            samples = await eventually(all_counted)
            assert samples is not None
    readings = "saimi_ingest_readings_total"
    assert of(samples, readings, source="senml", outcome="committed") == 21
    assert of(samples, "saimi_ingest_rejected_total", reason="unreadable") == 1
    assert of(samples, "saimi_ingest_life_safety_total", metric="help") == 1
    assert of(samples, "saimi_ingest_broker_connected") == 1
    assert of(samples, "saimi_database_up") == 1
    assert of(samples, "saimi_ingest_sessions_own") == 1
    assert of(samples, "saimi_ingest_held_messages") == 0
    assert of(samples, "saimi_ingest_latency_seconds_count") == 22
    assert (of(samples, "process_resident_memory_bytes") or 0) > 1e6
    assert "gw-north" not in str(samples)
    assert "oximeter" not in str(samples)


async def test_completeness_and_what_waits_are_shown_in_total(
    plain_database_url: str, broker_factory: Callable[..., Broker]
) -> None:
    await register(plain_database_url)
    broker = broker_factory()
    with sender(broker.url) as one:
        async with (
            looking(plain_database_url) as database,
            watched_ingest(plain_database_url, broker.url) as address,
        ):
            one.publish("senml", pack(spo2(97, wall_time()), boot="other", seq=4))
            await eventually(lambda: database.fetchval("SELECT 1 FROM telemetry.reading"))
            await eventually(
                lambda: database.fetchval("SELECT 1 FROM ops.heartbeat WHERE service = 'ingest'")
            )
            samples = await scrape(address)
    assert of(samples, "saimi_completeness_gateways", provable="yes") == 1
    assert of(samples, "saimi_completeness_gateways", provable="no") == 1
    assert of(samples, "saimi_completeness_missing_messages") == 3
    assert of(samples, "saimi_notes_waiting") == 1
    assert 0 <= (of(samples, "saimi_heartbeat_age_seconds", service="ingest") or -1) < 10


async def test_rules_and_documentation_name_what_is_shown(
    plain_database_url: str, broker_factory: Callable[..., Broker]
) -> None:
    await register(plain_database_url)
    broker = broker_factory()
    with sender(broker.url) as one:
        async with watched_ingest(plain_database_url, broker.url) as address:
            one.send(1, wall_time())
            await all_receipted(one)
            one.publish("senml", b"no json")

            async def counted() -> Samples | None:
                samples = await scrape(address)
                refused = of(samples, "saimi_ingest_rejected_total", reason="unreadable")
                return samples if refused else None

            samples = await eventually(counted)
    assert samples is not None
    shown = {name for name, _ in samples if not name.endswith("_created")}
    rules = (DEPLOY / "prometheus" / "saimi.rules.yml").read_text()
    asked = {
        name
        for expression in re.findall(r"expr: (.+)", rules)
        for name in re.findall(r"(?:saimi|process)_[a-z_]+", expression)
    }
    assert len(asked) > 10
    assert asked - shown == set()
    for expression in re.findall(r"expr: (.+)", rules):
        assert expression.count("(") == expression.count(")")
    told = (DEPLOY.parent / "docs" / "operations.md").read_text()
    families = {re.sub(r"_(bucket|sum|count)$", "", name) for name in shown if "saimi_" in name}
    assert {name for name in families if name not in told} == set()
    assert set(re.findall(r"saimi_[a-z_]+", told)) - families == set()


async def test_ready_says_what_is_missing(
    postgres_factory: Callable[..., PostgresServer], broker_factory: Callable[..., Broker]
) -> None:
    server, broker = postgres_factory(), broker_factory()
    await migrate(server.url)
    async with watched_ingest(server.url, broker.url) as address:

        async def answers(status: int, words: str) -> bool:
            found, text = await get(f"{address}/ready")
            assert (await get(f"{address}/health"))[0] == 200  # alive all the while
            return found == status and words in text

        await eventually(lambda: answers(200, "ok"))
        await asyncio.to_thread(broker.kill)
        await eventually(lambda: answers(503, "The broker is not connected."))
        await asyncio.to_thread(broker.restart)
        await eventually(lambda: answers(200, "ok"))
        await asyncio.to_thread(server.kill)
        await eventually(lambda: answers(503, "The database does not answer"))
        await asyncio.to_thread(server.restart)
        await eventually(lambda: answers(200, "ok"))


async def test_a_port_in_use_stops_nobody(
    plain_database_url: str, broker_factory: Callable[..., Broker]
) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        async with watched(plain_database_url, "127.0.0.1", taken.getsockname()[1]) as seen:
            assert seen.address is None
    async with watched(plain_database_url, "127.0.0.1", None) as seen:
        assert seen.address is None


# The commands.


@contextmanager
def command(log: Path, *arguments: str, **settings: str) -> Iterator[subprocess.Popen[bytes]]:
    """`saimi …` until the end of the block, with its log in a file."""
    with log.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "saimi", *arguments],
            env=saimi_environment(**settings),
            stdin=subprocess.DEVNULL,
            stderr=file,
        )
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                assert process.wait(30) == 0
            finally:
                process.kill()


def free_ports(count: int) -> int:
    """The first of so many free ports in a row."""
    while True:
        with closing(socket.create_server(("127.0.0.1", 0))) as found:
            first: int = found.getsockname()[1]
            try:
                for port in range(first + 1, first + count):
                    socket.create_server(("127.0.0.1", port)).close()
            except (OSError, OverflowError):
                continue
            return first


async def is_ready(port: int) -> bool:
    try:
        return (await get(f"http://127.0.0.1:{port}/ready"))[0] == 200
    except aiohttp.ClientError:
        return False


async def test_the_command_runs_several_workers_each_with_its_metrics(
    plain_database_url: str, broker_factory: Callable[..., Broker], tmp_path: Path
) -> None:
    await register(plain_database_url)
    broker = broker_factory()
    first = free_ports(2)
    settings = {
        "SAIMI_DATABASE_URL": plain_database_url,
        "SAIMI_MQTT_URL": broker.url,
        "SAIMI_METRICS_PORT": str(first),
    }
    async with looking(plain_database_url) as database:
        with command(tmp_path / "log", "ingest", "--workers", "2", **settings):
            for port in (first, first + 1):
                await eventually(partial(is_ready, port), within=30)
            with sender(broker.url) as one:
                one.send(400, wall_time())
                await all_receipted(one)
                for port in (first, first + 1):
                    samples = await scrape(f"http://127.0.0.1:{port}")
                    name = "saimi_ingest_messages_total"
                    shared = of(samples, name, source="senml", outcome="accepted")
                    assert shared is not None
                    assert shared > 100
        free = await database.fetch("SELECT holder FROM ops.ingest_slot")
        assert [row["holder"] for row in free] == [None, None]


@pytest.mark.parametrize("service", ["alerts", "web"])
async def test_the_other_services_are_watched_too(
    plain_database_url: str, tmp_path: Path, service: str
) -> None:
    first = free_ports(2)
    options = ("--port", str(first + 1)) if service == "web" else ()
    with command(
        tmp_path / "log",
        service,
        *options,
        SAIMI_DATABASE_URL=plain_database_url,
        SAIMI_METRICS_PORT=str(first),
    ):
        await eventually(partial(is_ready, first), within=30)
        samples = await scrape(f"http://127.0.0.1:{first}")
        assert of(samples, "saimi_database_up") == 1
        assert of(samples, "process_resident_memory_bytes")


async def test_logs_say_nothing_of_people(
    plain_database_url: str, broker_factory: Callable[..., Broker], tmp_path: Path
) -> None:
    await register(plain_database_url)
    broker = broker_factory()
    log = tmp_path / "log"
    private = ("Aino", "88.125", "Virtanen", "gw-north", "client-north", "oximeter", "secret")
    async with looking(plain_database_url) as database:
        # A value that the database refuses, in words that would repeat it.
        await database.execute(
            "ALTER TABLE telemetry.reading ADD CONSTRAINT no_such CHECK (value <> 88.125)"
        )
        with command(
            log,
            "ingest",
            SAIMI_DATABASE_URL=plain_database_url,
            SAIMI_MQTT_URL=broker.url,
            SAIMI_LOG_LEVEL="debug",
            SAIMI_LOG_JSON="true",
        ):
            wait_for(lambda: b"subscribed" in log.read_bytes(), within=30)
            with sender(broker.url) as one, sender(broker.url, "Aino-Virtanen") as stranger:
                for body in (
                    pack(spo2(88.125, wall_time())),
                    b'{{{ "n":"Aino Virtanen/help", "v": 88.125',
                    b'[{"n":"Aino/spo2","u":"%","v":88.125}]',
                    b"\xff\x00secret",
                ):
                    for who in (one, stranger):
                        who.publish("senml", body)
                        who.publish("Aino/Virtanen", body)
                one.publish("status", b'{"online":"Aino"}')
                one.send(3, wall_time())
                await all_receipted(one)
                await database.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE pid <> pg_backend_pid() AND datname = current_database()"
                )
                one.send(3, wall_time())
                await all_receipted(one)
    lines: list[dict[str, Any]] = [json.loads(line) for line in log.read_text().splitlines()]
    events = {line["event"] for line in lines}
    assert "the database refuses a message; it is kept with the rejected" in events
    for word in private:
        assert word not in log.read_text()


async def test_what_the_database_refuses_is_not_repeated(plain_database_url: str) -> None:
    async with looking(plain_database_url) as database:
        await database.execute("CREATE TEMP TABLE t (v integer CHECK (v < 5), UNIQUE (v))")
        await database.execute("INSERT INTO t VALUES (1)")
        for value in (1, 71843):
            with pytest.raises(DatabaseError) as refused:
                async with translated():
                    await database.execute("INSERT INTO t VALUES ($1)", value)
            assert "71843" not in str(refused.value)
            assert "DETAIL" not in str(refused.value)
