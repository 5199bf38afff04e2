"""Several workers of one service on one machine: processes that share what there is to do."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from core.settings import Settings
from saimi.supervisor import Service, saimi_command


async def run_workers(
    commands: Sequence[Sequence[str]],
    settings: Settings,
    stop: asyncio.Event,
    *,
    on_ready: Callable[[], object],
) -> None:
    """Keep a worker running for each of `commands` (arguments of saimi) until `stop` is set;
    `on_ready` once all of them have been.

    Each shows its metrics on a port of its own: the first on the port of the settings, the others
    on those behind it.
    """
    services = [
        Service(
            f"worker {number + 1}",
            saimi_command(*command),
            logs=None,
            environment=_environment(settings, number),
        )
        for number, command in enumerate(commands)
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
