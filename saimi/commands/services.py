"""`saimi ingest`, `alerts`, `deliver`, `judge`, `web`: one service each, until it is told to stop.

What is not there yet (database, schema, broker) is waited for. Ready services tell their supervisor
(sd_notify(3)); SIGTERM ends them in order.
"""

from __future__ import annotations

import gc
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    import asyncio

    from core.clock import Clock
    from core.settings import Settings
    from saimi.watched import Watched

WatchStdin = Annotated[
    bool,
    typer.Option(
        "--watch-stdin",
        hidden=True,
        help="Stop at the end of standard input: the supervisor is gone.",
    ),
]


def ingest(
    workers: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=64,
            help="Processes that share what comes, with those of other machines (MQTT 5). Without "
            "it this one takes everything, and a second one stands by.",
        ),
    ] = None,
    watch_stdin: WatchStdin = False,
) -> None:
    """Take messages from the broker, admit and store them, send receipts."""
    from datetime import timedelta

    from core.broker import BrokerAddress
    from ingest.metrics import IngestMetrics
    from ingest.quota import Quota
    from ingest.service import run
    from saimi.running import notify_ready
    from saimi.workers import run_workers

    _collect_seldom()

    async def work(given: _Given) -> None:
        settings = given.settings
        if workers is not None and workers > 1:
            await run_workers(
                [("ingest", "--workers", "1")] * workers,
                settings,
                given.stop,
                on_ready=notify_ready,
            )
            return
        mqtt_url = settings.require_mqtt_url()
        metrics = IngestMetrics(given.watched.registry, given.clock)
        given.watched.reasons.append(lambda: metrics.unready)
        await run(
            database_url=given.url,
            mqtt_url=mqtt_url,
            clock=given.clock,
            stop=given.stop,
            shared=workers is not None,
            on_ready=notify_ready,
            retention=timedelta(days=settings.retention_days),
            rejected_after=timedelta(days=settings.rejected_days),
            quota=Quota.of(settings),
            metrics=metrics,
        )

    def check(settings: Settings) -> None:
        BrokerAddress.parse(settings.require_mqtt_url())

    _serve("ingest", work, watch_stdin, watch=workers is None or workers == 1, check=check)


def _collect_seldom() -> None:
    """Look for cycles of objects seldom, and never in what was imported.

    A batch makes tens of thousands of objects, none of them part of a cycle. By default Python
    would go through all that is kept several times a batch: a quarter of a worker's time.
    """
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)


def alerts(watch_stdin: WatchStdin = False) -> None:
    """Assess what is new, and open, change and clear alerts."""
    from alerts.worker.service import run
    from saimi.county_models import learned
    from saimi.running import notify_ready

    _collect_seldom()

    def work(given: _Given) -> Awaitable[None]:
        return run(
            database_url=given.url,
            clock=given.clock,
            stop=given.stop,
            on_ready=notify_ready,
            rules_file=given.settings.rules_file,
            learned=learned(given.settings.model_dir),
        )

    _serve("alerts", work, watch_stdin)


def deliver(
    workers: Annotated[
        int,
        typer.Option(
            min=1,
            max=64,
            help="Processes that send, each one message at a time; of several, the second half "
            "takes what is urgent alone.",
        ),
    ] = 1,
    least: Annotated[
        int, typer.Option(min=1, max=4, help="The lowest severity that is taken here.")
    ] = 1,
    watch_stdin: WatchStdin = False,
) -> None:
    """Send what is to be said to people: push messages, SMS, e-mail, chat, and to homes."""
    from saimi.delivering import run
    from saimi.running import notify_ready
    from saimi.workers import run_workers

    async def work(given: _Given) -> None:
        if workers > 1:
            arguments = [
                ("deliver", "--least", str(3 if 2 * number >= workers > 1 else least))
                for number in range(workers)
            ]
            await run_workers(arguments, given.settings, given.stop, on_ready=notify_ready)
            return
        await run(
            database_url=given.url,
            settings=given.settings,
            clock=given.clock,
            stop=given.stop,
            least=least,
            on_ready=notify_ready,
        )

    _serve("deliver", work, watch_stdin, watch=workers == 1)


def judge(watch_stdin: WatchStdin = False) -> None:
    """Replay history by the rules that the desk asks about, and propose them with the report."""
    from saimi.judging import run
    from saimi.running import notify_ready

    def work(given: _Given) -> Awaitable[None]:
        return run(
            database_url=given.url, clock=given.clock, stop=given.stop, on_ready=notify_ready
        )

    _serve("judge", work, watch_stdin)


def web(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Port to listen on.")] = None,
    watch_stdin: WatchStdin = False,
) -> None:
    """Serve the team's pages and the API."""
    from alerts.delivery.webpush import services_of
    from core.roles import web_urls
    from saimi.fhir_parts import fhir_parts
    from saimi.identity_parts import client_of, provider_of
    from saimi.running import notify_ready
    from web.app import run
    from web.parts import Push

    async def work(given: _Given) -> None:
        settings = given.settings
        provider = provider_of(settings)
        await run(
            urls=settings.web_urls() or await web_urls(given.url),
            clock=given.clock,
            host=settings.web_host if host is None else host,
            port=settings.web_port if port is None else port,
            stop=given.stop,
            public_url=settings.public_url,
            push_parts=Push(settings.vapid_key, services_of(settings.push_services)),
            fhir_parts=fhir_parts(settings, given.clock, provider),
            oidc_client=client_of(settings, provider),
            password_login=settings.password_login,
            pool_size=settings.database_pool,
            on_ready=lambda _address: notify_ready(),
        )

    def address(settings: Settings) -> str:
        own = settings.web_urls()
        return own.web if own is not None else settings.require_database_url()

    _serve("web", work, watch_stdin, address=address)


@dataclass(frozen=True)
class _Given:
    """What a service is given."""

    url: str
    settings: Settings
    clock: Clock
    stop: asyncio.Event
    watched: Watched


def _serve(
    name: str,
    work: Callable[[_Given], Awaitable[None]],
    watch_stdin: bool,
    *,
    watch: bool = True,
    check: Callable[[Settings], None] | None = None,
    address: Callable[[Settings], str] = lambda settings: settings.require_database_url(),
) -> None:
    """Run `work` once its database is there, until it is told to stop.

    `watch`: this process shows its metrics, if asked to. `check` raises where settings are wrong,
    before anything is waited for. `address`: of the database, where it is not the owner's.
    """
    from core.database import connect, read_clock
    from core.log import configure_logging
    from core.settings import load_settings
    from saimi.awaiting import Awaited
    from saimi.running import run
    from saimi.watched import watched

    settings = load_settings()
    configure_logging(settings.log_level, json=settings.log_json, service=name)

    async def serve(stop: asyncio.Event) -> None:
        url = address(settings)
        if check is not None:
            check(settings)
        port = settings.metrics_port if watch else None
        awaited = Awaited(url)
        async with watched(url, settings.metrics_host, port) as seen:
            seen.reasons.append(lambda: awaited.missing)
            if not await awaited.wait(stop):
                return
            connection = await connect(url)
            try:
                clock = await read_clock(connection)
            finally:
                await connection.close()
            awaited.begun = True  # from here on the work itself says whether it is ready
            await work(_Given(url, settings, clock, stop, seen))

    run(serve, watch_stdin=watch_stdin)
