"""`saimi bench`: how fast Saimi is here, beside the limits of the parts it is built on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from core.errors import UserError
from saimi.console import Json, emit, show_values

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Coroutine

    from bench.alerts import Report as AlertsReport
    from bench.county import Load
    from bench.county import Report as CountyReport
    from bench.ingest import Figures, Report
    from bench.open_phones import Report as PhonesReport
    from bench.simulator import Report as SimulatorReport
    from bench.trends import Report as TrendsReport

R = TypeVar("R")
CLIMB = (1.5, 2.0, 3.0, 4.0, 6.0, 8.0)
"""Higher loads that are tried, as multiples."""

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
    from saimi.benches.ingest import measure_ingest
    from saimi.running import run

    if not readings and not messages:
        raise UserError("There is nothing to measure: give --readings, --messages, or both.")
    settings = load_settings()

    async def work(stop: asyncio.Event) -> Report:
        return await _until(stop, measure_ingest(settings, readings, messages, gateways, rounds))

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
    rounds: Annotated[int, typer.Option(min=1, max=99, help="Rates are medians of these.")] = 5,
    seed: Annotated[int, typer.Option(min=0, help="Whose signs are made up.")] = 7,
    json: Json = False,
) -> None:
    """Let real `saimi alerts` assess everybody once a round, beside a loop that evaluates nothing.

    All rules are on, and the models of SAIMI_MODEL_DIR, which look at every fifth client a round.
    The server is SAIMI_DATABASE_URL, else an embedded one; the database is a new one and is dropped
    afterwards. Other work on the machine falsifies the rates, less so the ratio and CPU seconds.
    """
    from core.settings import load_settings
    from saimi.benches.alerts import measure_alerts
    from saimi.running import run

    settings = load_settings()

    async def work(stop: asyncio.Event) -> AlertsReport:
        return await _until(stop, measure_alerts(settings, clients, workers, history, rounds, seed))

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
        "models": "in force" if report.models else "none (SAIMI_MODEL_DIR)",
        "alerts opened": report.episodes,
        "peak memory, MB": report.peak_memory_mb,
    })  # fmt: skip


@app.command("simulator")
def simulator(
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
    from saimi.benches.simulator import measure_simulator
    from saimi.running import run

    settings = load_settings()

    async def work(stop: asyncio.Event) -> SimulatorReport:
        return await _until(stop, measure_simulator(settings, homes, published, hours, seed))

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


@app.command("county")
def county(
    clients: Annotated[
        int, typer.Option(min=1, max=500_000, help="Clients with a pack of six signs a minute.")
    ] = 132_000,
    minutes: Annotated[
        float, typer.Option(min=0.1, max=600, help="In which alerts are timed.")
    ] = 10.0,
    settle: Annotated[
        float, typer.Option(min=0.0, max=60, help="Minutes before, to see everybody once.")
    ] = 2.0,
    alerts: Annotated[
        int, typer.Option(min=2, max=20_000, help="Illnesses and calls within them.")
    ] = 4_000,
    phones: Annotated[int, typer.Option(min=1, max=2_000, help="Open lists of alerts.")] = 40,
    load: Annotated[float, typer.Option(min=0.1, max=20, help="Times a pack a minute.")] = 1.0,
    workers: Annotated[int, typer.Option(min=1, max=16, help="`saimi alerts` at once.")] = 1,
    climb: Annotated[
        bool, typer.Option(help="Then at higher loads, a quarter of the time each, until too much.")
    ] = False,
    seed: Annotated[int, typer.Option(min=0, help="Which made-up county.")] = 7,
    json: Json = False,
) -> None:
    """Run the whole line on this machine: homes, broker, ingest, database, alerts, open phones.

    A delay is from a reading's sending to its alert on each phone that may see it. Server and
    broker are SAIMI_DATABASE_URL and SAIMI_MQTT_URL, else embedded ones; the database is a new one
    and is dropped afterwards, the broker must be one that nobody else uses.
    """
    from dataclasses import replace

    from bench.county import Wanted
    from core.settings import load_settings
    from saimi.benches.county import measure_county
    from saimi.running import run

    settings = load_settings()
    wanted = Wanted(clients, minutes, settle, alerts, phones, load, seed)
    loads = [load * step for step in CLIMB] if climb else []
    shorter = replace(wanted, minutes=max(minutes / 4, 0.1), alerts=max(alerts // 4, 2))

    async def work(stop: asyncio.Event) -> CountyReport:
        return await _until(stop, measure_county(settings, wanted, shorter, loads, workers))

    report = run(work)
    if json:
        emit(report)
        return
    print(f"{report.database['version']} ({report.database['edition']}), {report.broker}, "
          f"{report.cores} cores, {report.phones} phones")  # fmt: skip
    for one in (report.county, *report.climb):
        print(f"\n{one.clients:,} clients, {one.load:g} packs a minute")
        show_values(_line(one))
    if report.highest_load is not None:
        print(f"\nThe highest of these that was borne: {report.highest_load:g}")


def _line(one: Load) -> dict[str, Any]:
    return {
        "readings/s": one.readings_per_s,
        "lost": one.lost,
        "alerts timed": one.alerts,
        "not on a phone": one.unseen,
        "half within, ms": one.phone.p50_ms,
        "99 of 100 within, ms": one.phone.p99_ms,
        "longest, ms": one.phone.longest_ms,
        **{f"99 of 100, {name}, ms": stage.p99_ms for name, stage in one.stages.items()},
        "publisher late, ms": one.publisher_late_ms,
        **{f"cores, {name}": f"{used:.2f}" for name, used in one.cpu.items()},
    }


@app.command("phones")
def phones(
    phones: Annotated[int, typer.Option(min=1, max=2_000, help="Open lists of alerts.")] = 500,
    alerts: Annotated[float, typer.Option(min=1, max=6_000, help="Opened a minute.")] = 200.0,
    minutes: Annotated[float, typer.Option(min=0.05, max=600, help="That are timed.")] = 10.0,
    settle: Annotated[
        float, typer.Option(min=0.0, max=60, help="Minutes before, under the same load.")
    ] = 2.0,
    seed: Annotated[int, typer.Option(min=0, help="Which made-up county.")] = 7,
    json: Json = False,
) -> None:
    """Open many phones on a real `saimi web` and let alerts come and go.

    A delay is from an alert's commit to its arrival on each phone. Each alert is closed after a
    minute, so twice as many changes go out. Whether the service's memory stays flat is told by
    medians of each tenth of the time. The server is SAIMI_DATABASE_URL, else an embedded one; the
    database is a new one and is dropped afterwards.
    """
    from bench.open_phones import Wanted
    from core.settings import load_settings
    from saimi.benches.phones import measure_phones
    from saimi.running import run

    settings = load_settings()
    wanted = Wanted(phones, alerts, minutes, settle, seed)

    async def work(stop: asyncio.Event) -> PhonesReport:
        return await _until(stop, measure_phones(settings, wanted))

    report = run(work)
    if json:
        emit(report)
        return
    show_values({
        "database": f"{report.database['version']} ({report.database['edition']})",
        "phones": report.phones,
        "alerts": f"{report.alerts:,} ({report.alerts_per_minute:.0f} a minute)",
        "not on a phone": report.unseen,
        "streams broken": report.broken_streams,
        "half within, ms": report.phone.p50_ms,
        "99 of 100 within, ms": report.phone.p99_ms,
        "longest, ms": report.phone.longest_ms,
        "memory of saimi web, MB": ", ".join(f"{one:.0f}" for one in report.memory_mb),
        **{f"cores, {name}": f"{used:.2f}" for name, used in report.cpu.items()},
    })  # fmt: skip


@app.command("trends")
def trends(
    clients: Annotated[
        int, typer.Option(min=9, max=10_000, help="Clients with 190 readings a day.")
    ] = 1_000,
    days: Annotated[int, typer.Option(min=70, max=731, help="Of readings.")] = 365,
    samples: Annotated[
        int, typer.Option(min=5, max=10_000, help="Times each query is sent, of other clients.")
    ] = 40,
    seed: Annotated[int, typer.Option(min=0, help="Which made-up county.")] = 7,
    json: Json = False,
) -> None:
    """Time every query of the client's dashboard and the county's, as the roles that send them.

    The server is SAIMI_DATABASE_URL, else an embedded one; the database is a new one and is dropped
    afterwards. Its user must be allowed to make databases and roles. At full size 69 million
    readings are written first, with their aggregates: some 25 GB. A tenth of it took half a
    minute on two cores. Other work on the machine falsifies the times.
    """
    from core.settings import load_settings
    from saimi.benches.trends import measure_trends
    from saimi.running import run

    settings = load_settings()

    async def work(stop: asyncio.Event) -> TrendsReport:
        return await _until(stop, measure_trends(settings, clients, days, samples, seed))

    report = run(work)
    if json:
        emit(report)
        return
    print(f"{report.database['version']} ({report.database['edition']}), {report.clients:,} "
          f"clients, {report.readings:,} readings, {report.database_mb:,.0f} MB")  # fmt: skip
    for name, timings in (("Client", report.client), ("County", report.county)):
        print(f"\n{name}: the slowest, 95 of 100 within, ms")
        slowest = sorted(timings, key=lambda one: -one.p95_ms)[:8]
        show_values({f"{one.panel}, {one.range}": f"{one.p95_ms:.1f}" for one in slowest})
    print("\nThe slowest of each against its bound, ms")
    show_values({
        name: f"{worst:.1f} of {report.bounds_ms[name]:g}"
        for name, worst in report.worst_p95_ms.items()
    })  # fmt: skip
