"""`saimi watchdog`: pages when Saimi itself does not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from saimi.commands.services import WatchStdin

if TYPE_CHECKING:
    import asyncio


def watchdog(watch_stdin: WatchStdin = False) -> None:
    """Watch the services from outside, and page when one stops or falls behind.

    Needs SAIMI_WATCHDOG_URLS (Apprise) to reach anybody, and neither engine nor database to do it.
    """
    from datetime import timedelta

    from core.log import configure_logging
    from core.settings import load_settings
    from saimi.running import notify_ready
    from saimi.running import run as run_until_stopped
    from saimi.watchdog.judging import Limits
    from saimi.watchdog.service import Orders, run

    settings = load_settings()
    configure_logging(settings.log_level, json=settings.log_json, service="watchdog")
    after = settings.watchdog_after_s
    orders = Orders(
        database_url=settings.require_database_url(),
        urls=settings.watchdog_addresses(),
        ping_url=(
            None
            if settings.watchdog_ping_url is None
            else settings.watchdog_ping_url.get_secret_value()
        ),
        ping_every_s=settings.watchdog_ping_s,
        memory=settings.data_dir / "watchdog.json",
        language=settings.watchdog_language,
        limits=Limits(
            silent_after=timedelta(seconds=after),
            behind_after=timedelta(seconds=2 * after),
            patience=timedelta(seconds=after / 4),
            steady=timedelta(seconds=after / 2),
        ),
    )

    async def work(stop: asyncio.Event) -> None:
        await run(orders, stop, on_ready=notify_ready)

    run_until_stopped(work, watch_stdin=watch_stdin)
