"""`saimi ingest`, `saimi alerts`, `saimi web`: one service each, until it is told to stop.

Ready services tell their supervisor (sd_notify(3)); SIGTERM ends them in order.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    import asyncio

    from core.clock import Clock
    from core.settings import Settings

WatchStdin = Annotated[
    bool,
    typer.Option(
        "--watch-stdin",
        hidden=True,
        help="Stop at the end of standard input: the supervisor is gone.",
    ),
]
_PATIENCE_S = 5.0
"""How long a starting service waits for its database before it says that it is away."""


def ingest(watch_stdin: WatchStdin = False) -> None:
    """Take messages from the broker, admit and store them, send receipts."""
    from datetime import timedelta

    from ingest.quota import Quota
    from ingest.service import run
    from saimi.running import notify_ready

    def work(url: str, settings: Settings, clock: Clock, stop: asyncio.Event) -> Awaitable[None]:
        mqtt_url = settings.require_mqtt_url()
        return run(
            database_url=url,
            mqtt_url=mqtt_url,
            clock=clock,
            stop=stop,
            on_ready=notify_ready,
            retention=timedelta(days=settings.retention_days),
            rejected_after=timedelta(days=settings.rejected_days),
            quota=Quota.of(settings),
        )

    _serve("ingest", work, watch_stdin)


def alerts(watch_stdin: WatchStdin = False) -> None:
    """Assess what is new, and open, change and clear alerts."""
    from alerts.service import run
    from saimi.running import notify_ready

    def work(url: str, _settings: Settings, clock: Clock, stop: asyncio.Event) -> Awaitable[None]:
        return run(database_url=url, clock=clock, stop=stop, on_ready=notify_ready)

    _serve("alerts", work, watch_stdin)


def web(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Port to listen on.")] = None,
    watch_stdin: WatchStdin = False,
) -> None:
    """Serve the team's pages and the API."""
    from saimi.running import notify_ready
    from web.app import run

    def work(url: str, settings: Settings, clock: Clock, stop: asyncio.Event) -> Awaitable[None]:
        return run(
            database_url=url,
            clock=clock,
            host=settings.web_host if host is None else host,
            port=settings.web_port if port is None else port,
            stop=stop,
            public_url=settings.public_url,
            pool_size=settings.database_pool,
            on_ready=lambda _address: notify_ready(),
        )

    _serve("web", work, watch_stdin)


def _serve(
    name: str,
    work: Callable[[str, Settings, Clock, asyncio.Event], Awaitable[None]],
    watch_stdin: bool,
) -> None:
    from datetime import timedelta

    from core.database import connect, read_clock, wait_for_database
    from core.log import configure_logging
    from core.migrate import require_current
    from core.settings import load_settings
    from saimi.running import run

    settings = load_settings()
    configure_logging(settings.log_level, json=settings.log_json, service=name)

    async def serve(stop: asyncio.Event) -> None:
        url = settings.require_database_url()
        await wait_for_database(url, patience=timedelta(seconds=_PATIENCE_S))
        await require_current(url)
        connection = await connect(url)
        try:
            clock = await read_clock(connection)
        finally:
            await connection.close()
        await work(url, settings, clock, stop)

    run(serve, watch_stdin=watch_stdin)
