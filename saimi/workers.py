"""Several workers of ingest on one machine: processes that share what the broker sends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from core.settings import Settings
from saimi.supervisor import Service, saimi_command


async def run_workers(
    count: int, settings: Settings, stop: asyncio.Event, *, on_ready: Callable[[], object]
) -> None:
    """Keep `count` workers running until `stop` is set; `on_ready` once all of them have been.

    Each shows its metrics on a port of its own: the first on the port of the settings, the others
    on those behind it.
    """
    services = [
        Service(
            f"worker {number + 1}",
            saimi_command("ingest", "--workers", "1"),
            logs=None,
            environment=_environment(settings, number),
        )
        for number in range(count)
    ]
    ready = asyncio.create_task(_announce(services, on_ready))
    try:
        for service in services:
            await service.start_soon()
        await stop.wait()
    finally:
        ready.cancel()
        await asyncio.gather(*(service.stop() for service in services))


async def _announce(services: list[Service], on_ready: Callable[[], object]) -> None:
    for service in services:
        await service.wait_ready()
    on_ready()


def _environment(settings: Settings, number: int) -> dict[str, str]:
    if not settings.metrics_port:  # 0: any free one
        return {}
    return {"SAIMI_METRICS_PORT": str(settings.metrics_port + number)}
