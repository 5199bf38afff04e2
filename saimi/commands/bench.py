"""`saimi bench`: how fast Saimi is here, beside the limits of the parts it is built on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from core.errors import UserError
from saimi.console import Json, emit, progress, show_values

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Coroutine, Sequence
    from pathlib import Path

    from bench.alerts import Report as AlertsReport
    from bench.county import Report as CountyReport
    from bench.ingest import Figures, Ingest, Report

R = TypeVar("R")
PACK = 10
"""Readings of a message that has several."""

app = typer.Typer(help="Measure speed, beside the limits of the parts, in the same run.")


@app.callback()
def bench() -> None:
    """Without this, Typer would make the only command the group itself."""


@app.command("ingest")
def ingest(
    readings: Annotated[
        int, typer.Option(min=0, help="Readings sent in packs of ten, a round; 0: none.")
    ] = 500_000,
    messages: Annotated[
        int, typer.Option(min=0, help="Messages of one reading, a round; 0: none.")
    ] = 150_000,
    gateways: Annotated[
        int, typer.Option(min=1, max=20_000, help="Gateways that take turns.")
    ] = 1_000,
    rounds: Annotated[int, typer.Option(min=1, max=99, help="Rates are medians of these.")] = 3,
    json: Json = False,
) -> None:
    """Fill a broker, let a real `saimi ingest` take it all, and compare with the limits.

    The limits are measured in the same run: a bare paho that receives the same messages and
    acknowledges them, and a binary COPY of the same rows, in the same order and in transactions of
    the same size, into the same table and indexes, both durable. A ratio of 1 is as fast as that.

    The server is SAIMI_DATABASE_URL, else an embedded one; the databases are new ones and are
    dropped afterwards, so what the address names is not touched, but its user must be allowed to
    create databases. The broker is SAIMI_MQTT_URL, else an embedded one; it must be one that
    nobody else uses. Whether memory stays flat is seen with --readings 5000000 --messages 0
    --rounds 1. Other work on the machine falsifies the rates, less so the ratios and CPU seconds.
    """
    from core.settings import load_settings
    from saimi.running import run

    if not readings and not messages:
        raise UserError("There is nothing to measure: give --readings, --messages, or both.")
    settings = load_settings()

    async def work(stop: asyncio.Event) -> Report:
        return await _until(stop, _measure(settings, readings, messages, gateways, rounds))

    report = run(work)
    if json:
        emit(report)
        return
    print(f"{report.database['version']} ({report.database['edition']}), {report.broker}")
    for name, figures in (("One reading a message", report.single), ("Packs", report.packs)):
        if figures is not None:
            print(f"\n{name}, {figures.gateways:,} gateways")
            show_values(_shown(figures))


async def _until(stop: asyncio.Event, work: Coroutine[Any, Any, R]) -> R:
    """The report of `work`, which is broken off when `stop` is set."""
    import asyncio

    task = asyncio.ensure_future(work)
    stopped = asyncio.ensure_future(stop.wait())
    await asyncio.wait((task, stopped), return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    if not task.done():
        task.cancel()
    return await task


async def _measure(
    settings: Any, readings: int, messages: int, gateways: int, rounds: int
) -> Report:
    import os
    import tempfile
    from contextlib import AsyncExitStack
    from pathlib import Path

    from bench.ingest import Place, Report, measure
    from saimi.data_directory import DataDirectory
    from saimi.parts import Parts

    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="saimi-")))
        directory = await stack.enter_async_context(DataDirectory(folder))
        parts = await stack.enter_async_context(Parts(directory.path, settings))
        bar = stack.enter_context(progress("Starting"))

        def say(what: str, done: int, total: int) -> None:
            bar.describe(what)
            bar.reach(done, total)

        def starter(url: str) -> Ingest:
            return _ingest(url, parts.mqtt_url, directory.logs, directory.inherited)

        place = Place(parts.database_url, parts.mqtt_url, starter, say)
        report = Report(parts.broker, os.cpu_count() or 1)
        sizes = ((1, messages, "single"), (PACK, -(-readings // PACK), "packs"))
        for size, count, kind in sizes:
            if count:
                figures, server = await measure(
                    place, size=size, messages=count, gateways=gateways, rounds=rounds
                )
                report.database = {"edition": server.edition, "version": server.version}
                setattr(report, kind, figures)
        return report


def _ingest(url: str, mqtt_url: str, logs: Path, inherited: Sequence[int]) -> Ingest:
    from saimi.supervisor import Service, saimi_command

    return Service(
        "ingest",
        saimi_command("ingest"),
        environment={"SAIMI_DATABASE_URL": url, "SAIMI_MQTT_URL": mqtt_url},
        logs=logs,
        inherited=inherited,
    )


def _shown(figures: Figures) -> dict[str, Any]:
    return {
        "readings/s": figures.readings_per_s,
        "messages/s": figures.messages_per_s,
        "bare COPY, rows/s": figures.limits.copy_rows_per_s,
        "of it": f"{figures.ratios.copy:.2f}",
        "bare paho, messages/s": figures.limits.paho_messages_per_s,
        "of that": f"{figures.ratios.paho:.2f}",
        "CPU s per million readings, ingest": figures.ingest_cpu_s_per_million_readings,
        "CPU s per million readings, database": figures.database_cpu_s_per_million_readings,
        "peak memory, MB": figures.peak_memory_mb,
        "memory growth, MB": figures.memory_growth_mb,
    }


@app.command("alerts")
def alerts(
    clients: Annotated[
        int, typer.Option(min=1, max=500_000, help="Clients, each with six signs a minute.")
    ] = 20_000,
    workers: Annotated[int, typer.Option(min=1, max=64, help="`saimi alerts` at once.")] = 2,
    history: Annotated[
        int, typer.Option(min=0, max=1_440, help="Packs of each client that were there before.")
    ] = 10,
    rounds: Annotated[int, typer.Option(min=1, max=99, help="Rates are medians of these.")] = 3,
    seed: Annotated[int, typer.Option(min=0, help="Whose signs are made up.")] = 7,
    json: Json = False,
) -> None:
    """Let real `saimi alerts` assess everybody once a round, beside a loop that evaluates nothing.

    The server is SAIMI_DATABASE_URL, else an embedded one; the database is a new one and is dropped
    afterwards. Other work on the machine falsifies the rates, less so the ratio and CPU seconds.
    """
    from core.settings import load_settings
    from saimi.running import run

    settings = load_settings()

    async def work(stop: asyncio.Event) -> AlertsReport:
        return await _until(
            stop, _measure_alerts(settings, clients, workers, history, rounds, seed)
        )

    report = run(work)
    if json:
        emit(report)
        return
    print(f"{report.database['version']} ({report.database['edition']}), {report.cores} cores")
    show_values({
        "clients/s": report.clients_per_s,
        "nothing evaluated, clients/s": report.bare_clients_per_s,
        "of it": f"{report.ratio:.2f}",
        "CPU µs a client, engine": report.engine_cpu_us_per_client,
        "CPU µs a client, database": report.database_cpu_us_per_client,
        "alerts opened": report.episodes,
        "peak memory, MB": report.peak_memory_mb,
    })  # fmt: skip


async def _measure_alerts(
    settings: Any, clients: int, workers: int, history: int, rounds: int, seed: int
) -> AlertsReport:
    import asyncio
    import os
    import tempfile
    from contextlib import AsyncExitStack
    from pathlib import Path

    from alerts.batch import MOST
    from bench.alerts import Place, Worker, measure
    from saimi.data_directory import DataDirectory
    from saimi.embedded.postgres import PostgresServer
    from saimi.supervisor import Service, saimi_command

    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="saimi-")))
        directory = await stack.enter_async_context(DataDirectory(folder))
        if settings.database_url:
            server_url = settings.database_url.get_secret_value()
        else:
            server = PostgresServer(directory.path / "postgres")
            await asyncio.to_thread(server.start)
            stack.push_async_callback(asyncio.to_thread, server.stop)
            server_url = server.url
        bar = stack.enter_context(progress("Starting"))

        def say(what: str, done: int, total: int) -> None:
            bar.describe(what)
            bar.reach(done, total)

        def starter(url: str, number: int) -> Worker:
            return Service(
                f"alerts-{number}",
                saimi_command("alerts"),
                environment={"SAIMI_DATABASE_URL": url},
                logs=directory.logs,
                inherited=directory.inherited,
            )

        return await measure(
            Place(server_url, starter, MOST, say),
            clients=clients,
            workers=workers,
            history=history,
            rounds=rounds,
            cores=os.cpu_count() or 1,
            seed=seed,
        )


@app.command("county")
def county(
    homes: Annotated[
        int, typer.Option(min=1, max=1_000_000, help="Homes that are written to files.")
    ] = 20_000,
    published: Annotated[
        int, typer.Option(min=1, max=20_000, help="Homes that go through the broker.")
    ] = 2_000,
    hours: Annotated[float, typer.Option(min=0.01, max=24, help="Simulated.")] = 1.0,
    seed: Annotated[int, typer.Option(min=0, help="Which made-up county.")] = 7,
    json: Json = False,
) -> None:
    """Make a county, to files and through a broker, and compare with publishing alone.

    The broker is SAIMI_MQTT_URL, else an embedded one. It acknowledges every message; nobody
    receives them. Other work on the machine falsifies the rates by time, less so those by CPU
    second and the ratios.
    """
    from core.settings import load_settings
    from saimi.running import run

    settings = load_settings()

    async def work(stop: asyncio.Event) -> CountyReport:
        return await _until(stop, _measure_county(settings, homes, published, hours, seed))

    report = run(work)
    if json:
        emit(report)
        return
    print(f"{report.broker}, {report.cores} cores")
    made, sent = report.generating, report.publishing
    show_values({
        "made, readings by CPU second": made.readings_per_s,
        "memory, MB": made.peak_memory_mb,
        "published, readings/s": sent.readings_per_s,
        "by CPU second": sent.readings_per_cpu_s,
        "bare paho, readings/s": sent.bare_paho.readings_per_s,
        "of it": f"{sent.ratio:.2f}",
        "of it, by CPU second": f"{sent.cpu_ratio:.2f}",
    })  # fmt: skip


async def _measure_county(
    settings: Any, homes: int, published: int, hours: float, seed: int
) -> CountyReport:
    import asyncio
    import os
    import tempfile
    from contextlib import AsyncExitStack
    from datetime import UTC, datetime, timedelta
    from pathlib import Path

    from bench.county import Report, generating, publishing
    from gateway_sim.files_write import planned
    from gateway_sim.production import MONITOR_EVERY
    from gateway_sim.scenario import load_scenario
    from saimi.data_directory import DataDirectory
    from saimi.parts import Parts

    start = datetime(2026, 1, 5, tzinfo=UTC)
    options = ["--hours", str(hours), "--seed", str(seed), "--scenario", "quiet",
               "--from", start.isoformat()]  # fmt: skip
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="saimi-")))
        directory = await stack.enter_async_context(DataDirectory(folder))
        parts = await stack.enter_async_context(Parts(directory.path, settings))
        bar = stack.enter_context(progress("Making a county"))

        def say(what: str, done: int, total: int) -> None:
            bar.describe(what)
            bar.reach(done, total)

        def simulate(more: Sequence[str]) -> dict[str, Any]:
            return _simulated(more, parts.mqtt_url)

        made = await asyncio.to_thread(generating, simulate, ["--homes", str(homes), *options])
        bar.describe("Publishing a county")
        run = planned(
            seed=seed, homes=published, scenario=load_scenario("quiet"), start=start,
            end=start + timedelta(hours=hours), vitals_every_s=MONITOR_EVERY,
        )  # fmt: skip
        sent = await asyncio.to_thread(
            publishing, simulate, ["--homes", str(published), *options], run, parts.mqtt_url, say
        )
        return Report(parts.broker, os.cpu_count() or 1, made, sent)


def _simulated(options: Sequence[str], mqtt_url: str) -> dict[str, Any]:
    """The report of a `saimi simulate` in a process of its own."""
    import os
    import subprocess
    import sys

    import msgspec

    from core.errors import SaimiError

    ours = {name: value for name, value in os.environ.items() if name != "SAIMI_DATABASE_URL"}
    done = subprocess.run(
        [sys.executable, "-P", "-m", "saimi", "simulate", *options, "--json"],
        env={**ours, "SAIMI_MQTT_URL": mqtt_url},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    if done.returncode:
        raise SaimiError(f"The simulator failed: {done.stderr.decode(errors='replace')[-500:]}")
    report: dict[str, Any] = msgspec.json.decode(done.stdout.splitlines()[-1])
    return report
